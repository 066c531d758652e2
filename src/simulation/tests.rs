//! Seeds that pass, and seeds that once did not.

use super::{Failure, draw, play, play_and_tell, shrink};

const SEEDS: u64 = 500;
const STEPS: usize = 150;

fn check(seed: u64) {
    let plan = draw(seed, STEPS);
    if let Some(failure) = play(&plan).failure {
        fail(seed, &failure);
    }
}

fn fail(seed: u64, failure: &Failure) -> ! {
    let short = shrink(&draw(seed, STEPS), failure, 2000);
    let played = play_and_tell(&short);
    panic!(
        "seed {seed}: {failure:?}\n{:#?}\n{}\n{:?}",
        short.setup,
        played.trace.join("\n"),
        played.failure
    );
}

#[test]
fn whatever_goes_wrong_nothing_acknowledged_is_lost_and_every_job_ends() {
    (0..SEEDS).for_each(check);
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
