//! Whether jobs are sent when they are due, and what it costs to write down what became of them.

use crate::server::Recipe;
use crate::table::print_alone;
use crate::{Result, ours};
use gearbench::load::{Arrival, Pace, Plan, RunId};
use gearbench::report::quantity::duration;
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::{Duration, Instant};

const RATES: [f64; 4] = [1_000.0, 10_000.0, 50_000.0, 100_000.0];
/// How far the achieved rate may be from the one offered, in percent.
const OFF: f64 = 0.1;
/// Median of the schedule lag, in nanoseconds.
const LAG: u64 = 40_000;
/// Nanoseconds for what is written down of a job.
const PER_JOB: f64 = 60.0;
/// Samples of a foreground job in an open loop: lag, acknowledgement, wait, service, delivery,
/// response, overhead, round trip; the second's own; lateness.
const SAMPLES: usize = 10;

pub(crate) fn measure() -> Result<()> {
    for rate in RATES {
        let server = Recipe::ours().start()?;
        let mut plan = Plan::new(server.address(), RunId::fresh(), 1);
        (plan.clients, plan.workers) = (8, 8);
        let arrival = Arrival::Constant;
        plan.pace = Pace::Open { rate, arrival };
        plan.warmup = Duration::from_secs(1);
        plan.duration = Some(Duration::from_secs(5));
        let report = ours::run(plan)?;
        let phase = report.headline().ok_or("no phase")?;
        let what = format!("pacing, {rate:.0} jobs/s");
        let off = 100.0 * (phase.sent_per_second / rate - 1.0);
        let found = format!("{:.1}: {off:+.3} %", phase.sent_per_second);
        print_alone(&what, "sent, jobs/s", &found, "± 0.1 %", off.abs() <= OFF);
        let lag = phase.stage("schedule_lag").ok_or("no lag")?;
        let [p50, p99] = [50.0, 99.0].map(|p| lag.latency.percentile(p).unwrap_or_default());
        let found = format!("p50 {}, p99 {}", duration(p50), duration(p99));
        print_alone(&what, "schedule lag", &found, "p50 ≤ 40 µs", p50 <= LAG);
        let busy = report.generator.busy_percent;
        println!("| {what} | generator busy, % | {busy:.0} | | | | |");
    }
    Ok(())
}

/// The histograms of the generator, filled as a job fills them.
pub(crate) fn recording() -> Result<()> {
    const JOBS: u64 = 2_000_000;
    let hour = 3_600_000_000_000;
    let mut histograms = vec![Histogram::<u64>::new_with_bounds(1, hour, 3)?; SAMPLES];
    let began = Instant::now();
    for job in 0..JOBS {
        // Latencies as they are: spread over three powers of ten.
        let ns = 50_000 + job.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 5_000_000;
        for (index, histogram) in histograms.iter_mut().enumerate() {
            histogram.saturating_record(black_box(ns >> index));
        }
    }
    let each = began.elapsed().as_secs_f64() * 1e9 / JOBS as f64;
    black_box(&histograms);
    let figure = format!("{SAMPLES} samples of a job, ns");
    print_alone(
        "recording",
        &figure,
        &format!("{each:.1}"),
        "≤ 60",
        each <= PER_JOB,
    );
    Ok(())
}
