//! The text protocol.

use super::check;

/// P-WRK-20, P-WRK-21, D33: what would shift the columns of `workers` is not shown as it is.
#[test]
fn client_id_cannot_forge_lines() {
    check(
        r#"
        worker > SET_CLIENT_ID "a\n.\nb"
        worker < nothing | ERROR _ _
        admin  > text "workers"
        admin  < list {
            words _ _ _ :
            words _ _ - :
        }
        "#,
    );
}

/// P-TEXT-28, P-DISC-13
#[test]
fn queued_job_is_cancelled() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        admin  > text "cancel job $h"
        admin  < text "OK"
        client < WORK_FAIL $h
        client is quiet
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 0 0
        worker > CAN_DO f & GRAB_JOB
        worker < NO_JOB
        admin  > text "cancel job $h"
        admin  < text "ERR UNKNOWN_JOB"
        "#,
    );
}

/// P-TEXT-37
#[test]
fn function_of_a_running_job_is_not_dropped() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker > CANT_DO f
        admin  > text "drop function f"
        admin  < text "ERR there are still connected workers or executing clients"
        worker > WORK_COMPLETE $h ""
        client < WORK_COMPLETE $h ""
        admin  > text "drop function f"
        admin  < text "OK"
        "#,
    );
}
