//! What the operating system says: processor time, memory, file limits.

use crate::process::{self, Resident};
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

/// Processor seconds of the calling thread.
pub(crate) fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
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
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_no_use() {
        assert_eq!(process_use(u32::MAX), None);
    }
}
