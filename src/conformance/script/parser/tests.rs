use super::*;

fn parse(source: &str) -> Script {
    source
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{source}"))
}

fn error(source: &str) -> String {
    source.parse::<Script>().unwrap_err().to_string()
}

const EVERYTHING: &str = r#"
worker connects
worker > CAN_DO reverse & CAN_DO_TIMEOUT {reverse} 1000 & PRE_SLEEP
client > SUBMIT_JOB reverse u1 "abc"    # a comment
client < JOB_CREATED $h
client > SUBMIT_JOB_EPOCH f - now+2 "\0\x01\n\r\t\"\\\{\$é"
client < JOB_CREATED _
worker < NOOP | nothing |
    closed
worker > 3 times GRAB_JOB & packet 0xffffffff "" & RES ECHO_REQ "x"
worker < 3 times JOB_ASSIGN $h reverse "ab"..
worker > WORK_DATA "$h\0" "$h and {f}" & GET_STATUS_UNIQUE "ab"*32
client > text "maxqueue {reverse} 1"
client < text "OK"
client > text "status" & bytes "a\0"*9 "b" x
client < list {
    row {reverse} 1 0 1
    maybe row "now" _ ..
    never text "ERR"..
    words _ _ $id :
    ..
}
client < packet 77 "x"..
any order {
    client < WORK_FAIL $h | JOB_CREATED $h
    worker < row a
}
worker is quiet
after 2s
after 1500ms
client half-closes
client is closed
worker closes
worker connects
worker resets
"#;

#[test]
fn prints_back_what_it_parsed() {
    let actions = |script: &Script| -> Vec<Action> {
        script
            .steps
            .iter()
            .map(|step| step.action.clone())
            .collect()
    };
    let script = parse(EVERYTHING);
    let printed = script.to_string();
    assert_eq!(actions(&parse(&printed)), actions(&script), "{printed}");
    assert_eq!(parse(&printed).to_string(), printed);
}

#[test]
fn steps_know_their_line() {
    let script = parse("\n\na connects\nany order {\na < NOOP\n}\na closes");
    let lines: Vec<usize> = script.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [3, 4, 7]);
}

#[test]
fn errors_say_where_and_what() {
    for (source, message) in [
        (
            "a > SUBMIT_JOBS f u b",
            "line 1, column 5: no packet is called SUBMIT_JOBS; the nearest name is SUBMIT_JOB",
        ),
        (
            "\n a > SUBMIT_JOB f",
            "line 2, column 6: SUBMIT_JOB takes 3 (function, unique, body), found 1",
        ),
        (
            "a > PRE_SLEEP now",
            "line 1, column 5: PRE_SLEEP takes 0 (no arguments), found 1",
        ),
        (
            "a > NOOP",
            "line 1, column 5: NOOP is not sent by clients and workers; `packet 6` sends any number",
        ),
        (
            "a < CAN_DO f",
            "line 1, column 5: CAN_DO is not sent by a job server; `packet 1` sends any number",
        ),
        (
            "a > WORK_FAIL $h",
            "line 1, column 15: $h is not bound here: no line before receives it in all of its outcomes",
        ),
        (
            "a > text \"status",
            "line 1, column 10: expected a closing `\"`, found the end of the line",
        ),
        (
            "a > ECHO_REQ \"\\q\"",
            r#"line 1, column 16: expected one of \0 \n \r \t \" \\ \{ \$ \xNN, found `\q`"#,
        ),
        (
            "a closes\na is quiet",
            "line 2, column 1: a closed before; it cannot send or receive until it connects again",
        ),
        (
            "a > PRE_SLEEP\na connects",
            "line 2, column 1: a is connected already",
        ),
        (
            "a runs",
            "line 1, column 3: expected `>`, `<`, `is`, `connects`, `closes`, `half-closes` or `resets`, found `runs`",
        ),
        (
            "after lunch",
            "line 1, column 7: expected a time such as 2s or 300ms, a day at most, found `lunch`",
        ),
        (
            "a > ECHO_REQ \"x\"*99999999999",
            "line 1, column 17: expected how often, up to 64 MiB in all, found `99999999999`",
        ),
        (
            "any order {\na is quiet\n}",
            "line 2, column 3: expected `<`, found `is`",
        ),
    ] {
        assert_eq!(error(source), message, "{source}");
    }
}

#[test]
fn a_name_is_bound_only_by_all_outcomes() {
    assert!(error("a < JOB_CREATED $h | NOOP\na > WORK_FAIL $h").contains("$h is not bound"));
    parse("a < JOB_CREATED $h | WORK_FAIL $h\na > WORK_FAIL $h");
}
