//! The file: one table of jobs, one of facts about the store itself.

use super::batches::{Disk, Failure, Operation};
use crate::engine::Record;
use crate::mutants::{Mutant, on, rarely};
use crate::protocol::request::{MAX_FUNCTION, MAX_UNIQUE};
use crate::protocol::{Body, Priority};
use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};
use rustix::fs::{Access, access};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The layout this program reads and writes.
const VERSION: i64 = 1;
/// The table of jobs.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS gearbench_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS gearbench_job (
    number INTEGER PRIMARY KEY,
    function BLOB NOT NULL,
    unique_id BLOB NOT NULL,
    priority INTEGER NOT NULL,
    epoch INTEGER,
    reducer BLOB,
    body BLOB NOT NULL
) STRICT;";
/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// Bits of a job's number that count within one life of the store.
const LIFE: u32 = 40;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be opened.
    #[error("cannot open {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be a file.
    #[error("the store {path} is a directory; a store is a file, made if there is none", path = path.display())]
    Directory {
        /// The place.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("the store {path} is in use by another process; a store has one server at a time", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// SQLite says so.
    #[error("the store {path}: {source}", path = path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It is not what it should be.
    #[error("the store {path} is damaged: {what}; `gearbench store check` looks at all of it", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// It is a database of something else.
    #[error("{path} is no store of gearbench; `gearbench store import` takes the jobs of gearmand's", path = path.display())]
    NoStore {
        /// The file.
        path: PathBuf,
    },
    /// It was made by another version.
    #[error("the store {path} has layout {found}; this program reads layout {VERSION}", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// There is no such table to take jobs from.
    #[error("{path} has no table {table} with gearmand's columns: {source}", path = path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the store: {0}")]
    Thread(io::Error),
}

/// A stored job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// See [`Record`], also for the following.
    pub number: u64,
    #[expect(missing_docs, reason = "as in Record")]
    pub function: Box<[u8]>,
    #[expect(missing_docs, reason = "as in Record")]
    pub unique: Box<[u8]>,
    #[expect(missing_docs, reason = "as in Record")]
    pub body: Bytes,
    #[expect(missing_docs, reason = "as in Record")]
    pub priority: Priority,
    #[expect(missing_docs, reason = "as in Record")]
    pub epoch: Option<u64>,
    #[expect(missing_docs, reason = "as in Record")]
    pub reducer: Option<Box<[u8]>>,
}

impl From<&Record<'_>> for Row {
    fn from(record: &Record<'_>) -> Self {
        let body = record.body.to_shared();
        Row {
            number: record.number,
            function: record.function.into(),
            unique: record.unique.into(),
            body: body.unwrap_or_else(|| Bytes::copy_from_slice(record.body.bytes())),
            priority: record.priority,
            epoch: record.epoch,
            reducer: record.reducer.map(Into::into),
        }
    }
}

impl Row {
    /// The same, as the engine has it.
    pub fn record(&self) -> Record<'_> {
        Record {
            number: self.number,
            function: &self.function,
            unique: &self.unique,
            body: Body::shared(&self.body),
            priority: self.priority,
            epoch: self.epoch,
            reducer: self.reducer.as_deref(),
        }
    }
}

/// The open file.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    connection: Connection,
}

