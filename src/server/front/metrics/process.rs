//! What the system knows of this process.

use std::fs;

/// This process in numbers, as far as the system tells them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProcessFigures {
    /// Memory in bytes.
    pub(super) resident: Option<u64>,
    /// Open descriptors.
    pub(super) descriptors: Option<u64>,
}

/// Asks `/proc`.
pub(super) fn figures() -> ProcessFigures {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ProcessFigures {
        resident: resident(&status),
        // The listing holds one of its own while it is read.
        descriptors: fs::read_dir("/proc/self/fd")
            .ok()
            .map(|open| (open.count() as u64).saturating_sub(1)),
    }
}

/// `VmRSS:     1234 kB`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_read_where_it_stands() {
        let status = "Name:\tgearbench\nVmRSS:\t    1234 kB\nThreads:\t3\n";
        assert_eq!(resident(status), Some(1234 * 1024));
        for odd in ["", "VmRSS:\t kB\n", "VmRSS: 1 MB\n"] {
            assert_eq!(resident(odd), None);
        }
    }
}
