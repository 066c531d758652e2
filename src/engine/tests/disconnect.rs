//! Connections that end.

use super::check;

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

/// P-WRK-18: a job that goes with its client wakes nobody in the client's place.
#[test]
fn woken_client_that_leaves_takes_its_job_along() {
    check(
        r#"
        other > CAN_DO f
        both  > PRE_SLEEP
        both  > CAN_DO f
        other > PRE_SLEEP
        both  > SUBMIT_JOB f "" "x"
        both  < JOB_CREATED $h
        both  < NOOP
        both closes
        other is quiet
        "#,
    );
}
