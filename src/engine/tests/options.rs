//! Options of a connection.

use super::{Policy, check, check_with};

/// P-GEN-06
#[test]
fn exceptions_can_be_switched_on() {
    check(
        r#"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        "#,
    );
}

/// P-GEN-07
#[test]
fn option_is_echoed_as_it_was_spelled() {
    check(
        r#"
        client > OPTION_REQ EXCEPTIONS
        client < OPTION_RES EXCEPTIONS
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_EXCEPTION $h "broke"
        "#,
    );
}

/// P-GEN-08, P-GEN-11
#[test]
fn unknown_option_is_refused() {
    check(
        r#"
        client > OPTION_REQ bogus & OPTION_REQ "" & OPTION_REQ "o"*64
        client < 3 times ERROR UNKNOWN_OPTION _
        client is quiet
        "#,
    );
}

/// P-GEN-10
#[test]
fn option_is_of_one_connection() {
    check(
        r#"
        other  > OPTION_REQ exceptions
        other  < OPTION_RES exceptions
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_FAIL $h
        "#,
    );
}

/// P-GEN-10
#[test]
fn exceptions_can_be_the_default() {
    let policy = Policy {
        exceptions: true,
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_EXCEPTION $h "broke"
        "#,
    );
}
