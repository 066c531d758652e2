//! What goes wrong on purpose: when, to whom, and how long it takes until it is over.
//!
//! The times and the victims come from the seed. A fault that is to happen to so many peers
//! happens to them in turn on all threads, one that is to happen to a share of them on every
//! thread to that share of its own. Each occurrence is followed until its connections are back and
//! no job that was with them is without an end.

mod occur;
mod restart;
#[cfg(test)]
mod tests;

pub(crate) use restart::Outage;

use super::plan::{Fault, FaultKind, Plan};
use super::shard::Actor;
use crate::report;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

/// How often an occurrence that is not over is looked at, in nanoseconds.
pub(crate) const LOOK: u64 = 1_000_000;
/// How long a server may leave a connection open whose other direction was shut, in nanoseconds.
const HALF_OPEN: u64 = 1_000_000_000;
/// Bytes of a piece, at the most, where packets are torn.
const PIECE: usize = 7;

/// All faults of one shard.
pub(crate) struct Faults {
    timelines: Vec<Timeline>,
    rng: ChaCha8Rng,
    shard: usize,
    shards: usize,
    /// Those that are not over.
    open: Vec<Occurrence>,
    happened: Vec<Happened>,
}

/// When one fault happens, in nanoseconds after measuring starts.
struct Timeline {
    fault: Fault,
    next: Option<u64>,
    turn: usize,
}

/// Something that happened and is not over.
#[derive(Debug)]
struct Occurrence {
    kind: FaultKind,
    /// Its entry in `happened`.
    entry: usize,
    at: u64,
    /// Until when it lasts.
    until: u64,
    actors: Vec<Actor>,
    jobs: Vec<u64>,
    /// Jobs that had ended well when it happened.
    completed: u64,
}

/// What one shard saw of an occurrence.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    /// Which fault of the plan, and the how many-th time.
    which: (usize, usize),
    fault: String,
    at: u64,
    connections: u64,
    jobs: u64,
    /// How long until it was over, in nanoseconds.
    recovered_after: Option<u64>,
}

impl Timeline {
    fn new(fault: &Fault) -> Self {
        let first = fault.at.or(fault.every).unwrap_or_default();
        Timeline {
            fault: fault.clone(),
            next: Some(first.as_nanos() as u64),
            turn: 0,
        }
    }

    /// The number of the occurrence whose time has come.
    fn take_due(&mut self, since_start: u64) -> Option<usize> {
        let at = self.next.filter(|at| *at <= since_start)?;
        self.next = self.fault.every.map(|gap| at + gap.as_nanos() as u64);
        self.turn += 1;
        Some(self.turn - 1)
    }
}

impl Faults {
    pub(crate) fn new(plan: &Plan, shard: usize) -> Self {
        let seed = plan.seed ^ 0x6661_756c_7400 ^ (shard as u64) << 56;
        Faults {
            timelines: plan.faults.iter().map(Timeline::new).collect(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            shard,
            shards: plan.threads,
            open: Vec::new(),
            happened: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.timelines.is_empty()
    }

    /// When the next one happens, in nanoseconds after measuring starts.
    pub(crate) fn next(&self) -> Option<u64> {
        self.timelines.iter().filter_map(|line| line.next).min()
    }

    /// Whether one is not over.
    pub(crate) fn any_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The faults whose time has come.
    fn take_due(&mut self, since_start: u64) -> Vec<(usize, usize)> {
        let lines = self.timelines.iter_mut().enumerate();
        lines
            .filter_map(|(which, line)| Some((which, line.take_due(since_start)?)))
            .collect()
    }

    /// To whom the `turn`-th occurrence of a fault happens, among those that it could happen to.
    fn victims(&mut self, fault: &Fault, turn: usize, candidates: Vec<Actor>) -> Vec<Actor> {
        let among = candidates.len();
        let count = match (fault.share, fault.kind) {
            (Some(share), _) => (among as f64 * share / 100.0).ceil() as usize,
            (None, FaultKind::Fragment) => among,
            (None, _) => {
                let count = fault.count.unwrap_or(1) as usize;
                let ours = |victim: &usize| (turn + victim) % self.shards == self.shard;
                (0..count).filter(ours).count()
            }
        };
        let mut chosen = index::sample(&mut self.rng, among, count.min(among)).into_vec();
        chosen.sort_unstable();
        chosen.into_iter().map(|at| candidates[at]).collect()
    }

    /// What happened, for the report.
    pub(crate) fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }
}

/// What happened on all shards, in the order of time.
pub(crate) fn report(shards: impl Iterator<Item = Vec<Happened>>) -> Vec<report::Fault> {
    let mut all: Vec<Happened> = Vec::new();
    for one in shards.flatten() {
        match all.iter_mut().find(|known| known.which == one.which) {
            Some(known) => {
                known.at = known.at.min(one.at);
                known.connections += one.connections;
                known.jobs += one.jobs;
                let both = known.recovered_after.zip(one.recovered_after);
                known.recovered_after = both.map(|(ours, theirs)| ours.max(theirs));
            }
            None => all.push(one),
        }
    }
    all.sort_by_key(|one| one.at);
    let seconds = |ns: u64| ns as f64 / 1e9;
    all.into_iter()
        .map(|one| report::Fault {
            fault: one.fault,
            at_seconds: seconds(one.at),
            connections: one.connections,
            jobs: one.jobs,
            recovered_after_seconds: one.recovered_after.map(seconds),
            note: None,
        })
        .collect()
}
