//! What the system knows of this process.

use crate::process::Resident;
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
    ProcessFigures {
        resident: Resident::of(std::process::id()).map(|resident| resident.now),
        // The listing holds one of its own while it is read.
        descriptors: fs::read_dir("/proc/self/fd")
            .ok()
            .map(|open| (open.count() as u64).saturating_sub(1)),
    }
}
