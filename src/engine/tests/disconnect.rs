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

/// P-DISC-13
#[test]
fn dropped_job_leaves_room_in_the_queue() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED _
        other  > text "maxqueue f 1"
        other  < text "OK"
        client closes
        other  > SUBMIT_JOB f "" "2"
        other  < JOB_CREATED _
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

/// P-DISC-04, P-DISC-05, P-DISC-10, D02, D03
#[test]
fn job_of_a_lost_worker_goes_to_another() {
    for submit in ["SUBMIT_JOB", "SUBMIT_JOB_BG"] {
        for end in ["closes", "resets"] {
            check(
                &r#"
                client > SUBMIT f u "1"
                client < JOB_CREATED $h
                lost   > CAN_DO f & GRAB_JOB
                lost   < JOB_ASSIGN $h f "1"
                lost END
                worker > CAN_DO f & GRAB_JOB_UNIQ
                worker < JOB_ASSIGN_UNIQ $h f u "1"
                client is quiet
                "#
                .replace("SUBMIT", submit)
                .replace("END", end),
            );
        }
    }
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

/// P-DISC-06
#[test]
fn job_has_as_many_attempts_as_the_limit_says() {
    check_with(
        attempts(3),
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        one   > CAN_DO f & GRAB_JOB
        one   < JOB_ASSIGN $h f "1"
        one closes
        two   > CAN_DO f & GRAB_JOB
        two   < JOB_ASSIGN $h f "1"
        two closes
        client is quiet
        three > CAN_DO f & GRAB_JOB
        three < JOB_ASSIGN $h f "1"
        three closes
        client < WORK_FAIL $h
        four  > CAN_DO f & GRAB_JOB
        four  < NO_JOB
        "#,
    );
}

/// P-DISC-12
#[test]
fn dropping_a_job_touches_no_other() {
    check(
        r#"
        leaver > SUBMIT_JOB f u "dropped" & SUBMIT_JOB f "" "dropped too" & SUBMIT_JOB g u "also"
        leaver < 3 times JOB_CREATED _
        client > SUBMIT_JOB f other "healthy"
        client < JOB_CREATED $f
        client > SUBMIT_JOB g other "healthy"
        client < JOB_CREATED $g
        leaver closes
        worker > CAN_DO f & CAN_DO g & 3 times GRAB_JOB
        any order {
            worker < JOB_ASSIGN $f f "healthy"
            worker < JOB_ASSIGN $g g "healthy"
        }
        worker < NO_JOB
        worker > WORK_COMPLETE $f "" & WORK_COMPLETE $g ""
        client < WORK_COMPLETE $f ""
        client < WORK_COMPLETE $g ""
        "#,
    );
}

/// A connection that was client and worker at once leaves both ways.
#[test]
fn peer_that_runs_its_own_job_leaves() {
    check(
        r#"
        both   > CAN_DO f & SUBMIT_JOB f u "1" & GRAB_JOB
        both   < JOB_CREATED $h
        both   < JOB_ASSIGN $h f "1"
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $h
        both closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_COMPLETE $h ""
        client < WORK_COMPLETE $h ""
        "#,
    );
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
