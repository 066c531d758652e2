//! The SQLite file: a table of jobs by number, and a table of what the file itself is.

use super::disk::{Change, Disk, Fault, OwnedRecord};
use super::{StoreError, lock::Lock};
use crate::protocol::Priority;
use crate::protocol::request::{MAX_FUNCTION, MAX_UNIQUE};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a transaction waits for another process that has the file locked.
const PATIENCE: Duration = Duration::from_secs(5);
/// The layout that this version writes.
const SCHEMA: i64 = 1;
/// Numbers of one life: each start begins a new range, so that no number is given out twice.
const LIFE_BITS: u32 = 40;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS gearbench_meta (
    name TEXT PRIMARY KEY, value INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS gearbench_jobs (
    number INTEGER PRIMARY KEY, function BLOB NOT NULL, unique_key BLOB NOT NULL,
    body BLOB NOT NULL, priority INTEGER NOT NULL, epoch INTEGER, reducer BLOB
) STRICT;
INSERT OR IGNORE INTO gearbench_meta VALUES ('schema', 1), ('life', 0);
";
const INSERT: &str = "INSERT INTO gearbench_jobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DELETE: &str = "DELETE FROM gearbench_jobs WHERE number = ?1";
const SELECT: &str = "SELECT number, function, unique_key, body, priority, epoch, reducer \
                      FROM gearbench_jobs ORDER BY number";

/// The file, open.
#[derive(Debug)]
pub(super) struct Sqlite {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
}

impl Sqlite {
    /// Opens the file, makes it if there is none, and looks whether it is whole.
    pub(super) fn open(path: &Path, limit: Option<u64>) -> Result<Self, StoreError> {
        let db = Connection::open(path).map_err(|error| error_of(path, &error))?;
        let sqlite = Sqlite {
            db,
            path: path.to_owned(),
        };
        sqlite.prepare(limit).map_err(|error| sqlite.error(&error))?;
        sqlite.look()?;
        Ok(sqlite)
    }

    fn prepare(&self, limit: Option<u64>) -> rusqlite::Result<()> {
        self.db.busy_timeout(PATIENCE)?;
        self.db.pragma_update(None, "journal_mode", "WAL")?;
        self.db.pragma_update(None, "synchronous", "FULL")?;
        if let Some(limit) = limit {
            let page: i64 = self.db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let pages = i64::try_from(limit).unwrap_or(i64::MAX) / page.max(1);
            // SQLite answers with the limit that holds.
            self.db
                .query_row(&format!("PRAGMA max_page_count = {}", pages.max(8)), [], |_| Ok(()))?;
        }
        Ok(())
    }

    fn look(&self) -> Result<(), StoreError> {
        let problem = |what: String| StoreError::damaged(&self.path, what);
        let verdict: String = self
            .db
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| self.error(&error))?;
        if verdict != "ok" {
            return Err(problem(verdict));
        }
        self.db
            .execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} COMMIT;"))
            .map_err(|error| self.error(&error))?;
        match self.meta("schema")? {
            SCHEMA => Ok(()),
            other => Err(StoreError::unusable(
                &self.path,
                format!("its layout is {other}, this version knows {SCHEMA}"),
            )),
        }
    }

    fn meta(&self, name: &str) -> Result<i64, StoreError> {
        let sql = "SELECT value FROM gearbench_meta WHERE name = ?1";
        self.db
            .query_row(sql, [name], |row| row.get(0))
            .map_err(|error| self.error(&error))
    }

    /// Begins a new life: the first number that no job of this file ever had.
    pub(super) fn begin_life(&mut self) -> Result<u64, StoreError> {
        self.db
            .execute("UPDATE gearbench_meta SET value = value + 1 WHERE name = 'life'", [])
            .map_err(|error| self.error(&error))?;
        let life = self.meta("life")?;
        let newest: i64 = self
            .db
            .query_row("SELECT coalesce(max(number), 0) FROM gearbench_jobs", [], |row| row.get(0))
            .map_err(|error| self.error(&error))?;
        let first = u64::try_from(life).ok().and_then(|life| life.checked_shl(LIFE_BITS));
        let newest = u64::try_from(newest).ok();
        match (first, newest) {
            (Some(first), Some(newest)) => Ok(first.max(newest + 1)),
            _ => Err(StoreError::damaged(&self.path, "its counters are negative")),
        }
    }

    /// All jobs, in the order of their numbers.
    pub(super) fn load(&self) -> Result<Vec<OwnedRecord>, StoreError> {
        let mut records = Vec::new();
        self.each(|record| records.push(record))?;
        Ok(records)
    }

    /// Reads all jobs. One that is not what was written ends it.
    fn each(&self, mut take: impl FnMut(OwnedRecord)) -> Result<(), StoreError> {
        let wrong = |error: rusqlite::Error| self.error(&error);
        let mut select = self.db.prepare(SELECT).map_err(wrong)?;
        let mut rows = select.query([]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let record = record_of(row)
                .map_err(|what| StoreError::damaged(&self.path, what))?;
            take(record);
        }
        Ok(())
    }

    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        error_of(&self.path, error)
    }

    pub(super) fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.db.transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