impl Database {
    /// Opens the file, and makes it and its tables where they are missing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with(path, OpenFlags::default()).and_then(Self::prepare)
    }

    /// Whether a store can be opened or made here, without doing either. What holds gearmand's
    /// jobs only, or nothing, can become one.
    pub(super) fn check(path: &Path) -> Result<(), StoreError> {
        refuse_directory(path)?;
        let file = |path: &Path, source: rustix::io::Errno| StoreError::File {
            path: path.to_owned(),
            source: source.into(),
        };
        let folder = path.parent().unwrap_or(path);
        // SQLite writes its log beside the file.
        access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| file(folder, e))?;
        match access(path, Access::READ_OK | Access::WRITE_OK) {
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            checked => checked.map_err(|e| file(path, e))?,
        }
        match Self::open_to_read(path) {
            Ok(_) | Err(StoreError::NoStore { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens a file that must be there, to look at it.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        refuse_directory(path)?;
        let database = Self::with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let known = database.connection.table_exists(None, "gearbench_meta");
        if !known.map_err(|source| database.error(source))? {
            let path = path.to_owned();
            return Err(StoreError::NoStore { path });
        }
        database.check_version()?;
        Ok(database)
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, flags);
        let database = |source| StoreError::Database {
            path: path.to_owned(),
            source,
        };
        let connection = connection.map_err(database)?;
        connection.busy_timeout(BUSY).map_err(database)?;
        Ok(Database {
            path: path.to_owned(),
            connection,
        })
    }

    fn prepare(self) -> Result<Self, StoreError> {
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        let pragmas = match on(Mutant::StoreNotSynced) {
            true => "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;",
            false => pragmas,
        };
        let prepared = self
            .connection
            .execute_batch(pragmas)
            .and_then(|()| self.connection.execute_batch(SCHEMA))
            .and_then(|()| {
                let sql =
                    "INSERT OR IGNORE INTO gearbench_meta VALUES ('version', ?1), ('life', 0)";
                self.connection.execute(sql, [VERSION])
            });
        prepared.map_err(|source| self.error(source))?;
        self.check_version()?;
        self.write_anew()?;
        Ok(self)
    }

    /// Moves the log of an earlier life into the database, and syncs that. Its sync may have failed:
    /// then the kernel may show pages that were never written and believes that they were. Nothing
    /// may be promised behind them.
    fn write_anew(&self) -> Result<(), StoreError> {
        let busy: rusqlite::Result<bool> =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        let full = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        match busy {
            Ok(false) => return Ok(()),
            Ok(true) => tracing::warn!("another process reads the store: its log stays as it is"),
            Err(error) if full(&error) => {
                tracing::warn!("the disk is full: the log stays as it is")
            }
            Err(source) => return Err(self.error(source)),
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), StoreError> {
        match self.fact("version")? {
            Some(VERSION) => Ok(()),
            Some(found) => Err(StoreError::Version {
                path: self.path.clone(),
                found,
            }),
            None => Err(self.damaged("it does not say which layout it has".to_owned())),
        }
    }

    fn fact(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT value FROM gearbench_meta WHERE name = ?1";
        let value = self.connection.query_row(sql, [name], |row| row.get(0));
        value.optional().map_err(|source| self.error(source))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.damaged(source.to_string())
            }
            _ => StoreError::Database {
                path: self.path.clone(),
                source,
            },
        }
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            what,
        }
    }

    /// Refuses to grow beyond so many bytes.
    pub(super) fn limit(&self, max_bytes: Option<u64>) -> Result<(), StoreError> {
        let Some(max_bytes) = max_bytes else {
            return Ok(());
        };
        let page: Result<i64, _> = self
            .connection
            .pragma_query_value(None, "page_size", |row| row.get(0));
        let page = page.map_err(|source| self.error(source))?.max(1);
        let pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / page;
        let set =
            self.connection
                .pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()));
        set.map_err(|source| self.error(source))
    }

    /// Counts one life more; the first number of it.
    pub(super) fn begin_life(&mut self) -> Result<u64, StoreError> {
        let sql = "UPDATE gearbench_meta SET value = value + 1 WHERE name = 'life' RETURNING value";
        let life: Result<i64, _> = self.connection.query_row(sql, [], |row| row.get(0));
        let life = life.map_err(|source| self.error(source))?;
        let life = u64::try_from(life).map_err(|_| self.damaged(format!("life {life}")))?;
        Ok(first_number(life))
    }

    /// All jobs, in the order of their numbers.
    pub fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let sql = "SELECT number, function, unique_id, priority, epoch, reducer, body \
                   FROM gearbench_job ORDER BY number";
        let mut statement = self.connection.prepare(sql).map_err(|e| self.error(e))?;
        let mut found = statement.query([]).map_err(|e| self.error(e))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(|e| self.error(e))? {
            rows.push(self.row(row)?);
        }
        if on(Mutant::ReplayInHashOrder) {
            rows.sort_by_key(|row| row.number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        Ok(rows)
    }

    fn row(&self, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
        let read = || -> rusqlite::Result<_> {
            let number: i64 = row.get(0)?;
            let unique: Vec<u8> = row.get(2)?;
            let priority: i64 = row.get(3)?;
            let epoch: Option<i64> = row.get(4)?;
            let reducer: Option<Vec<u8>> = row.get(5)?;
            let body: Vec<u8> = row.get(6)?;
            let function: Vec<u8> = row.get(1)?;
            Ok((number, function, unique, priority, epoch, reducer, body))
        };
        let (number, function, unique, priority, epoch, reducer, body) =
            read().map_err(|source| self.error(source))?;
        let odd = |what: &str| self.damaged(format!("job {number} has {what}"));
        if !(1..=MAX_FUNCTION).contains(&function.len()) {
            return Err(odd("a function that no client can name"));
        }
        if unique.len() > MAX_UNIQUE {
            return Err(odd("a unique that is too long"));
        }
        Ok(Row {
            number: u64::try_from(number).map_err(|_| odd("a negative number"))?,
            function: function.into(),
            unique: unique.into(),
            body: Bytes::from(body).slice(usize::from(on(Mutant::StoredPayloadDamaged))..),
            priority: match on(Mutant::PriorityNotStored) {
                true => Priority::Normal,
                false => priority_of(priority).ok_or_else(|| odd("an unknown priority"))?,
            },
            epoch: epoch
                .filter(|_| !on(Mutant::EpochNotStored))
                .map(|epoch| u64::try_from(epoch).unwrap_or(0)),
            reducer: reducer.map(Into::into),
        })
    }

    /// What SQLite finds wrong with the file; empty is nothing.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let checked = self
            .connection
            .pragma_query(None, "integrity_check", |row| {
                found.push(row.get(0)?);
                Ok(())
            });
        checked.map_err(|source| self.error(source))?;
        found.retain(|line: &String| line != "ok");
        Ok(found)
    }

    /// Moves the rows of gearmand's own table in the same file into ours; how many.
    pub(super) fn take_over(&mut self, table: &str) -> Result<usize, StoreError> {
        let known = self.connection.table_exists(None, table);
        if !known.map_err(|source| self.error(source))? {
            return Ok(0);
        }
        let first = self.begin_life()?;
        let mut rows = super::import::rows(&self.connection, &self.path, table)?;
        rows.iter_mut().for_each(|row| row.number += first);
        let moved = (|| {
            let transaction = self.connection.transaction()?;
            for row in &rows {
                insert(&transaction, row)?;
            }
            transaction.execute(&format!("DELETE FROM {}", quoted(table)), [])?;
            transaction.commit()
        })();
        moved.map_err(|source| self.error(source))?;
        Ok(rows.len())
    }

    /// Adds rows, all or none.
    pub(super) fn add(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        let added = (|| {
            let transaction = self.connection.transaction()?;
            for row in rows {
                insert(&transaction, row)?;
            }
            transaction.commit()
        })();
        added.map_err(|source| self.error(source))
    }
}

