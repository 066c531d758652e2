//! Comparisons for people.

use super::{Comparison, Difference, Judgement, Metric, Other, stats};
use crate::report::{escape, quantity};
use std::fmt::Write;

impl Metric {
    /// A figure with its unit; jobs a second without.
    pub(in crate::report) fn show(self, value: f64) -> String {
        match self {
            Metric::Throughput => quantity::count(value.round() as u64),
            Metric::CpuPerJob => format!("{value:.2} µs"),
            Metric::Errors => format!("{value:.3} %"),
            Metric::Latency { .. } => quantity::duration(value as u64),
        }
    }
}

impl Difference {
    /// The change with its sign and unit.
    pub(super) fn signed_change(&self) -> String {
        let unit = if self.metric == Metric::Errors {
            " points"
        } else {
            " %"
        };
        format!("{}{unit}", signed(self.change))
    }

    /// The bounds of the change.
    pub(super) fn shown_interval(&self) -> String {
        let end = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), signed);
        match self.interval {
            Some(interval) => format!("{} to {}", end(interval.low), end(interval.high)),
            None => "no interval".to_owned(),
        }
    }

    /// The figure of one run, or the middle one of several with the smallest and the largest.
    fn figures(&self, runs: &[f64]) -> String {
        let mut sorted = runs.to_vec();
        let median = stats::median(&mut sorted);
        match *sorted {
            [first, .., last] => format!(
                "{} ({}–{})",
                self.metric.show(median),
                self.metric.show(first),
                self.metric.show(last)
            ),
            _ => self.metric.show(median),
        }
    }

    fn row(&self) -> [String; 6] {
        let word = match self.judgement {
            Judgement::Same => "",
            Judgement::Better => "BETTER",
            Judgement::Worse => "WORSE",
            Judgement::Unknown => "unknown",
        };
        [
            self.metric.to_string(),
            self.figures(&self.baseline),
            self.figures(&self.other),
            self.signed_change(),
            self.shown_interval(),
            word.to_owned(),
        ]
    }
}

fn signed(value: f64) -> String {
    match value {
        _ if value.abs() >= 1000.0 => format!("{value:+.0}"),
        _ if value.abs() < 1.0 => format!("{value:+.2}"),
        _ => format!("{value:+.1}"),
    }
}

/// A comparison for a terminal.
pub fn text(comparison: &Comparison) -> String {
    let mut out = String::from("gearbench compare\n");
    side(&mut out, "baseline", &comparison.baseline);
    for other in &comparison.others {
        side(&mut out, "other", &other.side);
        out.push('\n');
        table(&mut out, other);
        for result in &other.gates {
            let _ = writeln!(out, "{}", escape::line(&result.why));
        }
    }
    let _ = write!(
        out,
        "\nA difference counts from {} % on, outside of its interval ({} % for all figures together).\n",
        comparison.least_effect_percent, comparison.confidence
    );
    evidence(&mut out, comparison);
    for note in &comparison.verdict.notes {
        let _ = writeln!(out, "note: {}", escape::line(note));
    }
    let verdict = &comparison.verdict;
    let _ = writeln!(out, "\nverdict    {}", summary(comparison));
    for finding in &verdict.findings {
        let _ = writeln!(out, "           {}", escape::line(&finding.text));
    }
    out
}

fn side(out: &mut String, role: &str, side: &super::Named) {
    let runs = match side.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let name = escape::line(&side.name);
    let target = escape::line(&side.target);
    let _ = writeln!(out, "{role:<9}  {name}: {runs} of {target}");
}

fn table(out: &mut String, other: &Other) {
    let head = ["", "baseline", "other", "change", "interval", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(other.differences.iter().map(Difference::row))
        .collect();
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4, 5].map(wide);
    for row in &rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1).take(4) {
            let _ = write!(line, "  {cell:>width$}");
        }
        let _ = write!(line, "  {}", row[5]);
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Where the intervals come from, each source once.
fn evidence(out: &mut String, comparison: &Comparison) {
    let all = comparison
        .others
        .iter()
        .flat_map(|other| &other.differences);
    let mut seen: Vec<(&str, Vec<String>)> = Vec::new();
    for difference in all {
        let name = difference.metric.to_string();
        match seen
            .iter_mut()
            .find(|(known, _)| *known == difference.evidence)
        {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => seen.push((difference.evidence, vec![name])),
        }
    }
    for (source, names) in seen {
        let _ = writeln!(out, "{source}: {}", names.join(", "));
    }
}

/// What it comes to, in a line.
fn summary(comparison: &Comparison) -> String {
    if !comparison.verdict.passed() {
        let verdict = &comparison.verdict;
        return format!("{} (exit {})", verdict.word(), verdict.exit_code);
    }
    let named = |wanted: Judgement| {
        let all = comparison
            .others
            .iter()
            .flat_map(|other| &other.differences);
        let found = all.filter(|difference| difference.judgement == wanted);
        found.map(|d| d.metric.to_string()).collect::<Vec<_>>()
    };
    let (worse, better) = (named(Judgement::Worse), named(Judgement::Better));
    let mut parts = Vec::new();
    for (word, names) in [("worse", worse), ("better", better)] {
        if !names.is_empty() {
            parts.push(format!("{word}: {}", names.join(", ")));
        }
    }
    match parts.is_empty() {
        true => "no difference that counts".to_owned(),
        false => parts.join("; "),
    }
}

/// A comparison as Markdown.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    for other in &comparison.others {
        let _ = write!(
            out,
            "### {} against {}\n\n| metric | baseline | other | change | interval | |\n\
             |---|---:|---:|---:|---:|---|\n",
            escape::markdown(&other.side.name),
            escape::markdown(&comparison.baseline.name)
        );
        for difference in &other.differences {
            let _ = writeln!(out, "| {} |", difference.row().join(" | "));
        }
        out.push('\n');
        for result in &other.gates {
            let _ = writeln!(out, "- {}", escape::markdown(&result.why));
        }
        if !other.gates.is_empty() {
            out.push('\n');
        }
    }
    let _ = writeln!(out, "**{}**", escape::markdown(&summary(comparison)));
    out
}
