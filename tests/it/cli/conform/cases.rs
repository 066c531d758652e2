//! Cases of a user: played like the built-in ones, and refused at the place where they are wrong.

use super::{BOUND, Untouched, file_of_cases, on, ours, refuses, report};
use crate::support::{TempDir, run_with_deadline};
use gearbench::cli::exit;
use std::process::Command;

/// A file of one case that passes.
const PASSES: &str = r#"source = "The rules of this house"

[[case]]
id     = "echo"
rule   = "Füße come back."
shows  = ["P-FRAME-01"]
level  = "must"
needs  = ["echo"]
settings = { job-retries = 3 }
script = '''
client > ECHO_REQ "Füße"
client < ECHO_RES "Füße"
'''
"#;

/// `gearbench COMMAND --cases` and a file of this text, named as given.
fn with_cases(mut command: Command, files: &TempDir, text: &str) -> (Command, String) {
    let path = file_of_cases(files, text);
    command.arg("--cases").arg(&path);
    (command, path.display().to_string())
}

#[test]
fn cases_of_a_user_are_played_beside_the_others() {
    let files = TempDir::new();
    let (mut both, _) = with_cases(ours("conform mine/ submit/job-runs"), &files, PASSES);
    let text = report(&mut both, 0);
    assert!(text.contains("\n2 cases: 2 PASS in "), "{text}");
    // A directory of files.
    let mut all = ours("conform mine/ --cases");
    let text = report(all.arg(files.path()), 0);
    assert!(text.contains("\n1 case: 1 PASS in "), "{text}");

    let (explain, path) = with_cases(ours("explain mine/echo"), &files, PASSES);
    let text = run_with_deadline(&mut { explain }, BOUND).success().out();
    assert!(text.starts_with("mine/echo\n\nFüße come back.\n"), "{text}");
    assert!(text.contains(&format!("{path}:11\n")), "{text}");
}

#[test]
fn a_failure_is_shown_at_its_line() {
    let files = TempDir::new();
    let fails = PASSES.replace("RES \"Füße\"", "RES \"Hände\"");
    let line = 1 + fails
        .lines()
        .take_while(|line| !line.contains("Hände"))
        .count();
    let (mut conform, path) = with_cases(ours("conform mine/"), &files, &fails);
    let text = report(&mut conform, 4);
    for row in [
        format!("  at          {path}:{line}\n"),
        "  source      The rules of this house\n".to_owned(),
        "  step        client < ECHO_RES \"H\\xc3\\xa4nde\"\n".to_owned(),
        format!("  repeat      gearbench conform mine/echo --cases {path}\n"),
    ] {
        assert!(text.contains(&row), "{row:?} is not in: {text}");
    }
}

/// Line and column of the first `word` in a text, as people count them.
fn place(text: &str, word: &str) -> String {
    let at = text.find(word).unwrap_or_else(|| panic!("no {word:?}"));
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{line}:{column}: ")
}

