//! Bytes, packets and lines.

use super::check;

/// P-FRAME-01, P-FRAME-02, P-FRAME-03
#[test]
fn echo_returns_the_bytes() {
    check(
        r#"
        client > ECHO_REQ "hello\0wor\0ld"
        client < ECHO_RES "hello\0wor\0ld"
        client > ECHO_REQ ""
        client < ECHO_RES ""
        client > ECHO_REQ "\0\x80a"*333333
        client < ECHO_RES "\0\x80a"*333333
        "#,
    );
}

/// P-FRAME-04, P-FRAME-06, P-FRAME-07
#[test]
fn packets_may_come_in_pieces() {
    check(
        r#"
        client > bytes "\0REQ\0\0"
        client is quiet
        client > bytes "\0\x10\0\0\0\nab"
        client is quiet
        client > bytes "cdefghi"
        client is quiet
        client > bytes "j\0"
        client < ECHO_RES "abcdefghij"
        client > bytes "REQ\0\0\0\x10\0\0\0\0"
        client < ECHO_RES ""
        "#,
    );
}

/// P-FRAME-05
#[test]
fn many_packets_in_one_write() {
    check(
        r#"
        client > 2000 times ECHO_REQ "x" & ECHO_REQ "end"
        client < 2000 times ECHO_RES "x"
        client < ECHO_RES "end"
        "#,
    );
}

/// P-FRAME-08
#[test]
fn incomplete_submission_is_no_job() {
    check(
        r#"
        client > bytes "\0REQ\0\0\0\x07\0\0\0\x09f\0u\0dat"
        client half-closes
        client is closed
        other > text "status"
        other < list {
        }
        "#,
    );
}

/// P-FRAME-09, D13
#[test]
fn bad_magic_ends_the_connection() {
    for start in ["\\0REX", "\\0req", "\\0\\0\\0\\0"] {
        check(
            &r#"
            client > bytes "START\0\0\0\x10\0\0\0\0" & ECHO_REQ "unread"
            client < ERROR _ _
            client is closed
            other > ECHO_REQ "alive"
            other < ECHO_RES "alive"
            "#
            .replace("START", start),
        );
    }
}

/// P-FRAME-10, D14
#[test]
fn response_magic_is_refused() {
    check(
        r#"
        client > RES ECHO_REQ "x"
        client < ERROR INVALID_MAGIC _
        client > ECHO_REQ "alive"
        client < ECHO_RES "alive"
        "#,
    );
}

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

/// P-FRAME-14, P-FRAME-15
#[test]
fn types_of_the_server_are_refused() {
    for number in [5, 6, 8, 10, 11, 17, 19, 20, 27, 31, 40, 42] {
        check(
            &r#"
            client > packet NUMBER "a\0b\0c\0d\0e\0f\0g" & ECHO_REQ "alive"
            client < ERROR INVALID_COMMAND _
            client < ECHO_RES "alive"
            "#
            .replace("NUMBER", &number.to_string()),
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

/// P-FRAME-16, P-FRAME-23: the last argument reaches to the end of the packet.
#[test]
fn nul_in_the_last_argument_is_part_of_it() {
    check(
        r#"
        client > GET_STATUS "no\0job"
        client < packet 20 "no\0"..
        client > OPTION_REQ "bogus\0exceptions"
        client < ERROR UNKNOWN_OPTION _
        client > CAN_DO "f\0g"
        client < ERROR _ _
        client > ECHO_REQ "\0\0"
        client < ECHO_RES "\0\0"
        "#,
    );
}

/// P-FRAME-22
#[test]
fn surplus_bytes_are_ignored() {
    check(
        r#"
        worker > CAN_DO f & packet 3 "xyz" & packet 9 "xyz" & packet 30 "xyz" & packet 39 "xyz"
        worker < 3 times NO_JOB
        worker > packet 4 "xyz"
        worker is quiet
        "#,
    );
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

/// P-FRAME-29, P-FRAME-30, P-TEXT-08
#[test]
fn text_and_packets_alternate() {
    check(
        r#"
        client > text "version" & ECHO_REQ "1" & text "bogus" & ECHO_REQ "2" & text "version"
        client < text "OK "..
        client < ECHO_RES "1"
        client < text "ERR UNKNOWN_COMMAND "..
        client < ECHO_RES "2"
        client < text "OK "..
        "#,
    );
}

/// P-FRAME-31
#[test]
fn line_may_come_in_pieces() {
    check(
        r#"
        client > bytes "ver"
        client is quiet
        client > bytes "sion\r"
        client is quiet
        client > bytes "\n"
        client < text "OK "..
        client is quiet
        "#,
    );
}

/// P-FRAME-32, P-TEXT-10
#[test]
fn line_without_end_ends_the_connection() {
    check(
        r#"
        client > bytes "a"*8191
        client is quiet
        client > bytes "\n"
        client < text "ERR "..
        client > bytes "a"*8192
        client < ERROR _ _ | text "ERR "..
        client is closed
        "#,
    );
}
