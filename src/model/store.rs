//! Jobs that outlive the server: what has to be written before it is acknowledged, what has to be
//! there after a restart, and what may be.
//!
//! The rules are those of the project, not of the protocol: a background job that was acknowledged
//! comes back until its end is on disk, under its handle, in its place among those of its priority.

use super::heard::{Divergence, Heard, Wanted, packet};
use super::jobs::{Job, Place};
use super::{Judgement, Model};
use crate::protocol::{PacketType as T, Priority, Submit};
use std::fmt;

/// The peer that hears what is given to the store.
pub const STORE: usize = usize::MAX;

/// A job, as it was given to the store or has come back from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// What the store tells of it by; of no meaning when it has come back.
    pub ticket: u64,
    /// Its handle.
    pub handle: Vec<u8>,
    /// Its function.
    pub function: Vec<u8>,
    /// Its unique.
    pub unique: Vec<u8>,
    /// Its payload.
    pub body: Vec<u8>,
    /// Its priority.
    pub priority: Priority,
    /// When it is due, in seconds since 1970.
    pub epoch: Option<u64>,
    /// The function that takes the results of a reduce job.
    pub reducer: Option<Vec<u8>>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [handle, function, unique] =
            [&self.handle, &self.function, &self.unique].map(|text| text.escape_ascii());
        let (ticket, priority, epoch) = (self.ticket, self.priority, self.epoch);
        write!(
            f,
            "\"{handle}\" written with ticket {ticket}: {priority:?} \"{function}\" \"{unique}\" \
             epoch {epoch:?} and {} bytes",
            self.body.len()
        )
    }
}

impl Written {
    /// Whether it is this job, with all it needs to be run again.
    fn is_of(&self, job: &Job) -> bool {
        let names = self.function == job.function && self.unique == job.unique;
        let rest = self.priority == job.priority && self.reducer == job.reducer;
        names && rest && self.body == job.body
    }
}

/// A submission that is not answered yet.
#[derive(Clone, Debug)]
struct Unanswered {
    /// Who submitted it, unless it has left.
    peer: Option<usize>,
    handle: Vec<u8>,
    /// It is answered when the store has told of this ticket.
    ticket: u64,
    /// The write that it depends on.
    write: u64,
}

/// A job that may come back, and need not.
#[derive(Clone, Debug)]
struct Perhaps {
    job: Job,
    /// It is gone for good once a later ticket is on disk.
    ticket: Option<u64>,
}

/// What is known of the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    unanswered: Vec<Unanswered>,
    last_ticket: u64,
    /// The last ticket whose fate is known.
    told: u64,
    /// Tickets of writes that failed while somebody waits for them.
    failed: Vec<u64>,
    perhaps: Vec<Perhaps>,
    /// All that was written: the handle, and when the job is due.
    records: Vec<(Vec<u8>, Option<u64>)>,
}

impl Store {
    /// Nobody is told any more.
    pub(super) fn forget(&mut self, peer: usize) {
        let of_peer = |waiting: &&mut Unanswered| waiting.peer == Some(peer);
        let waiting = self.unanswered.iter_mut().filter(of_peer);
        waiting.for_each(|waiting| waiting.peer = None);
    }
}

