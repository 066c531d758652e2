//! What a worker says about its job.

use super::check;

/// P-WORK-09: PHP and C workers stop at the exception, Perl's send a WORK_FAIL behind it.
#[test]
fn failure_right_after_an_exception_is_accepted_silently() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke" & WORK_FAIL $h
        worker is quiet
        client < WORK_FAIL $h
        client is quiet
        "#,
    );
}

/// P-WORK-09: but only once, and only from that worker.
#[test]
fn failure_of_another_after_an_exception_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke"
        thief  > WORK_FAIL $h
        thief  < ERROR JOB_NOT_FOUND _
        worker > WORK_FAIL $h & WORK_FAIL $h
        worker < ERROR JOB_NOT_FOUND _
        worker is quiet
        "#,
    );
}

/// P-WORK-11
#[test]
fn each_client_of_a_job_hears_of_an_exception_in_its_way() {
    check(
        r#"
        with    > OPTION_REQ exceptions
        with    < OPTION_RES exceptions
        with    > SUBMIT_JOB f u "1"
        with    < JOB_CREATED $h
        without > SUBMIT_JOB f u "1"
        without < JOB_CREATED $h
        worker  > CAN_DO f & GRAB_JOB
        worker  < JOB_ASSIGN $h f "1"
        worker  > WORK_EXCEPTION $h "broke"
        with    < WORK_EXCEPTION $h "broke"
        without < WORK_FAIL $h
        with is quiet
        without is quiet
        "#,
    );
}
