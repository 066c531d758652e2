//! The responses of each second: gathered by every thread for itself, handed over once a second,
//! put together by the thread that watches.

use crate::report::{Histogram, Interval};
use hdrhistogram::{CreationError, Histogram as Hdr};
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// Longest latency that is told apart, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// Intervals above which neighbours are put together, so that a long run has no longer a report.
const MOST: usize = 600;

/// A histogram of one second: to 1 %, which is finer than any picture of it.
fn empty() -> Result<Hdr<u64>, CreationError> {
    Hdr::new_with_bounds(1, LONGEST, 2)
}

/// What one thread gathered in a second.
pub(crate) struct Gathered {
    shard: usize,
    /// Times of the run's clock.
    from: u64,
    until: u64,
    response: Hdr<u64>,
}

/// The second that a thread is in.
pub(crate) struct Seconds {
    shard: usize,
    from: u64,
    response: Hdr<u64>,
    to: Sender<Gathered>,
}

impl Seconds {
    pub(crate) fn new(shard: usize, to: Sender<Gathered>) -> Result<Self, CreationError> {
        Ok(Seconds {
            shard,
            from: 0,
            response: empty()?,
            to,
        })
    }

    /// A response of `ns` nanoseconds has come.
    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        self.response.saturating_record(ns.max(1));
    }

    /// Hands over what was gathered, if `now` is in another second.
    #[inline]
    pub(crate) fn pass(&mut self, now: u64) {
        if now / SECOND > self.from / SECOND {
            self.hand_over(now - now % SECOND);
        }
    }

    /// Hands over what was gathered until `now`.
    pub(crate) fn hand_over(&mut self, now: u64) {
        let Ok(next) = empty() else {
            return;
        };
        let gathered = Gathered {
            shard: self.shard,
            from: self.from,
            until: now,
            response: std::mem::replace(&mut self.response, next),
        };
        self.from = now;
        // Nobody listens any more once the run is over.
        let _ = self.to.send(gathered);
    }
}

/// The response percentiles of a second, in nanoseconds, as far as its samples carry them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) p50: Option<u64>,
    pub(crate) p99: Option<u64>,
}

/// The seconds of all threads.
pub(crate) struct Timeline {
    /// Until when each thread has handed over.
    until: Vec<u64>,
    /// Seconds that not all threads have handed over yet.
    open: BTreeMap<u64, Interval>,
    /// The figures of all seconds that are whole.
    figures: BTreeMap<u64, Figures>,
    whole: Vec<Interval>,
    /// Seconds that an interval spans.
    stride: u64,
}

impl Timeline {
    pub(crate) fn new(shards: usize) -> Self {
        Timeline {
            until: vec![0; shards],
            open: BTreeMap::new(),
            figures: BTreeMap::new(),
            whole: Vec::new(),
            stride: 1,
        }
    }

    pub(crate) fn add(&mut self, gathered: Gathered) {
        if let Some(until) = self.until.get_mut(gathered.shard) {
            *until = gathered.until;
        }
        let second = gathered.from / SECOND;
        let interval = Interval {
            at_seconds: gathered.from as f64 / 1e9,
            seconds: gathered.until.saturating_sub(gathered.from) as f64 / 1e9,
            response: Histogram(gathered.response),
        };
        match self.open.get_mut(&second) {
            Some(open) => open.merge(&interval),
            None => {
                self.open.insert(second, interval);
            }
        }
        let all = self.until.iter().min().copied().unwrap_or(0);
        while let Some(first) = self.open.first_entry() {
            if (first.key() + 1) * SECOND > all {
                return;
            }
            let (second, interval) = first.remove_entry();
            self.close(second, interval);
        }
    }

    fn close(&mut self, second: u64, interval: Interval) {
        let figures = Figures {
            p50: interval.response.percentile(50.0),
            p99: interval.response.percentile(99.0),
        };
        self.figures.insert(second, figures);
        let stride = self.stride;
        match self.whole.last_mut() {
            Some(last) if last.at_seconds as u64 / stride == second / stride => {
                last.merge(&interval);
            }
            _ => self.whole.push(interval),
        }
        if self.whole.len() > MOST {
            self.stride *= 2;
            let mut whole = std::mem::take(&mut self.whole).into_iter();
            while let Some(mut first) = whole.next() {
                if let Some(second) = whole.next() {
                    first.merge(&second);
                }
                self.whole.push(first);
            }
        }
    }

    /// The figures of the last whole second that ended at `at_seconds` or before, no more than a
    /// second ago.
    pub(crate) fn figures_at(&self, at_seconds: f64) -> Figures {
        let second = (at_seconds.max(1.0) as u64).saturating_sub(1);
        self.figures.get(&second).copied().unwrap_or_default()
    }

    /// All intervals, once nothing will come any more.
    pub(crate) fn finish(&mut self) -> Vec<Interval> {
        for (second, interval) in std::mem::take(&mut self.open) {
            self.close(second, interval);
        }
        std::mem::take(&mut self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_second_is_whole_when_all_threads_have_handed_it_over() {
        let (to, from) = mpsc::channel();
        let mut one = Seconds::new(0, to.clone()).unwrap();
        let mut other = Seconds::new(1, to).unwrap();
        let mut timeline = Timeline::new(2);
        for _ in 0..30 {
            one.record(1_000);
        }
        one.pass(SECOND / 2);
        assert!(from.try_recv().is_err(), "the second is not over");
        one.pass(SECOND + 1);
        timeline.add(from.recv().unwrap());
        assert_eq!(timeline.figures_at(1.0), Figures::default());
        other.record(9_000);
        // Late: its second is two seconds long.
        other.pass(2 * SECOND + 5);
        timeline.add(from.recv().unwrap());
        let p50 = timeline.figures_at(1.05).p50.unwrap();
        assert!(p50.abs_diff(1_000) < 10, "{p50}");
        one.hand_over(SECOND + SECOND / 2);
        timeline.add(from.recv().unwrap());
        let all = timeline.finish();
        let spans: Vec<_> = all.iter().map(|i| (i.at_seconds, i.seconds)).collect();
        assert_eq!(spans, [(0.0, 2.0), (1.0, 0.5)]);
        assert_eq!(all[0].response.count(), 31);
    }

    #[test]
    fn a_long_run_has_no_longer_a_report() {
        let (to, from) = mpsc::channel();
        let mut seconds = Seconds::new(0, to).unwrap();
        let mut timeline = Timeline::new(1);
        let total = 3 * MOST as u64;
        for second in 1..=total {
            seconds.record(second);
            seconds.pass(second * SECOND);
            timeline.add(from.recv().unwrap());
        }
        assert!(timeline.figures.len() == total as usize);
        let all = timeline.finish();
        assert!(all.len() <= MOST, "{}", all.len());
        let samples: u64 = all.iter().map(|i| i.response.count()).sum();
        assert_eq!(samples, total);
        let length: f64 = all.iter().map(|i| i.seconds).sum();
        assert_eq!(length, total as f64);
    }
}
