//! Service levels, held against each second: a run that misses them for too long is ended.

use super::plan::{Metric, Slo};
use super::seconds::Figures;
use crate::report::Sample;
use std::time::Duration;

/// In percent.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Ends a run that has missed a service level for too long.
pub(crate) struct Abort {
    slos: Vec<Slo>,
    after: Duration,
    /// When the first of the seconds began that all missed one.
    since: Option<f64>,
}

impl Abort {
    /// None where nothing is to be ended.
    pub(crate) fn new(slos: &[Slo], after: Option<Duration>) -> Option<Self> {
        let slos: Vec<Slo> = slos.iter().copied().filter(seen_each_second).collect();
        let after = after.filter(|_| !slos.is_empty())?;
        Some(Abort {
            slos,
            after,
            since: None,
        })
    }

    /// Whether it is time, after the second between two samples of a measured phase.
    pub(crate) fn is_due(&mut self, last: &Sample, now: &Sample, figures: Figures) -> bool {
        let missed = self.slos.iter().any(|slo| {
            let figure = this_second(slo, last, now, figures);
            figure.is_some_and(|figure| !slo.bound.holds(figure, slo.limit))
        });
        if !missed {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(last.at_seconds);
        now.at_seconds - since >= self.after.as_secs_f64()
    }
}

/// A second knows the throughput, the errors, and two percentiles of the response.
fn seen_each_second(slo: &Slo) -> bool {
    match slo.metric {
        Metric::Throughput | Metric::Errors => true,
        Metric::Latency { stage, percentile } => {
            stage == "response" && (percentile == 50.0 || percentile == 99.0)
        }
    }
}

fn this_second(slo: &Slo, last: &Sample, now: &Sample, figures: Figures) -> Option<f64> {
    let since = |count: fn(&Sample) -> u64| count(now).saturating_sub(count(last));
    match slo.metric {
        Metric::Latency { percentile, .. } => {
            let value = if percentile == 50.0 {
                figures.p50
            } else {
                figures.p99
            };
            value.map(|ns| ns as f64)
        }
        Metric::Throughput => {
            let seconds = now.at_seconds - last.at_seconds;
            (seconds > 0.0).then(|| since(|sample| sample.completed) as f64 / seconds)
        }
        Metric::Errors => {
            let errors = since(|sample| sample.errors + sample.failed + sample.timeouts);
            share(errors, since(|sample| sample.sent))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32, completed: u64) -> Sample {
        Sample {
            at_seconds: f64::from(seconds),
            completed,
            ..Sample::default()
        }
    }

    #[test]
    fn a_run_is_ended_after_so_many_bad_seconds_in_a_row() {
        let slo = "throughput > 100".parse().unwrap();
        let mut abort = Abort::new(&[slo], Some(Duration::from_secs(2))).unwrap();
        let rows = [(1, 50), (2, 400), (3, 450), (4, 500)];
        let due: Vec<bool> = rows
            .windows(2)
            .map(|w| abort.is_due(&at(w[0].0, w[0].1), &at(w[1].0, w[1].1), Figures::default()))
            .collect();
        assert_eq!(due, [false, false, true]);
    }

    #[test]
    fn what_no_second_knows_ends_nothing() {
        let slo = "queue_wait.p99 < 1ms".parse().unwrap();
        assert!(Abort::new(&[slo], Some(Duration::from_secs(2))).is_none());
        let slo = "response.p99 < 1ms".parse().unwrap();
        assert!(Abort::new(&[slo], None).is_none());
    }
}
