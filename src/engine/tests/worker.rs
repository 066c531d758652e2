//! Abilities, grabbing, and the time a job may take.

use super::{Policy, check, check_with};

/// P-WRK-01
#[test]
fn ability_is_counted_without_jobs() {
    check(
        r#"
        worker > CAN_DO f
        worker is quiet
        client > text "status"
        client < list {
            row f 0 0 1
        }
        "#,
    );
}

/// P-WRK-02
#[test]
fn ability_counts_once() {
    check(
        r#"
        worker > CAN_DO f & CAN_DO f & CAN_DO_TIMEOUT f 1000
        worker is quiet
        worker > text "status"
        worker < list {
            row f 0 0 1
        }
        worker > CANT_DO f & text "status"
        worker < list {
            maybe row f 0 0 0
        }
        "#,
    );
}

/// P-WRK-03
#[test]
fn forgotten_function_is_not_offered() {
    check(
        r#"
        worker > CAN_DO f & CAN_DO g & CANT_DO f
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker > GRAB_JOB
        worker < NO_JOB
        client > SUBMIT_JOB_BG g "" "2"
        client < JOB_CREATED _
        worker > GRAB_JOB
        worker < JOB_ASSIGN _ g "2"
        "#,
    );
}

/// P-WRK-04
#[test]
fn forgetting_what_it_never_could_is_ignored() {
    check(
        r#"
        worker > CANT_DO unheard
        worker is quiet
        worker > CAN_DO f & CANT_DO unheard
        worker is quiet
        worker > text "status"
        worker < list {
            row f 0 0 1
        }
        "#,
    );
}

/// P-WRK-05
#[test]
fn reset_forgets_every_function() {
    check(
        r#"
        worker > CAN_DO f & CAN_DO g & RESET_ABILITIES
        client > SUBMIT_JOB_BG f "" "1" & SUBMIT_JOB_BG g "" "2"
        client < 2 times JOB_CREATED _
        worker > GRAB_JOB & PRE_SLEEP
        worker < NO_JOB
        worker is quiet
        worker > text "status"
        worker < list {
            row f 1 0 0
            row g 1 0 0
        }
        "#,
    );
}

/// P-WRK-06
#[test]
fn job_may_be_finished_after_its_function_was_forgotten() {
    for forget in ["CANT_DO f", "RESET_ABILITIES"] {
        check(
            &r#"
            worker > CAN_DO f
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            worker > GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            worker > FORGET
            other  > CAN_DO f & GRAB_JOB
            other  < NO_JOB
            worker > WORK_COMPLETE $h "done"
            client < WORK_COMPLETE $h "done"
            worker is quiet
            "#
            .replace("FORGET", forget),
        );
    }
}

/// P-WRK-07
#[test]
fn nothing_to_grab() {
    check(
        r#"
        client > SUBMIT_JOB_BG f "" "1"
        client < JOB_CREATED _
        worker > GRAB_JOB & GRAB_JOB_UNIQ & GRAB_JOB_ALL
        worker < 3 times NO_JOB
        worker > CAN_DO g & GRAB_JOB & GRAB_JOB_UNIQ & GRAB_JOB_ALL
        worker < 3 times NO_JOB
        "#,
    );
}

/// P-WRK-08, P-WRK-09, P-RED-05
#[test]
fn assignment_depends_on_the_grab() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $one
        client > SUBMIT_JOB f v "2"
        client < JOB_CREATED $two
        client > SUBMIT_JOB f w "3"
        client < JOB_CREATED $three
        client > SUBMIT_JOB f "" "4"
        client < JOB_CREATED $four
        worker > GRAB_JOB & GRAB_JOB_UNIQ & GRAB_JOB_ALL & GRAB_JOB_UNIQ
        worker < JOB_ASSIGN $one f "1"
        worker < JOB_ASSIGN_UNIQ $two f v "2"
        worker < JOB_ASSIGN_UNIQ $three f w "3"
        worker < JOB_ASSIGN_UNIQ $four f "" "4"
        "#,
    );
}

/// P-WRK-10
#[test]
fn one_connection_holds_many_jobs() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $one
        client > SUBMIT_JOB f "" "2"
        client < JOB_CREATED $two
        client > SUBMIT_JOB f "" "3"
        client < JOB_CREATED $three
        worker > 4 times GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        worker < JOB_ASSIGN $two f "2"
        worker < JOB_ASSIGN $three f "3"
        worker < NO_JOB
        worker > WORK_COMPLETE $two "" & WORK_COMPLETE $one "" & WORK_COMPLETE $three ""
        client < WORK_COMPLETE $two ""
        client < WORK_COMPLETE $one ""
        client < WORK_COMPLETE $three ""
        "#,
    );
}

