//! The report as JSON, there and back, and the schema of that JSON.

use super::document::{self, Document, FileError, ReadError, check_positive};
use super::strict::Problem;
use super::{Interval, Ledger, Phase, Report, SCHEMA_VERSION};
use std::path::Path;

/// All of it, indented, with a final line feed.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    document::indented(report)
}

/// The JSON Schema of a report.
pub fn schema() -> Result<String, serde_json::Error> {
    document::schema::<Report>("Results of gearbench run")
}

impl Report {
    /// Reads the file that `gearbench run` wrote.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = document::text(path)?;
        Report::from_json(&text).map_err(|error| error.of(path))
    }

    /// The report that [`render`] wrote; one that contradicts itself is none.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let report: Report = document::parse(text, Document::Load, SCHEMA_VERSION)?;
        report.check()?;
        Ok(report)
    }

    /// Whether the figures can belong together.
    fn check(&self) -> Result<(), Problem> {
        let verdict = &self.verdict;
        if verdict.passed() != (verdict.exit_code == 0) {
            let what = format!(
                "{} with {} findings",
                verdict.exit_code,
                verdict.findings.len()
            );
            return Err(Problem::of("verdict.exit_code", what));
        }
        check_ledger(&self.ledger)?;
        for (index, phase) in self.phases.iter().enumerate() {
            check_phase(phase).map_err(|p| within(format!("phases[{index}]."), p))?;
        }
        let at = self.series.iter().map(|sample| sample.at_seconds);
        check_times("series", at)?;
        check_times("intervals", self.intervals.iter().map(|i| i.at_seconds))?;
        for (index, interval) in self.intervals.iter().enumerate() {
            check_interval(interval).map_err(|p| within(format!("intervals[{index}]."), p))?;
        }
        Ok(())
    }
}

fn within(place: String, problem: Problem) -> Problem {
    Problem {
        field: place + &problem.field,
        ..problem
    }
}

fn check_ledger(books: &Ledger) -> Result<(), Problem> {
    let sum = |parts: &[u64]| {
        let add = |sum: u64, part: &u64| sum.checked_add(*part);
        parts.iter().try_fold(0, add)
    };
    if sum(&[books.sent, books.shed]) != Some(books.scheduled) {
        return Err(Problem::of("ledger.scheduled", "is not sent + shed"));
    }
    if sum(&[books.ended(), books.in_flight]) != Some(books.sent) {
        let what = "is not ok + failed_as_told + failed + error + timeout + abandoned + \
                    lost_in_restart + in_flight";
        return Err(Problem::of("ledger.sent", what));
    }
    Ok(())
}

fn check_phase(phase: &Phase) -> Result<(), Problem> {
    for (name, value) in [
        ("at_seconds", phase.at_seconds),
        ("seconds", phase.seconds),
        (
            "offered_per_second",
            phase.offered_per_second.unwrap_or(0.0),
        ),
        ("sent_per_second", phase.sent_per_second),
        ("completed_per_second", phase.completed_per_second),
        ("generator_cpu_seconds", phase.generator_cpu_seconds),
    ] {
        check_positive(name, value)?;
    }
    for (index, stage) in phase.stages.iter().enumerate() {
        if phase.stages[..index].iter().any(|s| s.name == stage.name) {
            let what = format!("the stage {:?} is there twice", stage.name);
            return Err(Problem::of(format!("stages[{index}].name"), what));
        }
    }
    Ok(())
}

fn check_interval(interval: &Interval) -> Result<(), Problem> {
    check_positive("seconds", interval.seconds)
}

/// Times that go on.
fn check_times(field: &str, times: impl Iterator<Item = f64>) -> Result<(), Problem> {
    let mut last = 0.0;
    for (index, at) in times.enumerate() {
        check_positive(&format!("{field}[{index}].at_seconds"), at)?;
        if at < last {
            let what = format!("{at} comes after {last}");
            return Err(Problem::of(format!("{field}[{index}].at_seconds"), what));
        }
        last = at;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        document::is_published("bench-scenarios/result.schema.json", &schema().unwrap());
    }
}
