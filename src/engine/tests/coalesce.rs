//! Jobs that are one by their unique.

use super::check;

/// P-UNIQ-01, P-UNIQ-03, P-UNIQ-04
#[test]
fn same_function_and_unique_are_one_job() {
    check(
        r#"
        worker > CAN_DO f
        one > SUBMIT_JOB f u "first"
        one < JOB_CREATED $h
        two > SUBMIT_JOB f u "second"
        two < JOB_CREATED $h
        two > text "status"
        two < list {
            row f 1 0 1
        }
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $h f u "first"
        worker > WORK_DATA $h "d" & WORK_WARNING $h "w" & WORK_STATUS $h 1 2 & WORK_COMPLETE $h "c"
        one < WORK_DATA $h "d"
        one < WORK_WARNING $h "w"
        one < WORK_STATUS $h 1 2
        one < WORK_COMPLETE $h "c"
        two < WORK_DATA $h "d"
        two < WORK_WARNING $h "w"
        two < WORK_STATUS $h 1 2
        two < WORK_COMPLETE $h "c"
        worker > GRAB_JOB
        worker < NO_JOB
        "#,
    );
}

/// P-UNIQ-02
#[test]
fn functions_do_not_share_uniques() {
    check(
        r#"
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $one
        client > SUBMIT_JOB g u "1"
        client < JOB_CREATED $two
        "#,
    );
}

/// P-UNIQ-05
#[test]
fn first_priority_stays() {
    check(
        r#"
        client > SUBMIT_JOB_LOW f u "joined"
        client < JOB_CREATED $joined
        client > SUBMIT_JOB f "" "plain"
        client < JOB_CREATED $plain
        client > SUBMIT_JOB_HIGH f u "joined"
        client < JOB_CREATED $joined
        worker > CAN_DO f & 2 times GRAB_JOB
        worker < JOB_ASSIGN $plain f "plain"
        worker < JOB_ASSIGN $joined f "joined"
        "#,
    );
}

/// P-UNIQ-06
#[test]
fn late_client_joins_running_job() {
    check(
        r#"
        worker > CAN_DO reverse
        early  > SUBMIT_JOB reverse u1 "abc"
        early  < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h reverse "abc"
        worker > WORK_DATA $h "missed"
        early  < WORK_DATA $h "missed"
        late   > SUBMIT_JOB reverse u1 "abc"
        late   < JOB_CREATED $h
        worker > WORK_COMPLETE $h "cba"
        early  < WORK_COMPLETE $h "cba"
        late   < WORK_COMPLETE $h "cba"
        "#,
    );
}

/// P-UNIQ-07
#[test]
fn unique_is_free_again_when_the_job_has_ended() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $one
        worker > GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        worker > WORK_COMPLETE $one ""
        client < WORK_COMPLETE $one ""
        client > SUBMIT_JOB f u "2"
        client < JOB_CREATED $two
        worker > GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        worker > WORK_FAIL $two
        client < WORK_FAIL $two
        client > SUBMIT_JOB f u "3"
        client < JOB_CREATED $three
        "#,
    );
}

/// P-UNIQ-08
#[test]
fn background_submission_keeps_a_foreground_job_alive() {
    check(
        r#"
        client > SUBMIT_JOB f u "abc"
        client < JOB_CREATED $h
        other  > SUBMIT_JOB_BG f u "abc"
        other  < JOB_CREATED $h
        other  > GET_STATUS_UNIQUE u
        other  < STATUS_RES_UNIQUE u 1 0 0 0 1
        client closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
        other is quiet
        "#,
    );
}

/// P-UNIQ-09, P-PERS-15
#[test]
fn foreground_client_that_leaves_does_not_take_a_background_job_along() {
    check(
        r#"
        client > SUBMIT_JOB_BG f u "abc"
        client < JOB_CREATED $h
        other  > SUBMIT_JOB f u "abc"
        other  < JOB_CREATED $h
        other closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        "#,
    );
}

/// P-UNIQ-09, with the job running and its worker lost too.
#[test]
fn joined_background_job_survives_client_and_worker() {
    check(
        r#"
        client > SUBMIT_JOB_BG f u "abc"
        client < JOB_CREATED $h
        lost   > CAN_DO f & GRAB_JOB
        lost   < JOB_ASSIGN $h f "abc"
        other  > SUBMIT_JOB f u "abc"
        other  < JOB_CREATED $h
        other closes
        lost closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        "#,
    );
}

