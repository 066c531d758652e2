//! How the store is doing, for everyone who wants to know: no lock, read from any thread.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets of commit latency, in seconds; one bucket more takes the rest.
pub const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];

/// Whether jobs can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// They can.
    Good = 0,
    /// Another process has the file locked; it is tried again.
    Locked = 1,
    /// There is no room; it is tried again.
    Full = 2,
    /// A write failed: nothing is stored any more, until the server is started again.
    Failed = 3,
}

/// What the store says of itself.
#[derive(Debug, Default)]
pub struct Health {
    state: AtomicU8,
    commits: AtomicU64,
    commit_us: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len() + 1],
    waiting_records: AtomicU64,
    waiting_bytes: AtomicU64,
}

impl Health {
    /// Whether jobs can be stored.
    pub fn state(&self) -> State {
        match self.state.load(Relaxed) {
            0 => State::Good,
            1 => State::Locked,
            2 => State::Full,
            _ => State::Failed,
        }
    }

    /// Transactions that are on disk.
    pub fn commits(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    /// The time that all of them took.
    pub fn commit_time(&self) -> Duration {
        Duration::from_micros(self.commit_us.load(Relaxed))
    }

    /// How many of them took as long as each of [`BUCKETS`] at the most and longer than the one
    /// before; the last are those that took longer than all.
    pub fn commit_latency(&self) -> [u64; BUCKETS.len() + 1] {
        self.buckets.each_ref().map(|bucket| bucket.load(Relaxed))
    }

    /// Records that wait to be written.
    pub fn waiting_records(&self) -> u64 {
        self.waiting_records.load(Relaxed)
    }

    /// Bytes of the records that wait to be written.
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Relaxed)
    }

    pub(super) fn set(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    pub(super) fn committed(&self, took: Duration) {
        let bucket = BUCKETS.partition_point(|&bound| bound < took.as_secs_f64());
        self.buckets[bucket].fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commit_us.fetch_add(us, Relaxed);
        self.commits.fetch_add(1, Relaxed);
    }

    pub(super) fn waits(&self, bytes: u64) {
        self.waiting_records.fetch_add(1, Relaxed);
        self.waiting_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn settled(&self, bytes: u64) {
        self.waiting_records.fetch_sub(1, Relaxed);
        self.waiting_bytes.fetch_sub(bytes, Relaxed);
    }
}
