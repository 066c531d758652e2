//! A run as one page: what a reader decides by first, what it rests on after it.
//!
//! One file, without scripts and without the network. Every picture is drawn twice, for a desk
//! and for a phone, since words that shrink with their picture cannot be read. Whatever comes from
//! outside (the server's version, labels, what it answers) is made harmless before the template
//! escapes it.

mod curve;
mod facts;
mod faults;
mod heat;
mod plot;
mod search;
mod stages;
#[cfg(test)]
mod tests;
mod throughput;
mod workers;

use super::conform::{Conformance, Matrix};
use super::{Report, page};
use facts::Facts;
use minijinja::value::Serde;
use minijinja::{Error, Value, context};
pub use search::{saturation, sweep};
use serde::{Serialize, Serializer};
use std::slice::from_ref;

/// The page.
const TEMPLATE: &str = include_str!("report.html");
/// How all pages look.
const STYLE: &str = include_str!("page.css");

/// The time that all pictures over time show.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Its end, in seconds since the first connection.
    until: f64,
}

/// One picture, drawn for a desk and for a phone.
struct Picture {
    wide: String,
    narrow: String,
}

impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let both = format!(
            "<div class=\"wide\">{}</div><div class=\"narrow\">{}</div>",
            self.wide, self.narrow
        );
        // All words in it have gone through `plot::safe`.
        Value::from_safe_string(both).serialize(serializer)
    }
}

/// The pictures that the results have enough for.
#[derive(Serialize)]
struct Pictures {
    throughput: Option<Picture>,
    under_way: Option<Picture>,
    heat: Option<Picture>,
    curve: Option<Picture>,
    stages: Option<Picture>,
    workers: Option<Picture>,
}

impl Pictures {
    fn of(report: &Report) -> Self {
        let span = span(report);
        let headline = report.headline();
        Pictures {
            throughput: throughput::picture(report, span),
            under_way: throughput::under_way(report, span),
            heat: heat::picture(report, span),
            curve: headline.and_then(|phase| curve::picture(phase, report.load)),
            stages: headline.and_then(stages::picture),
            workers: report.balance.as_ref().and_then(workers::picture),
        }
    }
}

fn span(report: &Report) -> Span {
    let phases = report.phases.iter().map(|p| p.at_seconds + p.seconds);
    let intervals = report.intervals.iter().map(|i| i.at_seconds + i.seconds);
    let series = report.series.iter().map(|sample| sample.at_seconds);
    let until = phases.chain(intervals).chain(series).fold(0.0, f64::max);
    Span { until }
}

/// A run as a page; with the conformance of the same server, if that is known.
pub fn render(report: &Report, conformance: Option<&Conformance>) -> Result<String, Error> {
    let context = context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        facts => Value::from(Serde(Facts::of(report))),
        pictures => Value::from(Serde(Pictures::of(report))),
        matrix => conformance.map(|one| Value::from(Serde(Matrix::of(from_ref(one))))),
    };
    page::render("report.html", TEMPLATE, context)
}
