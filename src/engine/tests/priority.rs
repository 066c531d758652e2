//! The order in which jobs are handed out.

use super::check;

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
