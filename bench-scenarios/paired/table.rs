//! The table: a figure of each run of ours beside one of the other's, and the target.

use crate::server::Anchor;

/// What is wanted of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// So many times better than the other.
    Times(f64),
    /// At most so much, whatever the other has.
    AtMost(f64),
}

/// One figure of both servers, and the rates it came with.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    /// What it counts, and in what.
    pub(crate) unit: &'a str,
    pub(crate) beside: Anchor,
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
    /// Jobs a second of ours and of theirs; may be empty.
    pub(crate) rates: [Vec<f64>; 2],
    pub(crate) target: Target,
}

/// Smallest, median and largest.
fn spread(values: impl IntoIterator<Item = f64>) -> Option<[f64; 3]> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([values[0], values[last / 2], values[last]])
}

pub(crate) fn median(values: &[f64]) -> f64 {
    spread(values.iter().copied()).map_or(f64::NAN, |[_, median, _]| median)
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "–".to_owned(),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The ratios of the pairs; above 1 is in our favour. Where both runs are of one length they were
/// paired, else the medians are compared.
fn ratios(ours: &[f64], theirs: &[f64], more_is_better: bool) -> Option<[f64; 3]> {
    let ratio = |(&ours, &theirs): (&f64, &f64)| match more_is_better {
        true => ours / theirs,
        false => theirs / ours,
    };
    spread(ours.iter().zip(theirs).map(ratio))
}

fn print_ratio(ratios: Option<[f64; 3]>) -> String {
    ratios.map_or_else(
        || "–".to_owned(),
        |[min, median, max]| format!("{} ({}–{})", short(median), short(min), short(max)),
    )
}

pub(crate) fn print_head(pairs: usize) {
    println!(
        "{pairs} pairs each unless a row says otherwise; median (smallest–largest) of the pairs' \
         ratios; above 1 is in our favour\n"
    );
    println!(
        "| scenario | figure | ours | C gearmand | | ratio | target | met | jobs/s, ours | theirs | ratio |"
    );
    println!("|---|---|---:|---:|---|---:|---:|---|---:|---:|---:|");
}

impl Row<'_> {
    pub(crate) fn print(&self) {
        let more_is_better = self.unit.ends_with("/s");
        let ratio = ratios(&self.ours, &self.theirs, more_is_better);
        let (target, met) = match self.target {
            Target::Times(times) => (
                format!("≥ {}", short(times)),
                ratio.is_some_and(|[_, median, _]| median >= times),
            ),
            Target::AtMost(most) => (
                format!("ours ≤ {}", short(most)),
                median(&self.ours) <= most,
            ),
        };
        let [rate, rate_theirs] = &self.rates;
        println!(
            "| {} | {} | {} | {} | {} | {} | {target} | {} | {} | {} | {} |",
            self.name,
            self.unit,
            short(median(&self.ours)),
            short(median(&self.theirs)),
            self.beside.name(),
            print_ratio(ratio),
            if met { "yes" } else { "**no**" },
            short(median(rate)),
            short(median(rate_theirs)),
            print_ratio(ratios(rate, rate_theirs, true)),
        );
    }
}
