//! What simulated clients and workers can do, on real servers: every job ends as it was told to,
//! and the books say so.

mod packets;

use crate::support::{Gearmand, Serve, Server, require_or_skip};
use gearbench::load::{self, Control, Plan, RunId};
use gearbench::report::{Kind, Report};
use std::net::SocketAddr;
use std::time::Duration;

const JOBS: u64 = 400;

fn plan(address: SocketAddr) -> Plan {
    let mut plan = Plan::new(address.to_string(), RunId::fresh(), 7);
    plan.jobs = Some(JOBS);
    (plan.clients, plan.workers) = (4, 4);
    plan.drain = Duration::from_secs(60);
    plan
}

fn run(plan: Plan) -> Report {
    load::run(plan, Control::default())
        .expect("a report")
        .report
}

/// No promise is broken, and nothing is left.
#[track_caller]
fn is_whole(report: &Report) {
    let broken = |finding: &&gearbench::report::Finding| finding.kind == Kind::Invariant;
    let broken: Vec<_> = report.verdict.findings.iter().filter(broken).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let books = &report.ledger;
    assert_eq!(books.in_flight, 0, "{books:?}");
    assert_eq!(books.ok + books.failed_as_told, JOBS, "{books:?}");
}

fn parts_progress_and_failures(server: &impl Server) {
    let mut plan = plan(server.address());
    (plan.chunks, plan.progress) = (3, 5);
    (plan.fail_percent, plan.exception_percent) = (25.0, 25.0);
    plan.warning_percent = 50.0;
    plan.background_percent = 25.0;
    let mut slow = plan.clone();
    slow.service = "fixed:2ms".parse().expect("a time");
    for plan in [plan, slow] {
        let report = run(plan);
        is_whole(&report);
        let told = report.ledger.failed_as_told;
        assert!((100..300).contains(&told), "about half of {JOBS}: {told}");
        let (parts, progress) = (report.updates.chunks, report.updates.progress);
        assert_eq!(parts * 5, progress * 3, "{:?}", report.updates);
        assert!(
            (200 * 3..400 * 3).contains(&parts),
            "three for each in the foreground"
        );
        assert!((60..260).contains(&report.updates.warnings));
    }
}

#[test]
fn parts_progress_and_failures_come_as_they_were_told() {
    parts_progress_and_failures(&Serve::start(&[]));
}

#[test]
fn parts_progress_and_failures_come_as_they_were_told_from_gearmand() {
    if require_or_skip("gearmand") {
        parts_progress_and_failures(&Gearmand::start(&[]));
    }
}

fn coalesced_jobs(server: &impl Server) {
    let mut plan = plan(server.address());
    plan.unique = "pool:3".parse().expect("names");
    plan.pace = load::Pace::Closed { outstanding: 4 };
    plan.service = "fixed:1ms".parse().expect("a time");
    (plan.chunks, plan.fail_percent) = (2, 20.0);
    for background in [0.0, 50.0] {
        plan.background_percent = background;
        let report = run(plan.clone());
        is_whole(&report);
        let (runs, joined) = (report.wakeups.assigned, report.ledger.coalesced);
        assert!(joined > 0, "{:?}", report.ledger);
        assert_eq!(
            runs + joined,
            JOBS,
            "each has run, or has joined one that has"
        );
    }
}

#[test]
fn everyone_that_shares_a_job_is_answered() {
    coalesced_jobs(&Serve::start(&[]));
}

#[test]
fn everyone_that_shares_a_job_is_answered_by_gearmand() {
    if require_or_skip("gearmand") {
        coalesced_jobs(&Gearmand::start(&[]));
    }
}

#[test]
fn epoch_jobs_run_at_their_time_and_are_late_by_what_is_said() {
    let server = Serve::start(&[]);
    let mut plan = plan(server.address());
    plan.epoch = Some(Duration::from_millis(1200));
    let report = run(plan);
    is_whole(&report);
    assert_eq!(report.ledger.early, 0);
    let lateness = report.phases[0].stage("lateness").expect("a stage");
    assert_eq!(lateness.latency.count(), JOBS);
}

fn reduce_jobs(server: &impl Server) {
    let mut plan = plan(server.address());
    plan.reduce = Some("sum".to_owned());
    plan.grab = "all".parse().expect("a way to grab");
    is_whole(&run(plan));
}

#[test]
fn reduce_jobs_come_with_their_reducer() {
    reduce_jobs(&Serve::start(&[]));
    if require_or_skip("gearmand") {
        reduce_jobs(&Gearmand::start(&[]));
    }
}

#[test]
fn each_phase_is_reported_on_its_own() {
    let server = Serve::start(&[]);
    let mut plan = plan(server.address());
    plan.jobs = None;
    plan.phases = "calm=200:500ms,200..600:500ms,rush=600:500ms"
        .parse()
        .expect("phases");
    plan.threads = 2;
    let report = run(plan.resolve().expect("a plan"));
    let names: Vec<&str> = report.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["calm", "200..600", "rush"]);
    let offered: Vec<f64> = report
        .phases
        .iter()
        .filter_map(|phase| phase.offered_per_second)
        .collect();
    assert_eq!(offered, [200.0, 400.0, 600.0]);
    let starts: Vec<f64> = report.phases.iter().map(|phase| phase.at_seconds).collect();
    for pair in starts.windows(2) {
        assert!((pair[1] - pair[0] - 0.5).abs() < 1e-6, "{starts:?}");
    }
    let scheduled = report.ledger.scheduled;
    assert!(
        scheduled.abs_diff(600) <= 3,
        "{scheduled} of 100 + 200 + 300"
    );
    let sent: u64 = report.phases.iter().map(|phase| phase.sent).sum();
    assert_eq!(sent, report.ledger.sent);
}
