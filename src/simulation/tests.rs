//! Seeds that pass, and seeds that once did not.

use super::{Options, Outcome, Watch, campaign, draw, play_and_tell};
use std::ops::Range;

const SEEDS: u64 = 500;
const STEPS: usize = 150;

struct Nobody;

impl Watch for Nobody {
    fn stopped(&self) -> bool {
        false
    }
    fn progress(&self, _: &Outcome) {}
}

fn check(seeds: Range<u64>, calm: bool) -> Outcome {
    let steps = STEPS;
    let options = Options { seeds, steps, calm };
    let outcome = campaign(&options, &Nobody);
    if let Some(found) = &outcome.found {
        let trace = found.trace.join("\n");
        panic!(
            "seed {}: {:?}\n{}\n{trace}",
            found.seed, found.failure, found.setup
        );
    }
    outcome
}

#[test]
fn whatever_goes_wrong_nothing_acknowledged_is_lost_and_every_job_ends() {
    let tally = check(0..SEEDS, false).tally;
    // Something happens in them.
    assert!(
        tally.assigned > 5 * SEEDS && tally.stored > SEEDS,
        "{tally:?}"
    );
    assert!(tally.restored > SEEDS && tally.refused > SEEDS, "{tally:?}");
}

#[test]
fn sessions_without_faults_do_what_the_model_allows() {
    let tally = check(0..100, true).tally;
    assert!(tally.judged > 100 * STEPS as u64, "{tally:?}");
}

/// Seeds that found something once: the log of a store whose sync had failed; the turn of a job
/// that was given back; a wake-up for a job that goes with its client; a worker whose grab is held
/// while another is woken; the epoch of a submission that joins a job which can be had already; who
/// joins a job that is written, or was refused, while another write is on its way; which of the jobs
/// of a lost worker goes first to one that has asked; a sleeper that nobody woke, since a worker that
/// had asked took another job.
#[test]
fn what_was_found_stays_found() {
    let seeds = [
        21, 25, 654, 741, 1068, 1151, 5146, 6087, 9664, 10_010, 13_655, 14_565, 20_449, 26_875,
        30_059, 30_344, 42_554, 67_862,
    ];
    for seed in seeds {
        check(seed..seed + 1, false);
    }
}

/// What happened once happens again, to the last bit.
#[test]
fn a_seed_replays() {
    for seed in 0..20 {
        let plan = draw(seed, STEPS);
        assert_eq!(plan, draw(seed, STEPS));
        assert_eq!(play_and_tell(&plan), play_and_tell(&plan));
    }
}
