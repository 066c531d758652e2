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
}

const NAMES: [&str; 8] = [
    "schedule_lag",
    "submit_ack",
    "queue_wait",
    "wake",
    "service",
    "delivery",
    "response",
    "overhead",
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
        let wait = job.t3.saturating_sub(job.t1);
        self.record(Stage::QueueWait, wait);
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
        let start = if open { job.t0 } else { job.t1 };
        self.record(Stage::Response, t5.saturating_sub(start));
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
