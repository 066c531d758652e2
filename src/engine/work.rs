//! Workers: what they can do, what they grab, how they sleep and are woken, how they are lost.

use super::abilities::{Abilities, Limit};
use super::durable::Nobody;
use super::jobs::State;
use super::keys::{FunctionId, JobKey, SetId};
use super::{JobServer, Outbox, Wake};
use crate::mutants::{Mutant, on};
use crate::protocol::{ConnId, GrabKind, Response};
use std::collections::BTreeMap;

/// How long a woken worker may stay silent before another is woken in its place, in milliseconds.
const WAKE_AGAIN_MS: u64 = 250;

impl JobServer {
    pub(super) fn can_do(
        &mut self,
        conn: ConnId,
        name: &[u8],
        limit: Limit,
        out: &mut impl Outbox,
    ) {
        let function = self.functions.intern(name);
        if let Abilities::Set(set) = self.peers[conn].abilities
            && self.sets.contains(set, function, limit)
        {
            return;
        }
        let mut abilities = self.open_abilities(conn);
        if abilities.insert(function, limit).is_none() || on(Mutant::WorkerCountedTwice) {
            self.functions[function].workers += 1;
        }
        self.set_abilities(conn, abilities, out);
    }

    pub(super) fn cant_do(&mut self, conn: ConnId, name: &[u8], out: &mut impl Outbox) {
        let Some(function) = self.functions.find(name) else {
            return;
        };
        if on(Mutant::CantDoIgnored) {
            return;
        }
        let mut abilities = self.open_abilities(conn);
        let known = abilities.remove(&function).is_some();
        self.set_abilities(conn, abilities, out);
        if known {
            self.unable(conn, function, out);
        }
    }

    /// RESET_ABILITIES. Jobs that run are finished all the same.
    pub(super) fn reset_abilities(&mut self, conn: ConnId, out: &mut impl Outbox) {
        let was_asleep = self.peers[conn].sleeping;
        if on(Mutant::ResetDropsRunningJob) {
            let held = self.peers[conn].held.collect(&mut self.jobs);
            held.into_iter().for_each(|key| self.drop_job(key, out));
        }
        self.forget_abilities(conn, out);
        self.peers[conn].sleeping = was_asleep;
    }

    /// Takes the peer out of everything that workers are in.
    pub(super) fn forget_abilities(&mut self, conn: ConnId, out: &mut impl Outbox) {
        let abilities = self.open_abilities(conn);
        self.peers[conn].sleeping = false;
        for function in abilities.into_keys() {
            self.unable(conn, function, out);
        }
    }

    /// One worker less for a function; what the peer was woken for falls to another.
    fn unable(&mut self, conn: ConnId, function: FunctionId, out: &mut impl Outbox) {
        self.functions[function].workers -= 1;
        if self.peers[conn].woken_for == Some(function) {
            self.settle(conn);
            if !on(Mutant::WakeUpLeavesWithWorker) {
                self.pass_on(function, out);
            }
        }
        self.functions
            .forget_if_idle(function, self.policy.idle_functions);
    }

    /// Takes the peer's abilities out, to be changed: it is in no set and no list of sleepers.
    fn open_abilities(&mut self, conn: ConnId) -> BTreeMap<FunctionId, Limit> {
        match std::mem::take(&mut self.peers[conn].abilities) {
            Abilities::None => BTreeMap::new(),
            Abilities::Building(abilities) => abilities,
            Abilities::Set(set) => {
                if self.peers[conn].sleeping {
                    self.sets.get_up(set, conn, &mut self.peers);
                }
                let abilities = self.sets.abilities(set);
                self.sets.leave(set, &mut self.functions);
                abilities
            }
        }
    }

    fn set_abilities(
        &mut self,
        conn: ConnId,
        abilities: BTreeMap<FunctionId, Limit>,
        out: &mut impl Outbox,
    ) {
        let peer = &mut self.peers[conn];
        peer.abilities = match abilities.is_empty() {
            true => Abilities::None,
            false => Abilities::Building(abilities),
        };
        // A sleeper that learns something may be needed at once.
        if std::mem::take(&mut peer.sleeping) {
            self.sleep(conn, out);
        }
    }

    /// The set of the peer's abilities, if it has any.
    #[inline]
    fn set_of(&mut self, conn: ConnId) -> Option<SetId> {
        let peer = &mut self.peers[conn];
        match &peer.abilities {
            Abilities::None => None,
            Abilities::Set(set) => Some(*set),
            Abilities::Building(abilities) => {
                let set = self.sets.join(abilities, &mut self.functions);
                peer.abilities = Abilities::Set(set);
                Some(set)
            }
        }
    }

