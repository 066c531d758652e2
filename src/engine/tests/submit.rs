//! Submitting jobs.

use super::check;

/// P-SUB-01
#[test]
fn submission_is_answered_with_a_handle() {
    check(
        r#"
        client > SUBMIT_JOB reverse "" "abc"
        client < JOB_CREATED "H:"..
        client is quiet
        "#,
    );
}

/// P-SUB-02, P-SUB-03
#[test]
fn six_kinds_count_under_their_priority() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB_BG f "" "2" & SUBMIT_JOB_BG f "" "3"
        client > SUBMIT_JOB_HIGH f "" "4" & SUBMIT_JOB_HIGH_BG f "" "5"
        client > SUBMIT_JOB_LOW f "" "6"
        client < 6 times JOB_CREATED _
        client > SUBMIT_JOB_LOW_BG f "" "7"
        client < JOB_CREATED _
        client > text "prioritystatus"
        client < list {
            row f 2 3 2 0
        }
        "#,
    );
}

/// P-SUB-04, P-SUB-05, P-WORK-22
#[test]
fn bodies_arrive_as_they_were_sent() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" ""
        client < JOB_CREATED $empty
        client > SUBMIT_JOB f "" "\0a\0\0b\n\xff"
        client < JOB_CREATED $nuls
        worker > GRAB_JOB
        worker < JOB_ASSIGN $empty f ""
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $nuls f "" "\0a\0\0b\n\xff"
        worker > WORK_COMPLETE $empty "" & WORK_COMPLETE $nuls "\0\0"
        client < WORK_COMPLETE $empty ""
        client < WORK_COMPLETE $nuls "\0\0"
        "#,
    );
}

/// P-SUB-05, with a body that is received in a buffer of its own.
#[test]
fn large_bodies_arrive_as_they_were_sent() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "a\0b"*100000
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "a\0b"*100000
        worker > WORK_COMPLETE $h "c\0"*100000
        client < WORK_COMPLETE $h "c\0"*100000
        "#,
    );
}

/// P-SUB-06
#[test]
fn function_without_a_name_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB "" "" "abc"
        client < ERROR _ _
        client > SUBMIT_JOB_BG "" u "abc"
        client < ERROR _ _
        client > CAN_DO ""
        client < ERROR _ _
        client > text "status"
        client < list {
        }
        "#,
    );
}

/// P-SUB-07
#[test]
fn function_name_of_512_bytes_is_served() {
    check(
        r#"
        worker > CAN_DO "f"*512
        client > SUBMIT_JOB "f"*512 "" "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h "f"*512 "abc"
        "#,
    );
}

/// P-SUB-08
#[test]
fn function_names_differ_by_case() {
    check(
        r#"
        worker > CAN_DO case
        client > SUBMIT_JOB_BG CaSe "" "abc"
        client < JOB_CREATED _
        worker > GRAB_JOB
        worker < NO_JOB
        worker > CAN_DO CaSe & GRAB_JOB
        worker < JOB_ASSIGN _ CaSe "abc"
        "#,
    );
}

/// P-SUB-09: what could forge a line of `status` is refused, the TAB of Perl's prefixes is not.
#[test]
fn function_name_with_a_line_feed_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB_BG "x\n.\ny" "" "abc"
        client < ERROR _ _
        client > SUBMIT_JOB_BG "x\ry" "" "abc"
        client < ERROR _ _
        client > SUBMIT_JOB_BG "team\tf" "" "abc"
        client < JOB_CREATED _
        client > SUBMIT_JOB_BG "two words" "" "abc"
        client < JOB_CREATED _
        client > text "status"
        client < list {
            text "team\tf\t1\t0\t0"
            text "two words\t1\t0\t0"
        }
        "#,
    );
}

/// P-SUB-10
#[test]
fn unique_of_63_bytes_is_kept_whole() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_BG f "u"*63 "abc"
        client < JOB_CREATED $h
        client > SUBMIT_JOB_BG f "u"*63 "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $h f "u"*63 "abc"
        "#,
    );
}

