//! Connections that ask the target for its `status`, as monitoring does. One thread asks for all of
//! them, one after the other; none is asked again before its time.

use super::admin::Admin;
use crate::report::{Histogram, Polls};
use hdrhistogram::Histogram as Hdr;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long an answer may take. The end of a run may have to wait for it.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longest answer that is told apart, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;

/// Who asks, and how often.
pub(crate) struct Pollers {
    pub(crate) address: SocketAddr,
    pub(crate) prefix: String,
    pub(crate) count: u32,
    pub(crate) every: Duration,
}

impl Pollers {
    /// Asks until the sender is dropped.
    pub(crate) fn run(&self, until: &Receiver<()>) -> Option<Polls> {
        let mut latency = Hdr::new_with_bounds(1, LONGEST, 3).ok()?;
        let (mut asked, mut failed) = (0, 0);
        let mut connections: Vec<Option<Admin>> = (0..self.count).map(|_| None).collect();
        let gap = self.every / self.count.max(1);
        let mut next = Instant::now();
        'asking: loop {
            for connection in &mut connections {
                let wait = next.saturating_duration_since(Instant::now());
                let Err(RecvTimeoutError::Timeout) = until.recv_timeout(wait) else {
                    break 'asking;
                };
                asked += 1;
                match self.ask(connection) {
                    Some(ns) => latency.saturating_record(ns.max(1)),
                    None => failed += 1,
                }
                // One that is late asks at once, and makes up for nothing.
                next = (next + gap).max(Instant::now());
            }
            if connections.is_empty() {
                break;
            }
        }
        (asked > 0).then_some(Polls {
            asked,
            failed,
            latency: Histogram(latency),
        })
    }

    /// Nanoseconds until `status` was answered; a connection that fails is made anew the next time.
    fn ask(&self, connection: &mut Option<Admin>) -> Option<u64> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Admin::connect(self.address, PATIENCE).ok()?,
        };
        let since = Instant::now();
        open.queued(&self.prefix, PATIENCE).ok()?;
        *connection = Some(open);
        Some(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}