    /// PRE_SLEEP: a NOOP at once if there is something to do, else with the next job.
    pub(super) fn sleep(&mut self, conn: ConnId, out: &mut impl Outbox) {
        let Some(set) = self.set_of(conn) else {
            self.peers[conn].sleeping = true;
            return;
        };
        let has_job = self.sets.has_ready(set, &mut self.functions);
        let has_job = (has_job && !on(Mutant::NoopLostBeforeSleep)) || on(Mutant::NoopFlood);
        let peer = &mut self.peers[conn];
        let was_asleep = std::mem::replace(&mut peer.sleeping, !has_job);
        match (has_job, was_asleep) {
            (true, true) => self.sets.get_up(set, conn, &mut self.peers),
            (false, false) => {
                self.settle(conn);
                self.sets
                    .fall_asleep(set, conn, &mut self.peers, &mut self.functions);
            }
            (true, false) | (false, true) => {}
        }
        if has_job {
            self.counts.noops += 1;
            out.send(conn, Response::Noop);
        }
    }

    /// GRAB_JOB and its kin: the oldest job of the highest priority that the worker can do,
    /// functions taking turns.
    #[inline]
    pub(super) fn grab(&mut self, conn: ConnId, kind: GrabKind, out: &mut impl Outbox) {
        let set = self.set_of(conn);
        let woken_for = self.settle(conn);
        if std::mem::take(&mut self.peers[conn].sleeping)
            && let Some(set) = set
        {
            self.sets.get_up(set, conn, &mut self.peers);
        }
        let giving = set.filter(|_| !self.keeps_jobs());
        let next =
            giving.and_then(|set| Some((set, self.sets.next_ready(set, &mut self.functions)?)));
        let Some((set, (function, priority))) = next else {
            return self.found_none(conn, set, kind, out);
        };
        if let Some(key) = self.dequeue(function, priority) {
            self.assign(key, conn, set);
            self.announce(key, conn, kind, out);
        }
        // It came for another function's job, which still waits for somebody.
        if let Some(other) = woken_for
            && other != function
            && !on(Mutant::WakeUpNotPassedOn)
        {
            self.pass_on(other, out);
        }
    }

    fn assign(&mut self, key: JobKey, conn: ConnId, set: SetId) {
        let job = &mut self.jobs[key];
        job.state = State::Running(conn);
        job.attempts = job.attempts.saturating_add(1);
        let id = job.function;
        self.peers[conn].held.push(&mut self.jobs, key);
        self.functions[id].running += 1;
        if let Some(ms) = self.sets.limit(set, id) {
            let unit = if on(Mutant::TimeoutInSeconds) {
                1000
            } else {
                1
            };
            self.set_timer(key, self.now.after_ms(unit * u64::from(ms.get())));
        }
    }

    fn announce(&self, key: JobKey, conn: ConnId, kind: GrabKind, out: &mut impl Outbox) {
        let job = &self.jobs[key];
        let handle = &*self.policy.handle_prefix.handle(job.number);
        let function = &*self.functions[job.function].name;
        let (unique, body) = (job.unique(), job.body());
        let unique = if on(Mutant::AssignWithoutUnique) {
            b""
        } else {
            unique
        };
        let is_cut = on(Mutant::LargePayloadCut) && body.len() >= 65_536;
        let body = body.tail(usize::from(is_cut));
        let response = match (kind, job.reducer()) {
            (GrabKind::Classic, _) => Response::JobAssign {
                handle,
                function,
                body,
            },
            (GrabKind::All, Some(reducer)) => Response::JobAssignAll {
                handle,
                function,
                unique,
                reducer,
                body,
            },
            // Every libgearman worker grabs all and takes this for a plain job.
            (GrabKind::Uniq, _) | (GrabKind::All, None) => Response::JobAssignUniq {
                handle,
                function,
                unique,
                body,
            },
        };
        out.send(conn, response);
    }

    /// A job was queued: wakes as many sleepers as the policy says, less those that were woken
    /// before and come for one job too few.
    #[inline]
    pub(super) fn wake_for_job(&mut self, id: FunctionId, out: &mut impl Outbox) {
        let wanted = self
            .policy
            .worker_wakeup
            .map_or(usize::MAX, |n| n.get() as usize);
        let function = &self.functions[id];
        // Most often under load.
        if function.sleepy.is_empty() {
            return;
        }
        let missing = function
            .queued()
            .saturating_mul(wanted)
            .saturating_sub(function.woken);
        for _ in 0..missing.min(wanted) {
            // One whose grab was held has taken the job.
            if !self.wake_one(id, out) || self.functions[id].queued() == 0 {
                break;
            }
        }
    }

    /// Answers the held grab of a worker that can run the function, or wakes the one that has slept
    /// longest, in the set whose turn it is. Whether there was one.
    fn wake_one(&mut self, id: FunctionId, out: &mut impl Outbox) -> bool {
        loop {
            let sleepy = &mut self.functions[id].sleepy;
            let Some(conn) = self.sets.next_sleeper(sleepy, &mut self.peers) else {
                return false;
            };
            let Some(kind) = self.peers[conn].asks.take() else {
                self.wake(conn, id, out);
                return true;
            };
            let queued = self.functions[id].queued();
            self.grab(conn, kind, out);
            // It may have taken a more urgent job, of another function: then somebody else is to
            // have this one.
            if self.functions[id].queued() < queued {
                return true;
            }
        }
    }

