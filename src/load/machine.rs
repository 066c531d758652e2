//! What the operating system says: processor time, memory, file limits.

use crate::process::{self, Resident, TICKS_PER_SECOND};
use crate::report::Environment;
use rustix::time::{ClockId, clock_gettime};

/// Processor use and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessUse {
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_bytes: u64,
}

/// Reads the use of process `pid`; `None` where that cannot be seen.
pub(crate) fn process_use(pid: u32) -> Option<ProcessUse> {
    Some(ProcessUse {
        cpu_seconds: process::cpu_seconds(pid)?,
        rss_bytes: Resident::of(pid)?.now,
    })
}

/// Processor time of one thread, and of the machine it runs on, since each began. What cannot be
/// seen is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ThreadUse {
    pub(crate) cpu_seconds: f64,
    /// Ready to run, but others did.
    pub(crate) wait_seconds: Option<f64>,
    /// Taken from all processors by the host of a virtual machine.
    pub(crate) stolen_seconds: Option<f64>,
}

impl ThreadUse {
    /// That of the calling thread.
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat");
        let stat = std::fs::read_to_string("/proc/stat");
        ThreadUse {
            cpu_seconds: time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
            wait_seconds: schedstat.ok().and_then(|text| run_delay(&text)),
            stolen_seconds: stat.ok().and_then(|text| steal(&text)),
        }
    }

    pub(crate) fn since(self, start: Self) -> Self {
        let between = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        ThreadUse {
            cpu_seconds: self.cpu_seconds - start.cpu_seconds,
            wait_seconds: between(self.wait_seconds, start.wait_seconds),
            stolen_seconds: between(self.stolen_seconds, start.stolen_seconds),
        }
    }

    /// Adds the use of another thread over the same time.
    pub(crate) fn add(&mut self, other: Self) {
        self.cpu_seconds += other.cpu_seconds;
        let sum = |(ours, theirs)| -> f64 { ours + theirs };
        self.wait_seconds = self.wait_seconds.zip(other.wait_seconds).map(sum);
        // It is the same machine.
        let more = |(ours, theirs)| f64::max(ours, theirs);
        self.stolen_seconds = self.stolen_seconds.zip(other.stolen_seconds).map(more);
    }
}

/// Seconds in the run queue, of a line of /proc/PID/schedstat: on a processor, waiting for one,
/// turns.
fn run_delay(schedstat: &str) -> Option<f64> {
    let nanoseconds: u64 = schedstat.split(' ').nth(1)?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

/// Seconds that the host ran others, of /proc/stat.
fn steal(stat: &str) -> Option<f64> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: u64 = all.split_whitespace().nth(7)?.parse().ok()?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

/// The machine this runs on.
pub(crate) fn environment() -> Environment {
    let uname = rustix::system::uname();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    Environment {
        os: std::env::consts::OS.to_owned(),
        kernel: uname.release().to_string_lossy().into_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: model.map_or("unknown", |(_, model)| model).to_owned(),
        cpus: processors(),
    }
}

/// Processors that may be used.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_long_a_thread_waited_and_what_was_stolen() {
        assert_eq!(run_delay("2500000000 1500000000 77\n"), Some(1.5));
        assert_eq!(run_delay("25"), None);
        let stat = "cpu  1 2 3 4 5 6 7 800 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(steal(stat), Some(8.0));
        assert_eq!(steal("cpu0 1"), None);
    }

    #[test]
    fn nobody_has_no_use() {
        assert_eq!(process_use(u32::MAX), None);
    }
}
