//! The server in numbers, as the owner of the engine gives them to those who ask.

use super::store::{BUCKETS, Health};
use crate::engine::Census;

/// Functions that are told apart; the others are summed up.
pub(super) const FUNCTIONS: usize = 1000;

/// The server at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// What the engine knows.
    pub(super) census: Census,
    /// Who came.
    pub(super) traffic: Traffic,
    /// How the store is, where there is one.
    pub(super) store: Option<StoreFigures>,
}

/// Connections since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    /// Taken in.
    pub(super) accepted: u64,
    /// Closed at once, since there are too many.
    pub(super) refused: u64,
}

/// The store in numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreFigures {
    /// Why nothing is stored.
    pub(super) failure: Option<&'static str>,
    /// Records that wait to be stored.
    pub(super) waiting: u64,
    /// Seconds of all commits together.
    pub(super) commit_seconds: f64,
    /// Commits.
    pub(super) commits: u64,
    /// Upper bounds in seconds, the last of them infinite, and the commits of each bucket alone.
    pub(super) commit_buckets: Vec<(f64, u64)>,
}

impl StoreFigures {
    /// The figures of a store that is so.
    pub(super) fn of(health: &Health) -> Self {
        let latency = health.latency();
        let (commits, commit_seconds) = health.commits();
        // Those that took longer than the last bound are in no bucket of the store's.
        let longer = commits.saturating_sub(latency.iter().sum());
        let bounds = BUCKETS.into_iter().zip(latency);
        let failure = match () {
            () if health.failed() => {
                Some("the store has failed; it is tried again at the next start")
            }
            () if health.refusing() => Some("the store has no room, or another process holds it"),
            () => None,
        };
        StoreFigures {
            failure,
            waiting: health.waiting(),
            commit_seconds,
            commits,
            commit_buckets: bounds.chain([(f64::INFINITY, longer)]).collect(),
        }
    }
}
