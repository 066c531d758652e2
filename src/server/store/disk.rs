//! What the committer needs of a disk, so that tests can have a faulty one.

use crate::engine::Record;
use crate::protocol::{Body, Priority};

/// A record of its own: the bytes of a job on the way to the disk or back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The number in the job's handle.
    pub number: u64,
    /// Its function.
    pub function: Box<[u8]>,
    /// Its unique.
    pub unique: Box<[u8]>,
    /// Its payload.
    pub body: Box<[u8]>,
    /// Its priority.
    pub priority: Priority,
    /// When it is due, in seconds since 1970.
    pub epoch: Option<u64>,
    /// The reducer of a reduce job.
    pub reducer: Option<Box<[u8]>>,
}

impl OwnedRecord {
    /// The engine's view of it.
    pub fn as_record(&self) -> Record<'_> {
        Record {
            number: self.number,
            function: &self.function,
            unique: &self.unique,
            body: Body::new(&self.body),
            priority: self.priority,
            epoch: self.epoch,
            reducer: self.reducer.as_deref(),
        }
    }

    /// The memory that it takes, in bytes.
    pub(super) fn size(&self) -> u64 {
        let reducer = self.reducer.as_ref().map_or(0, |reducer| reducer.len());
        let bytes = self.function.len() + self.unique.len() + self.body.len() + reducer;
        (size_of::<Self>() + bytes) as u64
    }
}

impl From<&Record<'_>> for OwnedRecord {
    fn from(record: &Record<'_>) -> Self {
        OwnedRecord {
            number: record.number,
            function: record.function.into(),
            unique: record.unique.into(),
            body: record.body.bytes().into(),
            priority: record.priority,
            epoch: record.epoch,
            reducer: record.reducer.map(Into::into),
        }
    }
}

/// One change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'a> {
    Insert(&'a OwnedRecord),
    Delete(u64),
}

/// Why nothing of a transaction is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another process has the file locked, and kept it so for the whole patience.
    Locked,
    /// There is no room.
    Full,
    /// It cannot be known what is on disk any more.
    Failed(String),
}

/// Where records are kept.
pub(super) trait Disk: Send {
    /// Makes all changes durable, in order, or none. It may take its time.
    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Fault>;

    /// The disk failed: it is not to be touched any more, not even at the end.
    fn abandon(&mut self) {}
}
