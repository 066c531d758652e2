//! Jobs that are one by their unique.

use super::check;

/// P-UNIQ-08
#[test]
fn background_submission_keeps_a_foreground_job_alive() {
    check(
        r#"
        client > SUBMIT_JOB f u "abc"
        client < JOB_CREATED $h
        other  > SUBMIT_JOB_BG f u "abc"
        other  < JOB_CREATED $h
        other  > GET_STATUS_UNIQUE u
        other  < STATUS_RES_UNIQUE u 1 0 0 0 1
        client closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
        other is quiet
        "#,
    );
}

/// P-WORK-23: one copy for each submission, as gearmand, or one in all.
#[test]
fn client_that_joined_twice_gets_the_result() {
    check(
        r#"
        client > 2 times SUBMIT_JOB f u "abc"
        client < 2 times JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "cba"
        client < WORK_COMPLETE $h "cba"
        client < WORK_COMPLETE $h "cba" | nothing
        client is quiet
        "#,
    );
}

/// P-UNIQ-07: a unique whose job was dropped with its client is free too.
#[test]
fn unique_of_a_dropped_job_is_free() {
    check(
        r#"
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $one
        client closes
        other  > SUBMIT_JOB f u "2"
        other  < JOB_CREATED $two
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        "#,
    );
}

/// P-UNIQ-13, P-DISC-01: a client that joined twice leaves as one.
#[test]
fn client_that_joined_twice_leaves() {
    check(
        r#"
        gone   > 2 times SUBMIT_JOB f u "1" & 2 times SUBMIT_JOB f v "2"
        gone   < 4 times JOB_CREATED _
        stays  > SUBMIT_JOB f u "1"
        stays  < JOB_CREATED $h
        gone closes
        stays  > GET_STATUS_UNIQUE u & GET_STATUS_UNIQUE v
        stays  < STATUS_RES_UNIQUE u 1 0 0 0 1
        stays  < STATUS_RES_UNIQUE v 0 0 0 0 0
        worker > CAN_DO f & 2 times GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker < NO_JOB
        "#,
    );
}
