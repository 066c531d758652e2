//! The thread that writes: all that waits in one transaction, and the next gathers meanwhile.

use super::disk::{Change, Disk, Fault, OwnedRecord};
use super::health::{Health, State};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long the end of a job that could not be written waits for the next attempt.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// What became of the records up to a ticket that were not reported before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The ticket.
    pub ticket: u64,
    /// Why they are not on disk, if they are not: the rest of a sentence.
    pub result: Result<(), &'static str>,
}

/// What the owner of the engine asks for.
#[derive(Debug)]
pub(super) enum Op {
    Insert(u64, OwnedRecord),
    Delete(u64),
    /// A record that was refused before it came here; reported in its turn.
    Refuse(u64, &'static str),
}

#[derive(Debug, Default)]
struct Waiting {
    ops: Vec<Op>,
    closed: bool,
}

/// Between the owner and the committer.
#[derive(Debug, Default)]
pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    came: Condvar,
    pub(super) health: Arc<Health>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds it can panic half way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, op: Op) {
        let mut waiting = self.lock();
        let was_empty = waiting.ops.is_empty();
        waiting.ops.push(op);
        drop(waiting);
        if was_empty {
            self.came.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_one();
    }

    /// All that waits, and whether it is the last; with something `owed` it does not wait long.
    fn take(&self, owed: bool) -> (Vec<Op>, bool) {
        let mut waiting = self.lock();
        while waiting.ops.is_empty() && !waiting.closed {
            if !owed {
                waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (guard, timeout) = self
                .came
                .wait_timeout(waiting, TRY_AGAIN)
                .unwrap_or_else(PoisonError::into_inner);
            waiting = guard;
            if timeout.timed_out() {
                break;
            }
        }
        let closed = waiting.closed && waiting.ops.is_empty();
        (std::mem::take(&mut waiting.ops), closed)
    }
}

/// The committer.
pub(super) struct Committer<D> {
    pub(super) disk: D,
    pub(super) shared: Arc<Shared>,
    pub(super) outcomes: mpsc::UnboundedSender<Outcome>,
    /// Jobs that ended and are still on disk.
    pub(super) owed: VecDeque<u64>,
}

impl<D: Disk> Committer<D> {
    /// Works until the store is closed and all is written that can be.
    pub(super) fn run(mut self) {
        loop {
            let (ops, closed) = self.shared.take(!self.owed.is_empty());
            self.write(&ops);
            if closed {
                return;
            }
        }
    }

    fn write(&mut self, ops: &[Op]) {
        let result = match self.shared.health.state() {
            State::Failed => Err(Fault::Failed(String::new())),
            _ => self.commit(ops),
        };
        match result {
            Ok(()) => {
                self.owed.clear();
                self.shared.health.set(State::Good);
                self.report(ops, Ok(()));
            }
            Err(fault) => self.fail(ops, &fault),
        }
        for op in ops {
            if let Op::Insert(_, record) = op {
                self.shared.health.settled(record.size());
            }
        }
    }

    fn commit(&mut self, ops: &[Op]) -> Result<(), Fault> {
        let owed = self.owed.iter().map(|&number| Change::Delete(number));
        let new = ops.iter().filter_map(|op| match op {
            Op::Insert(_, record) => Some(Change::Insert(record)),
            Op::Delete(number) => Some(Change::Delete(*number)),
            Op::Refuse(..) => None,
        });
        let changes: Vec<_> = owed.chain(new).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        self.disk.commit(&changes)?;
        self.shared.health.committed(start.elapsed());
        Ok(())
    }

    /// Nothing of `ops` is on disk: records are refused, the ends of jobs are not forgotten.
    fn fail(&mut self, ops: &[Op], fault: &Fault) {
        let (state, reason) = match fault {
            Fault::Locked => (State::Locked, "the store is locked by another process"),
            Fault::Full => (State::Full, "the store is full"),
            Fault::Failed(_) => (State::Failed, "the store has failed"),
        };
        if let Fault::Failed(error) = fault
            && self.shared.health.state() != State::Failed
        {
            tracing::error!(%error, "the store has failed: no background job is accepted any more");
            self.disk.abandon();
        } else if self.shared.health.state() != state {
            tracing::warn!("{reason}: background jobs are refused meanwhile");
        }
        self.shared.health.set(state);
        self.report(ops, Err(reason));
        match state {
            State::Failed => self.owed.clear(),
            _ => self.owe(ops, state),
        }
    }

    fn owe(&mut self, ops: &[Op], state: State) {
        let ended = ops.iter().filter_map(|op| match op {
            Op::Delete(number) => Some(*number),
            _ => None,
        });
        self.owed.extend(ended);
        // The end of a job makes room, and needs none or little.
        if state == State::Full && !self.owed.is_empty() && self.commit(&[]).is_ok() {
            self.owed.clear();
        }
    }

    /// Tells the owner, in the order of the tickets.
    fn report(&self, ops: &[Op], result: Result<(), &'static str>) {
        let mut last: Option<Outcome> = None;
        for op in ops {
            let (ticket, result) = match op {
                Op::Insert(ticket, _) => (*ticket, result),
                Op::Refuse(ticket, reason) => (*ticket, Err(*reason)),
                Op::Delete(_) => continue,
            };
            let outcome = Outcome { ticket, result };
            if let Some(last) = last.replace(outcome.clone())
                && last.result != outcome.result
            {
                self.tell(last);
            }
        }
        if let Some(last) = last {
            self.tell(last);
        }
    }

    fn tell(&self, outcome: Outcome) {
        // An owner that is gone has nobody to tell.
        let _ = self.outcomes.send(outcome);
    }
}
