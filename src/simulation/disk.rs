//! A disk that fails: what SQLite and the kernel promise, and no more.
//!
//! SQLite can be put on a faulty disk only through a file system of its own, which takes unsafe
//! code. So a redo log of transactions stands for the database here: a transaction is appended,
//! then synced, and counts at the next start if all of it is there and all before it is. The bytes
//! of it are not modelled: a torn one is what its checksum would tell. What the files of SQLite
//! itself make of torn and lost bytes is tested on the files.

use super::Draws;
use crate::server::store::batches::{Disk, Failure, Operation};
use crate::server::store::{Row, first_number};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// What goes wrong with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// ENOSPC for everything but removals.
    Full,
    /// ENOSPC for those, too.
    QuiteFull,
    /// Another process has it locked.
    Locked,
    /// A record is larger than the store takes.
    TooBig,
    /// EIO, in the middle of a write.
    Write,
    /// The sync fails; the kernel forgets what it had to write.
    Sync,
    /// So many milliseconds more than usual.
    Slow(u16),
}

/// What is known of a transaction in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Safety {
    /// In the memory of the kernel, which writes it some time.
    Dirty,
    /// In the memory of the kernel, which believes that it has written it.
    Forgotten,
    /// On the disk.
    Synced,
}

/// One transaction.
#[derive(Clone, Debug)]
struct Transaction {
    operations: Vec<Operation>,
    /// When it was written, and when it was synced, in microseconds of the simulation.
    written: u64,
    synced: u64,
    safety: Safety,
    /// Not all of it is there.
    torn: bool,
}

impl Transaction {
    /// Sectors that it takes on the disk: each is there or not.
    fn sectors(&self) -> usize {
        1 + self.operations.len()
    }
}

/// The disk, and what is on it.
#[derive(Debug)]
pub(super) struct Device {
    log: Vec<Transaction>,
    /// Starts so far.
    lives: u64,
    /// Faults to come, one for a commit.
    faults: VecDeque<DiskFault>,
    draws: Draws,
    /// The time of the thread that writes, in microseconds of the simulation. It runs ahead.
    pub(super) clock: u64,
    /// Nothing may touch it any more.
    abandoned: bool,
    /// What was done that must not be.
    pub(super) misuse: Option<String>,
    /// Batches that it was asked to write.
    pub(super) commits: u64,
}

impl Device {
    pub(super) fn new(draws: Draws) -> Self {
        Device {
            log: Vec::new(),
            lives: 0,
            faults: VecDeque::new(),
            draws,
            clock: 0,
            abandoned: false,
            misuse: None,
            commits: 0,
        }
    }

    /// The commit after those that are planned fails so.
    pub(super) fn plan(&mut self, fault: DiskFault) {
        self.faults.push_back(fault);
    }

    /// All is well from now on.
    pub(super) fn heal(&mut self) {
        self.faults.clear();
    }

    /// Whether it has failed for good.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// A server starts: the jobs, in the order of their numbers, and the first number of its life.
    pub(super) fn open(&mut self, now: u64) -> (Vec<Row>, u64) {
        self.clock = now;
        self.abandoned = false;
        let whole = self.log.iter().position(|transaction| transaction.torn);
        self.log.truncate(whole.unwrap_or(self.log.len()));
        let mut rows = BTreeMap::new();
        for operation in self.log.iter().flat_map(|t| &t.operations) {
            match operation {
                Operation::Insert(_, row) => drop(rows.insert(row.number, row.clone())),
                Operation::Delete(number) => drop(rows.remove(number)),
                Operation::Refuse(_) => {}
            }
        }
        // All that is read is written anew.
        for transaction in &mut self.log {
            (transaction.safety, transaction.synced) = (Safety::Synced, now);
        }
        self.lives += 1;
        (rows.into_values().collect(), first_number(self.lives))
    }

    /// The process ends at this time, or the machine does.
    pub(super) fn crash(&mut self, now: u64, power: bool) {
        self.log.retain(|transaction| transaction.written <= now);
        for transaction in &mut self.log {
            if transaction.safety == Safety::Synced && transaction.synced > now {
                transaction.safety = Safety::Dirty;
            }
            if power && transaction.safety != Safety::Synced {
                let sectors = transaction.sectors();
                let kept = (0..sectors).filter(|_| !self.draws.once_in(3)).count();
                transaction.torn |= kept < sectors;
                transaction.safety = Safety::Synced;
            }
        }
        // What was planned for the server that is gone.
        self.faults.clear();
    }

    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure> {
        self.commits += 1;
        if self.abandoned {
            self.misuse = Some("a disk whose sync has failed was written to".to_owned());
        }
        let fault = self.faults.pop_front();
        self.clock += 50 + self.draws.next() % 4000;
        if let Some(DiskFault::Slow(ms)) = fault {
            self.clock += u64::from(ms) * 1000;
        }
        let inserts = batch.iter().any(|o| matches!(o, Operation::Insert(..)));
        match fault {
            Some(DiskFault::Full) if inserts => return Err(Failure::Full),
            Some(DiskFault::QuiteFull) => return Err(Failure::Full),
            Some(DiskFault::Locked) => return Err(Failure::Busy),
            Some(DiskFault::TooBig) if inserts => {
                if batch.len() > 1 {
                    // It shows again with the record alone.
                    self.faults.push_front(DiskFault::TooBig);
                }
                return Err(Failure::TooBig);
            }
            _ => {}
        }
        let mut transaction = Transaction {
            operations: batch.to_vec(),
            written: self.clock,
            synced: self.clock,
            safety: Safety::Dirty,
            torn: fault == Some(DiskFault::Write),
        };
        if transaction.torn {
            self.log.push(transaction);
            return Err(Failure::Broken("EIO".to_owned()));
        }
        self.clock += 100 + self.draws.next() % 6000;
        if fault == Some(DiskFault::Sync) {
            transaction.safety = Safety::Forgotten;
            self.log.push(transaction);
            return Err(Failure::Broken("EIO in fsync".to_owned()));
        }
        self.log.push(transaction);
        self.sync();
        Ok(())
    }

    /// All that is dirty is safe.
    fn sync(&mut self) {
        for transaction in &mut self.log {
            if transaction.safety == Safety::Dirty {
                (transaction.safety, transaction.synced) = (Safety::Synced, self.clock);
            }
        }
    }
}

/// What a store holds of a device that others look at, too.
#[derive(Clone, Debug)]
pub(super) struct Shared(pub(super) Rc<RefCell<Device>>);

impl Disk for Shared {
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure> {
        self.0.borrow_mut().commit(batch)
    }

    fn abandon(&mut self, _: &Arc<str>) {
        self.0.borrow_mut().abandoned = true;
    }
}
