//! The first answer to a submission: a handle, or a refusal.

use super::End;
use crate::load::jobs::Job;
use crate::load::shard::{Shard, handle_hash};
use crate::load::tally::Phase;

impl Shard {
    /// JOB_CREATED: answers come in the order of the submissions.
    pub(super) fn acknowledged(&mut self, index: u32, handle: &[u8], now: u64) {
        let client = &mut self.clients[index as usize];
        let Some(number) = client.unacked.pop_front() else {
            self.unexpected += 1;
            return;
        };
        let Some(job) = self.jobs.get(number) else {
            return;
        };
        job.t2 = now;
        job.handle = handle_hash(handle);
        // One that waits for its time has no place until then.
        if job.not_before == 0 {
            self.order
                .acked(job.spec.function, job.spec.priority, &mut job.place);
        }
        let job = *job;
        self.tallies[usize::from(job.phase)].record(|recorder| recorder.acknowledged(&job));
        let done = self.coalesces && self.join(number, job.handle);
        if !job.spec.background {
            return;
        }
        self.clients[index as usize].busy -= 1;
        if self.phase == Phase::Flood {
            self.tally().completed += 1;
        }
        if job.t4 > 0 || done {
            self.background_done(number, &job);
        }
    }

    /// A submission was given a handle that others may have as well. Whether their job has run.
    fn join(&mut self, number: u64, handle: u64) -> bool {
        let joined = self.groups.join(handle, number);
        let jobs = &mut self.jobs;
        self.groups.trim(|number| jobs.get(number).is_some());
        if let Some(job) = jobs.get(number).filter(|_| joined) {
            job.joined = true;
            self.ledger.coalesced += 1;
        }
        self.groups.get(handle).is_some_and(|group| group.done)
    }

    /// ERROR answers the oldest submission.
    pub(super) fn refused(&mut self, index: u32, code: &[u8], text: &[u8]) {
        let client = &mut self.clients[index as usize];
        let Some(number) = client.unacked.pop_front() else {
            self.unexpected += 1;
            return;
        };
        let counted = self.count(number, End::Error);
        self.jobs.end(number);
        self.clients[index as usize].forget(number, !counted);
        self.first_refusal
            .get_or_insert_with(|| format!("{} \"{}\"", code.escape_ascii(), text.escape_ascii()));
    }

    /// A background job has been acknowledged and run, in whatever order.
    pub(crate) fn background_done(&mut self, number: u64, job: &Job) {
        self.tallies[usize::from(job.phase)].record_background(job);
        let fate = self
            .runner_of(number, job)
            .map_or(job.spec.fate, |runner| runner.spec.fate);
        self.count(number, End::of(fate));
        self.jobs.end(number);
        if self.phase != Phase::Flood {
            self.tally().completed += 1;
        }
    }
}