impl Model {
    /// A background submission: its answer waits for the disk, unless the job is there already.
    pub(super) fn submit_durably(
        &mut self,
        peer: usize,
        submit: &Submit<'_>,
        known: Option<usize>,
        heard: &mut Heard,
    ) -> Judgement {
        let index = match known {
            Some(index) if self.jobs[index].kept => {
                let created = packet(T::JOB_CREATED, &[&self.jobs[index].handle], b"");
                return heard.exactly(peer, "P-UNIQ-01", created);
            }
            Some(index) => index,
            None => {
                let mut job = Job::new(submit, Vec::new(), self.now, self.turn);
                job.place = match job.place {
                    Place::Delayed { due } => Place::Storing {
                        turn: self.turn,
                        due: Some(due),
                    },
                    _ => Place::Storing {
                        turn: self.turn,
                        due: None,
                    },
                };
                self.jobs.push(job);
                self.jobs.len() - 1
            }
        };
        if self.jobs[index].writing.is_none() {
            // A job that could be had before is not kept back when it returns.
            let epoch = submit.epoch.filter(|_| known.is_none());
            self.write(index, epoch, heard)?;
        }
        let job = &self.jobs[index];
        self.store.unanswered.push(Unanswered {
            peer: Some(peer),
            handle: job.handle.clone(),
            ticket: self.store.last_ticket,
            write: job.writing.unwrap_or_default(),
        });
        Ok(())
    }

    /// The job is given to the store.
    fn write(&mut self, index: usize, epoch: Option<u64>, heard: &mut Heard) -> Judgement {
        let written = heard.written()?;
        let rule = "STORE-01";
        let wrong = |what: &str| {
            let wanted = Wanted::Stored(what.to_owned());
            Err(Divergence::new(rule, wanted, format!("{written:?}")))
        };
        let job = &mut self.jobs[index];
        if job.handle.is_empty() {
            if self.handles.contains(&written.handle) {
                return wrong("a handle that never named a job");
            }
            self.handles.push(written.handle.clone());
            job.handle.clone_from(&written.handle);
        }
        if written.handle != job.handle || !written.is_of(job) {
            return wrong(&format!("all of the job {job:?}"));
        }
        if written.epoch != epoch {
            return wrong("the time that it is due");
        }
        if written.ticket <= self.store.last_ticket {
            return wrong("a ticket after the last one");
        }
        self.store.last_ticket = written.ticket;
        self.store.records.push((written.handle, written.epoch));
        job.writing = Some(written.ticket);
        Ok(())
    }

    /// Judges what came of everything up to `ticket` being on disk.
    pub fn stored(&mut self, now: u64, ticket: u64, heard: &mut Heard) -> Judgement {
        self.store
            .perhaps
            .retain(|perhaps| perhaps.ticket.is_none_or(|last| last >= ticket));
        self.told(now, ticket, true, heard)
    }

    /// Judges what came of the store not taking what it has not told of yet, up to `ticket`.
    pub fn not_stored(&mut self, now: u64, ticket: u64, heard: &mut Heard) -> Judgement {
        self.told(now, ticket, false, heard)
    }

    fn told(&mut self, now: u64, ticket: u64, safe: bool, heard: &mut Heard) -> Judgement {
        self.now = self.now.max(now);
        self.turn += 1;
        let noops = heard.take_noops();
        let is_due = |job: &Job| job.writing.is_some_and(|write| write <= ticket);
        let released = self.jobs.iter().filter(|job| is_due(job));
        self.released = released.map(|job| job.handle.clone()).collect();
        for index in (0..self.jobs.len()).rev() {
            if is_due(&self.jobs[index]) {
                self.written(index, safe);
            }
        }
        let unanswered = std::mem::take(&mut self.store.unanswered);
        let (due, later) = unanswered.into_iter().partition(|u| u.ticket <= ticket);
        self.store.unanswered = later;
        let due: Vec<Unanswered> = due;
        for Unanswered {
            peer,
            handle,
            write,
            ..
        } in due
        {
            let fails = !safe && (self.store.told + 1..=ticket).contains(&write);
            if fails && !self.store.failed.contains(&write) {
                self.store.failed.push(write);
            }
            let Some(peer) = peer else {
                continue;
            };
            match self.store.failed.contains(&write) {
                false => {
                    let created = packet(T::JOB_CREATED, &[&handle], b"");
                    heard.exactly(peer, "STORE-02", created)?;
                }
                true => heard.error(peer, "STORE-03", Some(b"QUEUE_ERROR"))?,
            }
        }
        self.store.told = ticket;
        let judged = self.end(noops, heard);
        self.released.clear();
        judged
    }

