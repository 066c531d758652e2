//! Jobs with a reducer.

use super::check;

/// P-RED-01, P-RED-03, D08
#[test]
fn reducer_is_handed_to_a_worker_that_asks_for_all() {
    for submit in ["SUBMIT_REDUCE_JOB", "SUBMIT_REDUCE_JOB_BACKGROUND"] {
        check(
            &r#"
            worker > CAN_DO f
            client > SUBMIT f u sum "" "abc"
            client < JOB_CREATED $h
            worker > GRAB_JOB_ALL
            worker < JOB_ASSIGN_ALL $h f u sum "abc"
            "#
            .replace("SUBMIT", submit),
        );
    }
}

/// P-RED-04
#[test]
fn reducer_is_left_out_for_the_others() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_REDUCE_JOB f u sum ignored "1"
        client < JOB_CREATED $one
        client > SUBMIT_REDUCE_JOB f v sum ignored "2"
        client < JOB_CREATED $two
        worker > GRAB_JOB & GRAB_JOB_UNIQ
        worker < JOB_ASSIGN $one f "1"
        worker < JOB_ASSIGN_UNIQ $two f v "2"
        "#,
    );
}

/// P-RED-01: foreground clients hear of the job, background ones do not.
#[test]
fn reduce_job_in_foreground_and_background() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_REDUCE_JOB f "" sum "" "1"
        client < JOB_CREATED $one
        client > SUBMIT_REDUCE_JOB_BACKGROUND f "" sum "" "2"
        client < JOB_CREATED $two
        worker > 2 times GRAB_JOB_ALL
        worker < JOB_ASSIGN_ALL $one f "" sum "1"
        worker < JOB_ASSIGN_ALL $two f "" sum "2"
        worker > WORK_COMPLETE $two "x" & WORK_COMPLETE $one "y"
        client < WORK_COMPLETE $one "y"
        client is quiet
        "#,
    );
}

/// P-RED-06
#[test]
fn reducer_of_65_bytes_is_refused() {
    check(
        r#"
        client > SUBMIT_REDUCE_JOB f u "r"*64 "" "1"
        client < JOB_CREATED _
        client > SUBMIT_REDUCE_JOB f v "r"*65 "" "1"
        client < ERROR _ _
        client > GET_STATUS_UNIQUE v
        client < STATUS_RES_UNIQUE v 0 0 0 0 0
        "#,
    );
}

/// P-RED-08
#[test]
fn reduce_jobs_are_of_normal_priority() {
    check(
        r#"
        client > SUBMIT_REDUCE_JOB_BACKGROUND f "" sum "" "1"
        client < JOB_CREATED _
        client > text "prioritystatus"
        client < list {
            row f 0 1 0 0
        }
        "#,
    );
}
