//! SIGINT and SIGTERM: an end of its own, and a report of what there is.

use super::{BOUND, exits, on, read, rows_of_ours, run_into, wait_for_load};
use crate::support::{Gearmand, Running, Serve, Server, TempDir, ask_until, require_or_skip};
use gearbench::cli::exit;
use gearbench::report::{Kind, Report};

/// The signals and the codes that tell of them.
const SIGNALS: [(&str, u8); 2] = [("INT", exit::INTERRUPTED), ("TERM", exit::TERMINATED)];

fn run_is_interrupted(server: &impl Server) {
    for (signal, code) in SIGNALS {
        let files = TempDir::new();
        let mut run = run_into(server.address(), files.path(), "--duration 1h");
        let run = Running::start(&mut run, b"");
        wait_for_load(server);
        run.signal(signal);
        let finished = run.finish(BOUND);
        exits(&finished, code);
        let text = finished.out();
        assert!(text.contains("\nledger     "), "{text}");
        assert!(text.contains("\nverdict    INTERRUPTED (exit "), "{text}");
        let json = read(&files, "result.json");
        let report: Report = serde_json::from_str(&json).expect("a report");
        assert_eq!(report.verdict.findings[0].kind, Kind::Interrupted);
        assert_eq!(report.ledger.lost, 0);
        assert!(report.ledger.ok > 0);
        assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
    }
}

#[test]
fn a_run_on_gearmand_ends_with_a_partial_report() {
    if require_or_skip("gearmand") {
        run_is_interrupted(&Gearmand::start(&[]));
    }
}

#[test]
fn a_run_on_our_server_ends_with_a_partial_report() {
    run_is_interrupted(&Serve::start(&[]));
}

#[test]
fn a_check_ends_with_a_partial_screen() {
    let server = Serve::start(&[]);
    for (signal, code) in SIGNALS {
        let files = TempDir::new();
        let mut check = on(server.address(), "check", "--no-conform --budget 1h --out");
        let check = Running::start(check.arg(files.path()), b"");
        wait_for_load(&server);
        check.signal(signal);
        let finished = check.finish(BOUND);
        exits(&finished, code);
        let screen = finished.out();
        assert!(screen.starts_with("gearbench check  target "), "{screen}");
        let verdict = format!("\nverdict    INTERRUPTED: what is above stands (exit {code})\n");
        assert!(screen.ends_with(&verdict), "{screen}");
        let json = read(&files, "idle/result.json");
        let report: Report = serde_json::from_str(&json).expect("a report");
        assert_eq!(report.verdict.findings[0].kind, Kind::Interrupted);
        assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
    }
}

#[test]
fn a_check_is_interrupted_among_its_cases_too() {
    let server = Serve::start(&[]);
    let mut admin = server.admin();
    let mut check = on(server.address(), "check", "--budget 1h");
    let check = Running::start(&mut check, b"");
    ask_until("the first function of the check", || {
        (!rows_of_ours(&mut admin).is_empty()).then_some(())
    });
    check.signal("INT");
    let finished = check.finish(BOUND);
    exits(&finished, exit::INTERRUPTED);
    assert!(finished.out().contains("INTERRUPTED"), "{}", finished.out());
}
