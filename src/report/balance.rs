//! How evenly jobs were spread over workers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How evenly the measured jobs were spread over the workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Workers.
    pub workers: usize,
    /// Jobs of all of them.
    pub jobs: u64,
    /// Least jobs of a worker.
    pub min: u64,
    /// Most jobs of a worker.
    pub max: u64,
    /// Jain's index: 1 is even, 1/workers is all on one.
    pub jain: f64,
    /// Gini coefficient: 0 is even.
    pub gini: f64,
    /// Standard deviation over the mean.
    pub cv: f64,
    /// Jain's index that a dispatcher drawing lots would give on average with as many jobs.
    pub jain_if_random: f64,
    /// Jobs of each worker.
    #[serde(default)]
    pub jobs_per_worker: Vec<u64>,
    /// What a dispatcher that draws lots would give with as many jobs.
    #[serde(default)]
    pub by_lot: Option<Bands>,
    /// What a dispatcher that takes turns would give with as many jobs.
    #[serde(default)]
    pub in_turn: Option<Bands>,
    /// Seconds that each worker had jobs in service; `None` where jobs take no time.
    #[serde(default)]
    pub busy: Option<Spread>,
    /// The jobs of each function, of those with the most jobs; empty with a single function.
    #[serde(default)]
    pub functions: Vec<FunctionBalance>,
}

/// How evenly something was spread over the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Least of a worker.
    pub min: f64,
    /// Most of a worker.
    pub max: f64,
    /// Jain's index: 1 is even, 1/workers is all on one.
    pub jain: f64,
    /// Gini coefficient: 0 is even.
    pub gini: f64,
    /// Standard deviation over the mean.
    pub cv: f64,
}

/// How evenly the jobs of a function were spread over the workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionBalance {
    /// Its name.
    pub function: String,
    /// Its jobs.
    pub jobs: u64,
    /// The jobs of each worker.
    pub spread: Spread,
}

/// Between what a figure lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// Between what the figures of a dispatcher lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// Jain's index.
    pub jain: Band,
    /// Gini coefficient.
    pub gini: Band,
    /// Standard deviation over the mean.
    pub cv: Band,
    /// Most over least; `None` where a worker may have no job at all.
    pub max_over_min: Option<Band>,
}
