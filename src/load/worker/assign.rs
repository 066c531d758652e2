//! A job is assigned: whether it is one of ours, whole, due, and new.

use super::held::{HandleText, Held};
use crate::load::coalesce::Runner;
use crate::load::jobs::{Found, NOBODY};
use crate::load::payload::{Bad, Kind};
use crate::load::shard::{Shard, handle_hash};
use crate::protocol::{Body, ConnId};
use crate::wire::Io;

/// A JOB_ASSIGN of any kind.
pub(super) struct Assigned<'a> {
    pub(super) handle: &'a [u8],
    pub(super) function: &'a [u8],
    /// Where the server tells it.
    pub(super) reducer: Option<&'a [u8]>,
    pub(super) body: Body<'a>,
}

impl Shard {
    #[inline]
    pub(super) fn assigned(
        &mut self,
        index: u32,
        conn: ConnId,
        assigned: &Assigned<'_>,
        now: u64,
        io: &mut Io,
    ) {
        self.wakeups.assigned += 1;
        let worker = &mut self.workers[index as usize];
        worker.grabs = worker.grabs.saturating_sub(1);
        let grabbed = worker.grabbed.pop_front();
        let woke = std::mem::take(&mut worker.woken);
        let number = match self.bodies.read(Kind::Payload, &assigned.body) {
            Ok(number) => {
                self.first_look(index, number, grabbed, now);
                self.accept(index, number, assigned, woke, now)
            }
            Err(Bad::Foreign) => {
                self.ledger.phantom += 1;
                None
            }
            Err(Bad::Damaged(number)) => {
                self.ledger.wrong_body += 1;
                self.saw_damaged(index, number, now)
            }
        };
        let service = number
            .and_then(|number| self.jobs.get(number))
            .map_or(0, |job| job.spec.service_ns);
        let stalled = self.workers[index as usize].stalled_until > now;
        match number {
            Some(number) if service > 0 || stalled => {
                let handle = HandleText::new(assigned.handle);
                let held = Held {
                    number,
                    handle,
                    steps: 0,
                };
                self.workers[index as usize].held.push(held);
                self.next_step(index, number, 1, now);
            }
            _ => self.complete(index, conn, assigned.handle, number, 0, io),
        }
    }

    /// The job that a damaged payload was for has been seen all the same.
    fn saw_damaged(&mut self, index: u32, number: Option<u64>, now: u64) -> Option<u64> {
        let job = self.jobs.get(number?)?;
        (job.t3, job.worker) = (now, index);
        number
    }

    /// Books the assignment of a job that has a good payload.
    #[inline]
    fn accept(
        &mut self,
        index: u32,
        number: u64,
        assigned: &Assigned<'_>,
        woke: bool,
        now: u64,
    ) -> Option<u64> {
        let lost_any = self.lost_workers + self.lost_clients > 0;
        let job = match self.jobs.find(number) {
            Found::Live(job) => job,
            Found::Ended => {
                self.run_again(None);
                return None;
            }
            Found::Never => {
                self.ledger.phantom += 1;
                return None;
            }
        };
        let early = job.not_before > now;
        let function = job.spec.function as usize;
        let wrong_function = *self.functions[function] != *assigned.function;
        let handle = handle_hash(assigned.handle);
        let other_handle = job.handle != 0 && job.handle != handle;
        // A server that was started again gives what its queue had kept a new handle. Nobody
        // waits for the answer to a job in the background.
        let restored = other_handle && job.spec.background && lost_any;
        if restored {
            job.handle = handle;
        }
        let wrong_handle = other_handle && !restored;
        let wrong_size = assigned.body.len() != job.spec.payload as usize;
        let reducer = self.plan.reduce.as_deref().unwrap_or_default();
        let wrong_reducer = assigned
            .reducer
            .is_some_and(|named| named != reducer.as_bytes());
        if self.coalesces {
            job.handle = handle;
            let runner = Runner {
                number,
                spec: job.spec,
                t3: now,
                t4: 0,
            };
            self.groups.runs(handle, runner);
        }
        let (before, since) = (std::mem::replace(&mut job.worker, index), job.t3);
        job.t3 = now;
        job.t4 = 0;
        job.woke = woke;
        let recovered = restored || job.orphan && job.t2 == 0;
        if wrong_function || wrong_handle || wrong_size || wrong_reducer {
            self.ledger.wrong_body += 1;
        }
        self.ledger.early += u64::from(early);
        if before != NOBODY {
            self.run_again(Some((before, since)));
        } else if recovered {
            self.ledger.recovered += 1;
        }
        Some(number)
    }

    /// A job came a second time: legal when the worker that had it, since the given time, was
    /// lost. The end of its connection may be read later than the new assignment, so where it
    /// has not been seen the judgement waits for it, at most until the books are closed. Who
    /// had a job that has ended is forgotten, so there the benefit of the doubt goes to the
    /// server if any peer is lost.
    fn run_again(&mut self, before: Option<(u32, u64)>) {
        let Some((worker, since)) = before else {
            self.ended_again += 1;
            return;
        };
        match self.workers.get_mut(worker as usize) {
            Some(worker) if worker.lost_at >= since => self.ledger.rerun += 1,
            Some(worker) => worker.taken_from += 1,
            None => self.ledger.duplicated += 1,
        }
    }

    /// Whether a second run still waits for its explanation.
    pub(crate) fn has_second_runs(&self) -> bool {
        self.ended_again > 0 || self.workers.iter().any(|worker| worker.taken_from > 0)
    }

    /// The second runs that no lost worker explains are duplicates.
    pub(crate) fn judge_second_runs(&mut self) {
        for worker in &mut self.workers {
            self.ledger.duplicated += std::mem::take(&mut worker.taken_from);
        }
        let again = std::mem::take(&mut self.ended_again);
        match self.lost_workers + self.lost_clients {
            0 => self.ledger.duplicated += again,
            _ => self.ledger.rerun += again,
        }
    }
}
