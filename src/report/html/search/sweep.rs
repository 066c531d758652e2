//! A figure over the values of a parameter, a line for each combination of the others.

use super::super::Picture;
use super::super::plot::{Axis, Plot, Scale, Size, both, short, short_duration};
use super::{Figure, Page, Row, Table, blank};
use crate::report::compare::headline::{HEADLINE, Metric};
use crate::report::sweep::{Point, Sweep};
use minijinja::Error;

/// Colours of lines; more lines than these have them again, dashed.
const COLOURS: usize = 5;

/// A sweep as a page.
pub fn sweep(sweep: &Sweep) -> Result<String, Error> {
    let lines = lines(sweep);
    let (class, word) = match sweep.exit_code {
        0 => ("passed", "ALL RUNS PASSED"),
        130 | 143 => ("unclear", "INTERRUPTED"),
        8 => ("unclear", "INCONCLUSIVE"),
        _ => ("failed", "NOT ALL RUNS PASSED"),
    };
    let keys: Vec<&str> = sweep.varied.iter().map(|v| v.key.as_str()).collect();
    let (made, asked) = (sweep.made(), sweep.asked());
    let page = Page {
        class,
        word: word.to_owned(),
        sentence: format!("{}: {made} of {asked} runs", keys.join(" × ")),
        figures: figures(sweep, &lines),
        keys: match lines.as_slice() {
            [_] => Vec::new(),
            lines => lines
                .iter()
                .enumerate()
                .map(|(nth, line)| (colour(nth), line.name.clone()))
                .collect(),
        },
        table: table(sweep),
        ..blank(&sweep.origin)
    };
    page.render()
}

/// The points of one combination of the other parameters, along the values of the first.
struct Line<'a> {
    name: String,
    /// Where each is, from 0.
    points: Vec<(usize, &'a Point)>,
}

fn lines(sweep: &Sweep) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let [first, others @ ..] = sweep.varied.as_slice() else {
        return lines;
    };
    for point in &sweep.points {
        let named = others.iter().zip(point.values.iter().skip(1));
        let named = named.map(|(varied, value)| format!("{} {value}", varied.key));
        let name = named.collect::<Vec<_>>().join(", ");
        let value = point.values.first();
        let Some(at) = first.values.iter().position(|known| Some(known) == value) else {
            continue;
        };
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push((at, point)),
            None => lines.push(Line {
                name,
                points: vec![(at, point)],
            }),
        }
    }
    lines
}

fn colour(nth: usize) -> String {
    let dashed = if nth / COLOURS % 2 == 1 {
        " dashed"
    } else {
        ""
    };
    format!("c{}{dashed}", nth % COLOURS)
}

fn figures(sweep: &Sweep, lines: &[Line<'_>]) -> Vec<Figure> {
    const CAPTIONS: [(&str, &str); 4] = [
        (
            "Jobs a second",
            "Completed jobs a second. A red cross is a run that did not pass. The values are evenly \
             apart, whatever lies between them.",
        ),
        (
            "Median response",
            "Half of the jobs were answered within this time.",
        ),
        (
            "Response, 99th percentile",
            "One job in a hundred took longer. Of several runs the middle one is shown, and the range \
             from the smallest to the largest.",
        ),
        ("Server CPU", "Processor time of the server for each job."),
    ];
    let figures = HEADLINE.into_iter().zip(CAPTIONS);
    let figures = figures.filter_map(|(metric, (heading, caption))| {
        Some(Figure {
            heading,
            picture: picture(sweep, lines, metric)?,
            caption,
        })
    });
    figures.collect()
}

/// `None` for a figure that no run has.
fn picture(sweep: &Sweep, lines: &[Line<'_>], metric: Metric) -> Option<Picture> {
    let first = sweep.varied.first()?;
    let spreads = || sweep.points.iter().filter_map(|point| point.figure(metric));
    let least = spreads().map(|s| s.min).fold(f64::INFINITY, f64::min);
    let most = spreads().map(|s| s.max).fold(0.0, f64::max);
    spreads().next()?;
    let latency = matches!(metric, Metric::Latency { .. });
    let scale = match latency {
        true => Scale::log(least, most),
        false => Scale::linear(most * 1.05),
    };
    let name = |at: f64| first.values.get(at as usize).cloned().unwrap_or_default();
    let draw = |size: Size| {
        let x = Axis {
            scale: Scale::time(first.values.len() as f64),
            title: &first.key,
            label: &name,
            ticks: Some((0..first.values.len()).map(middle).collect()),
        };
        let y = Axis {
            scale,
            title: match metric {
                Metric::Throughput => "jobs/s",
                Metric::CpuPerJob => "µs per job",
                Metric::Latency { .. } | Metric::Errors => "response",
            },
            label: if latency { &short_duration } else { &short },
            ticks: None,
        };
        let what = format!("{metric} over {}", first.key);
        let mut plot = Plot::new(size, &what, &x, &y);
        for (nth, line) in lines.iter().enumerate() {
            draw_line(&mut plot, line, &colour(nth), metric);
        }
        plot.finish()
    };
    Some(both([300.0, 270.0], draw))
}

/// The middle of the place of a value.
fn middle(at: usize) -> f64 {
    at as f64 + 0.5
}

fn draw_line(plot: &mut Plot, line: &Line<'_>, colour: &str, metric: Metric) {
    let spread = |point: &'_ Point| point.figure(metric).map(|s| (s.min, s.median, s.max));
    let points = line.points.iter();
    let points: Vec<_> = points.map(|(at, p)| (middle(*at), spread(p), *p)).collect();
    let middles: Vec<_> = points
        .iter()
        .map(|(x, spread, _)| (*x, spread.map(|(_, median, _)| median)))
        .collect();
    plot.line(&format!("of {colour}"), &middles);
    for (x, spread, point) in points {
        let Some((min, median, max)) = spread else {
            continue;
        };
        if max > min {
            plot.range(colour, x, [min, max]);
        }
        let values = point.values.join(", ");
        let unit = if metric == Metric::Throughput {
            " jobs/s"
        } else {
            ""
        };
        let words = format!("{values}: {}{unit}", metric.show(median));
        match point.worst().is_some_and(|run| run.exit_code != 0) {
            true => plot.cross((x, median), &words),
            false => plot.dot(&format!("of {colour}"), (x, median), &words),
        }
    }
}

fn table(sweep: &Sweep) -> Table {
    let keys = sweep.varied.iter().map(|varied| varied.key.clone());
    let heads = ["runs", "jobs/s", "p50", "p99", "CPU per job", "outcome"];
    Table {
        heading: "Every combination",
        head: keys.chain(heads.map(str::to_owned)).collect(),
        rows: sweep.points.iter().map(row).collect(),
    }
}

fn row(point: &Point) -> Row {
    let figures = HEADLINE.map(|metric| match point.figure(metric) {
        Some(spread) => metric.show(spread.median),
        None => "–".to_owned(),
    });
    let runs = point.runs.len().to_string();
    Row {
        cells: point
            .values
            .iter()
            .cloned()
            .chain([runs])
            .chain(figures)
            .collect(),
        class: match point.worst() {
            Some(run) if run.exit_code == 0 => "good",
            Some(run) if run.exit_code != 8 => "bad",
            _ => "dim",
        },
        words: point.verdict(),
    }
}
