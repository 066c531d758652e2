//! The memory and processor time of launched servers, from their start to their end.

use super::Launched;
use crate::process::{self, Resident};
use std::time::{Duration, Instant};

/// How often a server is looked at, at the most: a look reads about all processes.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a server may take to give back what it no longer needs.
const SETTLING: Duration = Duration::from_secs(5);
/// Time between two looks at a server that settles.
const LOOK: Duration = Duration::from_millis(100);

/// Memory of a server that was launched, with all processes that came of it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// When it had started.
    pub base: u64,
    /// The most that was seen.
    pub peak: u64,
    /// At the end.
    pub end: u64,
}

impl Memory {
    /// Bytes that the end is above the base.
    pub fn kept(&self) -> u64 {
        self.end.saturating_sub(self.base)
    }

    /// Whether the end is within a tenth of the base.
    pub fn is_back(&self) -> bool {
        self.kept() <= self.base / 10
    }
}

/// Watches the memory of servers that are started one after the other, and keeps what the one
/// showed that grew most.
#[derive(Debug, Default)]
pub struct MemoryWatch {
    now: Option<(Memory, Instant)>,
    /// Of the servers that are gone.
    worst: Option<Memory>,
}

impl MemoryWatch {
    /// A server has just been started.
    pub fn begin(&mut self, server: &Launched) {
        self.end_of_server();
        self.now = server.resident().map(|resident| {
            let memory = Memory {
                base: resident.now,
                peak: resident.peak,
                end: resident.now,
            };
            (memory, Instant::now())
        });
    }

    /// Looks at the server, unless it has just been looked at.
    pub fn look(&mut self, server: &Launched) {
        if self.now.is_some_and(|(_, at)| at.elapsed() >= PERIOD) {
            self.see(server);
        }
    }

    /// Nobody uses the server any more: waits until it is back at its base, but not longer than
    /// five seconds.
    pub fn settle(&mut self, server: &Launched) {
        let until = Instant::now() + SETTLING;
        self.see(server);
        while self.now.is_some_and(|(memory, _)| !memory.is_back()) && Instant::now() < until {
            std::thread::sleep(LOOK);
            self.see(server);
        }
    }

    /// Of the server that grew most; nothing where the system tells nothing.
    pub fn worst(&self) -> Option<Memory> {
        let now = self.now.map(|(memory, _)| memory);
        self.worst.into_iter().chain(now).max_by_key(Memory::kept)
    }

    fn see(&mut self, server: &Launched) {
        // One that has ended stays as it was seen last.
        if let (Some((memory, at)), Some(resident)) = (&mut self.now, server.resident()) {
            memory.end = resident.now;
            memory.peak = memory.peak.max(resident.peak);
            *at = Instant::now();
        }
    }

    fn end_of_server(&mut self) {
        self.worst = self.worst();
        self.now = None;
    }
}

impl Launched {
    /// The memory of its process and of all that came of it; nothing where that cannot be seen.
    pub fn resident(&self) -> Option<Resident> {
        let ids = self.server().group.all();
        let each = ids.into_iter().filter_map(Resident::of);
        each.reduce(|one, other| Resident {
            now: one.now + other.now,
            peak: one.peak + other.peak,
        })
    }

    /// The processor time that its process and all that came of it have used, in seconds; nothing
    /// where that cannot be seen.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let ids = self.server().group.all();
        let each = ids.into_iter().filter_map(process::cpu_seconds);
        each.reduce(|one, other| one + other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(base: u64, end: u64) -> Memory {
        let peak = base.max(end);
        Memory { base, peak, end }
    }

    #[test]
    fn the_one_that_grew_most_is_kept() {
        let mut watch = MemoryWatch::default();
        assert_eq!(watch.worst(), None);
        for (base, end) in [(100, 105), (50, 90), (100, 90)] {
            watch.now = Some((memory(base, end), Instant::now()));
            watch.end_of_server();
        }
        assert_eq!(watch.worst(), Some(memory(50, 90)));
        assert!(!memory(50, 90).is_back());
        assert!(memory(100, 110).is_back());
        assert!(memory(100, 20).is_back());
    }
}
