//! One load over the values of some of its parameters: the runs of each combination.

use super::compare::headline::{self, Headline, Spread};
use super::document::{self, Document, ReadError};
use super::strict::Problem;
use super::{Origin, Report, escape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Version of the JSON form; it grows when a field changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;
/// Cells of the longest bar.
const BAR: f64 = 40.0;

/// A sweep, whole.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Version of this form.
    pub schema_version: u32,
    /// Tells this document from the other ones of gearbench.
    pub kind: SweepDocument,
    /// Where it comes from.
    pub origin: Origin,
    /// What was varied: the first goes along the axis, each combination of the others is a line.
    pub varied: Vec<Varied>,
    /// Runs of each combination that were asked for.
    pub repeat: u32,
    /// All combinations, those that were not run because the sweep ended early among them.
    pub points: Vec<Point>,
    /// The exit code: of all runs the one that comes first.
    pub exit_code: u8,
}

/// The kind of this document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SweepDocument {
    /// A load over the values of some of its parameters.
    #[default]
    Sweep,
}

/// A parameter and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Varied {
    /// The key of a scenario, such as `payload`.
    pub key: String,
    /// Its values, in order, as in a scenario.
    pub values: Vec<String>,
}

/// A combination of values.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The value of each varied parameter.
    pub values: Vec<String>,
    /// Its whole runs, in order.
    pub runs: Vec<Headline>,
    /// How the figures of these spread.
    pub spread: Vec<Spread>,
}

impl Point {
    /// One without runs.
    pub fn new(values: Vec<String>) -> Self {
        Point {
            values,
            ..Point::default()
        }
    }

    /// That of these runs.
    #[must_use]
    pub fn with(self, runs: &[Report]) -> Self {
        Point {
            runs: runs.iter().map(Headline::of).collect(),
            spread: headline::spread(runs),
            ..self
        }
    }

    /// The figures of a run, the middle one of several.
    pub(super) fn figure(&self, metric: headline::Metric) -> Option<&Spread> {
        self.spread.iter().find(|spread| spread.metric == metric)
    }

    /// The run that came out worst; `None` without runs.
    pub(super) fn worst(&self) -> Option<&Headline> {
        let bad = self.runs.iter().find(|run| run.exit_code != 0);
        bad.or(self.runs.first())
    }

    pub(super) fn verdict(&self) -> String {
        match self.worst() {
            None => "not run".to_owned(),
            Some(run) => run.verdict_and_code(),
        }
    }
}

impl Sweep {
    /// That of points.
    pub fn new(origin: Origin, varied: Vec<Varied>, repeat: u32, points: Vec<Point>) -> Self {
        Sweep {
            schema_version: SCHEMA_VERSION,
            kind: SweepDocument::Sweep,
            origin,
            varied,
            repeat,
            points,
            exit_code: 0,
        }
    }

