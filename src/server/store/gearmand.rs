//! The table that gearmand keeps its jobs in.

use super::disk::OwnedRecord;
use super::lock::Lock;
use super::sqlite::{self, Sqlite, error_of, is_possible, priority_of};
use super::StoreError;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// The name that gearmand gives its table unless told otherwise.
pub const TABLE: &str = "gearman_queue";

/// A job of gearmand: all but its number.
pub type Row = OwnedRecord;

/// Copies the jobs of gearmand's own file into a store; returns how many, by function.
///
/// # Errors
/// Nothing was copied: `from` is not gearmand's, a row is not, or a server holds `into`.
pub fn import(
    from: &Path,
    table: &str,
    into: &Path,
) -> Result<BTreeMap<Vec<u8>, u64>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source =
        Connection::open_with_flags(from, flags).map_err(|error| error_of(from, &error))?;
    let rows = read(&source, from, table)?
        .ok_or_else(|| StoreError::unusable(from, format!("it has no table {table}")))?;
    let _lock = Lock::take(into)?;
    let mut store = Sqlite::open(into, None)?;
    let first = store.begin_life()?;
    let mut counts = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.function.to_vec()).or_default() += 1;
    }
    write(&mut store, rows, first, None)?;
    Ok(counts)
}

/// Moves the jobs of gearmand's table in the file of the store itself; returns how many.
pub(super) fn take_over(
    store: &mut Sqlite,
    table: &str,
    first: u64,
) -> Result<u64, StoreError> {
    match read(&store.db, &store.path, table)? {
        Some(rows) if !rows.is_empty() => write(store, rows, first, Some(table)),
        _ => Ok(0),
    }
}

fn write(
    store: &mut Sqlite,
    rows: Vec<Row>,
    first: u64,
    emptied: Option<&str>,
) -> Result<u64, StoreError> {
    let path = store.path.clone();
    let mut count = 0;
    let written = store.begin().and_then(|tx| {
        for (number, row) in (first..).zip(rows) {
            sqlite::insert(&tx, &Row { number, ..row })?;
            count += 1;
        }
        if let Some(table) = emptied {
            tx.execute(&format!("DELETE FROM {}", quoted(table)), [])?;
        }
        tx.commit()
    });
    written.map_err(|error| error_of(&path, &error))?;
    Ok(count)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The rows of gearmand's table, if there is one, in the order they were written.
fn read(db: &Connection, path: &Path, table: &str) -> Result<Option<Vec<Row>>, StoreError> {
    let wrong = |error: rusqlite::Error| error_of(path, &error);
    if !db.table_exists(None, table).map_err(wrong)? {
        return Ok(None);
    }
    // gearmand added the column later.
    let has_time = db.column_exists(None, table, "when_to_run").map_err(wrong)?;
    let time = if has_time { "when_to_run" } else { "0" };
    let sql = format!(
        "SELECT unique_key, function_name, priority, data, {time} FROM {} ORDER BY rowid",
        quoted(table)
    );
    let mut select = db.prepare(&sql).map_err(wrong)?;
    let mut rows = select.query([]).map_err(wrong)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(wrong)? {
        let bytes = |index| match row.get_ref(index) {
            Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Some(Box::<[u8]>::from(bytes)),
            Ok(ValueRef::Null) => Some(Box::default()),
            _ => None,
        };
        let number = |index| match row.get_ref(index) {
            Ok(ValueRef::Integer(value)) => u64::try_from(value).ok(),
            Ok(ValueRef::Null) => Some(0),
            _ => None,
        };
        let job = || {
            Some(Row {
                number: 0,
                unique: bytes(0)?,
                function: bytes(1)?,
                priority: priority_of(number(2)?)?,
                body: bytes(3)?,
                epoch: Some(number(4)?).filter(|&epoch| epoch > 0),
                reducer: None,
            })
        };
        let job = job().filter(|job| is_possible(&job.function, &job.unique));
        let problem = || format!("row {} of {table} is no job of gearmand", found.len() + 1);
        let job = job.ok_or_else(|| StoreError::damaged(path, problem()))?;
        found.push(job);
    }
    Ok(Some(found))
}
