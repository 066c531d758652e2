//! Background jobs on disk: one SQLite file, written by one thread, many jobs a transaction.
//!
//! The owner of the engine hands over records and the numbers of jobs that ended, and never waits.
//! The committer writes all that waits in one transaction and says which tickets are durable. No
//! timer: while one transaction syncs, the next one gathers.

mod committer;
mod disk;
mod gearmand;
mod health;
mod lock;
mod sqlite;
#[cfg(test)]
mod tests;

pub use committer::Outcome;
pub use disk::OwnedRecord;
pub use gearmand::{Row, TABLE, import};
pub use health::{BUCKETS, Health, State};
pub use sqlite::{Checked, check};

use crate::engine::Record;
use committer::{Committer, Op, Shared};
use disk::Disk;
use lock::Lock;
use sqlite::Sqlite;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Bytes of records that may wait to be written, unless it is a single one.
const MAX_WAITING: u64 = 256 * 1024 * 1024;

/// Where background jobs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The SQLite file; made if there is none.
    pub path: PathBuf,
    /// A table of gearmand in the same file whose jobs are taken over at the start.
    pub take_over: Option<String>,
    /// Bytes that the file may grow to; beyond that jobs are refused. `None` is the disk's room.
    pub limit: Option<u64>,
}

impl StoreSettings {
    /// That file, as large as the disk has room, nothing taken over.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        StoreSettings {
            path: path.into(),
            take_over: None,
            limit: None,
        }
    }
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has it.
    #[error("another process holds the store {}: two servers cannot share one", .0.display())]
    Held(PathBuf),
    /// The file is there, but not what it should be.
    #[error(
        "the store {path} is damaged: {what}; `gearbench store check {path}` tells more, and a \
         server with another file can be started meanwhile",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system or SQLite says no.
    #[error("cannot use the store {path}: {what}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl StoreError {
    fn damaged(path: &Path, what: impl std::fmt::Display) -> Self {
        let (path, what) = (path.to_owned(), what.to_string());
        StoreError::Damaged { path, what }
    }

    fn unusable(path: &Path, what: impl std::fmt::Display) -> Self {
        let (path, what) = (path.to_owned(), what.to_string());
        StoreError::Unusable { path, what }
    }
}

/// What [`open`] finds.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What becomes of the records, in the order of their tickets.
    pub outcomes: mpsc::UnboundedReceiver<Outcome>,
    /// The number of the first new job; no job of this file ever had it or a greater one.
    pub first_number: u64,
    /// The jobs of earlier lives, in the order of their numbers.
    pub records: Vec<OwnedRecord>,
}

/// Opens the store and starts its thread.
///
/// # Errors
/// Another process holds it; it is damaged; the system says no.
pub fn open(settings: &StoreSettings) -> Result<Opened, StoreError> {
    let lock = Lock::take(&settings.path)?;
    let mut sqlite = Sqlite::open(&settings.path, settings.limit)?;
    let mut first_number = sqlite.begin_life()?;
    if let Some(table) = &settings.take_over {
        let taken = gearmand::take_over(&mut sqlite, table, first_number)?;
        if taken > 0 {
            tracing::info!(jobs = taken, table, "took over the jobs of gearmand");
        }
        first_number += taken;
    }
    let records = sqlite.load()?;
    let (store, outcomes) = Store::start(sqlite, Some(lock))
        .map_err(|error| StoreError::unusable(&settings.path, error))?;
    Ok(Opened {
        store,
        outcomes,
        first_number,
        records,
    })
}

/// The owner's end of the store.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Given back last.
    _lock: Option<Lock>,
}

impl Store {
    fn start(
        disk: impl Disk + 'static,
        lock: Option<Lock>,
    ) -> std::io::Result<(Self, mpsc::UnboundedReceiver<Outcome>)> {
        let shared = Arc::new(Shared::default());
        let (sender, outcomes) = mpsc::unbounded_channel();
        let committer = Committer {
            disk,
            shared: Arc::clone(&shared),
            outcomes: sender,
            owed: VecDeque::new(),
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || committer.run())?;
        let store = Store {
            shared,
            thread: Some(thread),
            _lock: lock,
        };
        Ok((store, outcomes))
    }

    /// Has a job written; an [`Outcome`] tells what became of it. Never waits.
    pub fn submit(&self, ticket: u64, record: &Record<'_>) {
        let health = &self.shared.health;
        let record = OwnedRecord::from(record);
        let waiting = health.waiting_bytes();
        if waiting > 0 && waiting + record.size() > MAX_WAITING {
            let reason = "too much waits for the disk";
            return self.shared.push(Op::Refuse(ticket, reason));
        }
        health.waits(record.size());
        self.shared.push(Op::Insert(ticket, record));
    }

    /// Has a job forgotten that ended. Never waits.
    pub fn forget(&self, number: u64) {
        self.shared.push(Op::Delete(number));
    }

    /// How it is doing.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.shared.health)
    }

    /// Writes what waits, and ends. Blocks until it is on disk. The same happens on drop.
    pub fn close(self) {}
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // What it died of was printed by the thread itself.
            let _ = thread.join();
        }
    }
}