/// SQLite would say that it cannot open the file, not why.
pub(super) fn refuse_directory(path: &Path) -> Result<(), StoreError> {
    match path.is_dir() {
        true => Err(StoreError::Directory {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

/// The number of the first job of a life. No other life gives it out.
pub(crate) fn first_number(life: u64) -> u64 {
    (life << LIFE) + 1
}

/// A name as SQL has it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The priority of gearmand's number for it.
pub(super) fn priority_of(number: i64) -> Option<Priority> {
    let index = usize::try_from(number).ok()?;
    Priority::ALL.get(index).copied()
}

fn insert(transaction: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    if rarely(Mutant::SomeJobsNotStored, row.number) {
        return Ok(());
    }
    if on(Mutant::StoreKeyedByUnique) {
        let sql = "DELETE FROM gearbench_job WHERE function = ?1 AND unique_id = ?2";
        transaction.execute(sql, params![&*row.function, &*row.unique])?;
    }
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let sql = "INSERT INTO gearbench_job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.prepare_cached(sql)?.execute(params![
        signed(row.number),
        &*row.function,
        &*row.unique,
        row.priority as i64,
        row.epoch.map(signed),
        row.reducer.as_deref(),
        &*row.body,
    ])?;
    Ok(())
}

fn delete(transaction: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM gearbench_job WHERE number = ?1";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    transaction.prepare_cached(sql)?.execute([number])?;
    Ok(())
}

impl Disk for Database {
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure> {
        let written = (|| {
            let transaction = self.connection.transaction()?;
            for operation in batch {
                match operation {
                    Operation::Insert(_, row) => insert(&transaction, row)?,
                    Operation::Delete(number) => delete(&transaction, *number)?,
                    Operation::Refuse(_) => {}
                }
            }
            transaction.commit()
        })();
        written.map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Failure::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::Busy,
            Some(ErrorCode::TooBig) => Failure::TooBig,
            _ => Failure::Broken(error.to_string()),
        })
    }

    fn abandon(&mut self, _: &Arc<str>) {
        // After a failed sync the kernel may call lost pages clean: a checkpoint at the end would
        // make that a loss. The log stays as it is for the next start.
        let config = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(config, true);
    }
}
