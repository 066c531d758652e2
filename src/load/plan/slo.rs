//! Service levels that a run must meet, and the promises it watches.

use crate::load::recorder;
use crate::load::units::{self, UnitError};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A service level: `response.p99 < 20ms`, `throughput > 5k/s`, `errors < 0.1%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    /// What is looked at.
    pub metric: Metric,
    /// How it must compare.
    pub bound: Bound,
    /// With what: nanoseconds, jobs a second, or percent.
    pub limit: f64,
}

/// What a service level looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A percentile of a stage's latency; 100 is the longest.
    Latency {
        /// The stage, as `explain latency` names it.
        stage: &'static str,
        /// Which percentile.
        percentile: f64,
    },
    /// Jobs completed a second.
    Throughput,
    /// Share of the jobs that were refused, failed without being told to, or timed out.
    Errors,
}

/// How a figure must compare with the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Smaller.
    Below,
    /// Smaller or the same.
    AtMost,
    /// Larger.
    Above,
    /// Larger or the same.
    AtLeast,
}

const BOUNDS: [(&str, Bound); 4] = [
    ("<=", Bound::AtMost),
    (">=", Bound::AtLeast),
    ("<", Bound::Below),
    (">", Bound::Above),
];

impl Bound {
    /// Whether `figure` keeps to `limit`.
    pub fn holds(self, figure: f64, limit: f64) -> bool {
        match self {
            Bound::Below => figure < limit,
            Bound::AtMost => figure <= limit,
            Bound::Above => figure > limit,
            Bound::AtLeast => figure >= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = BOUNDS.iter().find(|(_, bound)| bound == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl FromStr for Metric {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || {
            UnitError::new(
                "throughput, errors, or a stage and a percentile such as response.p99 or \
                 queue_wait.max",
                text,
            )
        };
        match text {
            "throughput" => return Ok(Metric::Throughput),
            "errors" => return Ok(Metric::Errors),
            _ => {}
        }
        let (stage, percentile) = text.split_once('.').ok_or_else(error)?;
        let stages = recorder::NAMES.iter().copied();
        let stage = stages.into_iter().find(|name| *name == stage);
        let percentile = match percentile.strip_prefix('p') {
            Some(digits) => digits.parse().ok(),
            None => (percentile == "max").then_some(100.0),
        };
        match (stage, percentile) {
            (Some(stage), Some(percentile)) if (0.0..=100.0).contains(&percentile) => {
                Ok(Metric::Latency { stage, percentile })
            }
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Latency { stage, percentile } => match *percentile >= 100.0 {
                true => write!(f, "{stage}.max"),
                false => write!(f, "{stage}.p{percentile}"),
            },
            Metric::Throughput => f.write_str("throughput"),
            Metric::Errors => f.write_str("errors"),
        }
    }
}

impl FromStr for Slo {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || {
            UnitError::new(
                "a service level such as \"response.p99 < 20ms\", \"throughput > 5k\" or \
                 \"errors < 0.1%\"",
                text,
            )
        };
        let (metric, bound, limit) = BOUNDS
            .iter()
            .find_map(|(word, bound)| {
                let (metric, limit) = text.split_once(word)?;
                Some((metric.trim(), *bound, limit.trim()))
            })
            .ok_or_else(error)?;
        let metric: Metric = metric.parse()?;
        let upper = matches!(bound, Bound::Below | Bound::AtMost);
        let limit = match metric {
            Metric::Latency { .. } if upper => units::duration(limit)?.as_nanos() as f64,
            Metric::Errors if upper => units::percent(limit)?,
            Metric::Throughput if !upper => units::rate(limit)?,
            _ => return Err(error()),
        };
        Ok(Slo {
            metric,
            bound,
            limit,
        })
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (metric, bound, limit) = (self.metric, self.bound, self.limit);
        match metric {
            Metric::Latency { .. } => {
                let limit = units::Time(Duration::from_nanos(limit as u64));
                write!(f, "{metric} {bound} {limit}")
            }
            Metric::Throughput => write!(f, "{metric} {bound} {limit}/s"),
            Metric::Errors => write!(f, "{metric} {bound} {limit}%"),
        }
    }
}