    /// The document that [`json`] wrote; one that contradicts itself is none.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let read: Sweep = document::parse(text, Document::Sweep, SCHEMA_VERSION)?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), Problem> {
        if self.varied.is_empty() {
            return Err(Problem::of("varied", "is empty: nothing was varied"));
        }
        for (index, point) in self.points.iter().enumerate() {
            let mut pairs = self.varied.iter().zip(&point.values);
            let known = pairs.all(|(varied, value)| varied.values.contains(value));
            if !known || point.values.len() != self.varied.len() {
                let what = "is not one value of each varied parameter";
                return Err(Problem::of(format!("points[{index}].values"), what));
            }
            for (nth, spread) in point.spread.iter().enumerate() {
                for (name, value) in [
                    ("min", spread.min),
                    ("median", spread.median),
                    ("max", spread.max),
                ] {
                    let place = format!("points[{index}].spread[{nth}].{name}");
                    document::check_positive(&place, value)?;
                }
            }
        }
        Ok(())
    }

    /// Runs that were made.
    pub fn made(&self) -> usize {
        self.points.iter().map(|point| point.runs.len()).sum()
    }

    /// Runs that were asked for.
    pub fn asked(&self) -> usize {
        self.points.len() * self.repeat as usize
    }

    /// Widths of the columns of values.
    fn widths(&self) -> Vec<usize> {
        let width = |varied: &Varied| {
            let cells = varied.values.iter().chain([&varied.key]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        self.varied.iter().map(width).collect()
    }
}

/// For a terminal: a table, and the jobs a second as bars.
pub fn text(sweep: &Sweep) -> String {
    let origin = &sweep.origin;
    let widths = sweep.widths();
    let cells = |values: &mut dyn Iterator<Item = &String>| {
        let cells = values.zip(&widths).map(|(value, &width)| {
            let value = escape::line(value);
            format!("{value:>width$}")
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    let mut out = format!(
        "gearbench sweep  target {}  seed {}  {} of {} runs\n\n",
        escape::line(&origin.target.address),
        origin.seed,
        sweep.made(),
        sweep.asked(),
    );
    let keys = cells(&mut sweep.varied.iter().map(|varied| &varied.key));
    out += &headline::heads_of(&keys);
    if sweep.repeat > 1 {
        out += "  apart";
    }
    out.push('\n');
    for point in &sweep.points {
        let name = cells(&mut point.values.iter());
        out += &headline::median_row(&name, &point.spread);
        if sweep.repeat > 1 {
            let _ = write!(out, " {:>6}", apart(point));
        }
        let _ = writeln!(out, "  {}", point.verdict());
    }
    if sweep.repeat > 1 {
        out += "\nEach figure is the middle one of its runs, which are \"apart\" by so much in jobs/s.\n";
    }
    let rate = |point: &Point| Some(point.figure(headline::Metric::Throughput)?.median);
    let most = sweep.points.iter().filter_map(rate).fold(0.0, f64::max);
    if most > 0.0 {
        let _ = writeln!(out, "\n{keys}  jobs/s");
        for point in &sweep.points {
            let name = cells(&mut point.values.iter());
            let bar = rate(point).map_or_else(|| "-".to_owned(), |rate| bar(rate / most));
            let _ = writeln!(out, "{name}  {bar}");
        }
    }
    let _ = writeln!(out, "\nexit code  {}", sweep.exit_code);
    out
}

/// How far the runs of a point are apart in jobs a second, in percent of the middle one.
fn apart(point: &Point) -> String {
    match point.figure(headline::Metric::Throughput) {
        Some(spread) if spread.median > 0.0 => {
            format!("{:.1}%", 100.0 * (spread.max - spread.min) / spread.median)
        }
        _ => "-".to_owned(),
    }
}

/// A bar of a share of its longest, in eighths of a cell.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * BAR * 8.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// All of it.
pub fn json(sweep: &Sweep) -> Result<String, serde_json::Error> {
    document::indented(sweep)
}

/// The JSON Schema of a sweep.
pub fn schema() -> Result<String, serde_json::Error> {
    document::schema::<Sweep>("Results of gearbench sweep")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        document::is_published("bench-scenarios/sweep.schema.json", &schema().unwrap());
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar(1.0).chars().count(), 40);
        assert_eq!(bar(0.5), "█".repeat(20));
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(1.0 / 320.0), "▏");
    }

    #[test]
    fn what_was_not_run_is_said_and_has_no_bar() {
        let varied = Varied {
            key: "payload".to_owned(),
            values: vec!["64".to_owned(), "16k".to_owned()],
        };
        let mut done = Point::new(vec!["64".to_owned()]).with(&[Report::default()]);
        done.spread = vec![Spread {
            metric: headline::Metric::Throughput,
            unit: "jobs/s".to_owned(),
            values: vec![10.0],
            min: 10.0,
            median: 10.0,
            max: 10.0,
        }];
        let points = vec![done, Point::new(vec!["16k".to_owned()])];
        let sweep = Sweep::new(Origin::default(), vec![varied], 1, points);
        let text = text(&sweep);
        assert!(text.contains("1 of 2 runs"), "{text}");
        assert!(text.contains("not run"), "{text}");
        assert!(text.contains("\n    16k  -\n"), "{text}");
        let read = Sweep::from_json(&json(&sweep).unwrap()).unwrap();
        assert_eq!(read.points[0].spread[0].median, 10.0);
        let mut wrong = sweep;
        wrong.points[1].values = vec!["17k".to_owned()];
        let error = Sweep::from_json(&json(&wrong).unwrap());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("points[1].values"), "{error}");
    }
}
