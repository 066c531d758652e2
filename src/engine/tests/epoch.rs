//! Jobs that are not to run before their time.

use super::check;

/// P-EPOCH-02, D26
#[test]
fn due_epoch_job_wakes_a_sleeper() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_EPOCH f "" now+10 "later"
        client < JOB_CREATED $h
        worker > PRE_SLEEP
        worker is quiet
        after 9s
        worker is quiet
        after 1s
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "later"
        "#,
    );
}

/// P-EPOCH-05
#[test]
fn time_before_1970_is_in_the_past() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_EPOCH f "" "-5" "past"
        client < JOB_CREATED $h
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "past"
        "#,
    );
}

/// P-EPOCH-04: digits alone are a number.
#[test]
fn time_with_an_exponent_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB_EPOCH f "" "1e9" "never"
        client < ERROR _ _
        client is quiet
        "#,
    );
}
