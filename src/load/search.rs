//! The highest rate that meets the service levels: search, then a confirmation in a clean window.
//!
//! The rate is doubled while it holds, and the gap to the rate that fails is halved (by its
//! logarithm) until it is small or the time is over. What was found that way was found in short
//! trials, the last of many: the rate is confirmed at last in a longer window of its own, and
//! lowered until that holds. A trial of which the generator was the limit is made once more.

mod trial;

pub use trial::trial;

use crate::report::saturation::{Outcome, Trial};
use std::time::{Duration, Instant};

/// Gap between the rates that hold and fail at which the search is over.
const CLOSE: f64 = 1.05;
/// What a confirmation that fails lowers the rate by.
const LOWER: f64 = 0.93;
/// Share of the time that is kept for the confirmation.
const CONFIRMING: f64 = 0.3;
/// Trials at the most, whatever the time.
const MOST_TRIALS: usize = 64;
/// Rates outside of which nobody looks, in jobs a second.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=20e6;

/// A trial to be carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// Jobs a second to offer.
    pub rate: f64,
    /// How long to measure.
    pub duration: Duration,
    /// Whether it is to confirm what was found.
    pub confirms: bool,
}

/// What the search came to.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// All trials, in order.
    pub trials: Vec<Trial>,
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The first rate.
    pub from: f64,
    /// Time for all of it.
    pub budget: Duration,
    /// Length of a trial.
    pub trial: Duration,
}

impl Curve {
    /// The highest confirmed rate that no lower confirmation contradicts.
    pub fn confirmed(&self) -> Option<&Trial> {
        let mut confirmed = self.trials.iter().filter(|t| t.confirms && t.holds());
        confirmed.next_back()
    }

    /// The highest rate that held, confirmed or not.
    pub fn held(&self) -> Option<&Trial> {
        let held = self.trials.iter().filter(|trial| trial.holds());
        held.max_by(|a, b| a.rate.total_cmp(&b.rate))
    }

    /// The lowest rate that did not hold and is above `rate`.
    pub fn failed_above(&self, rate: f64) -> Option<&Trial> {
        let failed = self.failed().filter(|trial| trial.rate > rate);
        failed.min_by(|a, b| a.rate.total_cmp(&b.rate))
    }

    /// Trials that did not hold, at rates that never did.
    fn failed(&self) -> impl Iterator<Item = &Trial> {
        let held = |rate| self.trials.iter().any(|t| t.holds() && t.rate == rate);
        let trials = self.trials.iter();
        trials.filter(move |trial| !trial.holds() && !held(trial.rate))
    }

    /// The rate of a trial that said nothing about the server, unless it was tried twice: whatever
    /// kept the generator from its work may be over.
    fn again(&self) -> Option<f64> {
        let last = self.trials.last()?;
        let nothing = last.is == Outcome::Generator;
        let tried = self.trials.iter().filter(|trial| trial.rate == last.rate);
        (nothing && tried.count() == 1).then_some(last.rate)
    }
}

impl Search {
    /// Searches with trials that `carry_out` makes; `None` from it ends the search, and what was
    /// found until then stands. `now` is a clock.
    pub fn run<E>(
        &self,
        mut carry_out: impl FnMut(Order) -> Result<Option<Trial>, E>,
        now: impl Fn() -> Instant,
    ) -> Result<Curve, E> {
        let (start, mut curve) = (now(), Curve::default());
        let searching = self.budget.mul_f64(1.0 - CONFIRMING);
        while let Some(rate) = self.next(&curve) {
            let over = now().duration_since(start) + self.trial > searching;
            if over && !curve.trials.is_empty() {
                break;
            }
            let order = Order {
                rate,
                duration: self.trial,
                confirms: false,
            };
            match carry_out(order)? {
                Some(trial) => curve.trials.push(trial),
                None => return Ok(curve),
            }
        }
        let Some(mut rate) = curve.held().map(|trial| trial.rate) else {
            return Ok(curve);
        };
        loop {
            let left = self.budget.saturating_sub(now().duration_since(start));
            let duration = left.mul_f64(0.6).min(self.trial * 4).max(self.trial);
            let order = Order {
                rate,
                duration,
                confirms: true,
            };
            let Some(trial) = carry_out(order)? else {
                return Ok(curve);
            };
            let holds = trial.holds();
            curve.trials.push(trial);
            let left = self.budget.saturating_sub(now().duration_since(start));
            rate *= LOWER;
            let enough = curve.trials.len() >= MOST_TRIALS || !RATES.contains(&rate);
            if holds || left < self.trial || enough {
                return Ok(curve);
            }
        }
    }

