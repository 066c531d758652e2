//! When jobs are meant to start.
//!
//! A schedule is an endless row of intended starts. It is drawn in jobs, as if one were due each
//! second, and then laid out over time by the rate, which may rise or fall: the n-th job starts
//! when the rate adds up to n.
//!
//! Those of Poisson arrivals are conditioned on their number: in each span there are exactly as
//! many as the rate says, at independent random places, as a Poisson process has them that happens
//! to hit its mean. So a run of any seed offers exactly the rate that was asked for, with all the
//! burstiness of users.

use super::plan::{Arrival, Rate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Intended starts, in nanoseconds from the start of the schedule.
#[derive(Debug)]
pub(crate) struct Schedule {
    rate: Rate,
    /// How long the rate takes to change, in seconds.
    length: f64,
    arrival: Arrival,
    rng: ChaCha8Rng,
    jobs_per_span: u64,
    /// Jobs before the current span.
    span_start: f64,
    done_in_span: u64,
    /// The next start, in jobs and in nanoseconds.
    next: f64,
    next_ns: f64,
    count: u64,
}

impl Schedule {
    /// Starts at `rate` jobs a second; `span_ns` is how long the run is, where that is known. A
    /// rate that changes needs it.
    pub(crate) fn new(rate: Rate, arrival: Arrival, span_ns: Option<u64>, seed: u64) -> Self {
        // Without an end, a span of about ten thousand jobs.
        let length = span_ns.map_or(1e4 / rate.mean(), |ns| ns as f64 / 1e9);
        let jobs_per_span = ((rate.mean() * length).round() as u64).max(1);
        let mut schedule = Schedule {
            rate,
            length,
            arrival,
            rng: ChaCha8Rng::seed_from_u64(seed),
            jobs_per_span,
            span_start: 0.0,
            done_in_span: 0,
            next: 0.0,
            next_ns: 0.0,
            count: 0,
        };
        if arrival == Arrival::Poisson {
            schedule.next = schedule.draw();
        }
        schedule.next_ns = schedule.at(schedule.next);
        schedule
    }

    /// The next intended start.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        self.next_ns as u64
    }

    /// Goes on to the one after.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.count += 1;
        self.next = match self.arrival {
            Arrival::Constant => self.count as f64,
            Arrival::Burst(size) => (self.count - self.count % u64::from(size)) as f64,
            Arrival::Poisson => self.draw(),
        };
        self.next_ns = self.at(self.next);
    }

    /// When the rate has added up to `jobs`, in nanoseconds.
    #[inline]
    fn at(&self, jobs: f64) -> f64 {
        let (from, to) = match self.rate {
            Rate::Steady(rate) => return jobs * 1e9 / rate,
            Rate::Ramp { from, to } => (from, to),
        };
        let ramp = self.rate.mean() * self.length;
        if jobs >= ramp {
            // Past the end of the ramp it goes on as it ended.
            return (self.length + (jobs - ramp) / to.max(1e-9)) * 1e9;
        }
        let slope = (to - from) / self.length;
        2e9 * jobs / (from + (from * from + 2.0 * slope * jobs).max(0.0).sqrt()).max(1e-12)
    }

    /// The smallest of as many even draws from the rest of the span as jobs are left in it.
    fn draw(&mut self) -> f64 {
        let span = self.jobs_per_span as f64;
        if self.done_in_span == self.jobs_per_span {
            self.span_start += span;
            self.done_in_span = 0;
            self.next = self.span_start;
        }
        let left = (self.jobs_per_span - self.done_in_span) as f64;
        self.done_in_span += 1;
        let rest = self.span_start + span - self.next;
        let uniform: f64 = self.rng.random();
        self.next + rest * (1.0 - (1.0 - uniform).powf(1.0 / left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(arrival: Arrival, rate: f64, seed: u64, count: usize) -> Vec<u64> {
        let mut schedule = Schedule::new(Rate::Steady(rate), arrival, Some(10_000_000_000), seed);
        let mut starts = Vec::new();
        for _ in 0..count {
            starts.push(schedule.peek());
            schedule.advance();
        }
        starts
    }

    #[test]
    fn constant_gaps_do_not_drift() {
        let starts = starts(Arrival::Constant, 3.0, 1, 3_000_001);
        assert_eq!(starts[1], 333_333_333);
        assert_eq!(starts[3_000_000], 1_000_000_000_000_000);
    }

    #[test]
    fn bursts_come_together_and_keep_the_rate() {
        let starts = starts(Arrival::Burst(3), 6.0, 1, 7);
        let half = 500_000_000;
        assert_eq!(starts, [0, 0, 0, half, half, half, 2 * half]);
    }

    #[test]
    fn poisson_offers_exactly_the_rate_and_varies_as_it_should() {
        for seed in 0..5 {
            let starts = starts(Arrival::Poisson, 1000.0, seed, 20_000);
            let in_first = starts.iter().filter(|at| **at < 10_000_000_000).count();
            assert_eq!(in_first, 10_000, "as many as the rate says in each span");
            let gaps: Vec<f64> = starts.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
            let cv = variance.sqrt() / mean;
            assert!((mean / 1e6 - 1.0).abs() < 0.01, "mean gap {mean}");
            assert!(
                (cv - 1.0).abs() < 0.05,
                "gaps of a Poisson process: cv {cv}"
            );
        }
    }

    #[test]
    fn ramps_offer_what_they_add_up_to_and_no_more_at_first_than_in_the_end() {
        for (from, to) in [(100.0, 900.0), (900.0, 100.0), (1000.0, 0.0), (0.0, 1000.0)] {
            for arrival in [Arrival::Constant, Arrival::Poisson, Arrival::Burst(1)] {
                let ramp = Rate::Ramp { from, to };
                let mut schedule = Schedule::new(ramp, arrival, Some(10_000_000_000), 3);
                let mut starts = Vec::new();
                while schedule.peek() < 10_000_000_000 {
                    starts.push(schedule.peek());
                    schedule.advance();
                }
                assert!(starts.is_sorted());
                assert!(starts.len().abs_diff(5000) <= 1, "{} jobs", starts.len());
                let early = starts.iter().filter(|at| **at < 5_000_000_000).count() as f64;
                let wanted = 5.0 * (from + (to - from) / 4.0);
                assert!(
                    (early - wanted).abs() < 150.0,
                    "{early} of {wanted} in the first half"
                );
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let draw = |seed| starts(Arrival::Poisson, 50.0, seed, 100);
        assert_eq!(draw(9), draw(9));
        assert_ne!(draw(9), draw(10));
    }
}
