//! The server's memory and open files, watched from outside.

use crate::Result;
use crate::server::Server;
use std::time::{Duration, Instant};

/// When a row looks at what is left.
const AFTER: Duration = Duration::from_secs(5);
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) const HEAD: &str = "\
| row | RSS MiB before | peak | 5 s after | fds before | peak | after | what else | promised | |
|---|---:|---:|---:|---:|---:|---:|---|---|---|";

/// What is promised of a row.
pub(crate) enum Promise {
    /// Bytes above the start at the worst; and at the end a tenth above the start.
    Memory { above: u64 },
    /// Something of its own, in words, and whether it holds.
    Of(String, bool),
}

/// The figures of one row.
pub(crate) struct Row {
    rss: [u64; 3],
    files: [usize; 3],
    /// What else was seen.
    pub(crate) seen: String,
    pub(crate) promise: Promise,
}

impl Row {
    pub(crate) fn line(&self, name: &str) -> String {
        let [before, peak, after] = self.rss.map(|bytes| bytes as f64 / MIB);
        let [files_before, files_peak, files_after] = self.files;
        let back = after <= before * 1.1 && files_after <= files_before;
        let (promised, met) = match &self.promise {
            Promise::Memory { above } => {
                let above = *above as f64 / MIB;
                (
                    format!("peak ≤ {:.0}, after ≤ {:.1}", before + above, before * 1.1),
                    peak <= before + above && back,
                )
            }
            Promise::Of(words, met) => (words.clone(), *met),
        };
        let verdict = if met { "met" } else { "MISSED" };
        format!(
            "| {name} | {before:.1} | {peak:.1} | {after:.1} | {files_before} | {files_peak} | \
             {files_after} | {} | {promised} | {verdict} |",
            self.seen
        )
    }
}

/// A server that is watched.
pub(crate) struct Watched {
    pub(crate) server: Server,
    before: (u64, usize),
    peak: (u64, usize),
}

impl Watched {
    pub(crate) fn new(server: Server) -> Result<Self> {
        let now = (server.rss()?, server.files()?);
        Ok(Watched {
            server,
            before: now,
            peak: now,
        })
    }

    /// Looks now.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.peak.0 = self.peak.0.max(self.server.rss()?);
        self.peak.1 = self.peak.1.max(self.server.files()?);
        Ok(())
    }

    /// Looks again and again for a while.
    pub(crate) fn look_for(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Bytes above the start, at the worst so far.
    pub(crate) fn grown(&self) -> u64 {
        self.peak.0.saturating_sub(self.before.0)
    }

    /// What came of it, once all peers are gone.
    pub(crate) fn row(
        mut self,
        seen: impl Into<String>,
        promise: impl FnOnce(&Self) -> Promise,
    ) -> Result<Row> {
        self.look()?;
        std::thread::sleep(AFTER);
        let after = (self.server.rss()?, self.server.files()?);
        Ok(Row {
            rss: [self.before.0, self.peak.0, after.0],
            files: [self.before.1, self.peak.1, after.1],
            seen: seen.into(),
            promise: promise(&self),
        })
    }
}
