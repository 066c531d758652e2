//! What is printed of the pairs.

use crate::load::Plan;
use crate::report::Report;
use crate::report::compare::headline::{self, Headline, Spread};
use crate::report::escape;
use crate::report::series::Versus;
use std::fmt::Write;

/// The line of one run.
pub(super) fn row(letter: &str, number: u32, report: &Report) -> String {
    Headline::of(report).row(&format!("{letter}/{number:03}"))
}

/// All runs of the pairs, then their ratios.
pub(super) fn text(plan: &Plan, names: &[String; 2], pairs: &[[Report; 2]], code: u8) -> String {
    let [a, b] = names.each_ref().map(|name| escape::line(name));
    let mut out = format!(
        "gearbench versus  seed {}  pairs {}\na  {a}\nb  {b}\n",
        plan.seed,
        pairs.len(),
    );
    if !pairs.is_empty() {
        out += &tables(pairs);
    }
    out += &format!("\nexit code  {code}\n");
    out
}

fn tables(pairs: &[[Report; 2]]) -> String {
    let mut out = format!("\n{}\n", headline::heads());
    for (number, [a, b]) in (1..).zip(pairs) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}\n{}", row("a", number, a), row("b", number, b));
    }
    let _ = writeln!(
        out,
        "\n{:<16} {:>8} {:>8} {:>8}",
        "b / a", "median", "min", "max"
    );
    for ratio in headline::ratios(pairs) {
        let _ = writeln!(out, "{}", ratio_row(&ratio));
    }
    out
}

fn ratio_row(ratio: &Spread) -> String {
    format!(
        "{:<16} {:>8.3} {:>8.3} {:>8.3}{}",
        ratio.metric.to_string(),
        ratio.median,
        ratio.min,
        ratio.max,
        match (ratio.min > 1.0, ratio.max < 1.0) {
            (true, _) => "  more in every pair",
            (_, true) => "  less in every pair",
            _ => "",
        }
    )
}

/// The same as JSON.
pub(super) fn json(
    plan: &Plan,
    names: &[String; 2],
    pairs: &[[Report; 2]],
    code: u8,
) -> anyhow::Result<String> {
    Ok(Versus::new(serde_json::to_value(plan)?, names, pairs, code).json()?)
}
