//! Connections that end.

use super::{Policy, check, check_with};

fn attempts(limit: u8) -> Policy {
    Policy {
        job_retries: Some(limit),
        ..Policy::default()
    }
}

/// P-DISC-01, P-DISC-13
#[test]
fn job_that_nobody_waits_for_is_dropped_at_once() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        client closes
        worker > text "status" & text "prioritystatus" & GET_STATUS $h
        worker < list {
            maybe row f 0 0 0
        }
        worker < list {
            maybe row f 0 0 0 0
        }
        worker < STATUS_RES $h 0 0 0 0
        worker > CAN_DO f & PRE_SLEEP & GRAB_JOB
        worker < NO_JOB
        "#,
    );
}

/// P-DISC-02
#[test]
fn worker_may_finish_for_a_client_that_left() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        client closes
        worker > WORK_DATA $h "d" & WORK_STATUS $h 1 2 & WORK_COMPLETE $h "c"
        worker is quiet
        worker > text "status"
        worker < list {
            row f 0 0 1
        }
        "#,
    );
}

/// P-DISC-03
#[test]
fn job_without_client_and_worker_is_dropped() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        lost   > CAN_DO f & GRAB_JOB
        lost   < JOB_ASSIGN $h f "1"
        client closes
        lost closes
        worker > CAN_DO f & GRAB_JOB & GET_STATUS $h
        worker < NO_JOB
        worker < STATUS_RES $h 0 0 0 0
        "#,
    );
}

/// P-DISC-04: without a limit again and again.
#[test]
fn attempts_are_unlimited_by_default() {
    let attempt = r#"
        NAME > CAN_DO f & GRAB_JOB
        NAME < JOB_ASSIGN $h f "1"
        NAME closes
    "#;
    let mut script = "client > SUBMIT_JOB f \"\" \"1\"\nclient < JOB_CREATED $h\n".to_owned();
    for number in 0..300 {
        script += &attempt.replace("NAME", &format!("w{number}"));
    }
    check(&(script + "client is quiet"));
}

/// P-DISC-06, P-DISC-07: 0 and 1 are a single attempt.
#[test]
fn job_fails_after_its_last_attempt() {
    for limit in [0, 1] {
        check_with(
            attempts(limit),
            r#"
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            lost   > CAN_DO f & GRAB_JOB
            lost   < JOB_ASSIGN $h f "1"
            lost closes
            client < WORK_FAIL $h
            worker > CAN_DO f & GRAB_JOB & GET_STATUS $h
            worker < NO_JOB
            worker < STATUS_RES $h 0 0 0 0
            "#,
        );
    }
}

/// P-FRAME-26
#[test]
fn half_closed_peer_gets_its_answer() {
    check(
        r#"
        client > ECHO_REQ "hello"
        client half-closes
        client < ECHO_RES "hello"
        client is closed
        "#,
    );
}

/// A lost worker's several jobs all come back.
#[test]
fn all_jobs_of_a_lost_worker_come_back() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB f "" "2" & SUBMIT_JOB_HIGH f "" "3"
        client < 3 times JOB_CREATED _
        lost   > CAN_DO f & 3 times GRAB_JOB
        lost   < 3 times JOB_ASSIGN _ f _
        lost closes
        worker > CAN_DO f & 4 times GRAB_JOB
        worker < JOB_ASSIGN _ f "3"
        any order {
            worker < JOB_ASSIGN _ f "1"
            worker < JOB_ASSIGN _ f "2"
        }
        worker < NO_JOB
        "#,
    );
}
