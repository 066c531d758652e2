//! Jobs a second over time, with the phases of the run; and what is on its way meanwhile.

use super::plot::{Axis, Mark, Plot, Scale, Size, both};
use super::{Picture, Span, faults};
use crate::report::{Phase, Report, Sample};

/// What happened between two samples.
struct Rate {
    at: f64,
    sent: f64,
    completed: f64,
    ended_badly: f64,
}

fn rates(series: &[Sample]) -> Vec<Rate> {
    let none = Sample::default();
    let before = std::iter::once(&none).chain(series);
    let rate = |(before, now): (&Sample, &Sample)| {
        let seconds = (now.at_seconds - before.at_seconds).max(1e-3);
        let per_second = |f: fn(&Sample) -> u64| f(now).saturating_sub(f(before)) as f64 / seconds;
        Rate {
            at: (now.at_seconds + before.at_seconds) / 2.0,
            sent: per_second(|s| s.sent),
            completed: per_second(|s| s.completed),
            ended_badly: per_second(|s| {
                let ends = [s.errors, s.failed, s.timeouts];
                ends.into_iter().fold(0, u64::saturating_add)
            }),
        }
    };
    before.zip(series).map(rate).collect()
}

/// Jobs sent and completed a second; `None` for a run that was over within its first second.
pub(super) fn picture(report: &Report, span: Span) -> Option<Picture> {
    let rates = rates(&report.series);
    let offered = report.phases.iter().filter_map(|p| p.offered_per_second);
    let highest = rates.iter().map(|r| r.sent.max(r.completed));
    let most = highest.chain(offered).fold(0.0, f64::max);
    if rates.is_empty() {
        return None;
    }
    let draw = |size| throughput(size, report, &rates, Scale::linear(most * 1.05), span);
    Some(both([280.0, 260.0], draw))
}

fn throughput(size: Size, report: &Report, rates: &[Rate], scale: Scale, span: Span) -> String {
    let (x, y) = (time(span), Axis::of("jobs/s", scale));
    let name = "Jobs sent and completed per second over time";
    let mut plot = Plot::new(size, name, &x, &y);
    phases(&mut plot, &report.phases, span);
    faults::mark(&mut plot, &report.faults);
    for phase in &report.phases {
        if let Some(offered) = phase.offered_per_second {
            let until = phase.at_seconds + phase.seconds;
            plot.line(
                "offered",
                &[(phase.at_seconds, Some(offered)), (until, Some(offered))],
            );
        }
    }
    let line = |f: fn(&Rate) -> f64| -> Vec<(f64, Option<f64>)> {
        rates.iter().map(|rate| (rate.at, Some(f(rate)))).collect()
    };
    plot.line("sent", &line(|rate| rate.sent));
    plot.line("completed", &line(|rate| rate.completed));
    let mut legend = vec![
        (Mark::Line, "sent", "sent"),
        (Mark::Line, "completed", "completed"),
    ];
    if report.phases.iter().any(|p| p.offered_per_second.is_some()) {
        legend.insert(0, (Mark::Dashes, "offered", "offered"));
    }
    if rates.iter().any(|rate| rate.ended_badly > 0.0) {
        plot.line("bad", &line(|rate| rate.ended_badly));
        legend.push((Mark::Line, "bad", "not well"));
    }
    plot.legend(&legend);
    plot.finish()
}

/// Jobs on their way and in the server's queue.
pub(super) fn under_way(report: &Report, span: Span) -> Option<Picture> {
    let series = &report.series;
    let queued = series.iter().filter_map(|sample| sample.queued);
    let most = series.iter().map(|s| s.in_flight).chain(queued).max()?;
    let draw = |size| {
        let (x, y) = (
            time(span),
            Axis::of("jobs", Scale::linear(most as f64 * 1.05)),
        );
        let name = "Jobs without an end, and of those the ones that the server holds, over time";
        let mut plot = Plot::new(size, name, &x, &y);
        phases(&mut plot, &report.phases, span);
        faults::mark(&mut plot, &report.faults);
        let line = |f: fn(&Sample) -> Option<u64>| -> Vec<(f64, Option<f64>)> {
            let point = |s: &Sample| (s.at_seconds, f(s).map(|jobs| jobs as f64));
            series.iter().map(point).collect()
        };
        plot.line("sent", &line(|sample| Some(sample.in_flight)));
        plot.line("completed", &line(|sample| sample.queued));
        plot.legend(&[
            (Mark::Line, "sent", "without an end"),
            (Mark::Line, "completed", "at the server"),
        ]);
        plot.finish()
    };
    Some(both([200.0, 200.0], draw))
}

fn time(span: Span) -> Axis<'static> {
    Axis::of(
        "seconds since the first connection",
        Scale::time(span.until),
    )
}

/// Where phases begin, and which; what is not measured is shaded.
fn phases(plot: &mut Plot, phases: &[Phase], span: Span) {
    let [_, top, _, bottom] = plot.area();
    for phase in phases {
        let until = (phase.at_seconds + phase.seconds).min(span.until);
        let (from, until) = (plot.x_at(phase.at_seconds), plot.x_at(until));
        let (width, height) = (until - from, bottom - top);
        if phase.name == "warmup" {
            plot.put(format_args!(
                "<path class=\"shaded\" d=\"M{from:.1} {top}h{width:.1}v{height}h-{width:.1}z\"/>"
            ));
        }
        plot.put(format_args!(
            "<path class=\"phase\" d=\"M{from:.1} {top}V{bottom}\"/>"
        ));
        // Words that do not fit are left out.
        if phase.name.chars().count() as f64 * 6.5 + 8.0 < width {
            plot.text(from + 4.0, top + 12.0, "note", &phase.name);
        }
    }
}