/// P-SUB-11, P-STAT-14
#[test]
fn unique_of_64_bytes_is_kept_whole() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_BG f "u"*64 "abc"
        client < JOB_CREATED $h
        client > SUBMIT_JOB_BG f "u"*64 "abc"
        client < JOB_CREATED $h
        client > GET_STATUS_UNIQUE "u"*64
        client < STATUS_RES_UNIQUE "u"*64 1 0 0 0 0
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $h f "u"*64 "abc"
        "#,
    );
}

/// P-SUB-12
#[test]
fn unique_of_65_bytes_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB f "u"*65 "abc"
        client < ERROR _ _
        client > SUBMIT_JOB_LOW_BG f "u"*65 "abc"
        client < ERROR _ _
        client > text "status"
        client < list {
            maybe row f 0 0 0
        }
        client is quiet
        "#,
    );
}

/// P-SUB-13
#[test]
fn background_job_outlives_a_client_that_never_reads() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "abc"
        client closes
        rude   > SUBMIT_JOB_HIGH_BG f "" "def"
        rude   resets
        worker > CAN_DO f & GRAB_JOB & GRAB_JOB
        worker < JOB_ASSIGN _ f "def"
        worker < JOB_ASSIGN _ f "abc"
        "#,
    );
}

/// P-SUB-15
#[test]
fn handle_comes_before_the_news_of_the_job() {
    check(
        r#"
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB f "" "abc"
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "cba"
        client < JOB_CREATED $h
        client < WORK_COMPLETE $h "cba"
        "#,
    );
}

/// P-SUB-16, P-WORK-19
#[test]
fn background_client_hears_nothing_of_the_job() {
    check(
        r#"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        client > SUBMIT_JOB_BG f "" "1" & SUBMIT_JOB_HIGH_BG f "" "2" & SUBMIT_JOB_LOW_BG f "" "3"
        client < 3 times JOB_CREATED _
        worker > CAN_DO f & 3 times GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        worker < JOB_ASSIGN $one f "1"
        worker < JOB_ASSIGN $three f "3"
        worker > WORK_DATA $one "x" & WORK_WARNING $one "x" & WORK_STATUS $one 1 2
        worker > WORK_COMPLETE $one "x" & WORK_FAIL $two & WORK_EXCEPTION $three "x"
        worker is quiet
        client is quiet
        "#,
    );
}

/// P-SUB-17
#[test]
fn handles_are_never_given_twice() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $one
        worker > GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        worker > WORK_COMPLETE $one ""
        client < WORK_COMPLETE $one ""
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $two
        client > SUBMIT_JOB g "" "1"
        client < JOB_CREATED $three
        "#,
    );
}

/// P-GEN-03, P-GEN-02
#[test]
fn answers_come_in_the_order_of_requests() {
    check(
        r#"
        client > 5 times SUBMIT_JOB f "" "x" & ECHO_REQ "end" & GET_STATUS nothing
        client < 5 times JOB_CREATED _
        client < ECHO_RES "end"
        client < STATUS_RES nothing 0 0 0 0
        "#,
    );
}

/// P-GEN-01
#[test]
fn one_connection_may_be_client_and_worker() {
    check(
        r#"
        both > CAN_DO f & SUBMIT_JOB f "" "abc" & GRAB_JOB
        both < JOB_CREATED $h
        both < JOB_ASSIGN $h f "abc"
        both > WORK_COMPLETE $h "cba"
        both < WORK_COMPLETE $h "cba"
        "#,
    );
}

/// P-GEN-05
#[test]
fn scheduled_jobs_are_refused() {
    check(
        r#"
        client > SUBMIT_JOB_SCHED f "" 0 0 1 1 0 "abc"
        client < ERROR _ _
        client > text "status"
        client < list {
        }
        "#,
    );
}
