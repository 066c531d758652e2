//! What goes wrong on purpose: every fault happens, is over in the end, and leaves books that add
//! up and no broken promise, on our server and on C gearmand.

use crate::support::{Gearmand, Serve, Server, TempDir, require_or_skip};
use gearbench::cli::exit;
use gearbench::load::{self, Control, FaultKind, Pace, Plan, RunId};
use gearbench::report::{Fault, Kind, Report};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

fn plan(address: SocketAddr, faults: &[&str]) -> Plan {
    let mut plan = Plan::new(address.to_string(), RunId::fresh(), 7);
    (plan.clients, plan.workers) = (4, 4);
    plan.pace = Pace::Closed { outstanding: 4 };
    plan.duration = Some(Duration::from_millis(2500));
    plan.drain = Duration::from_secs(60);
    plan.service = "fixed:2ms".parse().expect("a time");
    plan.background_percent = 30.0;
    plan.chunks = 2;
    plan.faults = faults
        .iter()
        .map(|text| text.parse().expect("a fault"))
        .collect();
    plan
}

fn run(plan: Plan) -> Report {
    load::run(plan, Control::default())
        .expect("a report")
        .report
}

fn survives(server: &impl Server, fault: &str) -> Report {
    survived(plan(server.address(), &[fault]), fault)
}

/// The faults of a run that ends with no more than its own clients' jobs missing.
fn survived(plan: Plan, fault: &str) -> Report {
    let report = run(plan);
    no_promise_is_broken(&report);
    let books = &report.ledger;
    assert_eq!(books.ok + books.abandoned, books.sent, "{fault}: {books:?}");
    assert!(!report.faults.is_empty(), "{fault} did not happen");
    let first = &report.faults[0];
    let recovered = |fault: &Fault| fault.recovered_after_seconds.is_some();
    assert!(report.faults.iter().any(recovered), "{:?}", report.faults);
    assert!(first.at_seconds >= 0.2 || fault == "fragment", "{first:?}");
    report
}

#[track_caller]
fn no_promise_is_broken(report: &Report) {
    let verdict = &report.verdict;
    let broken = verdict.findings.iter().find(|f| f.kind == Kind::Invariant);
    assert_eq!(broken, None, "{:?}", report.ledger);
}

fn killed_workers(server: &impl Server) {
    for how in ["fin", "rst"] {
        let fault = format!("kill-worker:every=200ms,count=2,how={how}");
        let mut plan = plan(server.address(), &[&fault]);
        // Long enough that a worker has a job whenever it is killed.
        plan.service = "exp:20ms".parse().expect("a time");
        let report = survived(plan, &fault);
        assert_eq!(report.faults[0].connections, 2);
        assert!(report.generator.reconnects >= 2);
        assert!(report.ledger.rerun > 0, "{:?}", report.ledger);
    }
}

#[test]
fn jobs_of_killed_workers_are_run_again() {
    killed_workers(&Serve::start(&[]));
}

#[test]
fn jobs_of_killed_workers_are_run_again_by_gearmand() {
    if require_or_skip("gearmand") {
        killed_workers(&Gearmand::start(&[]));
    }
}

#[test]
fn jobs_of_killed_clients_are_abandoned() {
    let server = Serve::start(&[]);
    for how in ["fin", "rst"] {
        let fault = format!("kill-client:every=200ms,share=50%,how={how}");
        let report = survives(&server, &fault);
        assert_eq!(report.faults[0].connections, 2);
        assert!(report.ledger.abandoned > 0, "{:?}", report.ledger);
        assert_eq!(report.generator.connections_lost, 0);
    }
}

#[test]
fn a_stalled_worker_keeps_its_jobs_and_goes_on() {
    let report = survives(
        &Serve::start(&[]),
        // All of them: whatever is on its way then has to wait.
        "stall-worker:at=200ms,for=500ms,count=4",
    );
    let after = report.faults[0].recovered_after_seconds;
    assert!(after >= Some(0.5), "{after:?}");
    let response = report.phases[0].stage("response").expect("a stage");
    assert!(
        response.latency.0.max() > 300_000_000,
        "somebody has waited"
    );
    assert_eq!(report.ledger.rerun, 0);
}

fn slow_readers(server: &impl Server) {
    let report = survives(server, "slow-reader:at=200ms,for=500ms,count=2");
    assert!(report.faults[0].jobs > 0, "their results have waited");
    assert_eq!(report.ledger.abandoned, 0);
}

#[test]
fn slow_readers_get_everything_in_the_end() {
    slow_readers(&Serve::start(&[]));
}

#[test]
fn slow_readers_get_everything_in_the_end_from_gearmand() {
    if require_or_skip("gearmand") {
        slow_readers(&Gearmand::start(&[]));
    }
}

#[test]
fn faults_are_told_while_they_last() {
    let server = Serve::start(&[]);
    let plan = plan(server.address(), &["stall-worker:at=200ms,for=1s"]);
    let (tell, told) = channel();
    let control = Control {
        progress: Some(Box::new(move |progress| {
            let _ = tell.send(progress.faults.clone());
        })),
        ..Control::default()
    };
    load::run(plan, control).expect("a report");
    let told: Vec<FaultKind> = told.iter().flatten().collect();
    assert!(!told.is_empty(), "nothing was told of it");
    assert!(told.iter().all(|kind| *kind == FaultKind::StallWorker));
}

