//! What the operating system says: processor time, memory, file limits.

use crate::process::Resident;
use crate::report::Environment;
use rustix::time::{ClockId, clock_gettime};

/// Clock ticks of /proc/PID/stat in a second: a constant of Linux's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor use and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessUse {
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_bytes: u64,
}

/// Reads the use of process `pid`; `None` where that cannot be seen.
pub(crate) fn process_use(pid: u32) -> Option<ProcessUse> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(ProcessUse {
        cpu_seconds: cpu_ticks(&stat)? as f64 / TICKS_PER_SECOND,
        rss_bytes: Resident::of(pid)?.now,
    })
}

/// User and system ticks of a line of /proc/PID/stat. The name in parentheses may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
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
    fn names_with_parentheses_and_spaces_do_not_shift_the_fields() {
        let stat = "12 (a b) (c) S 1 2 3 4 5 6 7 8 9 10 70 7 0 0 20 0 1";
        assert_eq!(cpu_ticks(stat), Some(77));
        assert_eq!(cpu_ticks("12 (x) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn nobody_has_no_use() {
        assert_eq!(process_use(u32::MAX), None);
    }
}
