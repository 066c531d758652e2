//! Response by percentile, against the time after sending: the gap between the two is what a
//! tool that waits for its answers leaves out.

use super::Picture;
use super::plot::{Axis, Mark, Plot, Scale, Size, both, short_duration};
use crate::report::{Histogram, LoopKind, Phase};

/// Samples beyond a percentile without which it is a rumour.
const BEYOND: f64 = 10.0;
/// Points for each power of ten of the distance to 100 %.
const POINTS: i32 = 24;

/// The curve of a phase; `None` without enough responses for a median.
pub(super) fn picture(phase: &Phase, kind: LoopKind) -> Option<Picture> {
    let response = points(&phase.stage("response")?.latency);
    let sent = match kind {
        LoopKind::Open => phase.stage("round_trip"),
        LoopKind::Closed => None,
    };
    let sent = sent.map(|stage| points(&stage.latency)).unwrap_or_default();
    let values = || response.iter().chain(&sent).map(|(_, ns)| *ns);
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    let last = response.last()?.0;
    let draw = |size| draw(size, &response, &sent, Scale::log(least, most), last);
    Some(both([320.0, 300.0], draw))
}

/// Pairs of 1/(1 - quantile) and nanoseconds, as far as the samples carry them.
fn points(histogram: &Histogram) -> Vec<(f64, f64)> {
    let carried = histogram.count() as f64 / BEYOND;
    let steps = 0..;
    let inverse = steps.map(|n| 10f64.powf(f64::from(n) / f64::from(POINTS)));
    let inverse = inverse.take_while(|inverse| *inverse <= carried && *inverse < 1e8);
    let value = |inverse: f64| {
        let quantile = 1.0 - 1.0 / inverse;
        (inverse, histogram.0.value_at_quantile(quantile) as f64)
    };
    let points: Vec<(f64, f64)> = inverse.map(value).collect();
    match points.last() {
        Some((last, _)) if *last >= 2.0 => points,
        _ => Vec::new(),
    }
}

fn draw(size: Size, response: &[(f64, f64)], sent: &[(f64, f64)], y: Scale, last: f64) -> String {
    let marks = [1.0, 2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];
    let x = Axis {
        scale: Scale::Log {
            least: 1.0,
            most: last,
        },
        title: "share of the jobs that were at least as fast",
        label: &percent,
        ticks: Some(marks.into_iter().filter(|mark| *mark <= last).collect()),
    };
    let y = Axis {
        scale: y,
        title: "latency",
        label: &short_duration,
        ticks: None,
    };
    let name = "Percentiles of the response and of the time after sending";
    let mut plot = Plot::new(size, name, &x, &y);
    let line = |points: &[(f64, f64)]| -> Vec<(f64, Option<f64>)> {
        points.iter().map(|(x, y)| (*x, Some(*y))).collect()
    };
    if sent.is_empty() {
        plot.line("completed", &line(response));
        plot.legend(&[(Mark::Line, "completed", "response")]);
    } else {
        plot.between("gap", response, sent);
        plot.line("offered", &line(sent));
        plot.line("completed", &line(response));
        plot.legend(&[
            (Mark::Dashes, "offered", "after sending"),
            (Mark::Line, "completed", "response"),
        ]);
    }
    plot.finish()
}

/// `99.9 %` of 1/(1 - 0.999).
fn percent(inverse: f64) -> String {
    let percent = 100.0 - 100.0 / inverse;
    let decimals = (inverse.log10().round() as usize).saturating_sub(2);
    format!("{percent:.decimals$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_written_with_as_many_nines_as_they_have() {
        let words = [1.0, 2.0, 10.0, 100.0, 1e3, 1e4].map(percent);
        assert_eq!(words, ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn a_curve_ends_where_its_samples_do() {
        let mut histogram = hdrhistogram::Histogram::new(3).unwrap();
        for ns in 1..=1000 {
            histogram.record(ns * 1000).unwrap();
        }
        let all = points(&Histogram(histogram.clone()));
        let last = all.last().unwrap().0;
        assert!((90.0..=100.1).contains(&last), "{last}");
        histogram.reset();
        histogram.record(5).unwrap();
        assert!(points(&Histogram(histogram)).is_empty());
    }
}
