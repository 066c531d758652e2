//! Figures of runs, and how they differ.

use super::stats::{self, Bounded};
use super::{Difference, Interval, Judgement, Metric, Options};
use crate::report::{Phase, Report};

/// What holds for all figures of a comparison.
pub(super) struct Judge {
    /// Share of all figures outside of their intervals.
    alpha: f64,
    least_effect: f64,
}

/// How a ratio of figures is turned into a change, and where its interval comes from.
struct Found {
    change: f64,
    interval: Option<Interval>,
    evidence: &'static str,
}

const BETWEEN: &str = "spread between the runs";
const BATCHES: &str = "batch means";
const ORDER: &str = "order statistics over batches";
/// Of jobs that are taken as independent too many differences would be found: in a moment that is
/// slow, all are.
const FEW: &str = "there are fewer than 8 whole seconds of responses to judge it by";
const SHORT: &str = "there are fewer than 8 whole seconds to judge it by";
const SHARE: &str = "binomial share";

impl Judge {
    pub(super) fn new(options: &Options) -> Self {
        let judged = match options.gates.len() {
            0 => Metric::shown(&[]).len(),
            gates => gates,
        };
        Judge {
            alpha: (1.0 - options.confidence / 100.0) / judged as f64,
            least_effect: options.least_effect,
        }
    }

    /// How a figure differs; `None` where a run does not have it.
    pub(super) fn difference(
        &self,
        metric: Metric,
        baseline: &[Report],
        other: &[Report],
    ) -> Option<Difference> {
        let figures = |runs: &[Report]| -> Option<Vec<f64>> {
            runs.iter().map(|run| figure(metric, run)).collect()
        };
        let (ours, theirs) = (figures(baseline)?, figures(other)?);
        let found = match (baseline, other) {
            ([one], [two]) => self.within(metric, one, two)?,
            _ => self.between(metric, &ours, &theirs),
        };
        Some(Difference {
            metric,
            unit: metric.unit(),
            baseline: ours,
            other: theirs,
            change: found.change,
            interval: found.interval,
            judgement: self.judge(metric, &found),
            evidence: found.evidence,
        })
    }

    fn judge(&self, metric: Metric, found: &Found) -> Judgement {
        let Some(interval) = found.interval else {
            return Judgement::Unknown;
        };
        // Errors are in points of their own, of which each counts.
        let least = if metric == Metric::Errors {
            0.0
        } else {
            self.least_effect
        };
        if !interval.is_significant() || found.change.abs() < least {
            return Judgement::Same;
        }
        match (found.change > 0.0) == metric.more_is_better() {
            true => Judgement::Better,
            false => Judgement::Worse,
        }
    }

    /// From what differs from run to run.
    fn between(&self, metric: Metric, baseline: &[f64], other: &[f64]) -> Found {
        if metric == Metric::Errors {
            return found(stats::shift(baseline, other, self.alpha), BETWEEN);
        }
        let logs = |figures: &[f64]| -> Vec<f64> { figures.iter().map(|f| f.ln()).collect() };
        ratio(
            stats::shift(&logs(baseline), &logs(other), self.alpha),
            BETWEEN,
        )
    }

    /// From what differs within one run a side.
    fn within(&self, metric: Metric, one: &Report, two: &Report) -> Option<Found> {
        let plain = |evidence| {
            Some(Found {
                change: (figure(metric, two)? / figure(metric, one)? - 1.0) * 100.0,
                interval: None,
                evidence,
            })
        };
        match metric {
            Metric::Throughput => match (self.throughput(one), self.throughput(two)) {
                (Some(a), Some(b)) => Some(ratio(stats::log_ratio(a, b), BATCHES)),
                _ => plain(SHORT),
            },
            Metric::CpuPerJob => {
                plain("one run a side has a single figure of it: two runs or more tell")
            }
            Metric::Errors => {
                let share = |run: &Report| {
                    let (bad, sent) = errors(run)?;
                    Some(stats::share(bad, sent, self.alpha))
                };
                Some(points(stats::difference(share(one)?, share(two)?)))
            }
            Metric::Latency { stage, percentile } => {
                let bounded = |run| self.percentile(run, stage, percentile);
                match (bounded(one), bounded(two)) {
                    (Some(a), Some(b)) => Some(ratio(stats::log_ratio(a, b), ORDER)),
                    _ => plain(FEW),
                }
            }
        }
    }

    fn throughput(&self, run: &Report) -> Option<Bounded> {
        let seconds = seconds_of(run, run.headline()?);
        let value = figure(Metric::Throughput, run)?;
        let (mean, half) = stats::batch_ratio(&seconds, self.alpha)?;
        // The interval of the seconds, around the figure of the whole phase.
        Some(Bounded {
            value,
            low: (value * (1.0 - half / mean)).max(f64::MIN_POSITIVE),
            high: value * (1.0 + half / mean),
        })
    }

