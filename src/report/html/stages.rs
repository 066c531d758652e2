//! Where the time goes: the stages of a job on one scale.

use super::Picture;
use super::plot::{Axis, Mark, Plot, Scale, Size, both, short_duration};
use crate::report::{Phase, Stage};

/// Height of a stage.
const ROW: f64 = 26.0;

/// A bar for each stage, from its median to its 99th percentile and on to its most.
pub(super) fn picture(phase: &Phase) -> Option<Picture> {
    let stages: Vec<&Stage> = phase
        .stages
        .iter()
        .filter(|s| s.latency.count() > 0)
        .collect();
    let least = stages.iter().map(|stage| middle(stage)).min()?;
    let most = stages.iter().map(|stage| stage.latency.0.max()).max()?;
    let scale = Scale::log(least as f64 * 0.7, most as f64);
    let height = stages.len() as f64 * ROW + 76.0;
    Some(both([height, height], |size| draw(size, &stages, scale)))
}

fn middle(stage: &Stage) -> u64 {
    stage.latency.0.value_at_percentile(50.0)
}

fn draw(size: Size, stages: &[&Stage], scale: Scale) -> String {
    let x = Axis {
        scale,
        title: "latency",
        label: &short_duration,
        ticks: None,
    };
    let y = Axis {
        scale: Scale::Linear {
            most: stages.len() as f64,
        },
        title: "",
        label: &|_| String::new(),
        ticks: Some(Vec::new()),
    };
    let mut plot = Plot::indented(
        size,
        96.0,
        "The stages of a job, each from median to most",
        &x,
        &y,
    );
    for (index, stage) in stages.iter().enumerate() {
        let y = plot.y_at((stages.len() - index) as f64 - 0.5);
        plot.text(88.0, y + 4.0, "tick end", &stage.name);
        let at = |ns: Option<u64>| ns.map(|ns| ns as f64);
        let p50 = plot.x_at(middle(stage) as f64);
        let p99 = at(stage.latency.percentile(99.0)).map(|ns| plot.x_at(ns));
        let most = plot.x_at(stage.latency.0.max() as f64);
        plot.put(format_args!(
            "<path class=\"whisker\" d=\"M{p50:.1} {y:.1}H{most:.1}\"/>"
        ));
        if let Some(p99) = p99 {
            let (top, width) = (y - 6.0, (p99 - p50).max(1.0));
            plot.put(format_args!(
                "<path class=\"bar\" d=\"M{p50:.1} {top:.1}h{width:.1}v12h-{width:.1}z\"/>"
            ));
        }
        let (top, low) = (y - 8.0, y + 8.0);
        plot.put(format_args!(
            "<path class=\"median\" d=\"M{p50:.1} {top:.1}V{low:.1}\"/>"
        ));
        plot.put(format_args!(
            "<circle class=\"most\" cx=\"{most:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
        ));
    }
    plot.legend(&[
        (Mark::Bar, "median", "p50"),
        (Mark::Area, "bar", "to p99"),
        (Mark::Line, "whisker", "to max"),
    ]);
    plot.finish()
}
