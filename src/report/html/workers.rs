//! Jobs of each worker, and how far apart they would be by chance.

use super::Picture;
use super::plot::{Axis, Mark, Plot, Scale, Size, both, short};
use crate::report::Balance;

/// Workers above which each has no bar of its own.
const BARS: usize = 120;

/// Workers from the one with most jobs to the one with fewest; `None` for results without them.
pub(super) fn picture(balance: &Balance) -> Option<Picture> {
    let mut jobs = balance.jobs_per_worker.clone();
    jobs.sort_unstable_by(|a, b| b.cmp(a));
    let most = *jobs.first().filter(|most| **most > 0)?;
    Some(both([240.0, 240.0], |size| {
        draw(size, balance, &jobs, most)
    }))
}

/// Mean, and twice the standard deviation of a worker's jobs when each job goes to a worker drawn
/// by lot.
pub(super) fn band(balance: &Balance) -> (f64, f64) {
    let workers = balance.workers.max(1) as f64;
    let mean = balance.jobs as f64 / workers;
    (mean, 2.0 * (mean * (1.0 - 1.0 / workers)).sqrt())
}

fn draw(size: Size, balance: &Balance, jobs: &[u64], most: u64) -> String {
    let (mean, spread) = band(balance);
    let scale = Scale::Linear {
        most: jobs.len() as f64,
    };
    let whole = |value: &f64| value.fract() == 0.0;
    let x = Axis {
        scale,
        title: "workers, by their jobs",
        label: &short,
        ticks: Some(scale.ticks(6.0).into_iter().filter(whole).collect()),
    };
    let y = Axis {
        scale: Scale::linear((most as f64).max(mean + spread) * 1.05),
        title: "jobs",
        label: &short,
        ticks: None,
    };
    let mut plot = Plot::new(size, "Jobs of each worker, from most to fewest", &x, &y);
    let [left, _, right, bottom] = plot.area();
    bars(&mut plot, jobs, bottom);
    let (high, low) = (
        plot.y_at(mean + spread),
        plot.y_at((mean - spread).max(0.0)),
    );
    let height = (low - high).max(1.0);
    let width = right - left;
    plot.put(format_args!(
        "<path class=\"fair\" d=\"M{left} {high:.1}h{width}v{height:.1}h-{width}z\"/>"
    ));
    let all = [(0.0, Some(mean)), (jobs.len() as f64, Some(mean))];
    plot.line("offered", &all);
    plot.legend(&[
        (Mark::Area, "fair", "fair by lot"),
        (Mark::Dashes, "offered", "in turn"),
    ]);
    plot.finish()
}

fn bars(plot: &mut Plot, jobs: &[u64], bottom: f64) {
    let mut d = String::new();
    let gap = if jobs.len() > BARS { 0.0 } else { 0.12 };
    // A step for each worker, or for several where they are finer than the picture.
    let together = jobs.len().div_ceil(2 * BARS).max(1);
    for (index, group) in jobs.chunks(together).enumerate() {
        let first = (index * together) as f64;
        let (from, until) = (
            plot.x_at(first + gap),
            plot.x_at(first + group.len() as f64 - gap),
        );
        let mean = group.iter().map(|jobs| *jobs as f64).sum::<f64>() / group.len() as f64;
        let top = plot.y_at(mean);
        d.push_str(&format!(
            "M{from:.1} {bottom}V{top:.1}H{until:.1}V{bottom}z"
        ));
    }
    plot.put(format_args!("<path class=\"workers\" d=\"{d}\"/>"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_spreads_by_the_root_of_the_jobs() {
        let balance = Balance {
            workers: 4,
            jobs: 400,
            ..Balance::default()
        };
        let (mean, spread) = band(&balance);
        assert_eq!(mean, 100.0);
        assert!((spread - 2.0 * 75f64.sqrt()).abs() < 1e-9);
    }
}
