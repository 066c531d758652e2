//! Submissions that share one job: who ran for whom.

use super::End;
use crate::load::coalesce::Runner;
use crate::load::jobs::Job;
use crate::load::shard::{Shard, handle_hash};

impl Shard {
    /// A result of a job that several submissions may share: one of this client's that was given
    /// the handle is answered. The body is that of the submission that ran.
    pub(super) fn shared_result(
        &mut self,
        index: u32,
        handle: &[u8],
        named: Option<u64>,
        size: usize,
        now: u64,
    ) {
        let group = self.groups.get(handle_hash(handle));
        let runner = group.and_then(|group| group.runner);
        let Some(number) = self.waiting(index, handle) else {
            match runner {
                Some(_) => self.ledger.duplicated += 1,
                None => self.ledger.phantom += 1,
            }
            return;
        };
        let Some(job) = self.shared(number, runner) else {
            return;
        };
        let is_it = runner.is_none_or(|runner| {
            size == runner.spec.result as usize && (size == 0 || named == Some(runner.number))
        });
        if !is_it {
            self.ledger.wrong_body += 1;
            return self.failed(index, Some(number));
        }
        self.answered(index, number, &job, End::Ok, now);
    }

    /// The job as its own client sees it, though it is another submission that ran. One that
    /// joined a running job has not waited for a worker.
    pub(super) fn shared(&mut self, number: u64, runner: Option<Runner>) -> Option<Job> {
        let mut job = *self.jobs.get(number)?;
        if let Some(runner) = runner.filter(|runner| runner.number != number) {
            job.t3 = runner.t3.max(job.t1);
            job.t4 = match runner.t4 {
                0 => 0,
                t4 => t4.max(job.t3),
            };
            job.woke = false;
        }
        Some(job)
    }

    /// The submission that ran in place of this one, where several may share a job.
    pub(super) fn runner_of(&self, number: u64, job: &Job) -> Option<Runner> {
        let group = self.coalesces.then(|| self.groups.get(job.handle))??;
        group.runner.filter(|runner| runner.number != number)
    }
}
