//! Whether jobs are assigned in order: inversions that no correct server can cause.
//!
//! # What is counted
//!
//! A queue holds the jobs of one function and one priority. It owes two promises: within it the
//! first in is the first out, and while a job of a higher priority of the same function waits,
//! none of a lower one leaves. What the generator sees is neither when a job entered the queue
//! nor when it left it: submissions and answers are on their way for a time that nobody knows,
//! and overtake each other on different connections. So only that counts which holds for every
//! possible time on the way.
//!
//! Of a job X the generator knows, in the order in which its own thread did or read them:
//!
//! * `sent(X)`: its submission is written. It enters the queue after that.
//! * `acked(X)`: its JOB_CREATED is read. It entered the queue before that.
//! * `grabbed(X)`: the GRAB_JOB that fetches it is written; a connection is answered in order, so
//!   the n-th answer belongs to the n-th GRAB_JOB. It leaves the queue after that.
//! * `got(X)`: its JOB_ASSIGN is read. It left the queue before that.
//!
//! **First in, first out.** A is overtaken by B of the same queue if
//! `acked(A) < sent(B)` and `got(B) < grabbed(A)`. Proof: A entered before acked(A), B after
//! sent(B), so A was in before B. B left before got(B), A after grabbed(A), so B left before A.
//!
//! **Priority.** A is overtaken by B of a lower priority of the same function if
//! `acked(A) < grabbed(B)` and `got(B) < grabbed(A)`. Proof: B left between grabbed(B) and
//! got(B). During all of that time A was in its queue: it entered before acked(A), and left after
//! grabbed(A). Whoever ran B can do the function, so it could have had A.
//!
//! All four are moments of one thread, which has jobs, clients and workers of its own: they are
//! numbered, no clock is compared. What cannot be told apart by these rules is not counted, so
//! the count is a lower bound.
//!
//! # What is left out
//!
//! A job that was assigned before, one that waits for its time, one that shares the job of an
//! earlier submission: they enter the queue at another time than the submission says. When a
//! worker is lost the server may have assigned jobs to it that were never read, and queues them
//! again, at the end; after a restart it may queue all of them in any order. So none that was
//! submitted before a worker was lost or connected is judged after that, and what was found since
//! the lost worker's first open GRAB_JOB, when such a job may already have gone round, does not
//! count either.
//!
//! # What it costs
//!
//! Only the best of what has left a queue can have overtaken somebody, and it grows: for each
//! queue a row of steps is kept, "of what was read by moment n, the last was sent after m
//! acknowledgements", in which one binary search judges a job. Steps that are older than any
//! GRAB_JOB on its way are forgotten.

mod history;
#[cfg(test)]
mod tests;

use super::jobs::NOBODY;
use super::shard::Shard;
use crate::protocol::Priority;
use crate::report;
use history::{History, Step};
use std::collections::VecDeque;

/// Priorities of a function.
const LEVELS: usize = Priority::ALL.len();
/// Inversions that wait until no lost worker can explain them.
const PENDING: usize = 4096;

/// Where a job stands in its queue; nowhere until it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Acknowledgements of its queue before it was sent.
    after: u64,
    /// Its acknowledgement among those of its queue, from 1.
    rank: u64,
    /// The same among those of all queues.
    moment: u64,
}

/// What had happened when a GRAB_JOB was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grabbed {
    /// Jobs read by then.
    assigned: u64,
    /// Acknowledgements read by then.
    acked: u64,
}

/// The GRAB_JOBs of a worker that have no answer yet.
pub(crate) type Grabs = VecDeque<Grabbed>;

#[derive(Debug)]
struct Queue {
    acked: u64,
    /// After how many acknowledgements of the queue the jobs were sent that left it.
    sent: History,
    /// After how many acknowledgements of all queues they were asked for.
    grabbed: History,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Fifo,
    Priority,
}

#[derive(Clone, Copy, Debug)]
struct Inversion {
    promise: Promise,
    /// The moment at which the overtaken job was read.
    moment: u64,
    places: u64,
    late_ns: u64,
}

/// The order of all jobs of a shard.
#[derive(Debug)]
pub(crate) struct Order {
    queues: Vec<Queue>,
    acked: u64,
    assigned: u64,
    /// Jobs below this number may have been queued anew.
    judged_from: u64,
    pending: Vec<Inversion>,
    sums: report::Order,
}

fn queue(function: u32, priority: Priority) -> usize {
    function as usize * LEVELS + priority as usize
}

impl Order {
    /// For `functions` functions and `grabs` GRAB_JOBs that may be on their way.
    pub(crate) fn new(functions: usize, grabs: usize) -> Self {
        let queue = || Queue {
            acked: 0,
            sent: History::new(grabs),
            grabbed: History::new(grabs),
        };
        Order {
            queues: (0..functions * LEVELS).map(|_| queue()).collect(),
            acked: 0,
            assigned: 0,
            judged_from: 0,
            pending: Vec::new(),
            sums: report::Order::default(),
        }
    }

    /// A job is about to be sent.
    #[inline]
    pub(crate) fn sent(&self, function: u32, priority: Priority) -> Place {
        let queue = self.queues.get(queue(function, priority));
        Place {
            after: queue.map_or(0, |queue| queue.acked),
            ..Place::default()
        }
    }

