//! The order in which jobs are handed out.

use super::check;

/// P-ORD-01
#[test]
fn high_before_normal_before_low_first_in_first_out() {
    check(
        r#"
        client > SUBMIT_JOB_LOW_BG f "" "low 1" & SUBMIT_JOB_BG f "" "normal 1"
        client > SUBMIT_JOB_HIGH f "" "high 1" & SUBMIT_JOB_LOW f "" "low 2"
        client > SUBMIT_JOB f "" "normal 2" & SUBMIT_JOB_HIGH_BG f "" "high 2"
        client < 6 times JOB_CREATED _
        worker > CAN_DO f & 7 times GRAB_JOB
        worker < JOB_ASSIGN _ f "high 1"
        worker < JOB_ASSIGN _ f "high 2"
        worker < JOB_ASSIGN _ f "normal 1"
        worker < JOB_ASSIGN _ f "normal 2"
        worker < JOB_ASSIGN _ f "low 1"
        worker < JOB_ASSIGN _ f "low 2"
        worker < NO_JOB
        "#,
    );
}

/// P-ORD-02
#[test]
fn priority_counts_over_all_functions_of_a_worker() {
    check(
        r#"
        worker > CAN_DO fa & CAN_DO fb & CAN_DO fc
        client > SUBMIT_JOB_LOW_BG fa "" "low" & SUBMIT_JOB_BG fa "" "normal" & SUBMIT_JOB_HIGH_BG fa "" "high"
        client > SUBMIT_JOB_LOW_BG fb "" "low" & SUBMIT_JOB_BG fb "" "normal" & SUBMIT_JOB_HIGH_BG fb "" "high"
        client > SUBMIT_JOB_LOW_BG fc "" "low" & SUBMIT_JOB_BG fc "" "normal" & SUBMIT_JOB_HIGH_BG fc "" "high"
        client < 9 times JOB_CREATED _
        worker > 9 times GRAB_JOB
        worker < 3 times JOB_ASSIGN _ _ "high"
        worker < 3 times JOB_ASSIGN _ _ "normal"
        worker < 3 times JOB_ASSIGN _ _ "low"
        "#,
    );
}

/// P-ORD-05, D29
#[test]
fn functions_of_one_priority_take_turns() {
    check(
        r#"
        worker > CAN_DO busy & CAN_DO rare
        client > 4 times SUBMIT_JOB_BG busy "" "x" & 2 times SUBMIT_JOB_BG rare "" "x"
        client < 6 times JOB_CREATED _
        worker > 2 times GRAB_JOB
        any order {
            worker < JOB_ASSIGN _ busy _
            worker < JOB_ASSIGN _ rare _
        }
        worker > 2 times GRAB_JOB
        any order {
            worker < JOB_ASSIGN _ busy _
            worker < JOB_ASSIGN _ rare _
        }
        worker > 2 times GRAB_JOB
        worker < 2 times JOB_ASSIGN _ busy _
        "#,
    );
}

/// P-ORD-06
#[test]
fn job_of_a_lost_worker_goes_to_the_end_of_its_priority() {
    check(
        r#"
        client > SUBMIT_JOB f "" "poison"
        client < JOB_CREATED $poison
        client > SUBMIT_JOB f "" "healthy"
        client < JOB_CREATED $healthy
        client > SUBMIT_JOB_LOW f "" "low"
        client < JOB_CREATED $low
        lost   > CAN_DO f & GRAB_JOB
        lost   < JOB_ASSIGN $poison f "poison"
        lost   closes
        worker > CAN_DO f & 3 times GRAB_JOB
        worker < JOB_ASSIGN $healthy f "healthy"
        worker < JOB_ASSIGN $poison f "poison"
        worker < JOB_ASSIGN $low f "low"
        "#,
    );
}

/// P-ORD-07
#[test]
fn running_job_is_not_interrupted() {
    check(
        r#"
        worker > CAN_DO f
        client > SUBMIT_JOB_LOW f "" "low"
        client < JOB_CREATED $low
        worker > GRAB_JOB
        worker < JOB_ASSIGN $low f "low"
        client > SUBMIT_JOB_HIGH f "" "high"
        client < JOB_CREATED $high
        worker is quiet
        worker > WORK_COMPLETE $low "done"
        client < WORK_COMPLETE $low "done"
        "#,
    );
}
