//! What is reported, beside what the metronome knows.

use crate::metronome::{Beat, Metronome, Truth};
use crate::table::print_alone;
use crate::{Result, ours};
use gearbench::load::{Arrival, Pace, Plan, RunId};
use gearbench::report::quantity::duration;
use gearbench::report::{Kind, Report};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Answers after 10 ms, a stall of a second each ten.
const BEAT: Beat = Beat {
    answer: Duration::from_millis(10),
    span: Duration::from_secs(10),
    stall: Duration::from_secs(1),
};
const LENGTH: Duration = Duration::from_secs(10);
const RATES: [f64; 3] = [1_000.0, 10_000.0, 50_000.0];
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

fn plan(address: String, rate: f64) -> Plan {
    let mut plan = Plan::new(address, RunId::fresh(), 1);
    (plan.clients, plan.workers) = (8, 8);
    let arrival = Arrival::Constant;
    plan.pace = Pace::Open { rate, arrival };
    (plan.warmup, plan.duration) = (Duration::ZERO, Some(LENGTH));
    plan
}

/// Within 2 % or 1 ms.
fn is_right(reported: u64, truth: u64) -> bool {
    reported.abs_diff(truth) <= (truth / 50).max(1_000_000)
}

fn reported(report: &Report, percentile: f64) -> Option<u64> {
    let stage = report.headline()?.stage("response")?;
    stage.latency.percentile(percentile)
}

/// A row for each percentile. Whether all were what clients saw.
fn print(what: &str, report: &Report, truth: &Truth, seen: &Truth) -> bool {
    let mut all = true;
    for percentile in PERCENTILES {
        let found = reported(report, percentile).unwrap_or_default();
        let (on_schedule, answered) = (truth.percentile(percentile), seen.percentile(percentile));
        let figure = format!("response p{percentile} of {} jobs", truth.jobs());
        let wanted = format!(
            "{} by the schedule, {} by the answers",
            duration(on_schedule),
            duration(answered)
        );
        let met = is_right(found, on_schedule);
        print_alone(what, &figure, &duration(found), &wanted, met);
        all &= is_right(found, answered);
    }
    all
}

pub(crate) fn metronome() -> Result<()> {
    for rate in RATES {
        let server = Metronome::start(BEAT, || {})?;
        let report = ours::run(plan(server.address().to_string(), rate))?;
        let record = server.end()?;
        let what = format!("metronome, {rate:.0} jobs/s");
        print(
            &what,
            &report,
            &record.on_schedule(rate, BEAT),
            &record.answered(rate),
        );
        let late = report.generator.late.unwrap_or_default();
        let [p50, p999] = [late.p50_ns, late.p999_ns].map(duration);
        println!(
            "| {what} | verdict | {}, late p50 {p50} p99.9 {p999} | | | | |",
            report.verdict.word()
        );
    }
    Ok(())
}

/// Ties the calling thread, and those it starts, to one processor.
fn stay_on(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    // Where there is no such processor, all share the others.
    let _ = sched_setaffinity(None, &set);
}

/// The same, while another thread wants all of the processor that the generator is on.
pub(crate) fn starved() -> Result<()> {
    for rate in RATES {
        let server = Metronome::start(BEAT, || stay_on(1))?;
        let address = server.address().to_string();
        let over = AtomicBool::new(false);
        let report = thread::scope(|scope| {
            scope.spawn(|| {
                stay_on(0);
                while !over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let run = scope.spawn(|| {
                stay_on(0);
                ours::run(plan(address, rate)).map_err(|error| error.to_string())
            });
            let report = run.join();
            over.store(true, Relaxed);
            report
        });
        let report = report.map_err(|_| "a thread panicked")??;
        let record = server.end()?;
        let what = format!("half of the CPU, {rate:.0} jobs/s");
        let right = print(
            &what,
            &report,
            &record.on_schedule(rate, BEAT),
            &record.answered(rate),
        );
        let findings = &report.verdict.findings;
        let found = findings.iter().find(|found| found.kind == Kind::Generator);
        let text = found.map_or("no finding", |found| &found.text);
        let (code, generator) = (report.verdict.exit_code, &report.generator);
        let waited = generator.cpu_wait_percent.unwrap_or_default();
        let said = format!("exit {code}, waited {waited:.0} %: {text}");
        print_alone(
            &what,
            "verdict",
            &said,
            "inconclusive, or as seen",
            code == 8 && found.is_some() || right,
        );
    }
    Ok(())
}
