//! Background jobs on disk, in SQLite.
//!
//! The owner of the engine never waits for the disk. It gives what is to be written to one
//! committer thread, which takes all that waits at once, writes it in one transaction (WAL,
//! synchronous=FULL) and says up to which ticket everything is safe. No timer: the next batch
//! gathers while the last one syncs.
//!
//! A job is keyed by its number, never by its unique: any number of jobs may have none.

pub(crate) mod batches;
mod committer;
mod database;
mod import;
mod lock;
#[cfg(test)]
mod tests;

pub(crate) use database::first_number;
pub use database::{Database, Row, StoreError};
pub use import::{Imported, import};

use super::figures::StoreFigures;
use crate::engine::{JobServer, Record, Timestamp};
use batches::{Disk, Operation};
use committer::Committer;
use lock::Lock;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Where background jobs are kept.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The file; made if there is none.
    pub path: PathBuf,
    /// A table of gearmand's own in the same file, whose rows are taken over at the start.
    ///
    /// gearmand's `--libsqlite3-table`.
    pub take_over: Option<String>,
    /// Bytes that the file may have at the most; background jobs are refused beyond. `None` is
    /// what the disk has.
    pub max_bytes: Option<u64>,
}

impl StoreSettings {
    /// Whether a server could start with them, without making or changing a file. Whether another
    /// process has the store is seen only at the start.
    pub fn check(&self) -> Result<(), StoreError> {
        Database::check(&self.path)
    }
}

/// What became of what was given to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All up to this ticket is on disk.
    Stored(u64),
    /// What was given since the last outcome, up to this ticket, is not, and why.
    NotStored(u64, Arc<str>),
}

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    committer: Committer,
    outcomes: Option<mpsc::UnboundedReceiver<Outcome>>,
    _lock: Option<Lock>,
}

/// A store that was opened, and what it held.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Store,
    /// The jobs, in the order of their numbers.
    pub(super) rows: Vec<Row>,
    /// The number for the next job: no life of this store has given it out.
    pub(super) first_number: u64,
}

/// Gives a new engine the jobs of the store, in their order. The numbers of those that are the
/// same job as an earlier one, and go.
pub(crate) fn replay(engine: &mut JobServer, now: Timestamp, rows: &[Row]) -> Vec<u64> {
    let doubles = rows
        .iter()
        .filter(|row| !engine.restore(now, &row.record()));
    doubles.map(|row| row.number).collect()
}

impl Store {
    /// Opens a store, alone: another process that has it is an error.
    pub(super) fn open(settings: &StoreSettings) -> Result<Opened, StoreError> {
        let lock = Lock::take(&settings.path)?;
        let mut database = Database::open(&settings.path)?;
        database.limit(settings.max_bytes)?;
        if let Some(table) = &settings.take_over {
            let taken = database.take_over(table)?;
            if taken > 0 {
                tracing::info!(jobs = taken, table, "took over gearmand's jobs");
            }
        }
        let first_number = database.begin_life()?;
        let rows = database.rows()?;
        Ok(Opened {
            store: Store::start(Box::new(database), Some(lock))?,
            rows,
            first_number,
        })
    }

    fn start(disk: Box<dyn Disk + Send>, lock: Option<Lock>) -> Result<Self, StoreError> {
        let (sender, outcomes) = mpsc::unbounded_channel();
        Ok(Store {
            committer: Committer::start(disk, sender).map_err(StoreError::Thread)?,
            outcomes: Some(outcomes),
            _lock: lock,
        })
    }

    /// Has a record written; the ticket comes back with an outcome.
    pub(super) fn insert(&self, ticket: u64, record: &Record<'_>) {
        let row = Row::from(record);
        self.committer.give(Operation::Insert(ticket, row));
    }

    /// Has a record removed; nobody waits for it.
    pub(super) fn delete(&self, number: u64) {
        self.committer.give(Operation::Delete(number));
    }

    /// What becomes of it all; given away once.
    pub(super) fn outcomes(&mut self) -> Option<Outcomes> {
        self.outcomes.take().map(Outcomes)
    }

    /// How it is, in numbers.
    pub(super) fn figures(&self) -> StoreFigures {
        self.committer.figures()
    }
}

/// What became of what was given to a store.
#[derive(Debug)]
pub(super) struct Outcomes(mpsc::UnboundedReceiver<Outcome>);

impl Outcomes {
    /// Waits for the next.
    pub(super) async fn next(&mut self) -> Outcome {
        match self.0.recv().await {
            Some(outcome) => outcome,
            // The store was closed.
            None => std::future::pending().await,
        }
    }
}
