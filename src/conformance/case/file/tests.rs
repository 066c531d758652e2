use super::*;

const GOOD: &str = r#"
source = "PROTOCOL"

[[case]]
id     = "echo"
rule   = "ECHO_REQ is answered with the same bytes."
shows  = ["P-FRAME-01"]
level  = "must"
script = '''
client > ECHO_REQ "hello"
client < ECHO_RES "hello"
'''
"#;

#[track_caller]
fn refused(good: &str, bad: &str, place: &str, problem: &str) {
    assert!(GOOD.contains(good), "{good}");
    let text = GOOD.replacen(good, bad, 1);
    let error = parse("mine.toml", "mine", &text).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with(&format!("mine.toml:{place}: ")), "{told}");
    assert!(error.problem.contains(problem), "{told}");
}

#[test]
fn a_case_is_read() {
    let cases = parse("mine.toml", "mine", GOOD).unwrap();
    let [case] = cases.as_slice() else {
        panic!("{cases:?}");
    };
    assert_eq!(case.id, "mine/echo");
    assert_eq!(case.source, "PROTOCOL");
    assert_eq!(case.level, Level::Must);
    assert_eq!(case.script.steps.len(), 2);
    assert_eq!((case.script_line, case.line(2)), (10, 11));
}

#[test]
fn errors_of_a_script_are_at_their_line_and_column_of_the_file() {
    refused(
        "> ECHO_REQ",
        "> ECHO_REK",
        "10:10",
        "no packet is called ECHO_REK; the nearest name is ECHO_REQ",
    );
    refused("< ECHO_RES", "? ECHO_RES", "11:8", "expected");
    refused(
        "< ECHO_RES \"hello\"",
        "< ECHO_RES \"$h\"",
        "11:19",
        "$h is not bound",
    );
    refused(
        "> ECHO_REQ \"hello\"",
        "> ECHO_REQ",
        "10:10",
        "ECHO_REQ takes 1",
    );
    refused(
        "client > ECHO_REQ \"hello\"",
        "client > ECHO_REQ \"hällo",
        "10:19",
        "expected",
    );
}

#[test]
fn errors_around_a_script_have_their_place_too() {
    refused("\"echo\"", "\"Echo 1\"", "5:10", "a-z, 0-9 and -");
    refused("[\"P-FRAME-01\"]", "[]", "7:10", "at least one requirement");
    refused("\"must\"", "\"shall\"", "8:10", "unknown variant `shall`");
    refused("rule   =", "rules  =", "6:1", "unknown field `rules`");
    refused("source = \"PROTOCOL\"", "", "5:10", "no `source`");
    refused(
        "level  =",
        "needs = [\"epock\"]\nlevel =",
        "8:10",
        "the nearest is epoch",
    );
    refused(
        "level  =",
        "settings = { retries = 1 }\nlevel =",
        "8:12",
        "retries",
    );
    refused(
        "script = '''\nclient > ECHO_REQ \"hello\"\nclient < ECHO_RES \"hello\"\n'''",
        "script = \"\"",
        "9:10",
        "'''",
    );
    refused(
        "client > ECHO_REQ \"hello\"\nclient < ECHO_RES \"hello\"\n",
        "",
        "9:10",
        "empty",
    );
    refused("[[case]]", "[[case]", "4:8", "");
}
