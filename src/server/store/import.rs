//! Jobs from the queue that gearmand itself keeps in SQLite.

use super::database::{Database, Row, StoreError, priority_of, quoted};
use super::lock::Lock;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// What came over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Jobs, by function.
    pub functions: BTreeMap<Box<[u8]>, u64>,
}

impl Imported {
    /// All jobs.
    pub fn jobs(&self) -> u64 {
        self.functions.values().sum()
    }
}

/// Copies the jobs of gearmand's table in `from` into the store `into`, all or none. Neither may
/// be in use. Where there is nothing to copy from, no store is made.
pub fn import(from: &Path, table: &str, into: &Path) -> Result<Imported, StoreError> {
    std::fs::metadata(from).map_err(|source| StoreError::File {
        path: from.to_owned(),
        source,
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let source =
        Connection::open_with_flags(from, flags).map_err(|error| no_table(from, table, error))?;
    let mut rows = rows(&source, from, table)?;
    let _lock = Lock::take(into)?;
    let mut store = Database::open(into)?;
    let first = store.begin_life()?;
    rows.iter_mut().for_each(|row| row.number += first);
    store.add(&rows)?;
    let mut imported = Imported::default();
    for row in rows {
        *imported.functions.entry(row.function).or_default() += 1;
    }
    Ok(imported)
}

fn no_table(path: &Path, table: &str, source: rusqlite::Error) -> StoreError {
    StoreError::NoTable {
        path: path.to_owned(),
        table: table.to_owned(),
        source,
    }
}

/// The rows of gearmand's table, numbered from 0 in the order they were written.
pub(super) fn rows(source: &Connection, path: &Path, table: &str) -> Result<Vec<Row>, StoreError> {
    let wrong = |error| no_table(path, table, error);
    // Tables of old versions have no time.
    let has_time = source
        .column_exists(None, table, "when_to_run")
        .map_err(wrong)?;
    let time = if has_time { "when_to_run" } else { "0" };
    let sql = format!(
        "SELECT unique_key, function_name, priority, data, {time} FROM {} ORDER BY rowid",
        quoted(table)
    );
    let mut statement = source.prepare(&sql).map_err(wrong)?;
    let mut found = statement.query([]).map_err(wrong)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(wrong)? {
        let bytes = |at| row.get_ref(at).map(bytes_of).map_err(wrong);
        let (unique, function, body) = (bytes(0)?, bytes(1)?, bytes(3)?);
        let priority: i64 = row.get(2).map_err(wrong)?;
        let time: i64 = row.get::<_, Option<i64>>(4).map_err(wrong)?.unwrap_or(0);
        let damaged = |what: &str| StoreError::Damaged {
            path: path.to_owned(),
            what: format!("row {} of {table} has {what}", rows.len() + 1),
        };
        if unique.len() > 64 {
            return Err(damaged("a unique that is too long"));
        }
        rows.push(Row {
            number: rows.len() as u64,
            priority: priority_of(priority).ok_or_else(|| damaged("an unknown priority"))?,
            function: function.into(),
            unique: unique.into(),
            body: body.into(),
            epoch: u64::try_from(time).ok().filter(|&time| time > 0),
            reducer: None,
        });
    }
    Ok(rows)
}

/// gearmand writes text and blobs alike, and NULL for nothing.
fn bytes_of(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Integer(number) => number.to_string().into_bytes(),
        ValueRef::Real(number) => number.to_string().into_bytes(),
        ValueRef::Null => Vec::new(),
    }
}
