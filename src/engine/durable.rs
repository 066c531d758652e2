//! Jobs that a store keeps: what is written of them, and when their submitters hear of it.
//!
//! With [`Policy::durable`](super::Policy::durable) a background job is written before it is
//! acknowledged, and no worker gets it before. The engine numbers what it writes with tickets;
//! the driver says which tickets are on disk, in their order.

use super::jobs::{Kept, NewJob, State};
use super::keys::JobKey;
use super::{JobServer, Outbox, Timestamp};
use crate::mutants::{Mutant, on};
use crate::protocol::{Body, ConnId, Priority, Response};

/// What a store keeps of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The number in the job's handle; it never names another job of the same store.
    pub number: u64,
    /// Its function.
    pub function: &'a [u8],
    /// Its unique; may be empty.
    pub unique: &'a [u8],
    /// Its payload.
    pub body: Body<'a>,
    /// Its priority.
    pub priority: Priority,
    /// When it is due, in seconds since 1970; `None` is at once.
    pub epoch: Option<u64>,
    /// The function that takes the results of a reduce job.
    pub reducer: Option<&'a [u8]>,
}

/// An answer that waits for the disk.
#[derive(Debug)]
pub(super) struct Held {
    /// Nothing up to this ticket is outstanding when it is sent.
    ticket: u64,
    /// The ticket with which its job was written, which may be an earlier one.
    write: u64,
    conn: ConnId,
    key: JobKey,
    number: u64,
    /// The write of its job failed though another's of the same ticket did not.
    refused: bool,
}

impl JobServer {
    /// A background submission: of a new job, or one that joins a known one.
    pub(super) fn submit_durably(
        &mut self,
        conn: ConnId,
        key: JobKey,
        epoch: Option<u64>,
        is_new: bool,
        out: &mut impl Outbox,
    ) {
        let now = self.now;
        let job = &mut self.jobs[key];
        if is_new {
            job.state = State::Storing;
            if let Some(due) = epoch.map(Timestamp::from_secs).filter(|&due| due > now) {
                job.extra().timer = Some(due);
            }
            self.functions[job.function].storing += 1;
        }
        let mut write = self.last_ticket + 1;
        match self.jobs[key].kept {
            Kept::OnDisk => return self.acknowledge(conn, key, out),
            Kept::Writing => {
                let first = self.held.iter().rfind(|held| held.key == key);
                write = first.map_or(write, |held| held.write);
            }
            Kept::No | Kept::InMemory => {
                self.jobs[key].kept = Kept::Writing;
                self.last_ticket = write;
                // A job that is not new could be had before: it is not kept back when it returns.
                let epoch = epoch.filter(|_| is_new);
                out.store(self.last_ticket, &self.record(key, epoch));
            }
        }
        out.hold(conn);
        self.held.push_back(Held {
            ticket: self.last_ticket,
            write,
            conn,
            key,
            number: self.jobs[key].number,
            refused: false,
        });
    }

    /// With this defect the record of a job that ends stays in the store.
    #[inline]
    pub(super) fn keep_record(&mut self, mutant: Mutant, key: JobKey) {
        if on(mutant) {
            self.jobs[key].kept = Kept::InMemory;
        }
    }

