//! A run as one page: what a reader decides by first, what it rests on after it.
//!
//! One file, without scripts and without the network. Every picture is drawn twice, for a desk
//! and for a phone, since words that shrink with their picture cannot be read. Whatever comes from
//! outside (the server's version, labels, what it answers) is made harmless before the template
//! escapes it.

mod curve;
mod facts;
mod heat;
mod plot;
mod stages;
#[cfg(test)]
mod tests;
mod throughput;
mod workers;

use super::conform::{Conformance, Matrix};
use super::{Report, escape};
use facts::Facts;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, Value, context, escape_formatter};
use serde::{Serialize, Serializer};
use std::slice::from_ref;

/// The page. Its name ends in `.html`, so that whatever is put into it is escaped.
const TEMPLATE: &str = include_str!("report.html");

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
            heat: heat::picture(&report.intervals, span),
            curve: headline.and_then(|phase| curve::picture(phase, report.load)),
            stages: headline.and_then(stages::picture),
            workers: report.balance.as_ref().and_then(workers::picture),
        }
    }
}

/// The gaps inside of numbers, so that no number is broken into two lines: those between a digit
/// and three others.
fn glued(text: &str) -> String {
    let mut glued = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        let before = glued.ends_with(|c: char| c.is_ascii_digit());
        let mut after = text[index..].chars().skip(1);
        let three = after.by_ref().take(3).filter(char::is_ascii_digit).count() == 3;
        let no_more = !after.next().is_some_and(|c| c.is_ascii_digit());
        let inside = c == ' ' && before && three && no_more;
        glued.push(if inside { '\u{202f}' } else { c });
    }
    glued
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
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    environment.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("report.html", TEMPLATE)?;
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(glued(&escape::line(text))))
        }
        _ => escape_formatter(out, state, value),
    });
    environment.get_template("report.html")?.render(context! {
        facts => Value::from(Serde(Facts::of(report))),
        pictures => Value::from(Serde(Pictures::of(report))),
        matrix => conformance.map(|one| Value::from(Serde(Matrix::of(from_ref(one))))),
    })
}
