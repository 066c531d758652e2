//! Response over time: how many were how slow in each second.

use super::plot::{Axis, Mark, Plot, Scale, Size, both, short, short_duration};
use super::{Picture, Span, faults};
use crate::report::{Histogram, Interval, Report};
use std::fmt::Write;

/// Rows for each power of ten.
const ROWS: f64 = 20.0;
/// Shades, from few to many.
const SHADES: usize = 8;

/// A column of the map: jobs by row.
struct Column {
    from: f64,
    until: f64,
    response: Histogram,
}

/// The map; `None` without responses.
pub(super) fn picture(report: &Report, span: Span) -> Option<Picture> {
    let intervals = &report.intervals;
    let slow = intervals.iter().map(|i| i.response.0.max()).max()?;
    let fast = intervals
        .iter()
        .filter(|interval| interval.response.count() > 0)
        .map(|interval| interval.response.0.min())
        .min()?;
    let scale = Scale::log(fast as f64, slow as f64);
    Some(both([320.0, 300.0], |size| draw(size, report, scale, span)))
}

fn draw(size: Size, report: &Report, scale: Scale, span: Span) -> String {
    let x = Axis {
        scale: Scale::time(span.until),
        title: "seconds since the first connection",
        label: &short,
        ticks: None,
    };
    let y = Axis {
        scale,
        title: "response",
        label: &short_duration,
        ticks: None,
    };
    let name = "Heat map: the response of the jobs answered in each second, with its median and \
                99th percentile";
    let mut plot = Plot::new(size, name, &x, &y);
    let columns = columns(&report.intervals, size.width / 5.0);
    cells(&mut plot, &columns, scale);
    faults::mark(&mut plot, &report.faults);
    let line = |percentile: f64| -> Vec<(f64, Option<f64>)> {
        let point = |column: &Column| {
            let value = column.response.percentile(percentile);
            let middle = (column.from + column.until) / 2.0;
            (middle, value.map(|ns| ns as f64))
        };
        columns.iter().map(point).collect()
    };
    // With an edge, so that they show on light and on dark cells.
    for (class, percentile) in [("p50", 50.0), ("p99", 99.0)] {
        let line = line(percentile);
        plot.line(&format!("{class} edge"), &line);
        plot.line(class, &line);
    }
    plot.legend(&[(Mark::Line, "p50 edge", "p50"), (Mark::Line, "p99", "p99")]);
    plot.finish()
}

/// Intervals side by side, those of neighbours together where there are more than `most`.
fn columns(intervals: &[Interval], most: f64) -> Vec<Column> {
    let together = (intervals.len() as f64 / most).ceil().max(1.0) as usize;
    let column = |group: &[Interval]| {
        let (first, others) = group.split_first()?;
        let mut sum = first.clone();
        others.iter().for_each(|other| sum.merge(other));
        Some(Column {
            from: sum.at_seconds,
            until: sum.at_seconds + sum.seconds,
            response: sum.response,
        })
    };
    intervals.chunks(together).filter_map(column).collect()
}

/// One path for each shade: thousands of cells in a few kilobytes.
fn cells(plot: &mut Plot, columns: &[Column], scale: Scale) {
    let Scale::Log { least, most } = scale else {
        return;
    };
    let rows = ((most / least).log10() * ROWS).ceil().max(1.0);
    let [_, top, _, bottom] = plot.area();
    let height = (bottom - top) / rows;
    // Jobs a second: the last interval is seldom a whole one.
    let rates = columns.iter().map(|column| {
        let seconds = (column.until - column.from).max(0.05);
        let rate = |count: u64| count as f64 / seconds;
        counts(&column.response, scale, rows)
            .into_iter()
            .map(rate)
            .collect::<Vec<f64>>()
    });
    let rates: Vec<Vec<f64>> = rates.collect();
    let densest = rates.iter().flatten().copied().fold(0.0, f64::max);
    let mut paths = vec![String::new(); SHADES];
    for (column, rates) in columns.iter().zip(&rates) {
        let (left, right) = (plot.x_at(column.from), plot.x_at(column.until));
        // A little over its neighbours, so that nothing shows between them.
        let (wide, high) = ((right - left).max(0.6) + 0.5, height + 0.5);
        for (row, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            let y = bottom - (row as f64 + 1.0) * height;
            if let Some(path) = paths.get_mut(shade(rate / densest)) {
                let _ = write!(path, "M{left:.1} {y:.1}h{wide:.1}v{high:.1}h-{wide:.1}z");
            }
        }
    }
    for (shade, path) in paths
        .iter()
        .enumerate()
        .filter(|(_, path)| !path.is_empty())
    {
        plot.put(format_args!("<path class=\"h{shade}\" d=\"{path}\"/>"));
    }
}

/// The least share of the densest cell for each shade but the lightest.
const STEPS: [f64; SHADES - 1] = [0.01, 0.04, 0.1, 0.2, 0.35, 0.55, 0.8];

fn shade(share: f64) -> usize {
    STEPS.iter().filter(|least| share >= **least).count()
}

fn counts(response: &Histogram, scale: Scale, rows: f64) -> Vec<u64> {
    let mut counts = vec![0; rows as usize];
    for step in response.0.iter_recorded() {
        let row = (scale.share(step.value_iterated_to() as f64) * rows) as usize;
        let row = row.min(counts.len().saturating_sub(1));
        if let Some(count) = counts.get_mut(row) {
            *count = step.count_at_value().saturating_add(*count);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_grow_with_the_number() {
        assert_eq!(shade(0.0), 0);
        assert_eq!(shade(1.0), SHADES - 1);
        let all: Vec<usize> = (1..100).map(|n| shade(f64::from(n) / 100.0)).collect();
        assert!(all.is_sorted());
    }
}
