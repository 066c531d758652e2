//! SIGINT and SIGTERM: a report of what there is, and no server left behind.

use super::{BOUND, file_of_cases, report_of, serve};
use crate::support::{Running, TempDir, ask_until};
use gearbench::cli::exit;
use std::fmt::Write;
use std::path::Path;

/// The command of a server that writes its process down first.
fn written_down(pids: &Path) -> String {
    let pids = pids.to_str().expect("a path");
    let pids = shlex::try_quote(pids).expect("a path");
    super::shell(&format!("echo $$ >> {pids}; exec {}", serve()))
}

/// The processes of all servers until now; a line may still be being written.
fn processes(pids: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(pids).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete.lines().map(str::to_owned).collect()
}

/// Whether a process runs; one that has ended may wait for its parent to notice.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold anything.
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

/// So many cases that each needs a server of its own and plays `script` on it.
fn cases(number: usize, script: &str) -> String {
    let mut text = String::from("source = \"This test\"\n");
    for case in 0..number {
        let _ = write!(
            text,
            "[[case]]\nid = \"number-{case}\"\nrule = \"It goes on.\"\nshows = [\"P-FRAME-01\"]\n\
             level = \"must\"\nalone = true\nscript = '''\n{script}\n'''\n"
        );
    }
    text
}

/// `gearbench conform` on those cases, under way: so many servers have been started.
fn under_way(files: &TempDir, cases: &str, servers: usize) -> Running {
    let pids = files.file("pids");
    let mut conform = super::launching(&written_down(&pids), "mine/ --parallel 2 --cases");
    conform.arg(file_of_cases(files, cases));
    let running = Running::start(&mut conform, b"");
    ask_until("servers to be started", || {
        (processes(&pids).len() >= servers).then_some(())
    });
    running
}

#[track_caller]
fn nothing_is_left(files: &TempDir) {
    for pid in processes(&files.file("pids")) {
        ask_until("a server to be gone", || (!runs(&pid)).then_some(()));
    }
}

#[test]
fn an_interrupted_run_reports_what_there_is() {
    const CASES: usize = 1000;
    for (signal, code) in [("INT", exit::INTERRUPTED), ("TERM", exit::TERMINATED)] {
        let files = TempDir::new();
        let echo = "client > ECHO_REQ \"x\"\nclient < ECHO_RES \"x\"";
        // One to see which it is, two at a time: the first case is over.
        let conform = under_way(&files, &cases(CASES, echo), 4);
        conform.signal(signal);
        let text = report_of(&conform.finish(BOUND), code);
        assert!(text.contains(" PASS, "), "{text}");
        assert!(text.contains(" could not be played\n  interrupted\n"));
        let all = format!("\n{CASES} cases: ");
        assert!(text.contains(&all), "{text}");
        nothing_is_left(&files);
    }
}

/// Two signals, of which neither can hide the other; the second does not wait for the case.
#[test]
fn a_second_signal_ends_it_at_once_and_the_servers_too() {
    let files = TempDir::new();
    let waits = "client > ECHO_REQ \"x\"\nclient < ECHO_RES \"x\"\nafter 86400s";
    let conform = under_way(&files, &cases(2, waits), 3);
    conform.signal("INT");
    conform.signal("TERM");
    let finished = conform.finish(BOUND);
    let code = finished.status.code();
    let codes = [exit::INTERRUPTED, exit::TERMINATED].map(|code| Some(code.into()));
    assert!(codes.contains(&code), "{code:?}");
    assert_eq!(finished.out(), "");
    nothing_is_left(&files);
}