/// P-WRK-19
#[test]
fn client_id_is_shown_by_workers() {
    check(
        r#"
        worker > CAN_DO f & SET_CLIENT_ID c1
        worker is quiet
        admin > text "workers"
        admin < list {
            words _ _ c1 : f
            words _ _ - :
        }
        "#,
    );
}

/// P-WRK-22
#[test]
fn ability_with_a_limit_is_an_ability() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 5000 & PRE_SLEEP
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        after 4s
        worker > WORK_COMPLETE $h "done"
        client < WORK_COMPLETE $h "done"
        after 10s
        client is quiet
        worker is quiet
        "#,
    );
}

/// P-WRK-23: milliseconds, also below 1000.
#[test]
fn limit_is_in_milliseconds() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 300
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        after 299ms
        client is quiet
        after 1ms
        client < WORK_FAIL $h
        "#,
    );
}

/// P-WRK-24, P-WRK-25, D04
#[test]
fn job_fails_when_its_time_is_up() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 2000
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        after 2s
        client < WORK_FAIL $h
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 0 0
        worker > WORK_COMPLETE $h "late"
        worker < ERROR JOB_NOT_FOUND _
        client is quiet
        worker > GRAB_JOB
        worker < NO_JOB
        "#,
    );
}

/// P-WRK-24, with attempts left.
#[test]
fn job_is_run_again_while_attempts_are_left() {
    let policy = Policy {
        job_retries: Some(2),
        ..Policy::default()
    };
    check_with(
        policy,
        r#"
        worker > CAN_DO_TIMEOUT f 2000
        other  > CAN_DO_TIMEOUT f 2000 & PRE_SLEEP
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        other  < NOOP | nothing
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        other  > GRAB_JOB & PRE_SLEEP
        other  < NO_JOB
        after 2s
        client is quiet
        other < NOOP
        other > GRAB_JOB
        other < JOB_ASSIGN $h f "1"
        worker > WORK_COMPLETE $h "late"
        worker < ERROR JOB_NOT_FOUND _
        after 2s
        client < WORK_FAIL $h
        "#,
    );
}

/// P-WRK-26
#[test]
fn limit_that_is_no_positive_number_is_none() {
    for limit in ["0", "-5", "\"\"", "soon"] {
        check(
            &r#"
            worker > CAN_DO_TIMEOUT f LIMIT
            worker < nothing | ERROR _ _
            worker > CAN_DO f
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            worker > GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            after 3600s
            client is quiet
            worker > WORK_COMPLETE $h ""
            client < WORK_COMPLETE $h ""
            "#
            .replace("LIMIT", limit),
        );
    }
}

/// P-WRK-27
#[test]
fn limit_of_more_than_20_characters_is_refused() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f "1"*21
        worker < ERROR _ _
        worker is quiet
        "#,
    );
}

/// P-WRK-30
#[test]
fn every_job_has_its_own_limit() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT slow 5000 & CAN_DO_TIMEOUT fast 2000
        client > SUBMIT_JOB slow "" "1"
        client < JOB_CREATED $slow
        worker > GRAB_JOB
        worker < JOB_ASSIGN $slow slow "1"
        after 1s
        client > SUBMIT_JOB fast "" "2"
        client < JOB_CREATED $fast
        worker > GRAB_JOB
        worker < JOB_ASSIGN $fast fast "2"
        after 2s
        client < WORK_FAIL $fast
        client is quiet
        after 2s
        client < WORK_FAIL $slow
        "#,
    );
}

/// P-WRK-31: progress does not extend the limit.
#[test]
fn progress_does_not_extend_the_limit() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 2000
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        after 1500ms
        worker > WORK_STATUS $h 1 2
        client < WORK_STATUS $h 1 2
        after 500ms
        client < WORK_FAIL $h
        "#,
    );
}

/// P-WRK-33, P-WRK-34, P-WRK-35: a limit that expires leaves the queue sound.
#[test]
fn queue_is_sound_after_a_limit_expired() {
    check(
        r#"
        worker > CAN_DO_TIMEOUT f 1000
        client > SUBMIT_JOB f "" "1"
        client < JOB_CREATED $one
        worker > GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        after 1s
        client < WORK_FAIL $one
        client > text "maxqueue f 10"
        client < text "OK"
        client > SUBMIT_JOB f "" "2"
        client < JOB_CREATED $two
        client > text "prioritystatus"
        client < list {
            row f 0 1 0 1
        }
        worker > 2 times GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        worker < NO_JOB
        "#,
    );
}

/// P-GEN-04
#[test]
fn all_yours_does_no_harm() {
    check(
        r#"
        worker > ALL_YOURS
        worker < ERROR _ _ | nothing
        worker is quiet
        "#,
    );
}
