//! What a worker says about its job.

use super::check;

/// P-WORK-01
#[test]
fn news_of_a_job_reach_its_client_in_order() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_DATA $h "\0d1" & WORK_WARNING $h "w" & WORK_STATUS $h 3 4 & WORK_DATA $h ""
        worker > WORK_COMPLETE $h "done\0"
        client < WORK_DATA $h "\0d1"
        client < WORK_WARNING $h "w"
        client < WORK_STATUS $h 3 4
        client < WORK_DATA $h ""
        client < WORK_COMPLETE $h "done\0"
        worker is quiet
        "#,
    );
}

/// P-WORK-02
#[test]
fn failure_carries_the_bare_handle() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_FAIL $h
        client < WORK_FAIL $h
        "#,
    );
}

/// P-WORK-04
#[test]
fn job_is_gone_when_it_ends() {
    for end in [
        "WORK_COMPLETE $h \"\"",
        "WORK_FAIL $h",
        "WORK_EXCEPTION $h \"\"",
    ] {
        check(
            &r#"
            worker > CAN_DO f
            client > SUBMIT_JOB_BG f u "1"
            client < JOB_CREATED $h
            worker > GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            client > GET_STATUS $h
            client < STATUS_RES $h 1 1 0 0
            worker > END
            client > GET_STATUS $h & GET_STATUS_UNIQUE u & text "status"
            client < STATUS_RES $h 0 0 0 0
            client < STATUS_RES_UNIQUE u 0 0 0 0 0
            client < list {
                row f 0 0 1
            }
            "#
            .replace("END", end),
        );
    }
}

/// P-WORK-05
#[test]
fn second_result_is_refused() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_COMPLETE $h "1" & WORK_COMPLETE $h "2"
        worker < ERROR JOB_NOT_FOUND _
        worker is quiet
        client < WORK_COMPLETE $h "1"
        client is quiet
        "#,
    );
}

/// P-WORK-06
#[test]
fn stranger_cannot_speak_for_a_job() {
    check(
        r#"
        worker > CAN_DO f
        thief  > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        thief  > WORK_COMPLETE $h "not even running"
        thief  < ERROR JOB_NOT_FOUND _
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        thief  > WORK_DATA $h "x" & WORK_WARNING $h "x" & WORK_STATUS $h 1 1
        thief  < 3 times ERROR JOB_NOT_FOUND _
        thief  > WORK_EXCEPTION $h "x" & WORK_FAIL $h & WORK_COMPLETE $h "x"
        thief  < 3 times ERROR JOB_NOT_FOUND _
        client is quiet
        client > GET_STATUS $h
        client < STATUS_RES $h 1 1 0 0
        worker > WORK_COMPLETE $h "mine"
        client < WORK_COMPLETE $h "mine"
        "#,
    );
}

/// P-WORK-07, P-WORK-21
#[test]
fn unknown_handle_is_refused() {
    check(
        r#"
        worker > WORK_DATA H:x:1 "x" & WORK_WARNING H:x:1 "x" & WORK_STATUS H:x:1 1 1
        worker < 3 times ERROR JOB_NOT_FOUND _
        worker > WORK_EXCEPTION H:x:1 "x" & WORK_FAIL H:x:1 & WORK_COMPLETE H:x:1 "x"
        worker < 3 times ERROR JOB_NOT_FOUND _
        worker > WORK_COMPLETE "" "x"
        worker < ERROR _ _
        worker > WORK_FAIL "h"*64 & WORK_FAIL "h"*500
        worker < 2 times ERROR _ _
        worker is quiet
        "#,
    );
}

/// P-WORK-08
#[test]
fn exception_reaches_a_client_with_the_option() {
    check(
        r#"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "it\0broke"
        client < WORK_EXCEPTION $h "it\0broke"
        client is quiet
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 0 0
        "#,
    );
}

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

/// P-WORK-10, D06
#[test]
fn exception_is_a_failure_to_a_client_without_the_option() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_FAIL $h
        client is quiet
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

/// P-WORK-12
#[test]
fn option_counts_when_the_exception_is_delivered() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_EXCEPTION $h "broke"
        "#,
    );
}

/// P-WORK-13, P-STAT-03
#[test]
fn progress_is_forwarded_and_kept() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_STATUS $h 1 10
        client < WORK_STATUS $h 1 10
        other  > GET_STATUS $h
        other  < STATUS_RES $h 1 1 1 10
        worker > WORK_STATUS $h 7 10
        client < WORK_STATUS $h 7 10
        other  > GET_STATUS $h
        other  < STATUS_RES $h 1 1 7 10
        "#,
    );
}

/// P-WORK-14, P-WORK-18: what is no number is forwarded as it is, and kept as zero or as it is.
#[test]
fn progress_that_is_no_number_is_forwarded() {
    for (numerator, denominator) in [("abc", "def"), ("\"\"", "\"\"")] {
        check(
            &r#"
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            worker > CAN_DO f & GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            worker > WORK_STATUS $h NUM DEN
            client < WORK_STATUS $h NUM DEN
            client > GET_STATUS $h
            client < STATUS_RES $h 1 1 0 0 | STATUS_RES $h 1 1 NUM DEN
            worker is quiet
            "#
            .replace("NUM", numerator)
            .replace("DEN", denominator),
        );
    }
}

/// P-WORK-16, P-WORK-17
#[test]
fn long_progress_is_kept_or_refused_but_not_cut() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_STATUS $h 1 12345678901
        client < WORK_STATUS $h 1 12345678901
        client > GET_STATUS $h
        client < STATUS_RES $h 1 1 1 12345678901
        worker > WORK_STATUS $h 1 123456789012
        client < WORK_STATUS $h 1 123456789012
        "#,
    );
}

/// P-WORK-19
#[test]
fn progress_of_a_background_job_is_kept() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_STATUS $h 1 10
        client > GET_STATUS $h
        client < STATUS_RES $h 1 1 1 10
        client is quiet
        "#,
    );
}

/// P-WORK-20
#[test]
fn result_counts_although_the_worker_leaves_at_once() {
    for end in ["closes", "resets"] {
        check(
            &r#"
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            worker > CAN_DO f & GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            worker > WORK_COMPLETE $h "done"
            worker END
            client < WORK_COMPLETE $h "done"
            other  > CAN_DO f & GRAB_JOB
            other  < NO_JOB
            "#
            .replace("END", end),
        );
    }
}
