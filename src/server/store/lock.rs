//! One process at a time.

use super::StoreError;
use super::database::refuse_directory;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// A lock that ends with its holder, however that ends. The file stays: removing it would open a
/// gap in which two processes lock two files of one name.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock that belongs to a store.
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        refuse_directory(store)?;
        let mut name = store.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|source| StoreError::File {
                path: name.into(),
                source,
            })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(file)),
            Err(_) => Err(StoreError::InUse {
                path: store.to_owned(),
            }),
        }
    }
}
