//! Jobs that were overtaken in their queue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether jobs were assigned in order; only what no correct server can cause is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Jobs that could have been found overtaken.
    pub judged: u64,
    /// Overtaken by a job of the same function and priority that was submitted later.
    pub fifo: Inversions,
    /// Overtaken by a job of the same function and a lower priority.
    pub priority: Inversions,
    /// Found overtaken, but a worker was lost, which may explain it.
    pub unproven: u64,
}

/// Jobs that were overtaken, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inversions {
    /// Overtaken jobs.
    pub jobs: u64,
    /// Sum of their places: the acknowledgements, its own included, from that of the overtaken
    /// job until the other was submitted or, with a lower priority, asked for.
    pub places_sum: u64,
    /// Most of these places.
    pub places_max: u64,
    /// Sum of the nanoseconds from the assignment of the first known to have overtaken the job
    /// until its own.
    pub late_ns_sum: u64,
    /// Most of these nanoseconds.
    pub late_ns_max: u64,
}

impl Inversions {
    /// Places on average.
    pub fn places_mean(&self) -> f64 {
        self.places_sum as f64 / self.jobs.max(1) as f64
    }

    /// Nanoseconds late on average.
    pub fn late_ns_mean(&self) -> u64 {
        self.late_ns_sum / self.jobs.max(1)
    }

    /// Adds those of another thread or run.
    pub fn add(&mut self, other: &Inversions) {
        self.jobs += other.jobs;
        self.places_sum = self.places_sum.saturating_add(other.places_sum);
        self.places_max = self.places_max.max(other.places_max);
        self.late_ns_sum = self.late_ns_sum.saturating_add(other.late_ns_sum);
        self.late_ns_max = self.late_ns_max.max(other.late_ns_max);
    }
}

impl Order {
    /// Adds those of another thread or run.
    pub fn add(&mut self, other: &Order) {
        self.judged += other.judged;
        self.fifo.add(&other.fifo);
        self.priority.add(&other.priority);
        self.unproven += other.unproven;
    }

    /// Overtaken jobs of `inversions`, in percent of those that were judged.
    pub fn percent(&self, inversions: &Inversions) -> f64 {
        100.0 * inversions.jobs as f64 / self.judged.max(1) as f64
    }
}
