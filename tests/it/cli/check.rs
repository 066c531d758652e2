//! `gearbench`: one screen, on any server, and no trace there.

use super::{BOUND, OURS, exits, gearbench, on, queue, rows_of_ours};
use crate::support::{Gearmand, Serve, Server, TempDir, require_or_skip, run_with_deadline};
use gearbench::report::Report;

/// The text of a row of the screen.
#[track_caller]
fn row<'s>(screen: &'s str, name: &str) -> &'s str {
    screen
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no row {name:?} in:\n{screen}"))
        .trim()
}

/// All cases of the screen passed, or the time was over before they were played.
#[track_caller]
fn cases_passed(screen: &str) {
    let protocol = row(screen, "protocol");
    let (passed, rest) = protocol.split_once(" of ").expect("N of N");
    let (total, rest) = rest.split_once(' ').expect("N of N cases");
    let played = |n: &str| n.parse::<u32>().expect("a number");
    assert!(played(passed) > 0, "{protocol}");
    assert!(
        played(passed) == played(total) || rest.contains("not played"),
        "{protocol}"
    );
}

#[track_caller]
fn is_a_passed_screen(screen: &str, server: &str) {
    assert!(screen.starts_with("gearbench check  target "), "{screen}");
    assert!(row(screen, "server").starts_with(server), "{screen}");
    cases_passed(screen);
    assert!(row(screen, "idle").starts_with("response p50 "), "{screen}");
    let rate = row(screen, "ceiling").strip_suffix("jobs/s");
    let is_figure = |c: char| !c.is_alphabetic();
    assert!(
        rate.is_some_and(
            |rate| rate.starts_with(|c: char| c.is_ascii_digit()) && rate.chars().all(is_figure)
        ),
        "{screen}"
    );
    let promises = row(screen, "promises");
    assert!(promises.contains("; 0 lost, 0 made up, 0 run twice, 0 damaged, 0 left behind"));
    assert!(row(screen, "verdict").starts_with("PASSED: "), "{screen}");
    // It is the only screen, and its verdict the last line.
    assert_eq!(screen.matches("gearbench check").count(), 1, "{screen}");
    let last = screen.lines().last().unwrap_or_default();
    assert!(last.starts_with("verdict "), "{screen}");
}

#[test]
fn without_a_target_it_checks_its_own_server() {
    let finished = run_with_deadline(gearbench().args(["--budget", "5s"]), BOUND);
    exits(&finished, 0);
    let screen = finished.out();
    is_a_passed_screen(&screen, "gearbench serve ");
    // Progress is no part of the screen.
    assert!(!screen.contains("[1/5]"), "{screen}");
    assert!(finished.err().contains("[1/5]"), "{}", finished.err());
}

/// Jobs of others stay where they are, the server keeps running, and knows nothing of ours.
fn leaves_no_trace(server: &impl Server, name: &str, arguments: &str) {
    const JOBS: usize = 1000;
    queue(server.address(), "bystander", JOBS);
    let finished = run_with_deadline(&mut on(server.address(), "check", arguments), BOUND);
    exits(&finished, 0);
    if arguments.contains("--no-") {
        let screen = finished.out();
        assert!(row(&screen, "verdict").starts_with("PASSED"), "{screen}");
    } else {
        is_a_passed_screen(&finished.out(), name);
    }

    let mut admin = server.admin();
    let pid = admin.ask("getpid").expect("a server that answers");
    assert_eq!(pid, format!("OK {}", server.pid()));
    assert_eq!(rows_of_ours(&mut admin), Vec::<String>::new());
    let rows = admin.list("status").expect("an answer");
    assert_eq!(rows, [format!("bystander\t{JOBS}\t0\t0")]);
    let workers = admin.list("workers").expect("an answer");
    assert!(!workers.iter().any(|row| row.contains(OURS)), "{workers:?}");
}

#[test]
fn gearmand_is_left_as_it_was_found() {
    if require_or_skip("gearmand") {
        leaves_no_trace(&Gearmand::start(&[]), "C gearmand ", "--budget 5s");
    }
}

#[test]
fn gearmand_of_one_thread_is_left_as_it_was_found() {
    if require_or_skip("gearmand") {
        let server = Gearmand::start(&["--threads", "0"]);
        leaves_no_trace(&server, "C gearmand ", "--budget 5s");
    }
}

#[test]
fn our_server_is_left_as_it_was_found() {
    let server = Serve::start(&[]);
    leaves_no_trace(&server, "gearbench serve ", "--budget 5s");
}

#[test]
fn parts_can_be_left_out() {
    let server = Serve::start(&[]);
    for arguments in [
        "--no-load",
        "--no-load --no-conform",
        "--no-conform --budget 5s",
    ] {
        leaves_no_trace(&Serve::start(&[]), "gearbench serve", arguments);
    }
    let finished = run_with_deadline(&mut on(server.address(), "check", "--no-load"), BOUND);
    let screen = finished.out();
    cases_passed(&screen);
    assert_eq!(row(&screen, "load"), "none: left out, as asked");
    assert_eq!(row(&screen, "verdict"), "PASSED, without load");
}

#[test]
fn every_load_is_written_down() {
    let files = TempDir::new();
    let mut check = gearbench();
    check.args(["check", "--no-conform", "--budget", "5s", "--seed", "7"]);
    let finished = run_with_deadline(check.arg("--out").arg(files.path()), BOUND);
    exits(&finished, 0);
    for part in ["idle", "ceiling", "loaded"] {
        let json = super::read(&files, &format!("{part}/result.json"));
        let report: Report = serde_json::from_str(&json).expect("a report");
        assert!(report.ledger.ok > 0);
        assert_eq!(report.seed, 7);
    }
}
