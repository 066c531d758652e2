//! Seed after seed, until one fails.

use super::{Failure, Plan, Tally, draw, play, play_and_tell, shrink};
use std::ops::Range;

/// Plans that are tried to make a failing one shorter, at the most.
const MAX_TRIES: usize = 3000;

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
    /// The shortest plan that was found to fail so.
    pub plan: Plan,
    /// How that fails.
    pub short: Failure,
    /// What happens then.
    pub trace: Vec<String>,
}

/// Plays the seeds, each with so many steps, until one fails or the watch ends it.
pub fn campaign(seeds: Range<u64>, steps: usize, watch: &dyn Watch) -> Outcome {
    let mut outcome = Outcome::default();
    for seed in seeds {
        if watch.stopped() {
            break;
        }
        let plan = draw(seed, steps);
        let played = play(&plan);
        outcome.seeds += 1;
        outcome.tally.add(&played.tally);
        if let Some(failure) = played.failure {
            outcome.found = Some(look_into(seed, &plan, failure));
            break;
        }
        watch.progress(&outcome);
    }
    outcome
}

fn look_into(seed: u64, plan: &Plan, failure: Failure) -> Found {
    let plan = shrink(plan, &failure, MAX_TRIES);
    let played = play_and_tell(&plan);
    Found {
        seed,
        short: played.failure.unwrap_or_else(|| failure.clone()),
        failure,
        plan,
        trace: played.trace,
    }
}
