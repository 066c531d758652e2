//! Sleeping workers and their NOOPs.

use super::{Policy, check_with};
use crate::conformance::memory::MemoryArm;
use crate::conformance::play;

/// Two sleepers, and one job for `f`: one of them is woken, and which is open. Plays `then` with
/// `WOKEN` and `ASLEEP` for the two.
fn check_woken(then: &str) {
    let play = |woken: &str, asleep: &str| {
        let script = r#"
            one > CAN_DO f & CAN_DO one_alone & PRE_SLEEP
            two > CAN_DO f & CAN_DO two_alone & PRE_SLEEP
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            WOKEN < NOOP
            ASLEEP is quiet
        "#;
        let script = format!("{script}{then}");
        let script = script.replace("WOKEN", woken).replace("ASLEEP", asleep);
        let mut arm = MemoryArm::new(Policy::default());
        play(&script.parse().unwrap(), &mut arm)
    };
    match (play("one", "two"), play("two", "one")) {
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => {}
        (Ok(_), Ok(_)) => panic!("two different things happened"),
        (Err(one), Err(two)) => panic!("either\n{one}\nor\n{two}"),
    }
}

/// P-WAKE-01: at least one; by default exactly one.
#[test]
fn one_job_wakes_one_sleeper() {
    check_woken("");
}

/// P-WAKE-01, as gearmand does it.
#[test]
fn all_sleepers_wake_if_the_policy_says_so() {
    let policy = Policy {
        worker_wakeup: None,
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        one   > CAN_DO f & PRE_SLEEP
        two   > CAN_DO f & PRE_SLEEP
        three > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        one < NOOP
        two < NOOP
        three < NOOP
        "#,
    );
}

/// A woken worker that takes another job leaves the one it was woken for to a sleeper.
#[test]
fn wake_up_is_not_lost_with_another_job() {
    check_woken(
        r#"
        client > SUBMIT_JOB_HIGH WOKEN_alone "" "2"
        client < JOB_CREATED $other
        ASLEEP is quiet
        WOKEN > GRAB_JOB
        WOKEN < JOB_ASSIGN $other WOKEN_alone "2"
        ASLEEP < NOOP
        ASLEEP > GRAB_JOB
        ASLEEP < JOB_ASSIGN $h f "1"
        "#,
    );
}

/// A woken worker that hangs does not keep the job from the others for ever.
#[test]
fn wake_up_passes_on_from_a_worker_that_stays_silent() {
    check_woken(
        r#"
        after 60s
        ASLEEP < NOOP
        "#,
    );
}

/// A worker on its way whose job was taken meanwhile comes for the next one: no other is woken
/// for that, unless it stays silent.
#[test]
fn worker_on_its_way_is_counted_on() {
    check_woken(
        r#"
        other > CAN_DO f
        other > GRAB_JOB
        other < JOB_ASSIGN $h f "1"
        client > SUBMIT_JOB_BG f "" "2"
        client < JOB_CREATED $next
        ASLEEP is quiet
        after 1s
        ASLEEP < NOOP
        WOKEN > GRAB_JOB
        WOKEN < JOB_ASSIGN $next f "2"
        ASLEEP > GRAB_JOB
        ASLEEP < NO_JOB
        "#,
    );
}