/// What SQLite says of a file, as far as it tells damage from other trouble.
pub(super) fn error_of(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::damaged(path, error)
        }
        _ => StoreError::unusable(path, error),
    }
}

/// Writes one job.
pub(super) fn insert(tx: &Transaction<'_>, record: &OwnedRecord) -> rusqlite::Result<()> {
    let number = i64::try_from(record.number).unwrap_or(i64::MAX);
    // What is due after the end of SQLite's numbers is never due.
    let epoch = record.epoch.map(|epoch| i64::try_from(epoch).unwrap_or(i64::MAX));
    tx.prepare_cached(INSERT)?.execute(params![
        number,
        &record.function[..],
        &record.unique[..],
        &record.body[..],
        record.priority as u8,
        epoch,
        record.reducer.as_deref(),
    ])?;
    Ok(())
}

fn record_of(row: &Row<'_>) -> Result<OwnedRecord, String> {
    let number = integer(row, 0)?.ok_or("a job has no number")?;
    let wrong = |what: &str| format!("job {number}: {what} cannot be read");
    let blob = |index: usize, what: &str| match row.get_ref(index) {
        Ok(ValueRef::Blob(bytes)) => Ok(Some(Box::<[u8]>::from(bytes))),
        Ok(ValueRef::Null) => Ok(None),
        _ => Err(wrong(what)),
    };
    let needed = |index, what: &str| blob(index, what)?.ok_or_else(|| wrong(what));
    let record = OwnedRecord {
        number,
        function: needed(1, "the function")?,
        unique: needed(2, "the unique")?,
        body: needed(3, "the payload")?,
        priority: integer(row, 4)?
            .and_then(priority_of)
            .ok_or_else(|| wrong("the priority"))?,
        epoch: integer(row, 5)?,
        reducer: blob(6, "the reducer")?,
    };
    match is_possible(&record.function, &record.unique) {
        true => Ok(record),
        false => Err(wrong("the name")),
    }
}

/// Whether a client could have sent these names.
pub(super) fn is_possible(function: &[u8], unique: &[u8]) -> bool {
    (1..=MAX_FUNCTION).contains(&function.len()) && unique.len() <= MAX_UNIQUE
}

pub(super) fn priority_of(number: u64) -> Option<Priority> {
    Priority::ALL.get(usize::try_from(number).ok()?).copied()
}

/// A number that is not negative, or NULL.
fn integer(row: &Row<'_>, index: usize) -> Result<Option<u64>, String> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(None),
        Ok(ValueRef::Integer(value)) => match u64::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("column {index} of a job is negative")),
        },
        _ => Err(format!("column {index} of a job is no number")),
    }
}

impl Disk for Sqlite {
    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Fault> {
        let written = self.begin().and_then(|tx| {
            for change in changes {
                match change {
                    Change::Insert(record) => insert(&tx, record)?,
                    Change::Delete(number) => {
                        let number = i64::try_from(*number).unwrap_or(i64::MAX);
                        tx.prepare_cached(DELETE)?.execute([number])?;
                    }
                }
            }
            tx.commit()
        });
        written.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Locked,
            Some(ErrorCode::DiskFull) => Fault::Full,
            _ => Fault::Failed(error.to_string()),
        })
    }

    fn abandon(&mut self) {
        // After a failed sync the kernel may call dirty pages clean: a checkpoint would make that
        // a loss. The log stays as it is for the next start.
        let config = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.db.set_db_config(config, true);
    }
}

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// Jobs that can be read, by function.
    pub jobs: BTreeMap<Vec<u8>, u64>,
    /// What is wrong; empty where nothing is.
    pub problems: Vec<String>,
}

/// Looks at every page and every job of a store, and changes nothing.
///
/// # Errors
/// The file cannot be opened at all, or a server holds it.
pub fn check(path: &Path) -> Result<Checked, StoreError> {
    let _lock = Lock::take(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| error_of(path, &error))?;
    let sqlite = Sqlite {
        db,
        path: path.to_owned(),
    };
    let mut checked = Checked {
        jobs: BTreeMap::new(),
        problems: Vec::new(),
    };
    if let Err(error) = sqlite.look_closely(&mut checked) {
        checked.problems.push(error.to_string());
    }
    Ok(checked)
}

impl Sqlite {
    fn look_closely(&self, checked: &mut Checked) -> rusqlite::Result<()> {
        let mut integrity = self.db.prepare("PRAGMA integrity_check")?;
        let verdicts = integrity.query_map([], |row| row.get::<_, String>(0))?;
        for verdict in verdicts {
            let verdict = verdict?;
            if verdict != "ok" {
                checked.problems.push(verdict);
            }
        }
        let schema: i64 = self.db.query_row(
            "SELECT value FROM gearbench_meta WHERE name = 'schema'",
            [],
            |row| row.get(0),
        )?;
        if schema != SCHEMA {
            let problem = format!("its layout is {schema}, this version knows {SCHEMA}");
            checked.problems.push(problem);
        }
        let mut select = self.db.prepare(SELECT)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            match record_of(row) {
                Ok(record) => *checked.jobs.entry(record.function.into()).or_default() += 1,
                Err(problem) => checked.problems.push(problem),
            }
        }
        Ok(())
    }
}
