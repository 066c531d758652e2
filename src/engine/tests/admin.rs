//! The text protocol.

use super::check;

/// P-TEXT-01, P-TEXT-02, P-TEXT-03, P-TEXT-04, P-TEXT-42, D18
#[test]
fn version_is_told() {
    for line in [
        "version",
        "version\\r",
        "VERSION",
        "version extra",
        "version ",
        "version\\0\\r",
    ] {
        check(
            &r#"
            client > text "LINE"
            client < text "OK "..
            client is quiet
            "#
            .replace("LINE", line),
        );
    }
}

/// P-TEXT-05, P-TEXT-06, P-TEXT-11, P-TEXT-40, P-TEXT-41
#[test]
fn unknown_command_is_refused() {
    for line in [
        "bogus",
        "",
        " version",
        "quit",
        "help",
        "b\\xff\\x80gus",
        "shutdown",
        "show",
    ] {
        check(
            &r#"
            client > text "LINE"
            client < text "ERR UNKNOWN_COMMAND Unknown+server+command"..
            client is quiet
            "#
            .replace("LINE", line),
        );
    }
}

/// P-TEXT-07
#[test]
fn two_commands_have_two_answers() {
    check(
        r#"
        client > text "status" & text "version"
        client < list {
        }
        client < text "OK "..
        "#,
    );
}

/// P-TEXT-09
#[test]
fn sixth_word_is_refused() {
    check(
        r#"
        client > text "maxqueue f 1 2 3 4"
        client < text "ERR "..
        client is quiet
        "#,
    );
}

/// P-TEXT-12, P-TEXT-13, D22
#[test]
fn status_counts_jobs_and_workers() {
    check(
        r#"
        client > text "status"
        client < list {
        }
        worker > CAN_DO f & CAN_DO g
        other  > CAN_DO f
        client > 3 times SUBMIT_JOB f "" "x" & SUBMIT_JOB h "" "x"
        client < 4 times JOB_CREATED _
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "x"
        client > text "status"
        client < list {
            row f 3 1 2
            row g 0 0 1
            row h 1 0 0
        }
        worker > WORK_COMPLETE $h ""
        client < WORK_COMPLETE $h ""
        other closes
        client > text "status"
        client < list {
            row f 2 0 1
            row g 0 0 1
            row h 1 0 0
        }
        "#,
    );
}

/// P-TEXT-16, D21
#[test]
fn priority_status_counts_queued_jobs() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_HIGH f "" "1" & SUBMIT_JOB_HIGH f "" "2" & SUBMIT_JOB f "" "3"
        client < 3 times JOB_CREATED _
        worker > GRAB_JOB
        worker < JOB_ASSIGN _ f "1"
        client > text "prioritystatus"
        client < list {
            row f 1 1 0 1
        }
        "#,
    );
}

/// P-TEXT-17
#[test]
fn workers_lists_every_connection() {
    check(
        r#"
        worker > CAN_DO f & CAN_DO g
        worker > SET_CLIENT_ID w1
        admin  > text "workers"
        admin  < list {
            words $fd "127.0.0.1".. w1 : _ _
            words $other "127.0.0.1".. - :
        }
        worker closes
        admin  > text "workers"
        admin  < list {
            words $other "127.0.0.1".. - :
        }
        "#,
    );
}

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

/// P-TEXT-20, P-TEXT-21
#[test]
fn maxqueue_takes_a_function() {
    check(
        r#"
        client > text "maxqueue f" & text "maxqueue f 3" & text "maxqueue f 1 2 3"
        client < 3 times text "OK"
        client > text "maxqueue"
        client < text "ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command"..
        "#,
    );
}

/// P-TEXT-22, P-TEXT-23
#[test]
fn process_and_log_level_are_told() {
    check(
        r#"
        client > text "getpid"
        client < words OK _
        client > text "verbose"
        client < words OK _
        "#,
    );
}

/// P-TEXT-24
#[test]
fn jobs_are_shown() {
    check(
        r#"
        client > text "show jobs"
        client < list {
        }
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $one
        client > SUBMIT_JOB_BG f "" "2"
        client < JOB_CREATED $two
        client > text "show jobs"
        client < list {
            row $one 0 0 0
            row $two 0 0 1
        }
        "#,
    );
}

/// P-TEXT-25
#[test]
fn uniques_are_shown() {
    check(
        r#"
        client > SUBMIT_JOB f u1 "1" & SUBMIT_JOB f u2 "2"
        client < 2 times JOB_CREATED _
        client > text "show unique jobs"
        client < list {
            text u1
            text u2
        }
        "#,
    );
}

/// P-TEXT-26
#[test]
fn show_of_something_else_is_refused() {
    check(
        r#"
        client > text "show foo" & text "show unique" & text "show jobs x"
        client < 3 times text "ERR UNKNOWN_SHOW_ARGUMENTS"
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

/// P-TEXT-29, P-TEXT-30, P-TEXT-31
#[test]
fn cancel_of_something_else_is_refused() {
    check(
        r#"
        client > text "cancel job H:nowhere:1"
        client < text "ERR UNKNOWN_JOB"
        client > text "cancel job" & text "cancel"
        client < 2 times text "ERR UNKNOWN_COMMAND Unknown+server+command"..
        client > text "cancel foo bar" & text "cancel job a b"
        client < 2 times text "ERR UNKNOWN_ERROR"
        "#,
    );
}

/// P-TEXT-32: one final packet, from the cancelling or from the worker.
#[test]
fn cancelled_running_job_ends_once() {
    check(
        r#"
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        admin  > text "cancel job $h"
        admin  < text "OK"
        client < WORK_FAIL $h
        worker > WORK_COMPLETE $h "done"
        worker < ERROR _ _ | nothing
        client is quiet
        "#,
    );
}

/// P-TEXT-33, P-TEXT-36
#[test]
fn functions_are_created_and_dropped() {
    check(
        r#"
        client > text "create function f"
        client < text "OK"
        client > text "status"
        client < list {
            row f 0 0 0
        }
        client > text "drop function f"
        client < text "OK"
        client > text "status"
        client < list {
        }
        "#,
    );
}

/// P-TEXT-35
#[test]
fn create_needs_a_function() {
    check(
        r#"
        client > text "create" & text "create function" & text "create foo bar"
        client < 3 times text "ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command"..
        "#,
    );
}

/// P-TEXT-37
#[test]
fn function_in_use_is_not_dropped() {
    check(
        r#"
        worker > CAN_DO f
        admin  > text "drop function f"
        admin  < text "ERR there are still connected workers or executing clients"
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

/// P-TEXT-38
#[test]
fn unknown_function_is_not_dropped() {
    check(
        r#"
        client > text "drop function f"
        client < text "ERR function not found"
        "#,
    );
}
