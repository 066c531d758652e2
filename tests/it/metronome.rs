//! The generator on real sockets, held against a job server that writes down when it did what. What
//! is reported is right, or the report says that the generator was late, whatever the machine does.

#[path = "../../bench-scenarios/generator/metronome.rs"]
#[allow(dead_code, reason = "the bench asks for more")]
mod server;
#[path = "../../bench-scenarios/generator/sockets.rs"]
#[allow(dead_code, reason = "the bench connects, too")]
mod sockets;

use gearbench::load::{self, Arrival, Control, Pace, Plan, RunId};
use gearbench::report::{Kind, Report};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use server::{Beat, Metronome, Truth};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const BEAT: Beat = Beat {
    answer: Duration::from_millis(10),
    span: Duration::from_secs(1),
    stall: Duration::from_millis(100),
};
const RATE: f64 = 4_000.0;

/// Runs against a metronome: what was reported, and what it wrote down.
fn run() -> (Report, Truth) {
    let server = Metronome::start(BEAT, || {}).expect("a server");
    let mut plan = Plan::new(server.address().to_string(), RunId::fresh(), 1);
    (plan.clients, plan.workers) = (4, 8);
    let arrival = Arrival::Constant;
    let rate = RATE;
    plan.pace = Pace::Open { rate, arrival };
    plan.duration = Some(Duration::from_secs(3));
    let report = load::run(plan, Control::default())
        .expect("a report")
        .report;
    let record = server.end().expect("a record");
    (report, record.answered(RATE))
}

#[track_caller]
fn is_right_or_says_so(report: &Report, truth: &Truth) {
    assert_eq!(report.ledger.lost + report.ledger.phantom, 0);
    let findings = &report.verdict.findings;
    if findings.iter().any(|found| found.kind == Kind::Generator) {
        assert_eq!(report.verdict.exit_code, 8, "{:?}", report.verdict);
        return;
    }
    let phase = report.headline().expect("a phase");
    let response = &phase.stage("response").expect("responses").latency;
    for percentile in [50.0, 90.0, 99.0] {
        let found = response.percentile(percentile).expect("enough samples");
        let truth = truth.percentile(percentile);
        // 2 % or 1 ms.
        let right = found.abs_diff(truth) <= (truth / 50).max(1_000_000);
        let said = percentile > 90.0 && !report.verdict.notes.is_empty();
        assert!(
            right || said,
            "p{percentile}: {found} ns, not {truth}: {:?}",
            report.verdict
        );
    }
}

#[test]
fn what_a_stalling_server_did_is_what_is_reported() {
    let (report, truth) = run();
    assert_eq!(truth.jobs() as u64, report.ledger.sent);
    is_right_or_says_so(&report, &truth);
}

#[test]
fn who_must_share_its_processor_is_right_or_says_so() {
    let mine = sched_getaffinity(None).expect("a set of processors");
    let first = (0..CpuSet::MAX_CPU).find(|processor| mine.is_set(*processor));
    let stay = || {
        let mut set = CpuSet::new();
        set.set(first.expect("a processor"));
        sched_setaffinity(None, &set).expect("a processor of ours");
    };
    let over = AtomicBool::new(false);
    let (report, truth) = thread::scope(|scope| {
        scope.spawn(|| {
            stay();
            while !over.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let run = scope.spawn(|| {
            // The server, which the thread starts, has to share it as well.
            stay();
            run()
        });
        let result = run.join();
        over.store(true, Relaxed);
        result.expect("a report")
    });
    is_right_or_says_so(&report, &truth);
}
