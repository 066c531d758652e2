//! Asking after jobs.

use super::check;

/// P-STAT-01, D11
#[test]
fn unknown_handle_is_not_known() {
    check(
        r#"
        client > GET_STATUS H:nowhere:1
        client < STATUS_RES H:nowhere:1 0 0 0 0
        "#,
    );
}

/// P-STAT-06
#[test]
fn handle_may_end_in_nul() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        client > GET_STATUS "$h\0"
        client < STATUS_RES $h 1 0 0 0 | packet 20 "$h\0\01\00\00\00"
        "#,
    );
}

/// P-STAT-07, P-STAT-08
#[test]
fn handle_that_is_none_is_answered() {
    check(
        r#"
        client > GET_STATUS "h"*64
        client < STATUS_RES _ 0 0 0 0 | ERROR _ _
        client > GET_STATUS "h"*1000
        client < STATUS_RES _ 0 0 0 0 | ERROR _ _
        client > GET_STATUS ""
        client < STATUS_RES "" 0 0 0 0 | ERROR _ _
        client is quiet
        "#,
    );
}

/// P-STAT-09, P-STAT-10, P-STAT-15
#[test]
fn unique_tells_how_many_clients_wait() {
    check(
        r#"
        one > SUBMIT_JOB f u "1"
        one < JOB_CREATED $h
        two > SUBMIT_JOB f u "1"
        two < JOB_CREATED $h
        ask > GET_STATUS_UNIQUE u
        ask < STATUS_RES_UNIQUE u 1 0 0 0 2
        two closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_STATUS $h 3 4
        ask > GET_STATUS_UNIQUE u
        ask < STATUS_RES_UNIQUE u 1 1 3 4 1
        ask > SUBMIT_JOB_BG f background "1"
        ask < JOB_CREATED _
        ask > GET_STATUS_UNIQUE background
        ask < STATUS_RES_UNIQUE background 1 0 0 0 0
        "#,
    );
}

/// P-STAT-11, P-STAT-13
#[test]
fn unknown_unique_is_not_known() {
    check(
        r#"
        client > SUBMIT_JOB f - "body"
        client < JOB_CREATED _
        client > GET_STATUS_UNIQUE nobody
        client < STATUS_RES_UNIQUE nobody 0 0 0 0 0
        client > GET_STATUS_UNIQUE -
        client < STATUS_RES_UNIQUE - 0 0 0 0 0
        client > GET_STATUS_UNIQUE body
        client < STATUS_RES_UNIQUE body 0 0 0 0 0
        "#,
    );
}

/// P-STAT-14
#[test]
fn unique_that_is_too_long_is_answered() {
    check(
        r#"
        client > GET_STATUS_UNIQUE "u"*65
        client < STATUS_RES_UNIQUE "u"*65 0 0 0 0 0 | ERROR _ _
        client is quiet
        "#,
    );
}
