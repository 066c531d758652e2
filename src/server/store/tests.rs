//! The committer on a disk that does what the test says.

#[cfg(feature = "conform")]
mod power;

use super::batches::{Disk, Failure, Operation};
use super::committer::Committer;
use super::{Outcome, Row};
use crate::protocol::Priority;
use bytes::Bytes;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Tells what it is asked to commit, and waits to be told how that goes.
#[derive(Debug)]
struct Scripted {
    asked: Sender<Vec<String>>,
    verdicts: Receiver<Result<(), Failure>>,
}

impl Disk for Scripted {
    fn commit(&mut self, batch: &[Operation]) -> Result<(), Failure> {
        let names = batch.iter().map(|operation| match operation {
            Operation::Insert(ticket, _) => format!("+{ticket}"),
            Operation::Delete(number) => format!("-{number}"),
            Operation::Refuse(ticket) => format!("!{ticket}"),
        });
        self.asked.send(names.collect()).expect("the test listens");
        self.verdicts.recv().unwrap_or(Ok(()))
    }
}

struct Bench {
    committer: Committer,
    asked: Receiver<Vec<String>>,
    verdicts: Sender<Result<(), Failure>>,
    outcomes: UnboundedReceiver<Outcome>,
}

impl Bench {
    fn new() -> Self {
        let (ask, asked) = channel();
        let (verdicts, told) = channel();
        let (sender, outcomes) = unbounded_channel();
        let disk = Scripted {
            asked: ask,
            verdicts: told,
        };
        let committer = Committer::start(Box::new(disk), sender).expect("a thread");
        Bench {
            committer,
            asked,
            verdicts,
            outcomes,
        }
    }

    fn insert(&self, ticket: u64) {
        let row = Row {
            number: ticket,
            function: b"f".as_slice().into(),
            unique: Box::default(),
            body: Bytes::from_static(b"body"),
            priority: Priority::Normal,
            epoch: None,
            reducer: None,
        };
        self.committer.give(Operation::Insert(ticket, row));
    }

    fn delete(&self, number: u64) {
        self.committer.give(Operation::Delete(number));
    }

    /// The next transaction is this one, and ends so.
    fn commit(&self, batch: &[&str], verdict: Result<(), Failure>) {
        assert_eq!(self.asked.recv().expect("a transaction"), batch);
        self.verdicts.send(verdict).expect("the disk listens");
    }

    fn told(&mut self) -> Outcome {
        self.outcomes.blocking_recv().expect("an outcome")
    }
}

fn not_stored(ticket: u64, reason: &str) -> Outcome {
    Outcome::NotStored(ticket, reason.into())
}

#[test]
fn what_comes_during_a_transaction_is_the_next_one() {
    let mut bench = Bench::new();
    bench.insert(1);
    assert_eq!(bench.asked.recv().expect("a transaction"), ["+1"]);
    bench.insert(2);
    bench.delete(1);
    bench.insert(3);
    assert!(bench.outcomes.try_recv().is_err(), "acknowledged too early");
    bench.verdicts.send(Ok(())).expect("the disk listens");
    assert_eq!(bench.told(), Outcome::Stored(1));
    bench.commit(&["+2", "-1", "+3"], Ok(()));
    assert_eq!(bench.told(), Outcome::Stored(3));
}

#[test]
fn a_full_disk_refuses_jobs_and_records_their_ends() {
    let mut bench = Bench::new();
    bench.insert(1);
    assert_eq!(bench.asked.recv().expect("a transaction"), ["+1"]);
    bench.insert(2);
    bench.delete(1);
    bench.verdicts.send(Ok(())).expect("the disk listens");
    bench.commit(&["+2", "-1"], Err(Failure::Full));
    bench.commit(&["-1"], Ok(()));
    assert_eq!(bench.told(), Outcome::Stored(1));
    assert_eq!(bench.told(), not_stored(2, "the store is full"));
    bench.insert(3);
    bench.commit(&["+3"], Ok(()));
    assert_eq!(bench.told(), Outcome::Stored(3));
}

/// Also where only removals were left to write.
#[test]
fn a_sync_that_fails_after_a_refusal_is_not_tried_again() {
    let mut bench = Bench::new();
    bench.insert(1);
    assert_eq!(bench.asked.recv().expect("a transaction"), ["+1"]);
    bench.insert(2);
    bench.delete(1);
    bench.verdicts.send(Ok(())).expect("the disk listens");
    bench.commit(&["+2", "-1"], Err(Failure::Full));
    bench.commit(&["-1"], Err(Failure::Broken("EIO".to_owned())));
    assert_eq!(bench.told(), Outcome::Stored(1));
    assert_eq!(bench.told(), not_stored(2, "the store is full"));
    bench.insert(3);
    assert_eq!(bench.told(), not_stored(3, "the store failed (EIO)"));
    drop(bench.committer);
    assert!(bench.asked.try_recv().is_err(), "a failed disk was touched");
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_or_written() {
    let mut bench = Bench::new();
    bench.insert(1);
    bench.commit(&["+1"], Err(Failure::Broken("EIO".to_owned())));
    assert_eq!(bench.told(), not_stored(1, "the store failed (EIO)"));
    assert_eq!(
        bench.committer.figures().failure.as_deref(),
        Some("the store failed (EIO)")
    );
    bench.insert(2);
    assert_eq!(bench.told(), not_stored(2, "the store failed (EIO)"));
    drop(bench.committer);
    assert!(bench.asked.try_recv().is_err(), "a failed disk was touched");
}

#[test]
fn closing_writes_what_waits_and_what_is_overdue() {
    let bench = Bench::new();
    bench.delete(7);
    bench.commit(&["-7"], Err(Failure::Busy));
    bench.commit(&["-7"], Err(Failure::Busy));
    drop(bench.verdicts);
    drop(bench.committer);
    assert_eq!(bench.asked.try_recv().expect("a last attempt"), ["-7"]);
}

#[test]
fn too_much_that_waits_is_refused_in_its_turn() {
    let mut bench = Bench::new();
    bench.committer.limit(400);
    bench.insert(1);
    assert_eq!(bench.asked.recv().expect("a transaction"), ["+1"]);
    (2..=9).for_each(|ticket| bench.insert(ticket));
    bench.verdicts.send(Ok(())).expect("the disk listens");
    assert_eq!(bench.told(), Outcome::Stored(1));
    let mut outcomes = Vec::new();
    drop(bench.verdicts);
    drop(bench.committer);
    while let Some(outcome) = bench.outcomes.blocking_recv() {
        outcomes.push(outcome);
    }
    assert_eq!(
        outcomes.last(),
        Some(&not_stored(9, "too much waits for the disk"))
    );
}

#[test]
fn a_disk_that_hangs_does_not_keep_the_server() {
    let mut bench = Bench::new();
    bench.committer.wait_at_the_end(Duration::from_millis(10));
    bench.insert(1);
    assert_eq!(bench.asked.recv().expect("a transaction"), ["+1"]);
    drop(bench.committer);
    assert!(bench.outcomes.try_recv().is_err(), "acknowledged");
    drop(bench.verdicts);
}
