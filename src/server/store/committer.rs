//! The thread that waits for the disk.

use super::{Outcome, Row};
use crate::server::figures::StoreFigures;
use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// Something to be written.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// A job, with the ticket that tells of it.
    Insert(u64, Row),
    /// The number of a job that has ended.
    Delete(u64),
    /// The ticket of a record that came while too much waited: told of in its turn.
    Refuse(u64),
}

impl Operation {
    /// The memory that waits with it, in bytes.
    fn size(&self) -> u64 {
        match self {
            Operation::Insert(_, row) => {
                (size_of::<Row>() + row.function.len() + row.unique.len() + row.body.len()) as u64
            }
            Operation::Delete(_) | Operation::Refuse(_) => 0,
        }
    }

    fn ticket(&self) -> Option<u64> {
        match self {
            Operation::Insert(ticket, _) | Operation::Refuse(ticket) => Some(*ticket),
            Operation::Delete(_) => None,
        }
    }
}

/// Why a batch was not written. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no room; there may be later.
    Full,
    /// Another process holds the file for too long; it may let go later.
    Busy,
    /// One of the records is larger than the store takes.
    TooBig,
    /// Something that must not be tried again: after a failed sync nobody knows what is on disk.
    Broken(String),
}

/// Bytes of records that may wait to be written; beyond that records are refused, but for a single
/// one.
const MAX_WAITING: u64 = 256 * 1024 * 1024;

/// How long the disk may take for all that waits when the server ends. Longer than another process
/// may hold the file.
const PATIENCE: Duration = Duration::from_secs(30);

/// What takes batches, all or nothing.
pub(super) trait Disk: Debug + Send {
    /// Returns once the batch is safe.
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure>;

    /// It failed: it is not to be touched any more, not even at the end.
    fn abandon(&self) {}
}

/// Upper bounds of the buckets that commits are counted in, in seconds. What took longer is in one
/// more.
const BOUNDS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 5.0,
];

/// How the store is, for those who watch it.
#[derive(Debug, Default)]
struct Health {
    /// Why nothing is stored any more.
    failure: OnceLock<Arc<str>>,
    waiting: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len() + 1],
}

impl Health {
    fn figures(&self) -> StoreFigures {
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let bounds = BOUNDS.iter().copied().chain([f64::INFINITY]);
        let commit_buckets: Vec<_> = bounds.zip(self.buckets.iter().map(load)).collect();
        StoreFigures {
            failure: self.failure.get().map(|reason| reason.to_string()),
            waiting: usize::try_from(load(&self.waiting)).unwrap_or(usize::MAX),
            commit_seconds: Duration::from_micros(load(&self.micros)).as_secs_f64(),
            commits: commit_buckets.iter().map(|(_, count)| count).sum(),
            commit_buckets,
        }
    }

    fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let within = BOUNDS.iter().position(|&bound| seconds <= bound);
        self.buckets[within.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
    }
}

/// What the owner gives and the thread takes.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    health: Health,
}

#[derive(Debug, Default)]
struct Waiting {
    operations: Vec<Operation>,
    /// Of those, and of the batch that is being written.
    bytes: u64,
    closed: bool,
}

impl Queue {
    /// A panic of the other side leaves a vector that is whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do; nothing once the store is closed and all is done.
    fn take(&self) -> Option<Vec<Operation>> {
        let mut waiting = self.lock();
        while waiting.operations.is_empty() && !waiting.closed {
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let operations = std::mem::take(&mut waiting.operations);
        (!operations.is_empty()).then_some(operations)
    }
}

/// The owner's side. Dropping it waits until all it was given is on disk, but not for ever: a disk
/// that hangs must not keep the process.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Arc<Queue>,
    max_waiting: u64,
    patience: Duration,
    /// Disconnected once the thread has ended.
    ended: Receiver<Infallible>,
}

impl Committer {
    /// Starts the thread.
    pub(super) fn start(
        disk: Box<dyn Disk>,
        outcomes: UnboundedSender<Outcome>,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let work = Work {
            disk,
            outcomes,
            queue: Arc::clone(&queue),
            overdue: Vec::new(),
        };
        let (alive, ended) = channel();
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let _alive = alive;
                work.run();
            })?;
        Ok(Committer {
            queue,
            max_waiting: MAX_WAITING,
            patience: PATIENCE,
            ended,
        })
    }

    /// Hands over something to be written, in order.
    pub(super) fn give(&self, operation: Operation) {
        let mut waiting = self.queue.lock();
        let size = operation.size();
        let operation = match operation {
            Operation::Insert(ticket, _)
                if waiting.bytes > 0 && waiting.bytes + size > self.max_waiting =>
            {
                Operation::Refuse(ticket)
            }
            other => {
                waiting.bytes += size;
                other
            }
        };
        waiting.operations.push(operation);
        let health = &self.queue.health;
        health.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread takes all at once: only the first has to wake it.
        if waiting.operations.len() == 1 {
            self.queue.changed.notify_one();
        }
    }

    /// Another bound for what waits.
    #[cfg(test)]
    pub(super) fn limit(&mut self, bytes: u64) {
        self.max_waiting = bytes;
    }

    /// Another patience at the end.
    #[cfg(test)]
    pub(super) fn wait_at_the_end(&mut self, patience: Duration) {
        self.patience = patience;
    }

    pub(super) fn figures(&self) -> StoreFigures {
        self.queue.health.figures()
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_one();
        // If it died, what of was printed by the thread itself.
        if self.ended.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout) {
            tracing::error!(
                seconds = self.patience.as_secs(),
                "the disk hangs; ending without what it was given last, none of it acknowledged"
            );
        }
    }
}