    /// Its JOB_CREATED was read.
    #[inline]
    pub(crate) fn acked(&mut self, function: u32, priority: Priority, place: &mut Place) {
        if let Some(queue) = self.queues.get_mut(queue(function, priority)) {
            self.acked += 1;
            queue.acked += 1;
            (place.rank, place.moment) = (queue.acked, self.acked);
        }
    }

    /// A GRAB_JOB is about to be sent.
    #[inline]
    pub(crate) fn grabbed(&self) -> Grabbed {
        Grabbed {
            assigned: self.assigned,
            acked: self.acked,
        }
    }

    /// A job was read for the first time, at `now`, that was fetched by the given GRAB_JOB.
    #[inline]
    pub(crate) fn assigned(
        &mut self,
        number: u64,
        (function, priority): (u32, Priority),
        place: Place,
        grabbed: Grabbed,
        now: u64,
    ) {
        self.assigned += 1;
        if place.rank > 0 && number >= self.judged_from {
            self.sums.judged += 1;
            self.judge_fifo(queue(function, priority), place, grabbed, now);
            self.judge_priority((function, priority), place, grabbed, now);
        }
        let outranked = priority != Priority::High;
        if let Some(queue) = self.queues.get_mut(queue(function, priority)) {
            let step = |most| Step {
                moment: self.assigned,
                most,
                at: now,
            };
            queue.sent.push(step(place.after));
            if outranked {
                queue.grabbed.push(step(grabbed.acked));
            }
        }
    }

    #[inline]
    fn judge_fifo(&mut self, queue: usize, place: Place, grabbed: Grabbed, now: u64) {
        let Some(queue) = self.queues.get(queue) else {
            return;
        };
        let most = queue.sent.most_by(grabbed.assigned);
        if most >= place.rank {
            let since = queue.sent.reached(place.rank);
            self.overtaken(Promise::Fifo, most + 1 - place.rank, now - since.min(now));
        }
    }

    #[inline]
    fn judge_priority(
        &mut self,
        (function, priority): (u32, Priority),
        place: Place,
        grabbed: Grabbed,
        now: u64,
    ) {
        let first = queue(function, priority);
        let lower = first + 1..first + LEVELS - priority as usize;
        let worst = self.queues.get(lower).unwrap_or_default().iter();
        let worst = worst.map(|queue| (queue.grabbed.most_by(grabbed.assigned), queue));
        let Some((most, queue)) = worst.max_by_key(|(most, _)| *most) else {
            return;
        };
        if most >= place.moment {
            let since = queue.grabbed.reached(place.moment);
            let places = most + 1 - place.moment;
            self.overtaken(Promise::Priority, places, now - since.min(now));
        }
    }

    fn overtaken(&mut self, promise: Promise, places: u64, late_ns: u64) {
        self.pending.push(Inversion {
            promise,
            moment: self.assigned,
            places,
            late_ns,
        });
    }

    /// Whether `settle` is to be called.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() >= PENDING
    }

    /// Counts what no lost worker can explain any more, given the oldest GRAB_JOB without an
    /// answer. If that leaves no room the older half is not counted at all.
    pub(crate) fn settle(&mut self, oldest: Option<Grabbed>) {
        let until = oldest.map_or(u64::MAX, |oldest| oldest.assigned);
        let settled = self.pending.partition_point(|found| found.moment <= until);
        for found in self.pending.drain(..settled) {
            let sum = match found.promise {
                Promise::Fifo => &mut self.sums.fifo,
                Promise::Priority => &mut self.sums.priority,
            };
            sum.jobs += 1;
            sum.places_sum += found.places;
            sum.places_max = sum.places_max.max(found.places);
            sum.late_ns_sum = sum.late_ns_sum.saturating_add(found.late_ns);
            sum.late_ns_max = sum.late_ns_max.max(found.late_ns);
        }
        if self.pending.len() > PENDING / 2 {
            let half = self.pending.len() / 2;
            self.pending.drain(..half);
            self.sums.unproven += half as u64;
        }
    }

    /// A worker was lost or has come, or is about to: jobs below the number `next` may be queued
    /// anew, of which some may have been given to the lost one since its first open GRAB_JOB.
    pub(crate) fn disturbed(&mut self, next: u64, open: Option<Grabbed>) {
        self.judged_from = next;
        if let Some(open) = open {
            let kept = |found: &Inversion| found.moment <= open.assigned;
            let proven = self.pending.partition_point(kept);
            self.sums.unproven += (self.pending.len() - proven) as u64;
            self.pending.truncate(proven);
        }
    }

    /// What was found, once nothing is assigned any more.
    pub(crate) fn close(&mut self) -> report::Order {
        self.settle(None);
        self.sums
    }
}

impl Shard {
    /// A job was read by a worker that had asked for it at `grabbed`.
    #[inline]
    pub(crate) fn first_look(
        &mut self,
        worker: u32,
        number: u64,
        grabbed: Option<Grabbed>,
        now: u64,
    ) {
        let Some(job) = self.jobs.get(number) else {
            return;
        };
        let (spec, place) = (job.spec, job.place);
        let left_out = job.worker != NOBODY || job.not_before > 0 || self.coalesces;
        self.share(worker, spec.function);
        let (false, Some(grabbed)) = (left_out, grabbed) else {
            return;
        };
        let of = (spec.function, spec.priority);
        self.order.assigned(number, of, place, grabbed, now);
        if self.order.is_full() {
            let open = self.workers.iter().filter_map(|w| w.grabbed.front());
            let oldest = open.min_by_key(|grabbed| grabbed.assigned).copied();
            self.order.settle(oldest);
        }
    }
}
