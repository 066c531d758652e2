//! A run in four figures, and how these spread over several runs or over pairs of them.

use super::estimate::figure;
use super::stats;
use crate::report::{Report, escape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::Metric;

/// What a run is told by in one line.
pub const HEADLINE: [Metric; 4] = [
    Metric::Throughput,
    Metric::Latency {
        stage: "response",
        percentile: 50.0,
    },
    Metric::Latency {
        stage: "response",
        percentile: 99.0,
    },
    Metric::CpuPerJob,
];

/// A run in one line.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The id of the run.
    pub run_id: String,
    /// Where it was.
    pub target: String,
    /// Jobs completed a second.
    pub jobs_per_second: Option<f64>,
    /// Median response in nanoseconds; `None` with too few jobs.
    pub response_p50_ns: Option<f64>,
    /// The 99th percentile of the same.
    pub response_p99_ns: Option<f64>,
    /// Microseconds of the server's CPU time for each job; `None` where its process is not known.
    pub server_cpu_us_per_job: Option<f64>,
    /// What the run came to, in capitals.
    pub verdict: String,
    /// Its exit code.
    pub exit_code: u8,
}

/// The smallest, the middle and the largest of some figures; never a mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Of what.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// `ratio`, or the unit of the figures.
    pub unit: String,
    /// The figures in the order of the runs; those that have none are left out.
    pub values: Vec<f64>,
    /// The smallest.
    pub min: f64,
    /// The middle one, or the middle between the middle two.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Headline {
    /// That of a run.
    pub fn of(report: &Report) -> Self {
        let [
            jobs_per_second,
            response_p50_ns,
            response_p99_ns,
            server_cpu_us_per_job,
        ] = HEADLINE.map(|metric| figure(metric, report));
        Headline {
            run_id: report.run_id.clone(),
            target: report.target.address.clone(),
            jobs_per_second,
            response_p50_ns,
            response_p99_ns,
            server_cpu_us_per_job,
            verdict: report.verdict.word().to_owned(),
            exit_code: report.verdict.exit_code,
        }
    }

    /// The row of a table whose heads are [`heads`].
    pub fn row(&self, name: &str) -> String {
        let figures = [
            self.jobs_per_second,
            self.response_p50_ns,
            self.response_p99_ns,
            self.server_cpu_us_per_job,
        ];
        let row = figures_row(name, figures);
        format!("{row}  {}", self.verdict_and_code())
    }

    /// What the run came to, and its exit code unless that is 0.
    pub fn verdict_and_code(&self) -> String {
        let verdict = escape::line(&self.verdict);
        match self.exit_code {
            0 => verdict,
            code => format!("{verdict} (exit {code})"),
        }
    }
}

impl Spread {
    /// Those of figures; `None` without any.
    fn of(metric: Metric, unit: &'static str, values: Vec<f64>) -> Option<Self> {
        let mut sorted = values.clone();
        let median = stats::median(&mut sorted);
        Some(Spread {
            metric,
            unit: unit.to_owned(),
            min: *sorted.first()?,
            median,
            max: *sorted.last()?,
            values,
        })
    }
}

/// How the headlines of runs spread; figures that no run has are left out.
pub fn spread(runs: &[Report]) -> Vec<Spread> {
    let of = |metric: Metric| {
        let values = runs.iter().filter_map(|run| figure(metric, run));
        Spread::of(metric, metric.unit(), values.collect())
    };
    HEADLINE.into_iter().filter_map(of).collect()
}

/// The ratios second / first of pairs of runs; a pair that lacks a figure on either side is left
/// out of it.
pub fn ratios(pairs: &[[Report; 2]]) -> Vec<Spread> {
    let of = |metric: Metric| {
        let ratio = |[a, b]: &[Report; 2]| Some(figure(metric, b)? / figure(metric, a)?);
        Spread::of(metric, "ratio", pairs.iter().filter_map(ratio).collect())
    };
    HEADLINE.into_iter().filter_map(of).collect()
}

/// The heads of the table.
pub fn heads() -> String {
    heads_of("")
}

/// The same, with a head for the names of the rows.
pub fn heads_of(names: &str) -> String {
    line(
        names,
        ["jobs/s", "p50", "p99", "CPU per job"].map(str::to_owned),
    )
}

/// Three rows of the table: the smallest, the middle one and the largest of each figure.
pub fn spread_rows(spread: &[Spread]) -> String {
    [
        picked_row("min", spread, |spread| spread.min) + "\n",
        median_row("median", spread) + "\n",
        picked_row("max", spread, |spread| spread.max) + "\n",
    ]
    .concat()
}

/// The row of the middle ones.
pub fn median_row(name: &str, spread: &[Spread]) -> String {
    picked_row(name, spread, |spread| spread.median)
}

fn picked_row(name: &str, spread: &[Spread], pick: fn(&Spread) -> f64) -> String {
    let of = |metric| spread.iter().find(|spread| spread.metric == metric);
    figures_row(name, HEADLINE.map(|metric| of(metric).map(pick)))
}

fn figures_row(name: &str, figures: [Option<f64>; 4]) -> String {
    let mut metrics = HEADLINE.into_iter();
    let shown = figures.map(|value| {
        let shown = metrics
            .next()
            .and_then(|metric| value.map(|v| metric.show(v)));
        shown.unwrap_or_else(|| "-".to_owned())
    });
    line(name, shown)
}

fn line(name: &str, [jobs, p50, p99, cpu]: [String; 4]) -> String {
    let name = escape::line(name);
    format!("{name:<8} {jobs:>10} {p50:>9} {p99:>9} {cpu:>12}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_middle_and_both_ends_and_no_mean() {
        let spread = Spread::of(Metric::Throughput, "jobs/s", vec![9.0, 1.0, 2.0]).unwrap();
        assert_eq!([spread.min, spread.median, spread.max], [1.0, 2.0, 9.0]);
        assert_eq!(spread.values, [9.0, 1.0, 2.0]);
        assert_eq!(Spread::of(Metric::Throughput, "jobs/s", Vec::new()), None);
    }

    #[test]
    fn a_figure_that_no_run_has_is_a_dash() {
        let spread = Spread::of(Metric::Throughput, "jobs/s", vec![1234.0, 5.0]).unwrap();
        let rows = spread_rows(&[spread]);
        assert_eq!(rows.lines().count(), 3);
        for row in rows.lines() {
            assert_eq!(row.matches(" -").count(), 3, "{row}");
            assert_eq!(row.chars().count(), heads().chars().count(), "{row}");
        }
    }
}
