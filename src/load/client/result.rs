//! The answer that a client waits for: whose it is, and whether it is the right one.

use super::End;
use crate::load::jobs::{Found, Job};
use crate::load::payload::{HEADER, Kind};
use crate::load::shard::{Shard, handle_hash};

impl Shard {
    /// The foreground job of this client that `handle` names.
    pub(super) fn waiting(&mut self, index: u32, handle: &[u8]) -> Option<u64> {
        let hash = handle_hash(handle);
        let waiting = &self.clients[index as usize].waiting;
        let jobs = &mut self.jobs;
        let is = |number: &&u64| jobs.get(**number).is_some_and(|job| job.handle == hash);
        waiting.iter().find(is).copied()
    }

    /// WORK_COMPLETE.
    #[inline]
    pub(super) fn result(&mut self, index: u32, handle: &[u8], body: &[u8], now: u64) {
        let named = match body.len() >= HEADER {
            true => self.bodies.read(Kind::Result, body).ok(),
            false => None,
        };
        if self.coalesces {
            return self.shared_result(index, handle, named, body.len(), now);
        }
        let Some(number) = named else {
            return self.result_by_handle(index, handle, body, now);
        };
        let job = match self.jobs.find(number) {
            Found::Live(job) => *job,
            Found::Ended => return self.strange_result(index, handle, true),
            Found::Never => return self.strange_result(index, handle, false),
        };
        let is_its_handle = job.handle == 0 || job.handle == handle_hash(handle);
        let is_its_size = body.len() == job.spec.result as usize;
        if job.client != index || !is_its_handle || !is_its_size {
            self.ledger.wrong_body += 1;
            let owner = self.waiting(index, handle);
            return self.failed(index, owner);
        }
        self.answered(index, number, &job, End::Ok, now);
    }

    /// A result of a job that has `ended`, or that never was. When its handle is that of a job
    /// that waits, that job was given the wrong result.
    fn strange_result(&mut self, index: u32, handle: &[u8], ended: bool) {
        let owner = self.waiting(index, handle);
        match (owner, ended) {
            (Some(_), _) => self.ledger.wrong_body += 1,
            (None, true) => self.ledger.duplicated += 1,
            (None, false) => self.ledger.phantom += 1,
        }
        self.failed(index, owner);
    }

    /// A result without a readable header: the handle says whose it should be.
    fn result_by_handle(&mut self, index: u32, handle: &[u8], body: &[u8], now: u64) {
        let Some(number) = self.waiting(index, handle) else {
            self.ledger.phantom += 1;
            return;
        };
        let Some(job) = self.jobs.get(number).map(|job| *job) else {
            return;
        };
        // Who answers a job that nobody ran cannot know its result either: one fault, not two.
        if job.t3 == 0 {
            self.ledger.phantom += 1;
            return self.failed(index, Some(number));
        }
        if !(body.is_empty() && job.spec.result == 0) {
            self.ledger.wrong_body += 1;
            return self.failed(index, Some(number));
        }
        self.answered(index, number, &job, End::Ok, now);
    }

    pub(super) fn work_failed(&mut self, index: u32, handle: &[u8], now: u64) {
        // gearmand ends some handles by a NUL, and sends WORK_FAIL after an exception.
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let number = self.waiting(index, handle);
        if let Some((number, job)) =
            number.and_then(|number| Some((number, *self.jobs.get(number)?)))
        {
            let runner = self.runner_of(number, &job);
            let fate = runner.map_or(job.spec.fate, |runner| runner.spec.fate);
            let seen = self.shared(number, runner).filter(|job| job.t3 > 0);
            if let (End::Told, Some(job)) = (End::of(fate), seen) {
                return self.answered(index, number, &job, End::Told, now);
            }
        }
        self.failed(index, number);
    }

    /// The job's own result came, or the failure that it was to have.
    #[inline]
    pub(super) fn answered(&mut self, index: u32, number: u64, job: &Job, end: End, now: u64) {
        if job.t3 == 0 {
            // None of our workers has seen it.
            self.ledger.phantom += 1;
            return self.failed(index, Some(number));
        }
        if !self.has_all_parts(number, job) {
            self.ledger.wrong_body += 1;
            return self.failed(index, Some(number));
        }
        if job.timed_out {
            self.ledger.late += 1;
            self.jobs.end(number);
            self.clients[index as usize].forget(number, true);
            return;
        }
        let open = self.open;
        self.tallies[usize::from(job.phase)].record(|recorder| recorder.answered(job, open, now));
        self.seconds.record(job.response(open, now));
        self.count(number, end);
        self.tally().completed += 1;
        self.jobs.end(number);
        self.clients[index as usize].forget(number, false);
    }

    /// Whether all parts of a result have come before its end; who joined a running job has
    /// missed some.
    pub(super) fn has_all_parts(&self, number: u64, job: &Job) -> bool {
        job.parts == self.plan.chunks || self.runner_of(number, job).is_some()
    }

    /// A foreground job has ended, but not well.
    pub(super) fn failed(&mut self, index: u32, number: Option<u64>) {
        let Some(number) = number else {
            return;
        };
        let timed_out = !self.count(number, End::Failed);
        self.jobs.end(number);
        self.clients[index as usize].forget(number, timed_out);
    }
}
