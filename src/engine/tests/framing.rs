//! Bytes, packets and lines.

use super::check;

/// P-FRAME-11, P-FRAME-12, P-FRAME-13, D15
#[test]
fn unknown_types_are_refused() {
    for number in ["0", "43", "44", "0x7fffffff", "0x80000001", "0xffffffff"] {
        check(
            &r#"
            client > packet NUMBER "data" & ECHO_REQ "alive"
            client < ERROR _ _
            client < ECHO_RES "alive"
            "#
            .replace("NUMBER", number),
        );
    }
}

/// P-FRAME-17, P-FRAME-18, P-FRAME-19, P-FRAME-20, P-FRAME-21, D16
#[test]
fn missing_arguments_are_refused() {
    for packet in [
        "packet 7 f",
        "packet 7 \"f\\0u\"",
        "packet 7 \"\"",
        "packet 18 fmiss",
        "packet 12 \"h\\01\"",
        "packet 13 h",
        "packet 23 f",
        "packet 36 \"f\\0u\\05\"",
        "packet 37 \"f\\0u\\0reducer\\0\"",
        "packet 38 \"f\\0u\"",
    ] {
        check(
            &r#"
            client > PACKET & ECHO_REQ "alive\0"
            client < ERROR _ _
            client < ECHO_RES "alive\0"
            client > text "status"
            client < list {
                maybe row f 0 0 0
                maybe row fmiss 0 0 0
            }
            "#
            .replace("PACKET", packet),
        );
    }
}

/// P-FRAME-24
#[test]
fn argument_beyond_the_limit_is_refused() {
    check(
        r#"
        client > SUBMIT_JOB "f"*20000 "" "x" & CAN_DO "f"*20000
        client < 2 times ERROR _ _
        client is quiet
        "#,
    );
}

/// P-FRAME-25
#[test]
fn size_beyond_the_limit_is_refused() {
    check(
        r#"
        client > bytes "\0REQ\0\0\0\x10\xff\xff\xff\xffx"
        client < ERROR _ _
        client is closed
        "#,
    );
}
