//! Sessions in which nothing goes wrong but what peers do: on the engine alone, each act judged
//! before the next.

use super::campaign::{Found, shortest};
use super::{Failure, Played, Tally, catch};
use crate::conformance::generate::{self, Draws, Op, Weights};
use crate::conformance::memory::MemoryArm;
use crate::engine::Policy;
use crate::model::Rules;
use std::num::NonZeroU32;

/// The settings of a session's server.
fn policy(seed: u64) -> Policy {
    let mut draws = Draws::new(!seed);
    let wakeup = [NonZeroU32::new(1), NonZeroU32::new(2), None];
    Policy {
        job_retries: draws.of(&[None, None, Some(0), Some(1), Some(3)]).flatten(),
        worker_wakeup: draws.of(&wakeup).flatten(),
        exceptions: draws.once_in(2),
        ..Policy::default()
    }
}

fn play(seed: u64, ops: &[Op], tells: bool) -> Played {
    let policy = policy(seed);
    let rules = Rules {
        job_retries: policy.job_retries,
        exceptions: policy.exceptions,
        ..Rules::default()
    };
    let mut played = Played::default();
    let run = catch(|| {
        let session = generate::play(&mut MemoryArm::new(policy), rules, "", ops);
        if tells {
            played.trace = vec![session.script("").to_string()];
        }
        played.tally = Tally {
            judged: session.steps as u64,
            assigned: session.assigned as u64,
            ..Tally::default()
        };
        session.result.map_err(|failure| Failure {
            rule: match &failure {
                generate::Failure::Divergence { divergence, .. } => divergence.rule.to_owned(),
                _ => "silence".to_owned(),
            },
            text: failure.to_string(),
            step: session.steps.saturating_sub(1),
            time: 0,
        })
    });
    played.failure = run.err();
    played
}

/// Plays a session; the same seed always goes the same way.
pub(super) fn session(seed: u64, steps: usize) -> (Played, impl FnOnce(Failure) -> Found) {
    let ops = generate::draw(seed, steps, Weights::ALL);
    let played = play(seed, &ops, false);
    let look_into = move |failure: Failure| {
        let ops = shortest(ops, &failure, |ops| play(seed, ops, false).failure);
        let short = play(seed, &ops, true);
        Found {
            seed,
            steps: ops.len(),
            setup: format!("{:?}", policy(seed)),
            short: short.failure.unwrap_or_else(|| failure.clone()),
            failure,
            trace: short.trace,
        }
    };
    (played, look_into)
}
