//! On servers that are launched: what they are known for, how they die, and those that never were
//! servers.

use super::{BOUND, exits, gearbench, gearmand, launching, on, ours, report};
use crate::support::{Gearmand, Server, require_or_skip, run_with_deadline};
use gearbench::cli::exit;
use std::process::Command;

/// C gearmand takes a function without a name for one.
const KNOWN: &str = "submit/empty-function-name";

/// The text of a field of the first failure in a report.
#[track_caller]
fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let start = format!("  {name:12}");
    text.lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("no field {name:?} in: {text}"))
}

#[test]
fn known_failures_of_gearmand_are_listed_and_no_failures() {
    if !require_or_skip("gearmand") {
        return;
    }
    let text = report(&mut launching(&gearmand(), "options submit"), 0);
    assert!(text.starts_with("server      C gearmand 1"), "{text}");
    assert!(text.contains("\nprofile     gearmand-1.1, because: "));
    let (_, known) = text.split_once("\nKNOWN: ").expect("known failures");
    assert!(known.contains(&format!("\n  {KNOWN}: ")), "{text}");
    assert!(known.contains(" fail as their profile says\n"), "{text}");
}

#[test]
fn without_a_profile_they_are_failures_that_can_be_repeated() {
    if !require_or_skip("gearmand") {
        return;
    }
    let arguments = format!("{KNOWN} submit/job-runs --profile none");
    let text = report(&mut launching(&gearmand(), &arguments), 4);
    assert!(text.contains(&format!("\nFAIL {KNOWN}  (1 of 1)\n")));
    assert!(field(&text, "shows").starts_with("P-SUB-06 (should): "));
    assert_eq!(field(&text, "expected"), "ERROR _ _");
    assert!(field(&text, "found").starts_with("JOB_CREATED \""));
    assert!(text.contains("client > SUBMIT_JOB \"\" \"\" \"abc\"\n"));
    assert!(text.contains("\nexit 4: 1 case fails "), "{text}");

    let repeat = shlex::split(field(&text, "repeat")).expect("a command");
    let (program, arguments) = repeat.split_first().expect("a command");
    assert_eq!(program, "gearbench");
    let again = report(gearbench().args(arguments), 4);
    for name in ["at", "step", "expected", "repeat"] {
        assert_eq!(field(&again, name), field(&text, name));
    }
    assert!(field(&again, "found").starts_with("JOB_CREATED \""));
}

/// A type of which C gearmand dies.
const DEADLY: &str = "framing/type-2-31-does-not-kill";

#[test]
fn a_failure_tells_how_the_server_died() {
    if !require_or_skip("gearmand") {
        return;
    }
    let arguments = format!("{DEADLY} submit/job-runs --hazardous --profile none");
    let text = report(&mut launching(&gearmand(), &arguments), 4);
    assert!(
        text.contains(&format!("\nFAIL {DEADLY}  (1 of 1)\n")),
        "{text}"
    );
    // How, if its process was gone when that was asked for.
    let fate = field(&text, "server");
    assert!(fate.starts_with("the server "), "{fate}");
    assert!(field(&text, "repeat").contains(" --hazardous "), "{text}");
    // The other case has a server of its own.
    assert!(text.contains("\n2 cases: 1 PASS, 1 FAIL in "), "{text}");
}

#[test]
fn without_a_second_word_hazards_are_left_out() {
    let text = report(&mut ours(&format!("conform {DEADLY}")), 8);
    assert!(text.contains("\nSKIP: 1 case not played\n"), "{text}");
    assert!(text.contains("--hazardous\n"), "{text}");
}

#[test]
fn a_shared_server_that_dies_is_gone() {
    if !require_or_skip("gearmand") {
        return;
    }
    let server = Gearmand::start(&[]);
    let arguments = "--hazardous --profile none submit/job-runs framing/*-not-kill";
    let text = report(
        &mut on(server.address(), "conform", arguments),
        exit::TARGET,
    );
    assert!(
        text.contains("; the cases left were not played\n"),
        "{text}"
    );
    let (_, blocked) = text.split_once("\nBLOCKED: ").expect("cases");
    assert!(blocked.contains("\n  the server is gone\n"), "{text}");
    assert!(text.contains(" (also applies: 4)\n"), "{text}");
}

#[track_caller]
fn is_no_server(command: &mut Command, code: u8, words: &[&str]) {
    let finished = run_with_deadline(command, BOUND);
    super::refuses(&finished, code, words);
    // Another port would not help.
    let err = finished.err();
    assert!(!err.contains("-t HOST:PORT"), "{err}");
}

#[test]
fn commands_that_start_no_server_are_named_with_their_last_words() {
    let usage = exit::USAGE;
    for (server, code, words) in [
        ("sleep 1", usage, &["has no {port}"][..]),
        ("sh -c 'sleep {port}", usage, &["quote", "not closed"]),
        ("", usage, &["is empty"]),
        ("/no/such/server {port}", exit::TARGET, &["/no/such/server"]),
        (
            "sh -c 'echo went wrong >&2; exit 7' {port}",
            exit::TARGET,
            &["exit code 7", "before it answered", "\n  went wrong\n"],
        ),
        (
            "sh -c 'kill -KILL $$' {port}",
            exit::TARGET,
            &["signal 9", "before it answered"],
        ),
    ] {
        is_no_server(&mut launching(server, "options"), code, words);
    }
}

#[test]
fn a_command_that_never_listens_is_ended() {
    let words = ["did not answer on 127.0.0.1:", "ECHO_REQ", "\n  patience\n"];
    let server = "sh -c 'echo patience; exec sleep 3600' {port}";
    is_no_server(&mut launching(server, "options"), exit::TARGET, &words);
}

/// Nothing is known about the server then, so it is not charged with it.
#[test]
fn a_server_that_does_not_start_again_is_an_error() {
    let files = crate::support::TempDir::new();
    let marker = files.file("started");
    let marker = shlex::try_quote(marker.to_str().expect("a path")).expect("a path");
    // The first start is only to see which server it is.
    let server = super::shell(&format!(
        "if [ -e {marker} ]; then echo no more; exit 9; fi; : > {marker}; exec {}",
        super::serve()
    ));
    let finished = run_with_deadline(&mut launching(&server, "submit/job-runs"), BOUND);
    exits(&finished, exit::INTERNAL);
    let text = finished.out();
    assert!(
        text.contains("\nERROR submit/job-runs  (1 of 1)\n"),
        "{text}"
    );
    // Where a line is broken depends on how long the paths are.
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    assert!(
        words.contains("its last words:\\n no more repeat"),
        "{text}"
    );
}
