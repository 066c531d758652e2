//! Whether the service levels that were asked for are met.

use super::plan::{Metric, Slo};
use crate::report::{Histogram, Kind, Ledger, Report, ServiceLevel};

/// Holds a report against service levels, and adds what they come to.
pub(crate) fn judge(report: &mut Report, slos: &[Slo]) {
    for slo in slos {
        let found = found(report, slo.metric);
        let level = ServiceLevel {
            slo: slo.to_string(),
            found,
            unit: unit(slo.metric).to_owned(),
            met: found.map(|found| slo.bound.holds(found, slo.limit)),
        };
        let text = format!("asked for {slo}, found {}", level.shown());
        match level.met {
            Some(true) => {}
            Some(false) => report.verdict.find(Kind::Slo, text),
            None => report.verdict.find(Kind::Inconclusive, text),
        }
        report.slos.push(level);
    }
}

/// The figure, as far as the samples carry it.
fn found(report: &Report, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Latency { stage, percentile } => {
            let latency = latency(report, stage)?;
            match percentile >= 100.0 {
                true => (latency.count() > 0).then(|| latency.0.max() as f64),
                false => latency.percentile(percentile).map(|ns| ns as f64),
            }
        }
        Metric::Throughput => {
            let phases = || report.measured();
            let seconds: f64 = phases().map(|phase| phase.seconds).sum();
            let completed: u64 = phases().map(|phase| phase.completed).sum();
            (seconds > 0.0).then(|| completed as f64 / seconds)
        }
        Metric::Errors => {
            let Ledger {
                failed,
                error,
                timeout,
                sent,
                ..
            } = report.ledger;
            let badly = (failed + error + timeout) as f64;
            (sent > 0).then(|| 100.0 * badly / sent as f64)
        }
    }
}

/// A stage of all measured phases together.
fn latency(report: &Report, stage: &str) -> Option<Histogram> {
    let mut stages = report.measured().filter_map(|phase| phase.stage(stage));
    let mut all = stages.next()?.latency.clone();
    stages.for_each(|stage| all.merge(&stage.latency));
    Some(all)
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Latency { .. } => "ns",
        Metric::Throughput => "jobs/s",
        Metric::Errors => "%",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Phase, Stage};

    /// 1000 responses of 1 to 1000 µs in 2 s, and a warm-up that is not to count.
    fn report() -> Report {
        let mut report = Report::default();
        let phase = |name: &str, unit_ns: u64| {
            let mut latency = hdrhistogram::Histogram::new(3).unwrap();
            (1..=1000_u64).for_each(|n| latency.record(n * unit_ns).unwrap());
            Phase {
                name: name.to_owned(),
                seconds: 2.0,
                completed: 1000,
                stages: vec![Stage {
                    name: "response".to_owned(),
                    latency: Histogram(latency),
                }],
                ..Phase::default()
            }
        };
        report.phases = vec![phase("warmup", 1_000_000), phase("measure", 1000)];
        report.ledger.sent = 2000;
        report.ledger.error = 20;
        report
    }

    #[test]
    fn levels_are_met_missed_or_unknown() {
        for (slo, met, code) in [
            ("response.p99 < 1ms", Some(true), 0),
            ("response.p50 < 500us", Some(false), 6),
            ("response.max <= 1ms", Some(false), 6),
            ("response.p99.9 < 1s", None, 8),
            ("wake.p50 < 1s", None, 8),
            ("throughput > 499", Some(true), 0),
            ("throughput >= 501", Some(false), 6),
            ("errors < 2%", Some(true), 0),
            ("errors < 1%", Some(false), 6),
        ] {
            let mut report = report();
            judge(&mut report, &[slo.parse().unwrap()]);
            assert_eq!(report.slos[0].met, met, "{slo}: {:?}", report.slos);
            assert_eq!(report.verdict.exit_code, code, "{slo}");
        }
    }
}
