//! The percentile table that HdrHistogram's plotter draws.

use super::Histogram;
use std::fmt::Write;

/// Steps for each halving of the distance to 100 %, as HdrHistogram's own tools have it.
const STEPS: u32 = 5;
/// The plotter speaks of milliseconds.
const NS: f64 = 1e6;

/// The table, values in milliseconds.
pub fn render(histogram: &Histogram) -> String {
    let histogram = &histogram.0;
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(STEPS) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (
            step.value_iterated_to() as f64 / NS,
            step.quantile_iterated_to(),
        );
        // Writing to a String cannot fail.
        let _ = write!(text, "{value:12.6} {quantile:14.12} {total:10}");
        let _ = match quantile < 1.0 {
            true => writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile)),
            false => writeln!(text),
        };
    }
    let (mean, deviation) = (histogram.mean() / NS, histogram.stdev() / NS);
    let (max, count) = (histogram.max() as f64 / NS, histogram.len());
    let _ = writeln!(
        text,
        "#[Mean    = {mean:12.6}, StdDeviation   = {deviation:12.6}]"
    );
    let _ = writeln!(text, "#[Max     = {max:12.6}, Total count    = {count:12}]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_at_the_maximum_with_all_samples_counted() {
        let mut histogram = hdrhistogram::Histogram::new(3).unwrap();
        for ms in 1..=100u64 {
            histogram.record(ms * 1_000_000).unwrap();
        }
        let text = render(&Histogram(histogram));
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().collect())
            .collect();
        let last = rows.last().unwrap();
        assert_eq!(last[1], "1.000000000000");
        assert_eq!(last[2], "100");
        assert!(rows.iter().all(|row| row.len() >= 3));
        assert!(text.contains("Total count"));
    }
}
