//! What becomes of what a store is given: the rules, without threads and clocks. The committer
//! drives them with a real disk, the simulation with a faulty one.

use super::{Outcome, Row};
use std::fmt::Debug;
use std::sync::Arc;

/// Something to be written.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// A job, with the ticket that tells of it.
    Insert(u64, Row),
    /// The number of a job that has ended.
    Delete(u64),
    /// The ticket of a record that came while too much waited: told of in its turn.
    Refuse(u64),
}

impl Operation {
    /// The memory that waits with it, in bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Operation::Insert(_, row) => {
                (size_of::<Row>() + row.function.len() + row.unique.len() + row.body.len()) as u64
            }
            Operation::Delete(_) | Operation::Refuse(_) => 0,
        }
    }

    pub(super) fn ticket(&self) -> Option<u64> {
        match self {
            Operation::Insert(ticket, _) | Operation::Refuse(ticket) => Some(*ticket),
            Operation::Delete(_) => None,
        }
    }
}

/// Why a batch was not written. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no room; there may be later.
    Full,
    /// Another process holds the file for too long; it may let go later.
    Busy,
    /// One of the records is larger than the store takes.
    TooBig,
    /// Something that must not be tried again: after a failed sync nobody knows what is on disk.
    Broken(String),
}

/// What takes batches, all or nothing.
pub(crate) trait Disk: Debug {
    /// Returns once the batch is safe.
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure>;

    /// It failed, for this reason: it is not to be touched any more, not even at the end.
    fn abandon(&mut self, reason: &Arc<str>) {
        let _ = reason;
    }
}

/// What waits to be written.
#[derive(Debug)]
pub(crate) struct Waiting {
    operations: Vec<Operation>,
    /// Of those, and of the batch that is being written.
    bytes: u64,
    pub(super) max_bytes: u64,
}

impl Waiting {
    /// Bytes of records that may wait; beyond that they are refused, but for a single one.
    pub(crate) const MAX_BYTES: u64 = 256 * 1024 * 1024;

    pub(crate) fn new(max_bytes: u64) -> Self {
        Waiting {
            operations: Vec::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Takes something in; whether it is the first.
    pub(crate) fn give(&mut self, operation: Operation) -> bool {
        let size = operation.size();
        let operation = match operation {
            Operation::Insert(ticket, _)
                if self.bytes > 0 && self.bytes + size > self.max_bytes =>
            {
                Operation::Refuse(ticket)
            }
            other => {
                self.bytes += size;
                other
            }
        };
        self.operations.push(operation);
        self.operations.len() == 1
    }

    /// All that waits, to be written.
    pub(crate) fn take(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.operations)
    }

    /// A batch of so many bytes was written, or was not and never will be.
    pub(crate) fn done(&mut self, bytes: u64) {
        self.bytes -= bytes;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// The bytes that a batch counts for among what waits.
pub(crate) fn bytes(batch: &[Operation]) -> u64 {
    batch.iter().map(Operation::size).sum()
}

/// Writes batches to a disk, one after the other.
#[derive(Debug)]
pub(crate) struct Batches<D> {
    disk: D,
    /// Why nothing is stored any more.
    failure: Option<Arc<str>>,
    /// Removals that could not be written with their batch: they go with the next.
    overdue: Vec<Operation>,
}

impl<D: Disk> Batches<D> {
    pub(crate) fn new(disk: D) -> Self {
        Batches {
            disk,
            failure: None,
            overdue: Vec::new(),
        }
    }

    /// Writes a batch; what becomes of its tickets is told in their order.
    pub(crate) fn write(&mut self, mut batch: Vec<Operation>, tell: &mut dyn FnMut(Outcome)) {
        let is_refused = |operation: &Operation| matches!(operation, Operation::Refuse(_));
        // What comes between refused records goes by itself.
        while let Some(at) = batch.iter().position(is_refused) {
            let rest = batch.split_off(at);
            let others = rest.iter().position(|operation| !is_refused(operation));
            let others = others.unwrap_or(rest.len());
            if !batch.is_empty() {
                self.commit(batch, tell);
            }
            if let Some(last) = rest[..others].last().and_then(Operation::ticket) {
                tell(Outcome::NotStored(
                    last,
                    "too much waits for the disk".into(),
                ));
            }
            batch = rest.into_iter().skip(others).collect();
        }
        if !batch.is_empty() {
            self.commit(batch, tell);
        }
    }

    /// What could not be removed yet gets its last chance.
    pub(crate) fn end(&mut self, tell: &mut dyn FnMut(Outcome)) {
        if !self.overdue.is_empty() {
            self.commit(Vec::new(), tell);
        }
    }

    fn commit(&mut self, mut batch: Vec<Operation>, tell: &mut dyn FnMut(Outcome)) {
        if !self.overdue.is_empty() {
            self.overdue.append(&mut batch);
            std::mem::swap(&mut self.overdue, &mut batch);
        }
        let result = match &self.failure {
            Some(reason) => Err(Failure::Broken(reason.to_string())),
            None => self.disk.commit(&batch),
        };
        let last = batch.iter().rev().find_map(Operation::ticket);
        match (result, last) {
            (Ok(()), Some(last)) => tell(Outcome::Stored(last)),
            (Ok(()), None) => {}
            (Err(Failure::TooBig), _) if batch.len() > 1 => self.commit_one_by_one(batch, tell),
            (Err(failure), last) => self.fail(batch, last, &failure, tell),
        }
    }

    /// Finds the record that is too large; the others are written.
    fn commit_one_by_one(&mut self, batch: Vec<Operation>, tell: &mut dyn FnMut(Outcome)) {
        for operation in batch {
            self.commit(vec![operation], tell);
        }
    }

    fn fail(
        &mut self,
        batch: Vec<Operation>,
        last: Option<u64>,
        failure: &Failure,
        tell: &mut dyn FnMut(Outcome),
    ) {
        let reason: Arc<str> = match failure {
            Failure::Full => "the store is full".into(),
            Failure::Busy => "the store is locked by another process".into(),
            Failure::TooBig => "it is too large for the store".into(),
            Failure::Broken(what) => self.give_up(what),
        };
        tracing::warn!(%reason, "jobs were not stored");
        if let Some(last) = last {
            tell(Outcome::NotStored(last, reason));
        }
        if self.failure.is_some() {
            return;
        }
        let is_delete = |operation: &Operation| matches!(operation, Operation::Delete(_));
        let deletes: Vec<_> = batch.into_iter().filter(is_delete).collect();
        // Removing needs no room of its own; if it fails all the same it is tried with the next.
        if deletes.is_empty() {
            return;
        }
        match self.disk.commit(&deletes) {
            Ok(()) => {}
            Err(Failure::Broken(what)) => drop(self.give_up(&what)),
            Err(_) => self.overdue = deletes,
        }
    }

    /// Nobody knows what is on disk after a failed write or sync, so it is never tried again.
    fn give_up(&mut self, what: &str) -> Arc<str> {
        if let Some(reason) = &self.failure {
            return Arc::clone(reason);
        }
        tracing::error!(
            what,
            "the store failed; background jobs are refused from now on"
        );
        let reason: Arc<str> = format!("the store failed ({what})").into();
        self.disk.abandon(&reason);
        self.failure = Some(Arc::clone(&reason));
        reason
    }
}
