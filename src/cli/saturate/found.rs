//! What a search comes to, in words.

use crate::cli::exit;
use crate::load::search::Curve;
use crate::report::quantity;
use crate::report::saturation::{Outcome, Trial};

/// What it comes to, and the exit code.
pub(super) fn verdict(curve: &Curve) -> (String, u8) {
    if let Some(trial) = curve.confirmed() {
        let holds = format!("holds at {}", quantity::rate(trial.rate));
        return match curve.failed_above(trial.rate) {
            Some(above) => {
                let code = match above.is {
                    Outcome::Fails => exit::OK,
                    Outcome::Holds | Outcome::Generator => exit::INCONCLUSIVE,
                };
                (format!("{holds}, {}", because(above)), code)
            }
            None => (
                format!("{holds}; no rate above it was tried"),
                exit::INCONCLUSIVE,
            ),
        };
    }
    if curve.held().is_some() {
        let last = curve.trials.last().map(because);
        let why = last.filter(|why| !why.is_empty());
        let why = why.unwrap_or_else(|| "the search was over before".to_owned());
        return (format!("not confirmed: {why}"), exit::INCONCLUSIVE);
    }
    let failed = |trial: &&Trial| trial.is == Outcome::Fails;
    match (curve.trials.iter().rfind(failed), curve.trials.last()) {
        (Some(trial), _) => (format!("no rate holds: {}", because(trial)), exit::SLO),
        (None, Some(trial)) => (
            format!("nothing was measured; {}", because(trial)),
            exit::INCONCLUSIVE,
        ),
        (None, None) => ("nothing was measured".to_owned(), exit::INCONCLUSIVE),
    }
}

fn because(trial: &Trial) -> String {
    let (rate, why) = (quantity::rate(trial.rate), trial.word());
    match trial.is {
        Outcome::Holds => String::new(),
        Outcome::Fails => format!("fails at {rate} because {why}"),
        Outcome::Generator => format!("no measurement at {rate}: {why}"),
    }
}