#[test]
fn a_half_closed_client_comes_again() {
    let report = survives(&Serve::start(&[]), "half-close:every=300ms");
    assert!(report.generator.reconnects > 0);
    assert_eq!(report.generator.connections_lost, 0);
}

#[test]
fn packets_in_pieces_are_packets() {
    let report = survives(&Serve::start(&[]), "fragment");
    assert_eq!(report.faults[0].connections, 8);
    assert_eq!(report.ledger.abandoned, 0);
}

#[test]
fn workers_that_come_and_go_lose_nothing() {
    let report = survives(&Serve::start(&[]), "churn:every=200ms,count=2");
    assert!(report.generator.reconnects >= 2);
    assert_eq!(report.ledger.rerun, 0, "{:?}", report.ledger);
}

#[test]
fn faults_of_many_threads_are_those_of_the_plan() {
    let server = Serve::start(&[]);
    let mut plan = plan(server.address(), &["kill-worker:at=200ms,count=3"]);
    plan.threads = 2;
    let report = run(plan);
    no_promise_is_broken(&report);
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
    assert_eq!(report.faults[0].connections, 3);
}

/// A shell command that kills a server and starts it again on its port, and what it has started.
struct Restart {
    files: TempDir,
    command: String,
}

impl Restart {
    fn of(server: &impl Server, start: &str) -> Self {
        let files = TempDir::new();
        let pid = files.file("pid");
        let first = server.pid();
        // A process whose parent has not looked yet stays as a zombie, without its port.
        let command = format!(
            "pid=$(cat '{pid}' 2>/dev/null || echo {first}); kill -9 $pid; \
             until grep -q '^State:.Z' /proc/$pid/status || [ ! -e /proc/$pid ]; do :; done; \
             {start} & echo $! > '{pid}'",
            pid = pid.display()
        );
        Restart { files, command }
    }
}

impl Drop for Restart {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.files.file("pid")) {
            let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        }
    }
}

fn restarted(server: &impl Server, start: &str, durable: bool) -> Report {
    let restart = Restart::of(server, start);
    let mut plan = plan(server.address(), &["server-restart:at=300ms"]);
    // So that jobs wait in the queue when it goes down.
    plan.pace = Pace::Closed { outstanding: 30 };
    plan.duration = Some(Duration::from_secs(4));
    plan.durable = durable;
    plan.restart_cmd = Some(restart.command.clone());
    let report = run(plan);
    assert_eq!(report.faults.len(), 1);
    assert_eq!(report.faults[0].connections, 8);
    assert!(report.faults[0].recovered_after_seconds.is_some());
    assert_eq!(report.generator.connections_lost, 0);
    let books = &report.ledger;
    assert!(books.lost_in_restart > 0, "{books:?}");
    report
}

/// The books of a restart that may lose what was in memory.
fn is_excused(report: &Report) {
    no_promise_is_broken(report);
    let books = &report.ledger;
    assert_eq!(books.ok + books.lost_in_restart, books.sent, "{books:?}");
}

#[test]
fn a_restart_loses_what_was_in_memory_and_is_not_blamed_for_it() {
    let server = Serve::start(&[]);
    let start = format!(
        "{} serve -p {}",
        env!("CARGO_BIN_EXE_gearbench"),
        server.address().port()
    );
    is_excused(&restarted(&server, &start, false));
}

#[test]
fn a_restart_of_gearmand_loses_what_was_in_memory() {
    if require_or_skip("gearmand") {
        let (server, files) = (Gearmand::start(&[]), TempDir::new());
        let start = format!(
            "{} --listen 127.0.0.1 --port {} --log-file none --pid-file '{}'",
            Gearmand::PATH,
            server.address().port(),
            files.file("pid").display()
        );
        is_excused(&restarted(&server, &start, false));
    }
}

#[test]
fn a_durable_server_keeps_acknowledged_background_jobs() {
    let files = TempDir::new();
    let store = format!("sqlite:{}", files.file("jobs").display());
    let server = Serve::start(&["--store", &store]);
    let start = format!(
        "{} serve -p {} --store '{store}'",
        env!("CARGO_BIN_EXE_gearbench"),
        server.address().port()
    );
    let report = restarted(&server, &start, true);
    no_promise_is_broken(&report);
    assert_eq!(report.ledger.lost, 0);
}

#[test]
fn one_that_should_be_durable_and_is_not_breaks_its_promise() {
    let server = Serve::start(&[]);
    let start = format!(
        "{} serve -p {}",
        env!("CARGO_BIN_EXE_gearbench"),
        server.address().port()
    );
    let report = restarted(&server, &start, true);
    assert_eq!(report.verdict.exit_code, exit::INVARIANT);
    assert!(report.ledger.lost > 0, "{:?}", report.ledger);
}
