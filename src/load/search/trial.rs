//! One rate, tried.

#[cfg(test)]
use super::Order;
use crate::report::{Kind, Phase, Report, quantity};
use serde::Serialize;

/// Share of the offered jobs that are to be completed for a server to have kept up.
const KEPT_UP: f64 = 0.97;
/// Percent of its threads' time from which a generator is busy itself.
const BUSY: f64 = 90.0;

/// What a trial came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "because")]
pub enum Outcome {
    /// The service levels were met.
    Holds,
    /// They were not, or jobs piled up, or a promise was broken.
    Fails(String),
    /// It says nothing about the server, but about the generator or the trial.
    Generator(String),
}

/// A rate and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// Jobs a second offered.
    pub rate: f64,
    /// Jobs a second completed.
    pub achieved: f64,
    /// Median response in nanoseconds; `None` with too few jobs.
    pub p50_ns: Option<u64>,
    /// The 99th percentile of the same.
    pub p99_ns: Option<u64>,
    /// Seconds measured.
    pub seconds: f64,
    /// Whether it was to confirm what was found.
    pub confirms: bool,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Trial {
    /// Reads it off the report of a run at `rate`.
    pub fn of(report: &Report, rate: f64, confirms: bool) -> Self {
        let phase = report.headline();
        let response = |percentile| {
            let stage = phase?.stage("response")?;
            stage.latency.percentile(percentile)
        };
        Trial {
            rate,
            achieved: phase.map_or(0.0, |phase| phase.completed_per_second),
            p50_ns: response(50.0),
            p99_ns: response(99.0),
            seconds: phase.map_or(0.0, |phase| phase.seconds),
            confirms,
            outcome: outcome(report, phase, rate),
        }
    }

    /// Whether the service levels were met.
    pub fn holds(&self) -> bool {
        self.outcome == Outcome::Holds
    }

    #[cfg(test)]
    pub(super) fn made_up(order: Order, outcome: Outcome) -> Self {
        Trial {
            rate: order.rate,
            achieved: order.rate,
            p50_ns: None,
            p99_ns: None,
            seconds: order.duration.as_secs_f64(),
            confirms: order.confirms,
            outcome,
        }
    }
}

fn outcome(report: &Report, phase: Option<&Phase>, rate: f64) -> Outcome {
    let findings = &report.verdict.findings;
    let first = |kinds: &[Kind]| findings.iter().find(|found| kinds.contains(&found.kind));
    if let Some(found) = first(&[Kind::Invariant, Kind::Target]) {
        return Outcome::Fails(found.text.clone());
    }
    let generator = &report.generator;
    // Jobs that are not sent because too many are on their way are for the server to explain,
    // unless the generator has no time to fetch the answers.
    let own = generator.sheds == 0 || generator.busy_percent > BUSY;
    if let Some(found) = first(&[Kind::Generator]).filter(|_| own) {
        return Outcome::Generator(found.text.clone());
    }
    if let Some(found) = first(&[Kind::Slo]) {
        return Outcome::Fails(found.text.clone());
    }
    let achieved = phase.map_or(0.0, |phase| phase.completed_per_second);
    if achieved < KEPT_UP * rate {
        let text = format!("only {} were completed", quantity::rate(achieved));
        return Outcome::Fails(text);
    }
    if let Some(level) = report.slos.iter().find(|level| level.met.is_none()) {
        let text = format!("too few jobs to judge {}", level.slo);
        return Outcome::Generator(text);
    }
    Outcome::Holds
}
