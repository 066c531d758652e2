//! The thread that waits for the disk.

use super::Outcome;
use super::batches::{self, Batches, Disk, Failure, Operation, Waiting};
use crate::mutants::{Mutant, on};
use crate::server::figures::StoreFigures;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// How long the disk may take for all that waits when the server ends. Longer than another process
/// may hold the file.
const PATIENCE: Duration = Duration::from_secs(30);

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
#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    health: Health,
}

#[derive(Debug)]
struct State {
    waiting: Waiting,
    closed: bool,
}

impl Queue {
    /// A panic of the other side leaves a vector that is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do; nothing once the store is closed and all is done.
    fn take(&self) -> Option<Vec<Operation>> {
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.closed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let operations = state.waiting.take();
        (!operations.is_empty()).then_some(operations)
    }
}

/// The owner's side. Dropping it waits until all it was given is on disk, but not for ever: a disk
/// that hangs must not keep the process.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Arc<Queue>,
    patience: Duration,
    /// Disconnected once the thread has ended.
    ended: Receiver<Infallible>,
}

impl Committer {
    /// Starts the thread.
    pub(super) fn start(
        disk: Box<dyn Disk + Send>,
        outcomes: UnboundedSender<Outcome>,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State {
                waiting: Waiting::new(Waiting::MAX_BYTES),
                closed: false,
            }),
            changed: Condvar::new(),
            health: Health::default(),
        });
        let disk = Watched {
            disk,
            queue: Arc::clone(&queue),
        };
        let work = Work {
            batches: Batches::new(disk),
            outcomes,
            queue: Arc::clone(&queue),
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
            patience: PATIENCE,
            ended,
        })
    }

    /// Hands over something to be written, in order.
    pub(super) fn give(&self, operation: Operation) {
        let is_first = self.queue.lock().waiting.give(operation);
        self.queue.health.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread takes all at once: only the first has to wake it.
        if is_first {
            self.queue.changed.notify_one();
        }
    }

    /// Another bound for what waits.
    #[cfg(test)]
    pub(super) fn limit(&self, bytes: u64) {
        self.queue.lock().waiting.max_bytes = bytes;
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

/// The disk, and those who watch it.
#[derive(Debug)]
struct Watched {
    disk: Box<dyn Disk + Send>,
    queue: Arc<Queue>,
}

impl Disk for Watched {
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure> {
        let started = Instant::now();
        let result = self.disk.commit(batch);
        self.queue.health.took(started.elapsed());
        result
    }

    fn abandon(&mut self, reason: &Arc<str>) {
        self.disk.abandon(reason);
        self.queue.health.failure.get_or_init(|| Arc::clone(reason));
    }
}

/// The thread's side.
#[derive(Debug)]
struct Work {
    batches: Batches<Watched>,
    outcomes: UnboundedSender<Outcome>,
    queue: Arc<Queue>,
}

impl Work {
    fn run(mut self) {
        let outcomes = self.outcomes;
        // An owner that is gone has no peers to tell.
        let mut tell = |outcome| drop(outcomes.send(outcome));
        while let Some(batch) = self.queue.take() {
            let count = batch.len() as u64;
            let bytes = batches::bytes(&batch);
            if on(Mutant::AcknowledgedUnwritten)
                && let Some(last) = batch.iter().rev().find_map(Operation::ticket)
            {
                tell(Outcome::Stored(last));
                std::thread::sleep(Duration::from_millis(100));
            }
            self.batches.write(batch, &mut tell);
            self.queue.lock().waiting.done(bytes);
            self.queue
                .health
                .waiting
                .fetch_sub(count, Ordering::Relaxed);
        }
        self.batches.end(&mut tell);
    }
}
