//! Connections that end.

use super::check;

/// P-DISC-04: without a limit again and again.
#[test]
fn attempts_are_unlimited_by_default() {
    let attempt = r#"
        NAME > CAN_DO f & GRAB_JOB
        NAME < JOB_ASSIGN $h f "1"
        NAME closes
    "#;
    let mut script = "client > SUBMIT_JOB f \"\" \"1\"\nclient < JOB_CREATED $h\n".to_owned();
    for number in 0..300 {
        script += &attempt.replace("NAME", &format!("w{number}"));
    }
    check(&(script + "client is quiet"));
}
