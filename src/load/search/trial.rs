//! What a run at one rate says about that rate.

use crate::report::saturation::{Outcome, Trial};
use crate::report::{Kind, Phase, Report, quantity};

/// Share of the offered jobs that are to be completed for a server to have kept up.
const KEPT_UP: f64 = 0.97;
/// Percent of its threads' time from which a generator is busy itself.
const BUSY: f64 = 90.0;

/// Reads it off the report of a run at `rate` jobs a second.
pub fn trial(report: &Report, rate: f64, confirms: bool) -> Trial {
    let outcome = match outcome(report, report.headline(), rate) {
        Ok(()) => (Outcome::Holds, None),
        Err((outcome, why)) => (outcome, Some(why)),
    };
    Trial::of(report, rate, confirms, outcome)
}

/// What keeps the rate from having held.
fn outcome(report: &Report, phase: Option<&Phase>, rate: f64) -> Result<(), (Outcome, String)> {
    let findings = &report.verdict.findings;
    let first = |kinds: &[Kind]| findings.iter().find(|found| kinds.contains(&found.kind));
    if let Some(found) = first(&[Kind::Invariant, Kind::Target]) {
        return Err((Outcome::Fails, found.text.clone()));
    }
    let generator = &report.generator;
    // Jobs that are not sent because too many are on their way are for the server to explain,
    // unless the generator has no time to fetch the answers.
    let own = generator.sheds == 0 || generator.busy_percent > BUSY;
    if let Some(found) = first(&[Kind::Generator]).filter(|_| own) {
        return Err((Outcome::Generator, found.text.clone()));
    }
    if let Some(found) = first(&[Kind::Slo]) {
        return Err((Outcome::Fails, found.text.clone()));
    }
    let achieved = phase.map_or(0.0, |phase| phase.completed_per_second);
    if achieved < KEPT_UP * rate {
        let text = format!("only {} were completed", quantity::rate(achieved));
        return Err((Outcome::Fails, text));
    }
    if let Some(level) = report.slos.iter().find(|level| level.met.is_none()) {
        let text = format!("too few jobs to judge {}", level.slo);
        return Err((Outcome::Generator, text));
    }
    Ok(())
}
