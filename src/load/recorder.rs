//! Latency by stage, in histograms of a fixed range: nothing is allocated while recording.

use super::jobs::Job;
use crate::report::{self, Histogram};
use hdrhistogram::{CreationError, Histogram as Hdr};

/// Longest latency that is told apart, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// The stages, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    ScheduleLag,
    SubmitAck,
    QueueWait,
    Wake,
    Service,
    Delivery,
    Response,
    Overhead,
    RoundTrip,
    Lateness,
}

/// What reports and service levels call them.
pub(crate) const NAMES: [&str; 10] = [
    "schedule_lag",
    "submit_ack",
    "queue_wait",
    "wake",
    "service",
    "delivery",
    "response",
    "overhead",
    "round_trip",
    "lateness",
];

/// The histograms of one phase.
#[derive(Clone)]
pub(crate) struct Recorder(Vec<Hdr<u64>>);

impl Recorder {
    pub(crate) fn new() -> Result<Self, CreationError> {
        let empty = Hdr::new_with_bounds(1, LONGEST, 3)?;
        Ok(Recorder(vec![empty; NAMES.len()]))
    }

    #[inline]
    pub(crate) fn record(&mut self, stage: Stage, ns: u64) {
        if let Some(histogram) = self.0.get_mut(stage as usize) {
            histogram.saturating_record(ns.max(1));
        }
    }

    /// t1 → t2, when both are known.
    #[inline]
    pub(crate) fn acknowledged(&mut self, job: &Job) {
        if job.t1 > 0 && job.t2 > 0 {
            self.record(Stage::SubmitAck, job.t2.saturating_sub(job.t1));
        }
    }

    /// What the worker knows of a job that it has answered.
    #[inline]
    pub(crate) fn worked(&mut self, job: &Job) {
        if job.t3 == 0 || job.t1 == 0 {
            return;
        }
        // A job of a given time does not wait before that.
        let wait = job.t3.saturating_sub(job.t1.max(job.not_before));
        self.record(Stage::QueueWait, wait);
        if job.not_before > 0 {
            self.record(Stage::Lateness, job.t3.saturating_sub(job.not_before));
        }
        if job.woke {
            self.record(Stage::Wake, wait);
        }
        if job.t4 > 0 {
            self.record(Stage::Service, job.t4.saturating_sub(job.t3));
        }
    }

    /// A job whose result came at `t5`.
    #[inline]
    pub(crate) fn answered(&mut self, job: &Job, open: bool, t5: u64) {
        self.worked(job);
        let mut served = 0;
        if job.t4 > 0 {
            self.record(Stage::Delivery, t5.saturating_sub(job.t4));
            served = job.t4.saturating_sub(job.t3);
        }
        self.record(Stage::Response, job.response(open, t5));
        if open {
            self.record(Stage::RoundTrip, job.response(false, t5));
        }
        self.record(
            Stage::Overhead,
            t5.saturating_sub(job.t1).saturating_sub(served),
        );
    }

    pub(crate) fn merge(&mut self, other: &Recorder) {
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            // Both have the range of `new`.
            let _ = ours.add(theirs);
        }
    }

    pub(crate) fn histogram(&self, stage: Stage) -> Option<&Hdr<u64>> {
        self.0.get(stage as usize)
    }

    pub(crate) fn report(&self) -> Vec<report::Stage> {
        let named = NAMES.iter().zip(&self.0);
        let stage = |(name, histogram): (&&str, &Hdr<u64>)| report::Stage {
            name: (*name).to_owned(),
            latency: Histogram(histogram.clone()),
        };
        named
            .map(stage)
            .filter(|stage| stage.latency.count() > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::draw::Spec;

    fn job() -> Job {
        let spec = Spec::default();
        let mut job = Job::new(spec, 0, 0, 1_000);
        (job.t1, job.t2, job.t3, job.t4) = (3_000, 4_000, 7_000, 12_000);
        job
    }

    fn only(recorder: &Recorder, stage: Stage) -> Option<u64> {
        let histogram = recorder.histogram(stage)?;
        (histogram.len() == 1).then(|| histogram.max())
    }

    #[test]
    fn stages_are_those_of_the_definitions() {
        let mut recorder = Recorder::new().unwrap();
        recorder.acknowledged(&job());
        recorder.answered(&job(), true, 20_000);
        let near = |stage, expected: u64| {
            let found = only(&recorder, stage).unwrap();
            assert!(
                found.abs_diff(expected) * 1000 <= expected,
                "{stage:?}: {found}"
            );
        };
        near(Stage::SubmitAck, 1_000);
        near(Stage::QueueWait, 4_000);
        near(Stage::Service, 5_000);
        near(Stage::Delivery, 8_000);
        near(Stage::Response, 19_000);
        near(Stage::RoundTrip, 17_000);
        // response - service - schedule lag
        near(Stage::Overhead, 19_000 - 5_000 - 2_000);
        assert_eq!(only(&recorder, Stage::Wake), None);
    }

    #[test]
    fn only_an_open_loop_counts_from_the_intended_start() {
        let mut recorder = Recorder::new().unwrap();
        recorder.answered(&job(), false, 20_000);
        let response = only(&recorder, Stage::Response).unwrap();
        assert!(response.abs_diff(17_000) <= 17, "{response}");
        assert_eq!(only(&recorder, Stage::RoundTrip), None);
    }

    #[test]
    fn shards_merge_by_adding_samples() {
        let mut one = Recorder::new().unwrap();
        one.record(Stage::Response, 5);
        let mut sum = one.clone();
        sum.merge(&one);
        assert_eq!(sum.histogram(Stage::Response).unwrap().len(), 2);
    }
}
