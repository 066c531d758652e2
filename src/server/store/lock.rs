//! One server a store: an advisory lock, which the system takes back however its holder ends.

use super::StoreError;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// The lock on the file beside the store; the store itself is SQLite's to lock.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Lock {
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let mut name = OsString::from(store);
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| {
                StoreError::unusable(store, format!("{}: {error}", path.display()))
            })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Held(store.to_owned())),
            Err(error) => Err(StoreError::unusable(store, error)),
        }
    }
}