/// Cases that are wrong because one thing stands in the place of another: what is refused, by its
/// first characters, and what is said of it.
const WRONG: [(&str, &str, &str, &str); 22] = [
    (
        "> ECHO_REQ",
        "> ECHO_REG",
        "ECHO_REG",
        "ECHO_REG; the nearest name is ECHO_REQ",
    ),
    (
        "> ECHO_REQ",
        "> FROBNICATE",
        "FROBNICATE",
        "no packet is called FROBNICATE",
    ),
    (
        "> ECHO_REQ",
        "> ECHO_RES",
        "ECHO_RES",
        "ECHO_RES is not sent by",
    ),
    (
        "client > ECHO_REQ",
        "client > CAN_DO f",
        "CAN_DO",
        "CAN_DO takes 1",
    ),
    (
        "RES \"Füße\"",
        "RES $h & ECHO_REQ",
        "& ECHO_REQ",
        "expected",
    ),
    (
        "> ECHO_REQ \"Füße\"",
        "> GET_STATUS $h",
        "$h",
        "$h is not bound here",
    ),
    ("client <", "client =", "= ECHO_RES", "expected"),
    ("RES \"Füße\"", "RES \"Füße", "\"Füße\n'''", "expected"),
    ("rule   =", "ruel   =", "ruel", "unknown field `ruel`"),
    (
        "rule   = \"Füße come back.\"\n",
        "",
        "[[case]]",
        "missing field `rule`",
    ),
    (
        "source = \"The rules of this house\"\n",
        "",
        "\"echo\"",
        "no `source`",
    ),
    (
        "\"echo\"\nrule",
        "\"Echo 1\"\nrule",
        "\"Echo 1\"",
        "a-z, 0-9 and -",
    ),
    ("[\"P-FRAME-01\"]", "[]", "[]", "at least one requirement"),
    (
        "\"must\"",
        "\"perhaps\"",
        "\"perhaps\"",
        "unknown variant `perhaps`",
    ),
    (
        "[\"echo\"]",
        "[\"telepathy\"]",
        "\"telepathy\"",
        "telepathy",
    ),
    ("job-retries", "job-retires", "{ job-retires", "job-retires"),
    ("= 3", "= \"many\"", "{ job-retries", "job-retries"),
    (
        "client > ECHO_REQ \"Füße\"\nclient < ECHO_RES \"Füße\"\n",
        "",
        "'''\n'''",
        "is empty",
    ),
    ("'''", "\"\"\"", "\"\"\"", "between ''' and '''"),
    ("[[case]]", "[[case]", "\nid", "unclosed array table"),
    ("source = \"The", "source = The", "The", ""),
    ("needs  =", "level  =", "level  = [", "duplicate key"),
];

#[test]
fn wrong_cases_are_refused_at_their_place_before_any_packet() {
    let server = Untouched::listen();
    for (right, wrong, at, words) in WRONG {
        let files = TempDir::new();
        let text = PASSES.replace(right, wrong);
        assert_ne!(text, PASSES, "{right:?}");
        let conform = on(server.address(), "conform", "mine/");
        let (mut conform, path) = with_cases(conform, &files, &text);
        let finished = run_with_deadline(&mut conform, BOUND);
        let place = format!("{path}:{}", place(&text, at));
        refuses(&finished, exit::USAGE, &[&place, words]);
    }
    server.is_untouched();
}

#[test]
fn names_that_do_not_fit_together_are_refused_by_file_and_case() {
    let server = Untouched::listen();
    let again = PASSES.split_once("\n\n").expect("a case").1;
    for (text, words) in [
        (
            format!("{PASSES}\n{again}"),
            ["the id mine/echo is taken by a case in", "mine.toml"],
        ),
        (
            PASSES.replace("P-FRAME-01", "P-FRAME-999"),
            ["mine/echo shows P-FRAME-999", "the nearest is P-FRAME-"],
        ),
        (
            PASSES.replace("level ", "after = [\"mine/nosuch\"]\nlevel "),
            ["mine/echo is to be played after mine/nosuch", "not exist"],
        ),
    ] {
        let files = TempDir::new();
        let conform = on(server.address(), "conform", "mine/");
        let (mut conform, path) = with_cases(conform, &files, &text);
        let finished = run_with_deadline(&mut conform, BOUND);
        refuses(&finished, exit::USAGE, &[&path, words[0], words[1]]);
    }
    server.is_untouched();
}

#[test]
fn files_that_are_missing_are_named() {
    let server = Untouched::listen();
    for command in ["conform", "diff", "list", "explain"] {
        let arguments = match command {
            "conform" => format!("conform -t {}", server.address()),
            "diff" => format!("diff -t {0} -t {0}", server.address()),
            "list" => "list cases".to_owned(),
            _ => "explain exit".to_owned(),
        };
        let mut missing = ours(&format!("{arguments} --cases no/such.toml"));
        let finished = run_with_deadline(&mut missing, BOUND);
        let words = ["cannot read no/such.toml", "No such file"];
        refuses(&finished, exit::USAGE, &words);
    }
    server.is_untouched();
}
