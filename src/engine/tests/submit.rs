//! Submitting jobs: which names are taken.

use super::check;

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