    fn record(&self, key: JobKey, epoch: Option<u64>) -> Record<'_> {
        let job = &self.jobs[key];
        Record {
            number: job.number,
            function: &self.functions[job.function].name,
            unique: job.unique(),
            body: job.body(),
            priority: job.priority,
            epoch,
            reducer: job.reducer(),
        }
    }

    /// Everything up to `ticket` is on disk.
    pub(super) fn stored(&mut self, ticket: u64, out: &mut impl Outbox) {
        while let Some(held) = self.pop_held(ticket) {
            if held.refused {
                self.refuse_held(&held, "it could not be stored", out);
                continue;
            }
            self.acknowledge_held(&held, out);
            let job = self.jobs.get_mut(held.key);
            if let Some(job) = job.filter(|job| job.kept == Kept::Writing) {
                job.kept = Kept::OnDisk;
                self.leave_store(held.key, out);
            }
        }
        self.told = ticket;
    }

    /// What was not answered yet up to `ticket` is not on disk and will not be.
    pub(super) fn not_stored(&mut self, ticket: u64, reason: &str, out: &mut impl Outbox) {
        let told = std::mem::replace(&mut self.told, ticket);
        while let Some(held) = self.pop_held(ticket) {
            if held.write <= told && !held.refused {
                // Its job is on disk: it waited for its turn only.
                self.acknowledge_held(&held, out);
                continue;
            }
            self.refuse_held(&held, reason, out);
            if held.refused {
                // It says nothing of a later write of its job.
                continue;
            }
            // Whoever joined it in between was told nothing yet, either.
            let with_it = |other: &&mut Held| (other.key, other.write) == (held.key, held.write);
            let joined = self.held.iter_mut().filter(with_it);
            joined.for_each(|other| other.refused = true);
            let job = self.jobs.get_mut(held.key);
            let Some(job) = job.filter(|job| job.kept == Kept::Writing) else {
                continue;
            };
            job.kept = Kept::No;
            if self.jobs[held.key].is_abandoned() && self.jobs[held.key].worker().is_none() {
                self.drop_job(held.key, out);
            } else {
                // Clients wait for it: they were never promised that it is stored.
                self.leave_store(held.key, out);
            }
        }
    }

    fn pop_held(&mut self, ticket: u64) -> Option<Held> {
        match self.held.front()?.ticket <= ticket {
            true => self.held.pop_front(),
            false => None,
        }
    }

    fn acknowledge_held(&self, held: &Held, out: &mut impl Outbox) {
        let handle = self.policy.handle_prefix.handle(held.number);
        out.fill(held.conn, Response::JobCreated { handle: &handle });
    }

    fn refuse_held(&self, held: &Held, reason: &str, out: &mut impl Outbox) {
        let text = format!("The job was not accepted: {reason}");
        let (code, text) = (b"QUEUE_ERROR".as_slice(), text.as_bytes());
        out.fill(held.conn, Response::Error { code, text });
    }

    /// A job that waited for the disk only is queued, or waits for its time.
    fn leave_store(&mut self, key: JobKey, out: &mut impl Outbox) {
        let job = &mut self.jobs[key];
        if job.state != State::Storing {
            return;
        }
        let due = job.extra.as_mut().and_then(|extra| extra.timer.take());
        self.functions[job.function].storing -= 1;
        match due {
            Some(due) if due <= self.now => self.enqueue_anew(key, out),
            Some(_) => self.start(key, due, out),
            None => self.enqueue_in_turn(key, out),
        }
    }

    /// Takes in a job that a store has kept, with its number. Called before any peer connects, in
    /// the order of the numbers. Whether it is a job of its own: one with the function and unique
    /// of another is the same job, and not taken in.
    pub fn restore(&mut self, now: Timestamp, record: &Record<'_>) -> bool {
        self.now = self.now.max(now);
        let function = self.functions.intern(record.function);
        let new = NewJob {
            function,
            unique: record.unique,
            body: record.body,
            priority: record.priority,
            background: true,
            reducer: record.reducer,
        };
        if self.jobs.by_number(record.number).is_some() || self.jobs.find_same(&new).is_some() {
            return false;
        }
        let key = self.jobs.insert(&new, Some(record.number));
        self.jobs[key].kept = Kept::OnDisk;
        let due = record.epoch.map(Timestamp::from_secs);
        self.start(key, due, &mut Nobody);
        true
    }
}

/// Where nobody listens: there are no peers yet.
pub(super) struct Nobody;

impl Outbox for Nobody {
    fn send(&mut self, _: ConnId, _: Response<'_>) {}
    fn text(&mut self, _: ConnId, _: &[u8]) {}
    fn close(&mut self, _: ConnId) {}
}
