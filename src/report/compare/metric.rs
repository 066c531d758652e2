//! What is compared, and what must not happen to it.

use super::{Difference, GateResult};
use crate::report::metrics::STAGES;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Jobs completed a second.
    Throughput,
    /// Processor time of the server for each job.
    CpuPerJob,
    /// Share of the jobs sent that failed, were refused, timed out or were lost.
    Errors,
    /// A percentile of a stage's latency.
    Latency {
        /// The stage.
        stage: &'static str,
        /// Which percentile.
        percentile: f64,
    },
}

/// Text that is no metric or no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct MetricError {
    /// What is wanted, with an example.
    expected: &'static str,
    /// The text.
    found: String,
}

/// A change that must not be exceeded: `response.p99:+10%`, `throughput:-5%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Of what.
    pub metric: Metric,
    /// The change: percent of the baseline, or percentage points for errors. Its sign is the
    /// direction that is for the worse.
    pub limit: f64,
}

impl Metric {
    /// Those that are always shown, then those of the gates.
    pub(super) fn shown(gates: &[Gate]) -> Vec<Metric> {
        let latency = |stage, percentile| Metric::Latency { stage, percentile };
        let mut shown = vec![
            Metric::Throughput,
            Metric::Errors,
            Metric::CpuPerJob,
            latency("response", 50.0),
            latency("response", 90.0),
            latency("response", 99.0),
            latency("response", 99.9),
            latency("submit_ack", 99.0),
            latency("queue_wait", 99.0),
            latency("delivery", 99.0),
        ];
        for gate in gates {
            if !shown.contains(&gate.metric) {
                shown.push(gate.metric);
            }
        }
        shown
    }

    /// Whether more of it is better.
    pub(super) fn more_is_better(self) -> bool {
        self == Metric::Throughput
    }

    /// The unit of its figures.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Metric::Throughput => "jobs/s",
            Metric::CpuPerJob => "µs",
            Metric::Errors => "percent",
            Metric::Latency { .. } => "ns",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Throughput => f.write_str("throughput"),
            Metric::CpuPerJob => f.write_str("cpu_us_per_job"),
            Metric::Errors => f.write_str("errors"),
            Metric::Latency { stage, percentile } => write!(f, "{stage}.p{percentile}"),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl FromStr for Metric {
    type Err = MetricError;
    fn from_str(text: &str) -> Result<Self, MetricError> {
        let error = || MetricError {
            expected: "throughput, errors, cpu_us_per_job, or a stage and a percentile such as \
                       response.p99",
            found: text.to_owned(),
        };
        match text {
            "throughput" => return Ok(Metric::Throughput),
            "cpu_us_per_job" => return Ok(Metric::CpuPerJob),
            "errors" => return Ok(Metric::Errors),
            _ => {}
        }
        let (stage, digits) = text.split_once(".p").ok_or_else(error)?;
        let known = STAGES.iter().find(|known| known.name == stage);
        let percentile = digits.parse().ok();
        match (known, percentile) {
            (Some(known), Some(percentile)) if percentile > 0.0 && percentile < 100.0 => {
                Ok(Metric::Latency {
                    stage: known.name,
                    percentile,
                })
            }
            _ => Err(error()),
        }
    }
}

impl FromStr for Gate {
    type Err = MetricError;
    fn from_str(text: &str) -> Result<Self, MetricError> {
        let error = |expected| MetricError {
            expected,
            found: text.to_owned(),
        };
        let form = "a gate such as response.p99:+10% or throughput:-5%";
        let (metric, limit) = text.rsplit_once(':').ok_or_else(|| error(form))?;
        let metric: Metric = metric.trim().parse()?;
        let limit = limit.trim();
        let number = limit.strip_suffix('%').unwrap_or(limit);
        let number = number.parse().ok().filter(|n: &f64| n.is_finite());
        let limit: f64 = number.ok_or_else(|| error(form))?;
        let worse = if metric.more_is_better() { -1.0 } else { 1.0 };
        if limit * worse < 0.0 {
            return Err(error(
                "a change for the worse: + for latencies, errors and CPU time, - for throughput",
            ));
        }
        Ok(Gate { metric, limit })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Zero keeps the sign of the direction that is for the worse.
        let sign = if self.metric.more_is_better() {
            "-"
        } else {
            "+"
        };
        write!(f, "{}:{sign}{}%", self.metric, self.limit.abs())
    }
}

impl Serialize for Gate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Gate {
    /// Whether a difference passes: it fails when it is beyond the limit and significant. One that
    /// is beyond it and may be noise neither passes nor fails.
    pub(super) fn judge(&self, difference: Option<&Difference>) -> GateResult {
        let result = |holds, why: String| GateResult {
            gate: *self,
            holds,
            why: format!("gate {self}: {why}"),
        };
        let Some(difference) = difference else {
            let why =
                "one of the sides has no such figure: the stage is not there, or too few jobs";
            return result(None, why.to_owned());
        };
        let change = difference.signed_change();
        let beyond = match self.metric.more_is_better() {
            true => difference.change < self.limit,
            false => difference.change > self.limit,
        };
        match difference.interval {
            _ if !beyond => result(Some(true), format!("holds, with {change}")),
            None => result(None, format!("{change}, but {}", difference.evidence)),
            Some(interval) if interval.is_significant() => {
                let interval = difference.shown_interval();
                result(Some(false), format!("broken by {change} ({interval})"))
            }
            Some(_) => {
                let interval = difference.shown_interval();
                let why = format!(
                    "{change} is beyond it, but may be noise ({interval}): longer runs, or more of \
                     them a side, tell"
                );
                result(None, why)
            }
        }
    }
}