    /// The fate of a job's record is known.
    fn written(&mut self, index: usize, safe: bool) {
        let turn_now = self.turn;
        let job = &mut self.jobs[index];
        if !safe {
            // Nobody knows what is on disk after a failure.
            let ticket = None;
            let job = job.clone();
            self.store.perhaps.push(Perhaps { job, ticket });
        }
        let job = &mut self.jobs[index];
        job.writing = None;
        job.kept = safe;
        if job.is_abandoned() && !job.is_running() {
            self.jobs.remove(index);
            return;
        }
        if let Place::Storing { turn, due } = job.place {
            job.place = match due {
                Some(due) if due > self.now => Place::Delayed { due },
                Some(_) => Place::Queued { turn: turn_now },
                None => Place::Queued { turn },
            };
        }
    }

    /// A job has ended: its record goes.
    pub(super) fn remove(&mut self, job: Job, heard: &mut Heard) -> Judgement {
        if !job.outlives() || !self.rules.durable {
            return Ok(());
        }
        let removed = super::Said::Removed(job.handle.clone());
        let ticket = Some(self.store.last_ticket);
        self.store.perhaps.push(Perhaps { job, ticket });
        heard.exactly(STORE, "STORE-04", removed)
    }

    /// Judges which jobs have come back, in their order, when the server has started again at `now`
    /// (microseconds since 1970, by a clock that may have been set).
    pub fn restart(&mut self, now: u64, restored: &[Written]) -> Judgement {
        let mut before = std::mem::take(&mut self.jobs);
        let perhaps = std::mem::take(&mut self.store.perhaps);
        let mut back: Vec<(Job, Option<u64>)> = Vec::new();
        for written in restored {
            let known = before.iter().position(|job| job.handle == written.handle);
            let job = match known {
                Some(at) if before[at].outlives() => Some(before.remove(at)),
                _ => perhaps
                    .iter()
                    .map(|perhaps| &perhaps.job)
                    .find(|job| job.handle == written.handle)
                    .cloned(),
            };
            let twice = back.iter().any(|(job, _)| job.handle == written.handle);
            let record = (written.handle.clone(), written.epoch);
            let is_it = |job: &Job| written.is_of(job) && self.store.records.contains(&record);
            let Some(job) = job.filter(|job| is_it(job) && !twice) else {
                let wanted = Wanted::Stored("no job that has ended, or is another".to_owned());
                return Err(Divergence::new("STORE-05", wanted, format!("{written:?}")));
            };
            back.push((job, written.epoch));
        }
        if let Some(lost) = before.iter().find(|job| job.kept) {
            let wanted = Wanted::Stored(format!("{lost:?}, which was acknowledged"));
            let found = "nothing after the restart".to_owned();
            return Err(Divergence::new("STORE-06", wanted, found));
        }
        let mut next = Model {
            rules: self.rules,
            now,
            handles: std::mem::take(&mut self.handles),
            turn: self.turn,
            ..Model::default()
        };
        next.store.records = std::mem::take(&mut self.store.records);
        back.sort_by_key(|(job, _)| job.born);
        for (job, epoch) in back {
            next.come_back(job, epoch);
        }
        *self = next;
        Ok(())
    }

    /// A job begins anew.
    fn come_back(&mut self, mut job: Job, epoch: Option<u64>) {
        self.turn += 1;
        self.know(&job.function.clone());
        let due = epoch.map(|seconds| seconds.saturating_mul(1_000_000));
        job.place = match due {
            Some(due) if due > self.now => Place::Delayed { due },
            _ => Place::Queued { turn: self.turn },
        };
        (job.kept, job.writing, job.attempts, job.limit) = (true, None, 0, None);
        job.waiters.clear();
        job.progress = [b"0".to_vec(), b"0".to_vec()];
        self.jobs.push(job);
    }
}