/// P-UNIQ-10, P-WRK-09
#[test]
fn dash_makes_the_body_the_unique() {
    check(
        r#"
        client > SUBMIT_JOB f - "same"
        client < JOB_CREATED $h
        client > SUBMIT_JOB f - "same"
        client < JOB_CREATED $h
        client > SUBMIT_JOB f - "other"
        client < JOB_CREATED $other
        client > SUBMIT_JOB g - "same"
        client < JOB_CREATED $elsewhere
        worker > CAN_DO f & GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $h f - "same"
        "#,
    );
}

/// P-UNIQ-10: a body that reads like a unique is not one.
#[test]
fn dash_does_not_meet_a_unique_that_reads_like_the_body() {
    check(
        r#"
        client > SUBMIT_JOB f - "u"
        client < JOB_CREATED $dash
        client > SUBMIT_JOB f u "u"
        client < JOB_CREATED $unique
        "#,
    );
}

/// P-UNIQ-11
#[test]
fn dash_with_an_empty_body_is_never_joined() {
    check(
        r#"
        client > SUBMIT_JOB f - ""
        client < JOB_CREATED $one
        client > SUBMIT_JOB f - ""
        client < JOB_CREATED $two
        "#,
    );
}

/// P-UNIQ-12, P-SUB-14
#[test]
fn empty_unique_is_never_joined() {
    check(
        r#"
        client > SUBMIT_JOB f "" "same"
        client < JOB_CREATED $one
        client > SUBMIT_JOB f "" "same"
        client < JOB_CREATED $two
        client > SUBMIT_JOB_BG f "" "same"
        client < JOB_CREATED $three
        "#,
    );
}

/// P-UNIQ-13
#[test]
fn job_goes_on_for_the_client_that_stays() {
    check(
        r#"
        gone  > SUBMIT_JOB f u "abc"
        gone  < JOB_CREATED $h
        stays > SUBMIT_JOB f u "abc"
        stays < JOB_CREATED $h
        gone closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "cba"
        stays < WORK_COMPLETE $h "cba"
        "#,
    );
}

/// P-UNIQ-16
#[test]
fn joining_is_allowed_in_a_full_queue() {
    check(
        r#"
        client > SUBMIT_JOB f u "abc"
        client < JOB_CREATED $h
        client > text "maxqueue f 1"
        client < text "OK"
        client > SUBMIT_JOB f other "abc"
        client < ERROR _ _
        client > SUBMIT_JOB f u "abc"
        client < JOB_CREATED $h
        "#,
    );
}

/// P-WORK-23: one copy for each submission, as gearmand, or one in all.
#[test]
fn client_that_joined_twice_gets_the_result() {
    check(
        r#"
        client > 2 times SUBMIT_JOB f u "abc"
        client < 2 times JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "cba"
        client < WORK_COMPLETE $h "cba"
        client < WORK_COMPLETE $h "cba" | nothing
        client is quiet
        "#,
    );
}

/// P-UNIQ-07: a unique whose job was dropped with its client is free too.
#[test]
fn unique_of_a_dropped_job_is_free() {
    check(
        r#"
        client > SUBMIT_JOB f u "1"
        client < JOB_CREATED $one
        client closes
        other  > SUBMIT_JOB f u "2"
        other  < JOB_CREATED $two
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        "#,
    );
}

/// P-UNIQ-13, P-DISC-01: a client that joined twice leaves as one.
#[test]
fn client_that_joined_twice_leaves() {
    check(
        r#"
        gone   > 2 times SUBMIT_JOB f u "1" & 2 times SUBMIT_JOB f v "2"
        gone   < 4 times JOB_CREATED _
        stays  > SUBMIT_JOB f u "1"
        stays  < JOB_CREATED $h
        gone closes
        stays  > GET_STATUS_UNIQUE u & GET_STATUS_UNIQUE v
        stays  < STATUS_RES_UNIQUE u 1 0 0 0 1
        stays  < STATUS_RES_UNIQUE v 0 0 0 0 0
        worker > CAN_DO f & 2 times GRAB_JOB
        worker < JOB_ASSIGN $h f "1"
        worker < NO_JOB
        "#,
    );
}
