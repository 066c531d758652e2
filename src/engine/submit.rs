//! Jobs come in.

use super::jobs::{Identity, Job, Jobs, Kept, NewJob, State};
use super::keys::{FunctionId, JobKey};
use super::{JobServer, Outbox, Timestamp};
use crate::mutants::{Mutant, on, rarely};
use crate::protocol::{Body, ConnId, Priority, Response, Submit, Work};

impl JobServer {
    /// SUBMIT_JOB and its kin: queues a job, or joins the submitter to the live job of the same
    /// unique.
    #[inline]
    pub(super) fn submit(&mut self, conn: ConnId, submit: &Submit<'_>, out: &mut impl Outbox) {
        if self.draining.is_some() {
            self.counts.refused_draining += 1;
            return self.refuse_late(conn, out);
        }
        let function = self.function_of(conn, submit.function);
        let known = self.known(function, submit);

        if known.is_none()
            && let Some(text) = self.no_room(function, submit)
        {
            return self.refuse_full(conn, function, text, out);
        }
        let count = match (known, submit.background) {
            (Some(_), _) => &mut self.counts.joined,
            (None, true) => &mut self.counts.background,
            (None, false) => &mut self.counts.foreground,
        };
        *count += 1;
        let key = known.unwrap_or_else(|| self.create(function, submit));
        if submit.background && self.policy.durable {
            return self.submit_durably(conn, key, submit.epoch, known.is_none(), out);
        }
        let job = &mut self.jobs[key];
        if submit.background {
            // A job is as durable as its strongest submission.
            if !(on(Mutant::JoinedJobNotKept) && known.is_some()) {
                job.kept = Kept::InMemory;
            }
        } else {
            // Running jobs are joined too: a late client gets the packets from now on.
            job.waiters.add(conn);
            self.peers[conn].wait_for(key, &self.jobs);
        }
        self.acknowledge(conn, key, out);
        if known.is_none() {
            if rarely(Mutant::SomeJobsLost, self.jobs[key].number) {
                return self.forget_job(key, out);
            }
            self.start(key, submit.epoch.map(Timestamp::from_secs), out);
            if on(Mutant::AnsweredUnrun) && !submit.background {
                let handle = &*self.policy.handle_prefix.handle(self.jobs[key].number);
                let work = Work::Complete(Body::default());
                self.tell(key, Response::Work { handle, work }, out);
                self.drop_job(key, out);
            }
        }
    }

    /// The live job that a submission joins.
    #[inline]
    fn known(&self, function: FunctionId, submit: &Submit<'_>) -> Option<JobKey> {
        let identity = Identity::new(function, submit.unique, submit.body.bytes())?;
        if on(Mutant::CoalesceAcrossFunctions) {
            return self.jobs.newest_with_unique(submit.unique);
        }
        if on(Mutant::UniqueWithoutCase) {
            let is_same = |job: &Job| job.unique().eq_ignore_ascii_case(submit.unique);
            let mut jobs = self.jobs.iter();
            let found = jobs.find(|(_, job)| job.function == function && is_same(job));
            return found.map(|(key, _)| key);
        }
        let known = self.jobs.by_identity(identity)?;
        let is_joined = !on(Mutant::RunningJobNotJoined) || self.jobs[known].worker().is_none();
        is_joined.then_some(known)
    }

    /// JOB_CREATED.
    #[inline]
    pub(super) fn acknowledge(&self, conn: ConnId, key: JobKey, out: &mut impl Outbox) {
        let handle = self.policy.handle_prefix.handle(self.jobs[key].number);
        out.send(conn, Response::JobCreated { handle: &handle });
    }

    fn function_of(&mut self, conn: ConnId, name: &[u8]) -> FunctionId {
        let last = self.peers[conn].last_function;
        if let Some(id) = last
            && self
                .functions
                .get(id)
                .is_some_and(|last| *last.name == *name)
        {
            return id;
        }
        let id = self.functions.intern(name);
        self.peers[conn].last_function = Some(id);
        id
    }

    fn create(&mut self, function: FunctionId, submit: &Submit<'_>) -> JobKey {
        self.jobs.insert(
            &NewJob {
                function,
                unique: submit.unique,
                body: submit.body,
                priority: submit.priority,
                background: submit.background,
                reducer: submit.reducer,
            },
            None,
        )
    }

    /// A new job is queued, or waits for its time.
    pub(super) fn start(&mut self, key: JobKey, due: Option<Timestamp>, out: &mut impl Outbox) {
        match due {
            Some(due) if due > self.now && !on(Mutant::EpochIgnored) => {
                let job = &mut self.jobs[key];
                job.state = State::Delayed;
                self.functions[job.function].delayed += 1;
                self.set_timer(key, due);
            }
            _ => self.enqueue(key, out),
        }
    }

    /// Puts a job that is in no list at the end of its queue, and sees that it is fetched.
    pub(super) fn enqueue(&mut self, key: JobKey, out: &mut impl Outbox) {
        let number = self.jobs[key].number;
        let first = on(Mutant::LastInFirstOut) || rarely(Mutant::SomeJobsOvertake, number);
        self.enqueue_before(key, |_, _| first, out);
    }

    /// The same for a job that is not new: it counts as coming now.
    pub(super) fn enqueue_anew(&mut self, key: JobKey, out: &mut impl Outbox) {
        if self.policy.durable {
            self.jobs.renew(key);
        }
        self.enqueue(key, out);
    }

    /// The same for a job that was kept back: it goes before those that came after it.
    pub(super) fn enqueue_in_turn(&mut self, key: JobKey, out: &mut impl Outbox) {
        let turn = self.jobs[key].turn();
        self.enqueue_before(key, |jobs, other| jobs[other].turn() > turn, out);
    }

    #[inline]
    fn enqueue_before(
        &mut self,
        key: JobKey,
        later: impl Fn(&Jobs, JobKey) -> bool,
        out: &mut impl Outbox,
    ) {
        let job = &mut self.jobs[key];
        job.state = State::Queued;
        let (id, priority) = (job.function, job.priority);
        let function = &mut self.functions[id];
        let queue = &mut function.queues[priority as usize];
        queue.push_before(&mut self.jobs, key, later);
        if queue.len() == 1 {
            let unlisted = &mut function.unlisted[priority as usize];
            self.sets.function_ready(unlisted, priority);
        }
        self.wake_for_job(id, out);
    }

    /// The oldest job of a queue.
    pub(super) fn dequeue(&mut self, function: FunctionId, priority: Priority) -> Option<JobKey> {
        self.functions[function].queues[priority as usize].pop(&mut self.jobs)
    }
}