    fn wake(&mut self, conn: ConnId, function: FunctionId, out: &mut impl Outbox) {
        self.functions[function].woken += 1;
        let peer = &mut self.peers[conn];
        peer.sleeping = false;
        peer.woken_for = Some(function);
        peer.wakes = peer.wakes.wrapping_add(1);
        self.wakes.push_back(Wake {
            expires: self.now.after_ms(WAKE_AGAIN_MS),
            conn,
            number: peer.wakes,
            function,
        });
        self.counts.noops += 1;
        if on(Mutant::ThirdSleeperNeverWoken) && self.functions[function].woken > 2 {
            return;
        }
        out.send(conn, Response::Noop);
    }

    /// The worker answers its NOOP, or never will; returns the function it was woken for.
    #[inline]
    fn settle(&mut self, conn: ConnId) -> Option<FunctionId> {
        let function = self.peers[conn].woken_for.take()?;
        self.functions[function].woken -= 1;
        Some(function)
    }

    /// A woken worker will not fetch the function's job: if more wait than workers come, another
    /// shall.
    fn pass_on(&mut self, id: FunctionId, out: &mut impl Outbox) {
        let function = self.functions.get(id);
        if function.is_some_and(|function| function.queued() > function.woken) {
            self.wake_one(id, out);
        }
    }

    /// Workers that were woken and stay silent may be gone without a word.
    pub(super) fn wake_again(&mut self, out: &mut impl Outbox) {
        while let Some(&Wake {
            expires,
            conn,
            number,
            function,
        }) = self.wakes.front()
        {
            let is_silent = self
                .peers
                .get(conn)
                .is_some_and(|peer| peer.woken_for == Some(function) && peer.wakes == number);
            if is_silent && expires > self.now {
                break;
            }
            self.wakes.pop_front();
            if is_silent && !on(Mutant::SilentWorkerWaitedFor) {
                self.settle(conn);
                self.pass_on(function, out);
            }
        }
        if self.wakes.len() < self.wakes.capacity() / 8 {
            self.wakes.shrink_to(64);
        }
    }

    /// The timer of a job went off: it is due, or its worker took too long.
    pub(super) fn timer(&mut self, key: JobKey, out: &mut impl Outbox) {
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        job.extra().timer = None;
        match job.state {
            State::Delayed => {
                self.functions[job.function].delayed -= 1;
                if on(Mutant::DueJobWakesNobody) {
                    return self.enqueue(key, &mut Nobody);
                }
                self.enqueue_anew(key, out);
            }
            State::Running(_) => {
                self.counts.timed_out += 1;
                let again = self.policy.job_retries.is_some() && self.may_retry(key);
                self.take_back(key);
                self.retry_or_fail(key, again, out);
            }
            State::Storing | State::Queued => {}
        }
    }

    /// The worker of a job is lost.
    pub(super) fn release(&mut self, key: JobKey, out: &mut impl Outbox) {
        self.stop_timer(key);
        self.take_back(key);
        if on(Mutant::LostWorkerLosesJobs) {
            return self.forget_job(key, out);
        }
        let again = self.may_retry(key);
        self.retry_or_fail(key, again, out);
    }

    fn may_retry(&self, key: JobKey) -> bool {
        let job = &self.jobs[key];
        let limit = self.policy.job_retries;
        let limit = limit.map(|limit| limit + u8::from(on(Mutant::OneRetryTooMany)));
        let is_wanted = !job.is_abandoned() || on(Mutant::AbandonedJobRunsAgain);
        is_wanted && limit.is_none_or(|limit| job.attempts < limit)
    }

    /// Takes a running job from its worker; it is in no list then.
    pub(super) fn take_back(&mut self, key: JobKey) {
        if let State::Running(worker) = self.jobs[key].state {
            self.peers[worker].held.unlink(&mut self.jobs, key);
            self.functions[self.jobs[key].function].running -= 1;
        }
    }

    fn retry_or_fail(&mut self, key: JobKey, again: bool, out: &mut impl Outbox) {
        if again {
            self.counts.requeued += 1;
            if let Some(extra) = &mut self.jobs[key].extra
                && !on(Mutant::ProgressKept)
            {
                extra.progress = None;
            }
            if on(Mutant::LostJobGoesFirst) {
                return self.enqueue_in_turn(key, out);
            }
            self.enqueue_anew(key, out);
        } else {
            // Where nobody waits for it any more, nothing is given up.
            match self.jobs[key].is_abandoned() {
                true => self.counts.abandoned += 1,
                false => self.counts.given_up += 1,
            }
            self.keep_record(Mutant::GivenUpJobStaysStored, key);
            self.fail_waiters(key, out);
            self.forget_job(key, out);
        }
    }
}
