//! The rates that a server was offered, and what came of each.

use super::document::{self, Document, ReadError};
use super::strict::Problem;
use super::{Origin, Report, escape, quantity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Version of the JSON form; it grows when a field changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// A search for the highest rate, whole.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Saturation {
    /// Version of this form.
    pub schema_version: u32,
    /// Tells this document from the other ones of gearbench.
    pub kind: SaturationDocument,
    /// Where it comes from.
    pub origin: Origin,
    /// The service levels that a rate had to meet.
    pub levels: Vec<Level>,
    /// All trials, in the order in which they were made.
    pub trials: Vec<Trial>,
    /// The highest rate that held in a window of its own, in jobs a second.
    pub confirmed_rate: Option<f64>,
    /// What it comes to, in words.
    pub verdict: String,
    /// The exit code.
    pub exit_code: u8,
}

/// The kind of this document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SaturationDocument {
    /// A search for the highest rate.
    #[default]
    Saturation,
}

/// A service level that a rate had to meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// As it was asked for, such as `response.p99 < 20ms`.
    pub slo: String,
    /// Its limit in nanoseconds, where it is about the response.
    pub response_ns: Option<f64>,
}

/// What a trial came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The service levels were met.
    Holds,
    /// They were not, or jobs piled up, or a promise was broken.
    Fails,
    /// It says nothing about the server, but about the generator or the trial.
    Generator,
}

/// A rate and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
    pub is: Outcome,
    /// Why, unless it holds.
    pub because: Option<String>,
}

impl Trial {
    /// What came of `rate`, read off the report of a run at it.
    pub fn of(report: &Report, rate: f64, confirms: bool, is: (Outcome, Option<String>)) -> Self {
        let phase = report.headline();
        let response = |percentile| phase?.stage("response")?.latency.percentile(percentile);
        Trial {
            rate,
            achieved: phase.map_or(0.0, |phase| phase.completed_per_second),
            p50_ns: response(50.0),
            p99_ns: response(99.0),
            seconds: phase.map_or(0.0, |phase| phase.seconds),
            confirms,
            is: is.0,
            because: is.1,
        }
    }

    /// Whether the service levels were met.
    pub fn holds(&self) -> bool {
        self.is == Outcome::Holds
    }

    /// What it came to, in words.
    pub fn word(&self) -> &str {
        match (&self.because, self.confirms) {
            (Some(why), _) => why,
            (None, true) => "holds, confirmed",
            (None, false) => "holds",
        }
    }

    /// The row of a table whose heads are [`heads`].
    pub fn row(&self) -> String {
        let shown = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), quantity::duration);
        format!(
            "{:>14} {:>14} {:>9} {:>9}  {}",
            quantity::rate(self.rate),
            quantity::rate(self.achieved),
            shown(self.p50_ns),
            shown(self.p99_ns),
            escape::line(self.word())
        )
    }
}

/// The heads of the table of trials.
fn heads() -> String {
    format!(
        "{:>14} {:>14} {:>9} {:>9}",
        "offered", "completed", "p50", "p99"
    )
}

impl Saturation {
    /// That of trials.
    pub fn new(origin: Origin, levels: Vec<Level>, trials: Vec<Trial>) -> Self {
        Saturation {
            schema_version: SCHEMA_VERSION,
            kind: SaturationDocument::Saturation,
            origin,
            levels,
            trials,
            confirmed_rate: None,
            verdict: String::new(),
            exit_code: 0,
        }
    }

    /// The document that [`json`] wrote; one that contradicts itself is none.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let read: Saturation = document::parse(text, Document::Saturation, SCHEMA_VERSION)?;
        for (index, trial) in read.trials.iter().enumerate() {
            trial.check(&format!("trials[{index}]"))?;
        }
        Ok(read)
    }
}

impl Trial {
    fn check(&self, place: &str) -> Result<(), Problem> {
        for (name, value) in [
            ("rate", self.rate),
            ("achieved", self.achieved),
            ("seconds", self.seconds),
        ] {
            document::check_positive(&format!("{place}.{name}"), value)?;
        }
        if self.holds() != self.because.is_none() {
            let what = "is there for a trial that does not hold, and for no other";
            return Err(Problem::of(format!("{place}.because"), what));
        }
        Ok(())
    }
}

/// For a terminal.
pub fn text(saturation: &Saturation) -> String {
    let origin = &saturation.origin;
    let levels: Vec<&str> = saturation.levels.iter().map(|l| l.slo.as_str()).collect();
    let mut out = format!(
        "gearbench saturate  target {}  seed {}\nasked for  {}\n\n{}\n",
        escape::line(&origin.target.address),
        origin.seed,
        escape::line(&levels.join(", ")),
        heads()
    );
    for trial in &saturation.trials {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", trial.row());
    }
    let exit = match saturation.exit_code {
        0 => String::new(),
        code => format!(" (exit {code})"),
    };
    let verdict = escape::line(&saturation.verdict);
    let _ = writeln!(out, "\nverdict    {verdict}{exit}");
    out
}

/// All of it.
pub fn json(saturation: &Saturation) -> Result<String, serde_json::Error> {
    document::indented(saturation)
}

/// The JSON Schema of a search.
pub fn schema() -> Result<String, serde_json::Error> {
    document::schema::<Saturation>("Results of gearbench saturate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        document::is_published("bench-scenarios/saturate.schema.json", &schema().unwrap());
    }
}
