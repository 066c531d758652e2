//! Grabbing, and the time a job may take.

use super::{Policy, check, check_with};

/// P-RED-05: as gearmand, not as PROTOCOL.
#[test]
fn job_without_reducer_is_assigned_with_its_unique() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB_ALL
        worker < JOB_ASSIGN_UNIQ $h f u "1"
        "#,
    );
}

/// P-WRK-23: milliseconds, also below 1000.
#[test]
fn limit_is_in_milliseconds() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 300
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        after 299ms
        client is quiet
        after 1ms
        client < WORK_FAIL $h
        "#,
    );
}

/// P-WRK-24, with attempts left.
#[test]
fn job_is_run_again_while_attempts_are_left() {
    let policy = Policy {
        job_retries: Some(2),
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        worker > CAN_DO_TIMEOUT f 2000
        other  > CAN_DO_TIMEOUT f 2000 & PRE_SLEEP
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        other  < NOOP | nothing
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        other  > GRAB_JOB & PRE_SLEEP
        other  < NO_JOB
        after 2s
        client is quiet
        other < NOOP
        other > GRAB_JOB
        other < JOB_ASSIGN $h f "1"
        worker > WORK_COMPLETE $h "late"
        worker < ERROR JOB_NOT_FOUND _
        after 2s
        client < WORK_FAIL $h
        "#,
    );
}
