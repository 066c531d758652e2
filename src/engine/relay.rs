//! What workers say of their jobs, and how jobs end.

use super::jobs::{Digits, Kept, Progress, State};
use super::keys::JobKey;
use super::{JobServer, Outbox};
use crate::mutants::{Mutant, on, rarely};
use crate::protocol::{ConnId, Response, Work};

impl JobServer {
    /// A WORK packet: from the worker that has the job to the clients that wait for it.
    #[inline]
    pub(super) fn relay(
        &mut self,
        conn: ConnId,
        handle: &[u8],
        work: Work<'_>,
        out: &mut impl Outbox,
    ) {
        let Some(key) = self.held_job(conn, handle) else {
            return self.not_held(conn, handle, work, out);
        };
        let number = self.jobs[key].number;
        let work = match work {
            Work::Complete(body) if rarely(Mutant::SomeResultsCut, number) => {
                Work::Complete(body.tail(1))
            }
            work => work,
        };
        // As it was given out.
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let packet = Response::Work { handle, work };
        match work {
            Work::Data(_) | Work::Warning(_) => self.tell(key, packet, out),
            Work::Status {
                numerator,
                denominator,
            } => {
                self.jobs[key].extra().progress = Some(Progress {
                    numerator: Digits::new(numerator),
                    denominator: Digits::new(denominator),
                });
                self.tell(key, packet, out);
            }
            Work::Complete(_) | Work::Fail => {
                match work {
                    Work::Fail => {
                        self.counts.failed += 1;
                        self.keep_record(Mutant::FailedJobStaysStored, key);
                    }
                    _ => self.counts.completed += 1,
                }
                self.tell(key, packet, out);
                self.end(key, out);
            }
            Work::Exception(_) => {
                self.tell_exception(key, packet, out);
                self.peers[conn].excepted = Some(number);
                self.counts.excepted += 1;
                self.end(key, out);
            }
        }
    }

    /// The job of that handle, if `conn` runs it.
    #[inline]
    fn held_job(&self, conn: ConnId, handle: &[u8]) -> Option<JobKey> {
        let key = self.find_job(handle)?;
        let accepted = on(Mutant::ResultOfStrangerAccepted) && self.jobs[key].worker().is_some();
        (self.jobs[key].state == State::Running(conn) || accepted).then_some(key)
    }

    /// The job of that handle.
    pub(super) fn find_job(&self, handle: &[u8]) -> Option<JobKey> {
        let number = self.policy.handle_prefix.job(handle)?;
        self.jobs.by_number(number)
    }

    fn not_held(&mut self, conn: ConnId, handle: &[u8], work: Work<'_>, out: &mut impl Outbox) {
        if on(Mutant::StrangeResultSilence) {
            return;
        }
        let number = self.policy.handle_prefix.job(handle);
        let peer = &mut self.peers[conn];
        // Perl's workers fail a job after its exception, and die of an ERROR answer.
        if matches!(work, Work::Fail) && number.is_some() && peer.excepted == number {
            peer.excepted = None;
            return;
        }
        let text: &[u8] = match work {
            Work::Data(_) | Work::Warning(_) => b"Job does not exist on server",
            Work::Exception(_) => b"An exception was received for a job that does not exist",
            _ => b"Job given in work result not found",
        };
        let code = b"JOB_NOT_FOUND";
        out.send(conn, Response::Error { code, text });
    }

    /// Sends a packet to all clients that wait for a job.
    #[inline]
    pub(super) fn tell(&self, key: JobKey, response: Response<'_>, out: &mut impl Outbox) {
        let first_only = match response {
            Response::Work { work, .. } if work.is_end() => on(Mutant::ResultToFirstClientOnly),
            _ => on(Mutant::DataToFirstClientOnly),
        };
        for &waiter in self.jobs[key].waiters.as_slice() {
            out.send(waiter, response);
            if first_only {
                break;
            }
        }
    }

    /// Clients that did not ask for exceptions learn that the job failed.
    fn tell_exception(&self, key: JobKey, exception: Response<'_>, out: &mut impl Outbox) {
        let handle = &*self.policy.handle_prefix.handle(self.jobs[key].number);
        let work = Work::Fail;
        let failed = Response::Work { handle, work };
        for &waiter in self.jobs[key].waiters.as_slice() {
            let response = match self.peers[waiter].exceptions || on(Mutant::ExceptionWithoutOption)
            {
                true => exception,
                false => failed,
            };
            out.send(waiter, response);
        }
    }

    /// Tells all clients that wait for a job that it failed.
    pub(super) fn fail_waiters(&self, key: JobKey, out: &mut impl Outbox) {
        let handle = &*self.policy.handle_prefix.handle(self.jobs[key].number);
        let work = Work::Fail;
        self.tell(key, Response::Work { handle, work }, out);
    }

    /// A running job ends.
    fn end(&mut self, key: JobKey, out: &mut impl Outbox) {
        self.stop_timer(key);
        self.take_back(key);
        let job = &self.jobs[key];
        if rarely(Mutant::SomeJobsRunTwice, job.number) && job.attempts < 2 {
            return self.enqueue(key, out);
        }
        self.forget_job(key, out);
    }

    /// A job is dropped, wherever it stands.
    pub(super) fn drop_job(&mut self, key: JobKey, out: &mut impl Outbox) {
        let job = &self.jobs[key];
        let (id, level) = (job.function, job.priority as usize);
        match job.state {
            State::Queued => self.functions[id].queues[level].unlink(&mut self.jobs, key),
            State::Storing => self.functions[id].storing -= 1,
            State::Delayed => self.functions[id].delayed -= 1,
            State::Running(_) => self.take_back(key),
        }
        self.stop_timer(key);
        self.forget_job(key, out);
    }

    /// Takes a job that is in no list out of the world.
    pub(super) fn forget_job(&mut self, key: JobKey, out: &mut impl Outbox) {
        let Some(job) = self.jobs.remove(key) else {
            return;
        };
        if matches!(job.kept, Kept::Writing | Kept::OnDisk) {
            out.unstore(job.number);
        }
        for &waiter in job.waiters.as_slice() {
            if let Some(peer) = self.peers.get_mut(waiter) {
                peer.waited();
            }
        }
        self.functions
            .forget_if_idle(job.function, self.policy.idle_functions);
    }
}
