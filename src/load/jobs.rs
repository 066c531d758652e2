//! The jobs that have no end yet, found by their number.
//!
//! Numbers grow by one, so the live jobs lie in a window over them: to find one is an index, not
//! a hash, and nothing is allocated per job. A job that stays behind moves out of the window, so
//! that one lost job does not hold the memory of all that follow it.

use super::draw::Spec;
use super::order::Place;
use crate::mutants::{Mutant, on};
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Nobody: no client, no worker.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Jobs in the window below which nobody is moved out of it.
const WINDOW: usize = 64 * 1024;

/// One job, from its submission to its end. Times are nanoseconds of the run's clock; 0 is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) spec: Spec,
    /// Intended start, handed to the kernel, JOB_CREATED, JOB_ASSIGN, result handed to the kernel.
    pub(crate) t0: u64,
    pub(crate) t1: u64,
    pub(crate) t2: u64,
    pub(crate) t3: u64,
    pub(crate) t4: u64,
    /// Hash of the handle, once it is known.
    pub(crate) handle: u64,
    /// Where it stands in its queue.
    pub(crate) place: Place,
    /// It may not run before.
    pub(crate) not_before: u64,
    /// Parts of its result that have come.
    pub(crate) parts: u32,
    pub(crate) client: u32,
    /// Who ran it last.
    pub(crate) worker: u32,
    /// Phase that it belongs to.
    pub(crate) phase: u8,
    /// It met a worker that had just been woken.
    pub(crate) woke: bool,
    /// Its end is in the ledger, though something may still come.
    pub(crate) counted: bool,
    /// It timed out.
    pub(crate) timed_out: bool,
    /// It shares the job of an earlier submission.
    pub(crate) joined: bool,
    /// Its client is gone; whether the server has it is unknown.
    pub(crate) orphan: bool,
    /// Nothing can come any more.
    done: bool,
}

impl Job {
    pub(crate) fn new(spec: Spec, client: u32, phase: u8, t0: u64) -> Self {
        Job {
            spec,
            t0,
            t1: 0,
            t2: 0,
            t3: 0,
            t4: 0,
            handle: 0,
            place: Place::default(),
            not_before: 0,
            parts: 0,
            client,
            worker: NOBODY,
            phase,
            woke: false,
            counted: false,
            timed_out: false,
            joined: false,
            orphan: false,
            done: false,
        }
    }

    /// What a user has waited by `at`: from the intended start in an open loop, else from the
    /// submission.
    #[inline]
    pub(crate) fn response(&self, open: bool, at: u64) -> u64 {
        let start = if (open && !on(Mutant::LatencyFromSend)) || self.t1 == 0 {
            self.t0
        } else {
            self.t1
        };
        at.saturating_sub(start)
    }
}

/// What a number names.
pub(crate) enum Found<'a> {
    /// A job without an end.
    Live(&'a mut Job),
    /// A job that has ended.
    Ended,
    /// No job yet.
    Never,
}

/// All jobs without an end.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// Number of the window's first job.
    base: u64,
    window: VecDeque<Job>,
    stragglers: HashMap<u64, Job, foldhash::fast::FixedState>,
    live: usize,
}

impl Jobs {
    /// Number of the next job.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.window.len() as u64
    }

    /// Jobs without an end.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Adds a job under the next number.
    #[inline]
    pub(crate) fn push(&mut self, job: Job) {
        self.live += 1;
        self.window.push_back(job);
        if self.window.len() > WINDOW && self.window.len() > 4 * self.live {
            self.move_out();
        }
    }

    fn move_out(&mut self) {
        if let Some(job) = self.window.pop_front() {
            self.stragglers.insert(self.base, job);
            self.base += 1;
        }
        self.trim();
    }

    #[inline]
    pub(crate) fn find(&mut self, number: u64) -> Found<'_> {
        if number >= self.next() {
            return Found::Never;
        }
        let job = match number.checked_sub(self.base) {
            Some(index) => self.window.get_mut(index as usize),
            None => self.stragglers.get_mut(&number),
        };
        match job {
            Some(job) if !job.done => Found::Live(job),
            _ => Found::Ended,
        }
    }

    /// A job without an end.
    #[inline]
    pub(crate) fn get(&mut self, number: u64) -> Option<&mut Job> {
        match self.find(number) {
            Found::Live(job) => Some(job),
            _ => None,
        }
    }

    /// Ends a job: nothing can come for it any more.
    #[inline]
    pub(crate) fn end(&mut self, number: u64) {
        let Some(index) = number.checked_sub(self.base) else {
            if self.stragglers.remove(&number).is_some() {
                self.live -= 1;
            }
            return;
        };
        if let Some(job) = self.window.get_mut(index as usize).filter(|job| !job.done) {
            job.done = true;
            self.live -= 1;
        }
        self.trim();
    }

    #[inline]
    fn trim(&mut self) {
        while self.window.front().is_some_and(|job| job.done) {
            self.window.pop_front();
            self.base += 1;
        }
    }

    /// All jobs without an end, by number.
    pub(crate) fn iter(&mut self) -> impl Iterator<Item = (u64, &mut Job)> {
        let stragglers = self
            .stragglers
            .iter_mut()
            .map(|(number, job)| (*number, job));
        let window = (self.base..).zip(self.window.iter_mut());
        stragglers.chain(window).filter(|(_, job)| !job.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new(Spec::default(), 0, 0, 0)
    }

    #[test]
    fn numbers_find_their_job_until_it_ends() {
        let mut jobs = Jobs::default();
        (0..3).for_each(|_| jobs.push(job()));
        assert!(matches!(jobs.find(2), Found::Live(_)));
        assert!(matches!(jobs.find(3), Found::Never));
        jobs.end(1);
        jobs.end(1);
        assert!(matches!(jobs.find(1), Found::Ended));
        jobs.end(0);
        assert!(matches!(jobs.find(0), Found::Ended));
        assert_eq!(jobs.live(), 1);
        assert_eq!(
            jobs.iter().map(|(number, _)| number).collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn one_that_stays_behind_does_not_hold_the_window() {
        let mut jobs = Jobs::default();
        jobs.push(job());
        for number in 1..500_000 {
            jobs.push(job());
            jobs.end(number);
        }
        assert!(jobs.window.len() <= WINDOW + 1);
        assert_eq!(jobs.live(), 1);
        assert!(jobs.get(0).is_some());
        jobs.end(0);
        assert_eq!(jobs.live(), 0);
        assert!(matches!(jobs.find(0), Found::Ended));
    }
}
