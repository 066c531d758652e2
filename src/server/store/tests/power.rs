//! Losses of power, on the files of SQLite: of what a commit has written and not synced yet, any
//! sector may be there, be missing or be torn. The commits before it have returned.

use crate::protocol::Priority;
use crate::server::store::batches::{Disk, Operation};
use crate::server::store::{Database, Row, StoreSettings};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;
/// Bytes of the header of SQLite's log.
const HEADER: usize = 32;
/// Commits, and losses of power in each of some of them.
const COMMITS: u64 = 30;
const LOSSES: u64 = 2;

/// Numbers that only look random.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }
}

/// The database and its log, as they are on the disk.
#[derive(Clone)]
struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

impl Image {
    fn of(path: &Path) -> Self {
        Image {
            database: fs::read(path).expect("the database"),
            log: fs::read(log_of(path)).unwrap_or_default(),
        }
    }

    /// Puts the files where a server would look for them.
    fn put(&self, path: &Path) {
        fs::write(path, &self.database).expect("a database");
        fs::write(log_of(path), &self.log).expect("a log");
    }
}

/// Of what differs between two states of a file, some sectors, some of them in part.
fn some(old: &[u8], new: &[u8], draws: &mut Draws) -> Vec<u8> {
    // A file grows in any order, too: what was not written is zeros, or is not there.
    let mut result = old.to_vec();
    result.resize(new.len(), 0);
    let odds = 1 + draws.below(4);
    let differs = |at: usize| old.get(at..at + SECTOR) != new.get(at..at + SECTOR);
    for at in (0..new.len()).step_by(SECTOR).filter(|&at| differs(at)) {
        let end = new.len().min(at + SECTOR);
        match draws.below(odds + 2) {
            0 => {}
            1 => {
                let torn = at + draws.below((end - at) as u64) as usize;
                result[at..torn].copy_from_slice(&new[at..torn]);
                for at in torn..end {
                    // What was synced before stays, also in a sector that is written again.
                    if old.get(at) != new.get(at) {
                        result[at] = new[at] ^ 0x5a;
                    }
                }
            }
            _ => result[at..end].copy_from_slice(&new[at..end]),
        }
    }
    if draws.below(3) == 0 {
        let least = old.len().min(result.len());
        let cut = draws.below((result.len() - least + 1) as u64) as usize;
        result.truncate(result.len() - cut);
    }
    result
}

/// What may be on the disk when the power goes in the middle of what leads from one state to the
/// other. SQLite syncs the log before it writes the database, and a new header of the log before
/// it writes over what was behind the old one.
fn lose(old: &Image, new: &Image, draws: &mut Draws) -> Image {
    let restarts = old.log.len() >= HEADER && old.log[..HEADER] != new.log[..HEADER];
    let mut lost = old.clone();
    if restarts {
        let mut headed = old.log.clone();
        headed[..HEADER].copy_from_slice(&new.log[..HEADER]);
        lost.log = match draws.below(4) {
            0 => some(&old.log, &headed, draws),
            _ => some(&headed, &new.log, draws),
        };
    } else if old.database != new.database && draws.below(2) == 0 {
        lost.log.clone_from(&new.log);
        lost.database = some(&old.database, &new.database, draws);
    } else {
        lost.log = some(&old.log, &new.log, draws);
    }
    lost
}

fn row(number: u64, draws: &mut Draws) -> Row {
    let size = [0, 10, 3000, 40_000, 300_000][draws.below(5) as usize];
    let names: [&[u8]; 4] = [b"", b"-", b"shared", b"\xff\0*"];
    Row {
        number,
        function: b"f".as_slice().into(),
        unique: names[number as usize % 4].into(),
        body: (0..size).map(|at| (at as u64 * number) as u8).collect(),
        priority: Priority::ALL[number as usize % 3],
        epoch: number.is_multiple_of(5).then_some(number),
        reducer: None,
    }
}

/// Inserts, and removals of some that are there.
fn batch(jobs: &mut BTreeMap<u64, Row>, next: &mut u64, draws: &mut Draws) -> Vec<Operation> {
    let mut operations = Vec::new();
    for _ in 0..1 + draws.below(12) {
        if draws.below(3) == 0 && !jobs.is_empty() {
            let at = draws.below(jobs.len() as u64) as usize;
            let number = *jobs.keys().nth(at).expect("a job");
            jobs.remove(&number);
            operations.push(Operation::Delete(number));
        } else {
            let row = row(*next, draws);
            jobs.insert(*next, row.clone());
            operations.push(Operation::Insert(*next, row));
            *next += 1;
        }
    }
    operations
}

#[test]
fn a_loss_of_power_takes_nothing_that_was_acknowledged() {
    let dir = TempDir::new().expect("a directory");
    let (path, image) = (dir.path().join("jobs.db"), dir.path().join("image.db"));
    let mut database = Database::open(&path).expect("a store");
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let (mut jobs, mut next) = (BTreeMap::new(), 1);
    let (mut restarts, mut checkpoints) = (0, 0);
    for commit in 0..COMMITS {
        let (before, jobs_before) = (Image::of(&path), jobs.clone());
        let operations = batch(&mut jobs, &mut next, &mut draws);
        database.commit(&operations).expect("a commit");
        let after = Image::of(&path);
        checkpoints += u32::from(before.database != after.database);
        restarts += u32::from(before.log.get(..HEADER) != after.log.get(..HEADER));
        for loss in 0..LOSSES {
            lose(&before, &after, &mut draws).put(&image);
            let found = rows(&image);
            let known =
                [&jobs_before, &jobs].map(|jobs| jobs.values().cloned().collect::<Vec<_>>());
            assert!(known.contains(&found), "commit {commit}, loss {loss}");
        }
        // What is all there is there.
        after.put(&image);
        assert!(rows(&image).iter().eq(jobs.values()), "commit {commit}");
    }
    assert!(checkpoints > 0 && restarts > 0, "{checkpoints} {restarts}");
}

/// The jobs that a server starts with.
fn rows(path: &Path) -> Vec<Row> {
    let settings = StoreSettings {
        path: path.to_owned(),
        take_over: None,
        max_bytes: None,
    };
    let opened = crate::server::store::Store::open(&settings).expect("a store");
    opened.rows
}