/// The thread's side.
#[derive(Debug)]
struct Work {
    disk: Box<dyn Disk>,
    outcomes: UnboundedSender<Outcome>,
    queue: Arc<Queue>,
    /// Removals that could not be written with their batch: they go with the next.
    overdue: Vec<Operation>,
}

impl Work {
    fn run(mut self) {
        while let Some(batch) = self.queue.take() {
            let count = batch.len() as u64;
            let bytes: u64 = batch.iter().map(Operation::size).sum();
            self.write_in_turn(batch);
            self.queue.lock().bytes -= bytes;
            self.queue
                .health
                .waiting
                .fetch_sub(count, Ordering::Relaxed);
        }
        // What could not be removed yet gets its last chance.
        if !self.overdue.is_empty() {
            self.write(Vec::new());
        }
    }

    /// Writes what comes between refused records, so that all are told of in their order.
    fn write_in_turn(&mut self, mut batch: Vec<Operation>) {
        let is_refused = |operation: &Operation| matches!(operation, Operation::Refuse(_));
        while let Some(at) = batch.iter().position(is_refused) {
            let rest = batch.split_off(at);
            let others = rest.iter().position(|operation| !is_refused(operation));
            let others = others.unwrap_or(rest.len());
            if !batch.is_empty() {
                self.write(batch);
            }
            let last = rest[..others].last().and_then(Operation::ticket);
            let reason: Arc<str> = "too much waits for the disk".into();
            self.tell(last.map(|ticket| Outcome::NotStored(ticket, reason)));
            batch = rest.into_iter().skip(others).collect();
        }
        if !batch.is_empty() {
            self.write(batch);
        }
    }

    fn write(&mut self, mut batch: Vec<Operation>) {
        if !self.overdue.is_empty() {
            self.overdue.append(&mut batch);
            std::mem::swap(&mut self.overdue, &mut batch);
        }
        let started = Instant::now();
        let result = match self.queue.health.failure.get() {
            Some(reason) => Err(Failure::Broken(reason.to_string())),
            None => self.disk.commit(&batch),
        };
        self.queue.health.took(started.elapsed());
        let last = batch.iter().rev().find_map(Operation::ticket);
        match result {
            Ok(()) => self.tell(last.map(Outcome::Stored)),
            Err(Failure::TooBig) if batch.len() > 1 => self.write_one_by_one(batch),
            Err(failure) => self.fail(batch, last, &failure),
        }
    }

    /// Finds the record that is too large; the others are written.
    fn write_one_by_one(&mut self, batch: Vec<Operation>) {
        for operation in batch {
            self.write(vec![operation]);
        }
    }

    fn fail(&mut self, batch: Vec<Operation>, last: Option<u64>, failure: &Failure) {
        let reason: Arc<str> = match failure {
            Failure::Full => "the store is full".into(),
            Failure::Busy => "the store is locked by another process".into(),
            Failure::TooBig => "it is too large for the store".into(),
            Failure::Broken(what) => self.give_up(what),
        };
        tracing::warn!(%reason, "jobs were not stored");
        self.tell(last.map(|ticket| Outcome::NotStored(ticket, Arc::clone(&reason))));
        if self.queue.health.failure.get().is_some() {
            return;
        }
        let is_delete = |operation: &Operation| matches!(operation, Operation::Delete(_));
        let deletes: Vec<_> = batch.into_iter().filter(is_delete).collect();
        // Removing needs no room of its own; if it fails all the same it is tried with the next.
        if !deletes.is_empty() && self.disk.commit(&deletes).is_err() {
            self.overdue = deletes;
        }
    }

    /// Nobody knows what is on disk after a failed write or sync, so it is never tried again.
    fn give_up(&self, what: &str) -> Arc<str> {
        let failure = &self.queue.health.failure;
        let reason = failure.get_or_init(|| {
            self.disk.abandon();
            tracing::error!(
                what,
                "the store failed; background jobs are refused from now on"
            );
            format!("the store failed ({what})").into()
        });
        Arc::clone(reason)
    }

    fn tell(&self, outcome: Option<Outcome>) {
        if let Some(outcome) = outcome {
            // An owner that is gone has no peers to tell.
            let _ = self.outcomes.send(outcome);
        }
    }
}
