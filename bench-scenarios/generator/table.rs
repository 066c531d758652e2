//! Rows of figures, each beside what it is held against.

/// Smallest, median and largest.
pub(crate) fn spread(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    [
        at(0),
        at(values.len() / 2),
        at(values.len().saturating_sub(1)),
    ]
}

pub(crate) fn median(values: &[f64]) -> f64 {
    spread(values)[1]
}

pub(crate) fn print_head() {
    println!("| what | figure | ours | held against | ratio | wanted | met |");
    println!("|---|---|---:|---:|---:|---:|---|");
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// A figure of pairs of runs.
pub(crate) struct Pairs<'a> {
    pub(crate) what: &'a str,
    pub(crate) figure: &'a str,
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
    /// Between these the median of the ratios is to lie.
    pub(crate) ratio: [f64; 2],
}

impl Pairs<'_> {
    pub(crate) fn print(&self) {
        let pairs = self.ours.iter().zip(&self.theirs);
        let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        let [least, middle, most] = spread(&ratios);
        let [from, to] = self.ratio;
        let wanted = match from > 0.0 {
            true => format!("{from}–{to}"),
            false => format!("≤ {to}"),
        };
        println!(
            "| {} | {} | {} | {} | {middle:.2} ({least:.2}–{most:.2}) | {wanted} | {} |",
            self.what,
            self.figure,
            short(median(&self.ours)),
            short(median(&self.theirs)),
            word((from..=to).contains(&middle)),
        );
    }
}

/// A figure of its own, and what is wanted of it.
pub(crate) fn print_alone(what: &str, figure: &str, found: &str, wanted: &str, met: bool) {
    println!(
        "| {what} | {figure} | {found} | | | {wanted} | {} |",
        word(met)
    );
}

fn word(met: bool) -> &'static str {
    match met {
        true => "yes",
        false => "**no**",
    }
}
