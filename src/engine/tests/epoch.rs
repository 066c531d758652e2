//! Jobs that are not to run before their time.

use super::check;

/// P-EPOCH-01, P-EPOCH-11
#[test]
fn epoch_job_waits_for_its_time() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_EPOCH f "" now+2 "later"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < NO_JOB
        after 1s
        worker > GRAB_JOB
        worker < NO_JOB
        after 1s
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "later"
        worker > WORK_COMPLETE $h "done"
        client is quiet
        "#,
    );
}

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

/// P-EPOCH-03, P-EPOCH-05
#[test]
fn time_in_the_past_is_now() {
    for time in ["0", "1", "now-100", "now", "-5"] {
        check(
            &r#"
            worker > CAN_DO f & PRE_SLEEP
            client > SUBMIT_JOB_EPOCH f "" TIME "past"
            client < JOB_CREATED $h
            worker < NOOP
            worker > GRAB_JOB
            worker < JOB_ASSIGN $h f "past"
            "#
            .replace("TIME", time),
        );
    }
}

/// P-EPOCH-04, P-EPOCH-06
#[test]
fn time_that_is_none_is_refused() {
    for time in ["abc", "\"\"", "\"1\"*30", "1e9"] {
        check(
            &r#"
            client > SUBMIT_JOB_EPOCH f "" TIME "never"
            client < ERROR _ _
            client is quiet
            client > text "status"
            client < list {
                maybe row f 0 0 0
            }
            "#
            .replace("TIME", time),
        );
    }
}

/// P-EPOCH-07
#[test]
fn epoch_job_counts_from_its_submission() {
    check(
        r#"
        client > SUBMIT_JOB_EPOCH f "" now+60 "later"
        client < JOB_CREATED $h
        client > text "status" & text "prioritystatus" & GET_STATUS $h
        client < list {
            row f 1 0 0
        }
        client < list {
            row f 0 1 0 0
        }
        client < STATUS_RES $h 1 0 0 0
        "#,
    );
}

/// P-EPOCH-08, P-EPOCH-09, D27
#[test]
fn epoch_job_hides_nothing_behind_it() {
    for submit in ["SUBMIT_JOB_LOW_BG", "SUBMIT_JOB_BG", "SUBMIT_JOB_HIGH"] {
        check(
            &r#"
            client > SUBMIT_JOB_EPOCH f "" now+60 "later"
            client < JOB_CREATED _
            client > SUBMIT f "" "soon"
            client < JOB_CREATED $h
            worker > CAN_DO f & PRE_SLEEP
            worker < NOOP
            worker > 2 times GRAB_JOB
            worker < JOB_ASSIGN $h f "soon"
            worker < NO_JOB
            worker > PRE_SLEEP
            worker is quiet
            "#
            .replace("SUBMIT f", &format!("{submit} f")),
        );
    }
}

/// P-EPOCH-10
#[test]
fn epoch_jobs_are_joined_by_unique() {
    check(
        r#"
        client > SUBMIT_JOB_EPOCH f u now+60 "later"
        client < JOB_CREATED $h
        client > SUBMIT_JOB_EPOCH f u now+90 "later"
        client < JOB_CREATED $h
        client > text "status"
        client < list {
            row f 1 0 0
        }
        "#,
    );
}

/// P-SUB-13
#[test]
fn epoch_job_outlives_its_client() {
    check(
        r#"
        client > SUBMIT_JOB_EPOCH f "" now+2 "later"
        client closes
        worker > CAN_DO f & PRE_SLEEP
        after 2s
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN _ f "later"
        "#,
    );
}

/// Two jobs become due at different times; each wakes.
#[test]
fn every_due_job_wakes() {
    check(
        r#"
        client > SUBMIT_JOB_EPOCH f "" now+4 "second" & SUBMIT_JOB_EPOCH f "" now+2 "first"
        client < 2 times JOB_CREATED _
        worker > CAN_DO f & PRE_SLEEP
        after 2s
        worker < NOOP
        worker > 2 times GRAB_JOB & PRE_SLEEP
        worker < JOB_ASSIGN _ f "first"
        worker < NO_JOB
        after 2s
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN _ f "second"
        "#,
    );
}
