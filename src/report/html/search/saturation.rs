//! Offered against completed, and what it does to the latency.

use super::super::Picture;
use super::super::plot::{Axis, Mark, Plot, Scale, Size, both, short_duration};
use super::{Figure, Page, Row, Table, blank};
use crate::report::quantity;
use crate::report::saturation::{Outcome, Saturation, Trial};
use minijinja::Error;

/// A search as a page.
pub fn saturation(saturation: &Saturation) -> Result<String, Error> {
    let origin = &saturation.origin;
    let (class, word) = match saturation.exit_code {
        0 => ("passed", "FOUND"),
        6 => ("failed", "NO RATE HOLDS"),
        130 | 143 => ("unclear", "INTERRUPTED"),
        _ => ("unclear", "INCONCLUSIVE"),
    };
    let levels: Vec<&str> = saturation.levels.iter().map(|l| l.slo.as_str()).collect();
    let page = Page {
        class,
        word: match saturation.confirmed_rate {
            Some(rate) if class == "passed" => quantity::rate(rate),
            _ => word.to_owned(),
        },
        sentence: format!(
            "{}. Asked for: {}.",
            // The word above has said as much.
            saturation.verdict.trim_start_matches("no rate holds: "),
            levels.join(", ")
        ),
        figures: figures(saturation),
        table: Table {
            heading: "Every rate that was tried, in order",
            head: ["offered", "completed", "p50", "p99", "measured", "outcome"]
                .map(str::to_owned)
                .into(),
            rows: saturation.trials.iter().map(row).collect(),
        },
        ..blank(origin)
    };
    page.render()
}

fn row(trial: &Trial) -> Row {
    let shown = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), quantity::duration);
    Row {
        cells: vec![
            quantity::rate(trial.rate),
            quantity::rate(trial.achieved),
            shown(trial.p50_ns),
            shown(trial.p99_ns),
            format!("{:.1} s", trial.seconds),
        ],
        class: match trial.is {
            Outcome::Holds => "good",
            Outcome::Fails => "bad",
            Outcome::Generator => "dim",
        },
        words: trial.word().to_owned(),
    }
}

fn figures(saturation: &Saturation) -> Vec<Figure> {
    let mut trials: Vec<&Trial> = saturation.trials.iter().collect();
    trials.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let most = trials.iter().map(|t| t.rate.max(t.achieved));
    let most = most.fold(0.0, f64::max);
    if trials.is_empty() {
        return Vec::new();
    }
    let mut figures = vec![Figure {
        heading: "Offered and completed",
        picture: both([320.0, 280.0], |size| throughput(size, &trials, most)),
        caption: "A green dot is a rate that held, a red cross one that did not, a grey dot one at \
                  which the generator was the limit; a ring is around a confirmed one. On the dashed \
                  line all that was offered was completed.",
    }];
    if let Some(picture) = latency(saturation, &trials, most) {
        figures.push(Figure {
            heading: "Response at each rate",
            picture,
            caption: "Response counts from the intended start of each job. The marks are on the \
                      99th percentile; the lower line is the median.",
        });
    }
    figures
}

fn throughput(size: Size, trials: &[&Trial], most: f64) -> String {
    let scale = Scale::time(most * 1.04);
    let (x, y) = (
        Axis::of("offered, jobs/s", scale),
        Axis::of("completed, jobs/s", scale),
    );
    let mut plot = Plot::new(size, "Completed against offered jobs per second", &x, &y);
    plot.line("offered", &[(0.0, Some(0.0)), (most, Some(most))]);
    plot.line("sent thin", &line(trials, |trial| Some(trial.achieved)));
    for trial in trials {
        mark(&mut plot, trial, trial.achieved);
    }
    plot.legend(&[
        (Mark::Dashes, "offered", "offered"),
        (Mark::Line, "sent", "completed"),
    ]);
    plot.finish()
}

/// `None` where no rate had enough jobs.
fn latency(saturation: &Saturation, trials: &[&Trial], most: f64) -> Option<Picture> {
    let limits = saturation.levels.iter().filter_map(|level| {
        let limit = level.response_ns.filter(|ns| *ns > 0.0)?;
        Some((limit, level.slo.as_str()))
    });
    let limits: Vec<(f64, &str)> = limits.collect();
    let p50 = line(trials, |trial| trial.p50_ns.map(|ns| ns as f64));
    let p99 = line(trials, |trial| trial.p99_ns.map(|ns| ns as f64));
    let all = trials.iter().flat_map(|trial| [trial.p50_ns, trial.p99_ns]);
    let measured = all.flatten().map(|ns| ns as f64);
    let all = || measured.clone().chain(limits.iter().map(|(ns, _)| *ns));
    measured.clone().next()?;
    let scale = Scale::log(
        all().fold(f64::INFINITY, f64::min),
        all().fold(0.0, f64::max),
    );
    Some(both([320.0, 280.0], |size| {
        let x = Axis::of("offered, jobs/s", Scale::time(most * 1.04));
        let y = Axis {
            scale,
            title: "response",
            label: &short_duration,
            ticks: None,
        };
        let mut plot = Plot::new(size, "Response against offered jobs per second", &x, &y);
        for (limit, words) in &limits {
            plot.limit(*limit, words);
        }
        plot.line("sent", &p50);
        plot.line("completed", &p99);
        for trial in trials {
            if let Some(ns) = trial.p99_ns {
                mark(&mut plot, trial, ns as f64);
            }
        }
        plot.legend(&[
            (Mark::Line, "sent", "p50"),
            (Mark::Line, "completed", "p99"),
        ]);
        plot.finish()
    }))
}

/// Through the trials, by their rates; of those at the same rate through the last one.
fn line(trials: &[&Trial], f: fn(&Trial) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
    let mut points: Vec<(f64, Option<f64>)> = Vec::new();
    for trial in trials {
        match points.last_mut() {
            Some((rate, value)) if *rate == trial.rate => *value = f(trial).or(*value),
            _ => points.push((trial.rate, f(trial))),
        }
    }
    points
}

/// What a trial came to, at a value.
fn mark(plot: &mut Plot, trial: &Trial, y: f64) {
    let words = format!("{}: {}", quantity::rate(trial.rate), trial.word());
    let at = (trial.rate, y);
    match trial.is {
        Outcome::Holds => plot.dot("holds", at, &words),
        Outcome::Fails => plot.cross(at, &words),
        Outcome::Generator => plot.dot("unclear", at, &words),
    }
    if trial.confirms && trial.holds() {
        plot.ring(at);
    }
}