    /// The next rate to try; `None` when the gap is small.
    fn next(&self, curve: &Curve) -> Option<f64> {
        if curve.trials.len() >= MOST_TRIALS {
            return None;
        }
        if let Some(rate) = curve.again() {
            return Some(rate);
        }
        let failed = curve.failed().map(|trial| trial.rate);
        let failed = failed.min_by(f64::total_cmp);
        let holds = curve.trials.iter().filter(|trial| trial.holds());
        let held = holds
            .map(|trial| trial.rate)
            .filter(|&rate| failed.is_none_or(|failed| rate < failed))
            .max_by(f64::total_cmp);
        let rate = match (held, failed) {
            (None, None) => self.from,
            (Some(held), None) => held * 2.0,
            (None, Some(failed)) => failed / 2.0,
            (Some(held), Some(failed)) if failed / held > CLOSE => (held * failed).sqrt(),
            (Some(_), Some(_)) => return None,
        };
        RATES.contains(&rate).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Searches a made-up server that holds up to `limit`, and in a confirmation to `lasting`.
    fn search(limit: f64, lasting: f64, generator: f64) -> Curve {
        let search = Search {
            from: 1000.0,
            budget: Duration::from_secs(60),
            trial: Duration::from_secs(2),
        };
        let (start, passed) = (Instant::now(), Cell::new(Duration::ZERO));
        let trial = |order: Order| {
            passed.set(passed.get() + order.duration);
            let most = if order.confirms { lasting } else { limit };
            let (is, because) = match order.rate {
                rate if rate > generator => (Outcome::Generator, Some("late".to_owned())),
                rate if rate > most => (Outcome::Fails, Some("slow".to_owned())),
                _ => (Outcome::Holds, None),
            };
            Ok::<_, ()>(Some(Trial {
                rate: order.rate,
                achieved: order.rate,
                p50_ns: None,
                p99_ns: None,
                seconds: order.duration.as_secs_f64(),
                confirms: order.confirms,
                is,
                because,
            }))
        };
        let curve = search.run(trial, || start + passed.get()).unwrap();
        assert!(
            passed.get() <= Duration::from_secs(62),
            "{:?}",
            passed.get()
        );
        curve
    }

    #[test]
    fn the_rate_is_found_from_below_and_from_above() {
        for limit in [30.0, 900.0, 1000.0, 5300.0, 48_000.0] {
            let curve = search(limit, limit, f64::INFINITY);
            let found = curve.confirmed().unwrap().rate;
            assert!(found <= limit && found > limit / 1.06, "{limit}: {found}");
            let above = curve.failed_above(found).unwrap();
            assert!(above.rate < found * 1.06, "{limit}: {}", above.rate);
        }
    }

    #[test]
    fn what_does_not_last_is_lowered_until_it_does() {
        let curve = search(8000.0, 7000.0, f64::INFINITY);
        let found = curve.confirmed().unwrap().rate;
        assert!((6300.0..=7000.0).contains(&found), "{found}");
    }

    #[test]
    fn a_generator_at_its_limit_is_told_from_a_server_at_its_own() {
        let curve = search(f64::INFINITY, f64::INFINITY, 20_000.0);
        let found = curve.confirmed().unwrap().rate;
        let above = curve.failed_above(found).unwrap();
        assert_eq!(above.is, Outcome::Generator);
        let first = curve
            .trials
            .iter()
            .position(|trial| !trial.holds())
            .unwrap();
        assert_eq!(curve.trials[first].rate, curve.trials[first + 1].rate);
    }

    #[test]
    fn nothing_holds_and_the_search_ends() {
        assert!(search(0.0, 0.0, f64::INFINITY).held().is_none());
    }
}
