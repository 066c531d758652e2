//! Submitting jobs: which names are taken.

use super::{Policy, check, check_with};

/// P-SUB-06, P-FRAME-23: by no way does a function come to be that no list can show.
#[test]
fn function_without_a_name_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB_BG "" u "abc"
        client < ERROR _ _
        client > CAN_DO "" & CAN_DO "f\0g"
        client < 2 times ERROR _ _
        client > text "status"
        client < list {
        }
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

/// One job more than the server may hold is refused, and there is room again when one ends. A
/// submission that joins a job is none.
#[test]
fn jobs_of_the_whole_server_are_bounded() {
    let policy = Policy {
        max_jobs: 2,
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        client > SUBMIT_JOB_BG f a "abc" & SUBMIT_JOB_BG g b "abc"
        client < JOB_CREATED $a
        client < JOB_CREATED _
        client > SUBMIT_JOB_BG h c "abc"
        client < ERROR "QUEUE_ERROR" _
        client > SUBMIT_JOB h c "abc"
        client < ERROR "QUEUE_ERROR" _
        client > SUBMIT_JOB_BG f a "abc"
        client < JOB_CREATED $a
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $a f "abc"
        worker > WORK_COMPLETE $a ""
        client > SUBMIT_JOB_BG h c "abc"
        client < JOB_CREATED _
        "#,
    );
}

/// The bytes of all jobs are bounded: 256 for each, its unique and its payload.
#[test]
fn bytes_of_the_whole_server_are_bounded() {
    let policy = Policy {
        max_bytes: 256 + 10,
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        client > SUBMIT_JOB_BG f u "x"*10
        client < ERROR "QUEUE_ERROR" _
        client > SUBMIT_JOB_BG f u "x"*9
        client < JOB_CREATED _
        client > SUBMIT_JOB_BG f v ""
        client < ERROR "QUEUE_ERROR" _
        "#,
    );
}

/// Commands keep no more functions than the policy has; one that is kept may be changed.
#[test]
fn functions_kept_by_command_are_bounded() {
    let policy = Policy {
        kept_functions: 1,
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        client > text "create function f"
        client < text "OK"
        client > text "create function g"
        client < text "ERR TOO_MANY_FUNCTIONS No+more+functions+are+kept"
        client > text "maxqueue g 3"
        client < text "ERR TOO_MANY_FUNCTIONS No+more+functions+are+kept"
        client > text "maxqueue f 3"
        client < text "OK"
        "#,
    );
}
