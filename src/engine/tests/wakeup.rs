//! Sleeping workers and their NOOPs.

use super::{Policy, check, check_with};
use crate::conformance::memory::MemoryArm;
use crate::conformance::play;

/// P-WRK-11
#[test]
fn sleeper_is_woken_exactly_once() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP
        worker is quiet
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED _
        worker < NOOP
        worker is quiet
        worker > GRAB_JOB
        worker < JOB_ASSIGN _ f "abc"
        "#,
    );
}

/// P-WRK-12
#[test]
fn sleeping_on_a_queued_job_wakes_at_once() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED _
        worker > CAN_DO f & PRE_SLEEP
        worker < NOOP
        worker is quiet
        worker > PRE_SLEEP
        worker < NOOP
        "#,
    );
}

/// P-WRK-13
#[test]
fn woken_worker_is_not_woken_again_before_it_grabs() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_BG f "" "1" & SUBMIT_JOB_BG f "" "2"
        client < 2 times JOB_CREATED _
        worker < NOOP
        worker is quiet
        worker > 2 times GRAB_JOB
        worker < JOB_ASSIGN _ f "1"
        worker < JOB_ASSIGN _ f "2"
        "#,
    );
}

/// P-WRK-14
#[test]
fn sleeper_without_abilities_sleeps_on() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker > PRE_SLEEP
        worker is quiet
        client > SUBMIT_JOB_BG f "" "2"
        client < JOB_CREATED _
        worker is quiet
        "#,
    );
}

/// P-WRK-15
#[test]
fn sleeper_that_learns_a_function_with_jobs_is_woken() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker > PRE_SLEEP
        worker is quiet
        worker > CAN_DO f
        worker < NOOP
        "#,
    );
}

/// P-WRK-15: it sleeps until it is woken or grabs, whatever it learns and forgets.
#[test]
fn sleeper_that_starts_over_is_woken_for_what_it_learns() {
    check(
        r#"
        worker > CAN_DO g & PRE_SLEEP & RESET_ABILITIES & CAN_DO f
        worker is quiet
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker < NOOP
        "#,
    );
}

/// P-WRK-17
#[test]
fn worker_that_is_awake_gets_no_noop() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker is quiet
        "#,
    );
}

/// A grab ends the sleep, also one that finds nothing.
#[test]
fn grab_ends_the_sleep() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP & GRAB_JOB
        worker < NO_JOB
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker is quiet
        "#,
    );
}

/// P-WRK-18
#[test]
fn only_workers_of_the_function_are_woken() {
    check(
        r#"
        other  > CAN_DO b & PRE_SLEEP
        worker > CAN_DO a & PRE_SLEEP
        client > SUBMIT_JOB_BG a "" "1"
        client < JOB_CREATED _
        worker < NOOP
        other is quiet
        "#,
    );
}

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

/// P-WAKE-02: each further job wakes the next sleeper.
#[test]
fn two_jobs_wake_two_sleepers() {
    check(
        r#"
        one > CAN_DO f & PRE_SLEEP
        two > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_BG f "" "1" & SUBMIT_JOB_BG f "" "2"
        client < 2 times JOB_CREATED _
        one < NOOP
        two < NOOP
        "#,
    );
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

/// P-WAKE-05
#[test]
fn joining_a_queued_job_wakes_nobody() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $h
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > PRE_SLEEP
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $h
        worker is quiet
        "#,
    );
}

/// A NOOP obliges: the worker that takes it and leaves passes it on.
#[test]
fn wake_up_is_not_lost_with_the_worker() {
    for end in ["closes", "resets"] {
        check_woken(
            &r#"
            WOKEN END
            ASLEEP < NOOP
            ASLEEP > GRAB_JOB
            ASLEEP < JOB_ASSIGN $h f "1"
            "#
            .replace("END", end),
        );
    }
}

/// The same if it forgets the function instead of leaving.
#[test]
fn wake_up_is_not_lost_with_the_ability() {
    for forget in ["CANT_DO f", "RESET_ABILITIES"] {
        check_woken(
            &r#"
            WOKEN > FORGET
            ASLEEP < NOOP
            WOKEN is quiet
            "#
            .replace("FORGET", forget),
        );
    }
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