    /// A percentile with its bounds; `None` with too few seconds.
    fn percentile(&self, run: &Report, stage: &str, percentile: f64) -> Option<Bounded> {
        let phase = run.headline()?;
        let histogram = &phase.stage(stage)?.latency;
        let value = histogram.percentile(percentile)?;
        let (share, count) = (percentile / 100.0, histogram.count() as f64);
        let binomial = stats::normal(self.alpha) * (share * (1.0 - share) / count).sqrt();
        // The responses of each second tell how jobs depend on their neighbours.
        let threshold = phase.stage("response")?.latency.percentile(percentile)?;
        let beyond = beyond_by_second(run, phase, threshold);
        let (_, batches) = stats::batch_ratio(&beyond, self.alpha)?;
        let half = batches.max(binomial);
        let at = |quantile: f64| histogram.0.value_at_quantile(quantile).max(1) as f64;
        let high = match share + half {
            high if (1.0 - high) * count < 1.0 => f64::INFINITY,
            high => at(high),
        };
        Some(Bounded {
            value: value.max(1) as f64,
            low: at((share - half).max(0.0)),
            high,
        })
    }
}

/// The figure of one run; nothing to compare with where it is zero, but for errors.
pub(super) fn figure(metric: Metric, run: &Report) -> Option<f64> {
    let phase = run.headline()?;
    let figure = match metric {
        Metric::Throughput => phase.completed_per_second,
        Metric::CpuPerJob => phase.server?.cpu_us_per_job,
        Metric::Errors => {
            let (bad, sent) = errors(run)?;
            return Some(bad / sent * 100.0);
        }
        Metric::Latency { stage, percentile } => {
            phase.stage(stage)?.latency.percentile(percentile)?.max(1) as f64
        }
    };
    (figure > 0.0 && figure.is_finite()).then_some(figure)
}

/// Jobs that did not end well, and all that were sent.
fn errors(run: &Report) -> Option<(f64, f64)> {
    let books = &run.ledger;
    let bad = [books.failed, books.error, books.timeout, books.lost];
    let bad = bad.iter().map(|&count| count as f64).sum::<f64>();
    let sent = books.sent as f64;
    (sent > 0.0).then_some((bad.min(sent), sent))
}

/// Jobs completed in each sampled second of a phase, and how long that second was.
fn seconds_of(run: &Report, phase: &Phase) -> Vec<(f64, f64)> {
    let until = phase.at_seconds + phase.seconds;
    let inside = run.series.windows(2).filter_map(|pair| {
        let [before, sample] = pair else { return None };
        let long = sample.at_seconds - before.at_seconds;
        let whole = before.at_seconds >= phase.at_seconds && sample.at_seconds <= until;
        let jobs = sample.completed.saturating_sub(before.completed);
        (whole && long > 0.0).then_some((jobs as f64, long))
    });
    inside.collect()
}

/// Responses beyond a threshold in each interval of a phase, and all of them.
fn beyond_by_second(run: &Report, phase: &Phase, threshold: u64) -> Vec<(f64, f64)> {
    let until = phase.at_seconds + phase.seconds;
    let inside = run.intervals.iter().filter(|interval| {
        let middle = interval.at_seconds + interval.seconds / 2.0;
        middle >= phase.at_seconds && middle <= until
    });
    let counts = inside.map(|interval| {
        let histogram = &interval.response.0;
        let all = histogram.len();
        let within = histogram.count_between(0, threshold).min(all);
        ((all - within) as f64, all as f64)
    });
    counts.collect()
}

fn finite(bound: f64) -> Option<f64> {
    bound.is_finite().then_some(bound)
}

fn found(change: Bounded, evidence: &'static str) -> Found {
    Found {
        change: change.value,
        interval: Some(Interval {
            low: finite(change.low),
            high: finite(change.high),
        }),
        evidence,
    }
}

/// The logarithm of a ratio as a change in percent.
fn ratio(log: Bounded, evidence: &'static str) -> Found {
    let percent = |log: f64| log.exp_m1() * 100.0;
    let change = Bounded {
        value: percent(log.value),
        low: percent(log.low),
        high: percent(log.high),
    };
    found(change, evidence)
}

/// Shares as percentage points.
fn points(change: Bounded) -> Found {
    let change = Bounded {
        value: change.value * 100.0,
        low: change.low * 100.0,
        high: change.high * 100.0,
    };
    found(change, SHARE)
}
