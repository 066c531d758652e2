//! The server in numbers, as the owner of the engine gives them to those who ask.

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
    /// Why nothing is stored any more.
    pub(super) failure: Option<String>,
    /// Records that wait to be stored.
    pub(super) waiting: usize,
    /// Seconds of all commits together.
    pub(super) commit_seconds: f64,
    /// Commits.
    pub(super) commits: u64,
    /// Upper bounds in seconds, the last of them infinite, and the commits of each bucket alone.
    pub(super) commit_buckets: Vec<(f64, u64)>,
}
