//! Seed after seed, until one fails.

use super::{Failure, Plan, Tally, calm, draw, play, play_and_tell};
use crate::conformance::generate::Shrink;
use std::ops::Range;

/// Plays that are tried to make a failing one shorter, at the most.
const MAX_TRIES: usize = 3000;

/// What is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seeds.
    pub seeds: Range<u64>,
    /// Steps of each.
    pub steps: usize,
    /// Nothing goes wrong but what peers do: sessions on the engine alone, with neither network nor
    /// disk, each act judged before the next.
    pub calm: bool,
}

/// What one wants of a campaign while it goes on.
pub trait Watch {
    /// Whether it is to end.
    fn stopped(&self) -> bool;
    /// How far it is.
    fn progress(&self, outcome: &Outcome);
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Seeds that were played.
    pub seeds: u64,
    /// What came of all of them together.
    pub tally: Tally,
    /// The first seed that failed; it is the last that was played.
    pub found: Option<Found>,
}

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub seed: u64,
    /// How.
    pub failure: Failure,
    /// So many of its steps are enough to fail so.
    pub steps: usize,
    /// How the server was started, in words.
    pub setup: String,
    /// How these steps fail.
    pub short: Failure,
    /// What happens then.
    pub trace: Vec<String>,
}

/// Plays seeds until one fails or the watch ends it.
pub fn campaign(options: &Options, watch: &dyn Watch) -> Outcome {
    let mut outcome = Outcome::default();
    for seed in options.seeds.clone() {
        if watch.stopped() {
            break;
        }
        let tally = match options.calm {
            true => {
                let (played, look_into) = calm::session(seed, options.steps);
                outcome.found = played.failure.map(look_into);
                played.tally
            }
            false => {
                let plan = draw(seed, options.steps);
                let played = play(&plan);
                outcome.found = played.failure.map(|failure| look_into(seed, plan, failure));
                played.tally
            }
        };
        outcome.seeds += 1;
        outcome.tally.add(&tally);
        if outcome.found.is_some() {
            break;
        }
        watch.progress(&outcome);
    }
    outcome
}

fn look_into(seed: u64, plan: Plan, failure: Failure) -> Found {
    let setup = plan.setup;
    let with = |steps: &[_]| Plan {
        setup,
        steps: steps.to_vec(),
    };
    let steps = shortest(plan.steps, &failure, |steps| play(&with(steps)).failure);
    let played = play_and_tell(&with(&steps));
    Found {
        seed,
        steps: steps.len(),
        setup: format!("{setup:?}"),
        short: played.failure.unwrap_or_else(|| failure.clone()),
        failure,
        trace: played.trace,
    }
}

/// The fewest steps that were found to break the same rule.
pub(super) fn shortest<T: Clone>(
    mut steps: Vec<T>,
    failure: &Failure,
    play: impl Fn(&[T]) -> Option<Failure>,
) -> Vec<T> {
    // Nothing after the step that failed matters.
    steps.truncate(failure.step.saturating_add(1));
    let mut best = steps.clone();
    let mut shrinking = Shrink::new(steps);
    let mut goes_on = shrinking.fails();
    for _ in 0..MAX_TRIES {
        if !goes_on {
            break;
        }
        let candidate = shrinking.candidate();
        let found = play(&candidate);
        goes_on = match found.is_some_and(|found| found.rule == failure.rule) {
            true => {
                best = candidate;
                shrinking.fails()
            }
            false => shrinking.passes(),
        };
    }
    best
}
