//! Limits of queues.

use super::check;

/// P-MAXQ-01, D17
#[test]
fn job_beyond_the_limit_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED _
        client > text "maxqueue f 2"
        client < text "OK"
        client > SUBMIT_JOB_BG f "" "2"
        client < JOB_CREATED _
        client > SUBMIT_JOB f "" "3"
        client < ERROR QUEUE_ERROR _
        client > SUBMIT_JOB g "" "elsewhere"
        client < JOB_CREATED _
        client > text "status"
        client < list {
            row f 2 0 0
            row g 1 0 0
        }
        "#,
    );
}

/// P-MAXQ-02
#[test]
fn running_jobs_count() {
    check(
        r#"
        worker > CAN_DO f
        client > text "maxqueue f 2"
        client < text "OK"
        client > SUBMIT_JOB_LOW f "" "1" & SUBMIT_JOB_HIGH f "" "2"
        client < 2 times JOB_CREATED _
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "2"
        client > SUBMIT_JOB f "" "3"
        client < ERROR QUEUE_ERROR _
        worker > WORK_COMPLETE $h ""
        client < WORK_COMPLETE $h ""
        client > SUBMIT_JOB f "" "3"
        client < JOB_CREATED _
        "#,
    );
}

/// P-MAXQ-03
#[test]
fn every_priority_has_its_limit() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB f "" "2"
        client < 2 times JOB_CREATED _
        client > text "maxqueue f 4 3 2"
        client < text "OK"
        client > SUBMIT_JOB_LOW f "" "low"
        client < ERROR QUEUE_ERROR _
        client > SUBMIT_JOB f "" "3"
        client < JOB_CREATED _
        client > SUBMIT_JOB f "" "4"
        client < ERROR QUEUE_ERROR _
        client > SUBMIT_JOB_HIGH f "" "4"
        client < JOB_CREATED _
        client > SUBMIT_JOB_HIGH f "" "5"
        client < ERROR QUEUE_ERROR _
        "#,
    );
}

/// P-MAXQ-04, P-MAXQ-05
#[test]
fn limit_can_be_taken_back() {
    for line in [
        "maxqueue f",
        "maxqueue f 0",
        "maxqueue f -1",
        "maxqueue f many",
    ] {
        check(
            &r#"
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED _
            client > text "maxqueue f 1"
            client < text "OK"
            client > SUBMIT_JOB f "" "2"
            client < ERROR QUEUE_ERROR _
            client > text "LINE"
            client < text "OK"
            client > SUBMIT_JOB f "" "2"
            client < JOB_CREATED _
            "#
            .replace("LINE", line),
        );
    }
}

/// P-MAXQ-06
#[test]
fn two_limits_leave_low_without_one() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB f "" "2"
        client < 2 times JOB_CREATED _
        client > text "maxqueue f 1 2"
        client < text "OK"
        client > SUBMIT_JOB_HIGH f "" "3" & SUBMIT_JOB f "" "3" & SUBMIT_JOB_LOW f "" "3"
        client < 2 times ERROR QUEUE_ERROR _
        client < JOB_CREATED _
        "#,
    );
}

/// P-MAXQ-07
#[test]
fn limit_of_a_function_to_come_is_remembered() {
    check(
        r#"
        client > text "maxqueue f 1"
        client < text "OK"
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB f "" "2"
        client < JOB_CREATED _
        client < ERROR QUEUE_ERROR _
        "#,
    );
}

/// P-MAXQ-08
#[test]
fn limit_below_the_queue_removes_nothing() {
    check(
        r#"
        client > 3 times SUBMIT_JOB f "" "x"
        client < 3 times JOB_CREATED _
        client > text "maxqueue f 1"
        client < text "OK"
        worker > CAN_DO f & 4 times GRAB_JOB
        worker < 3 times JOB_ASSIGN _ f "x"
        worker < NO_JOB
        "#,
    );
}
