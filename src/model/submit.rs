//! Submissions.

use super::jobs::Job;
use super::{Deviation, Divergence, Heard, Judgement, Model, Wanted, packet};
use crate::protocol::{PacketType as T, Submit};

impl Model {
    pub(super) fn submit(
        &mut self,
        peer: usize,
        submit: &Submit<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        let same = |job: &Job| job.is_same(submit);
        let alive = self.jobs.iter().position(|job| same(job) && !job.dropped);
        let known = alive.or_else(|| self.jobs.iter().position(same));
        // A dropped job of another function may be joined, where functions are forgotten without
        // their jobs.
        let forgotten = |job: &Job| job.dropped && job.unique == submit.unique;
        let forgotten = self.jobs.iter().any(forgotten);
        if known.is_none() && !forgotten && self.is_full(submit, false) {
            return self.refused(peer, "P-MAXQ-01", b"QUEUE_ERROR", heard);
        }
        // Dropped jobs may be gone, or still take up room.
        let crowded = alive.is_none() && self.is_full(submit, true);
        if crowded && heard.error(peer, "P-MAXQ-01", Some(b"QUEUE_ERROR")).is_ok() {
            return Ok(());
        }
        self.know(submit.function);
        if submit.background && self.rules.durable {
            return self.submit_durably(peer, submit, known, heard);
        }
        let handle = heard.handle(peer, "P-SUB-01")?;
        let known = self.joined_dropped(submit, &handle).or(known);
        // What is not accepted is given back.
        let refused = (peer, packet(T::JOB_CREATED, &[&handle], b""));
        let index = match known {
            Some(index) if self.jobs[index].handle == handle => {
                let job = &self.jobs[index];
                if job.dropped && !job.is_running() && self.meets(Deviation::DroppedJobsReturn) {
                    self.jobs[index].dropped = false;
                }
                index
            }
            Some(index) if !self.jobs[index].dropped => {
                let wanted = packet(T::JOB_CREATED, &[&self.jobs[index].handle], b"");
                let found = format!("\"{}\"", handle.escape_ascii());
                return Err(Divergence::new(
                    "P-UNIQ-01",
                    Wanted::one(peer, wanted),
                    found,
                ));
            }
            _ if self.handles.contains(&handle) => {
                heard.0.push(refused);
                let found = format!("\"{}\", which named a job before", handle.escape_ascii());
                return Err(Divergence::new("P-SUB-17", Wanted::Handle(peer), found));
            }
            // A dropped job of that unique may be gone.
            _ => {
                self.handles.push(handle.clone());
                self.jobs
                    .push(Job::new(submit, handle, self.now, self.turn));
                self.jobs.len() - 1
            }
        };
        if !submit.background {
            self.jobs[index].waiters.push(peer);
        } else if !self.jobs[index].kept {
            let forgotten = known == Some(index) && self.meets(Deviation::GuestTakesJobAlong);
            self.jobs[index].kept = !forgotten;
        }
        Ok(())
    }

    /// The dropped job that the submission was joined to; where functions are forgotten without
    /// their jobs, one of another function, too.
    fn joined_dropped(&mut self, submit: &Submit<'_>, handle: &[u8]) -> Option<usize> {
        let is = |job: &Job| job.dropped && job.handle == handle && job.unique == submit.unique;
        let index = self.jobs.iter().position(is)?;
        let same = self.jobs[index].function == submit.function;
        (same || self.meets(Deviation::DropForgetsJobs)).then_some(index)
    }

    /// The limit counts all jobs of the function, whatever their priority; with dropped ones, where
    /// they linger.
    pub(super) fn is_full(&self, submit: &Submit<'_>, dropped: bool) -> bool {
        let function = self.functions.iter().find(|f| f.name == submit.function);
        let limit = function.and_then(|f| f.limits[submit.priority as usize]);
        let jobs = self
            .jobs
            .iter()
            .filter(|job| job.function == submit.function && (dropped || !job.dropped));
        limit.is_some_and(|limit| jobs.count() >= limit as usize)
    }
}
