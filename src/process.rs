//! The memory and the processor time of a process, as the system tells them.

use std::fs;

/// Clock ticks of /proc/PID/stat in a second: a constant of Linux's interface to programs.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds that process `pid` has used; nothing where that cannot be seen.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(cpu_ticks(&stat)? as f64 / TICKS_PER_SECOND)
}

/// User and system ticks of a line of /proc/PID/stat. The name in parentheses may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    /// What it has now.
    pub now: u64,
    /// The most that it has had.
    pub peak: u64,
}

impl Resident {
    /// Of the process `pid`; nothing where that cannot be seen, as of one that has ended.
    pub fn of(pid: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn read(status: &str) -> Option<Self> {
        Some(Resident {
            now: bytes(status, "VmRSS:")?,
            peak: bytes(status, "VmHWM:")?,
        })
    }
}

/// `VmRSS:     1234 kB`, in bytes.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_read_where_it_stands() {
        let status = "Name:\tgearbench\nVmHWM:\t    2000 kB\nVmRSS:\t    1234 kB\nThreads:\t3\n";
        let resident = Resident {
            now: 1234 * 1024,
            peak: 2000 * 1024,
        };
        assert_eq!(Resident::read(status), Some(resident));
        for odd in [
            "",
            "VmHWM:\t1 kB\nVmRSS:\t kB\n",
            "VmHWM:\t1 kB\nVmRSS: 1 MB\n",
        ] {
            assert_eq!(Resident::read(odd), None);
        }
    }

    #[test]
    fn names_with_parentheses_and_spaces_do_not_shift_the_fields() {
        let stat = "12 (a b) (c) S 1 2 3 4 5 6 7 8 9 10 70 7 0 0 20 0 1";
        assert_eq!(cpu_ticks(stat), Some(77));
        assert_eq!(cpu_ticks("12 (x) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn nobody_has_none() {
        assert_eq!(Resident::of(u32::MAX), None);
        assert_eq!(cpu_seconds(u32::MAX), None);
    }
}
