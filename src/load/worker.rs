//! The workers' side: CAN_DO, GRAB_JOB, PRE_SLEEP on NO_JOB, GRAB_JOB on NOOP.

use super::closing::Stage;
use super::coalesce::Runner;
use super::draw::{Fate, Spec};
use super::jobs::{Found, NOBODY};
use super::order::Grabs;
use super::payload::{Bad, HEADER, Kind, part};
use super::shard::{Shard, handle_hash};
use super::tally::Phase;
use crate::protocol::request::MAX_HANDLE;
use crate::protocol::{Body, ConnId, Request, Response, Work};
use crate::wire::Io;
use std::cmp::Reverse;

/// Jobs that a worker which sweeps up a queue grabs ahead.
pub(crate) const SWEEP_PREFETCH: usize = 64;

/// One simulated worker.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    pub(crate) conn: Option<ConnId>,
    pub(crate) served: bool,
    /// Abilities are registered, jobs are asked for.
    started: bool,
    sleeping: bool,
    /// Woken, and no job assigned since.
    woken: bool,
    /// GRAB_JOBs without an answer.
    grabs: usize,
    /// When those of before the end were written.
    pub(crate) grabbed: Grabs,
    /// Jobs in service.
    held: Vec<Held>,
    /// Jobs whose result has not been handed to the kernel.
    unstamped: Vec<u64>,
    /// Jobs that were assigned to another while this connection seemed to be alive.
    taken_from: u64,
    /// When its connection was last lost; 0 is never.
    lost_at: u64,
    /// Answers nothing before this time.
    pub(crate) stalled_until: u64,
    /// Asks for no more jobs: its connection is about to end, as the plan wants it.
    pub(crate) leaving: bool,
    /// Sends its packets in pieces.
    pub(crate) torn: bool,
}

/// A job in service.
#[derive(Clone, Copy, Debug)]
struct Held {
    number: u64,
    handle: HandleText,
    /// Steps of it that its client has been told of.
    steps: u32,
}

impl Worker {
    /// Jobs in service.
    pub(crate) fn holds(&self) -> usize {
        self.held.len()
    }

    /// Whether a GRAB_JOB has no answer yet.
    pub(crate) fn asks(&self) -> bool {
        self.grabs > 0
    }

    /// A GRAB_JOB was answered, and is not repeated.
    pub(crate) fn found_none(&mut self) {
        self.grabs = self.grabs.saturating_sub(1);
    }

    /// Whether the job is in service here.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.held.iter().any(|held| held.number == number)
    }

    /// The jobs in service.
    pub(crate) fn held(&self) -> impl Iterator<Item = u64> {
        self.held.iter().map(|held| held.number)
    }

    /// Whether nothing would be lost if it left now.
    pub(crate) fn may_leave(&self) -> bool {
        self.held.is_empty() && self.grabs == 0 && self.unstamped.is_empty()
    }
}

fn can_do(functions: &[Box<[u8]>], conn: ConnId, io: &mut Io) {
    for function in functions {
        let request = Request::CanDo {
            function,
            timeout_ms: None,
        };
        io.request(conn, &request);
    }
}

fn answer_empty(conn: ConnId, handle: &[u8], io: &mut Io) {
    let work = Work::Complete(Body::default());
    io.request(conn, &Request::Work { handle, work });
}

/// A handle kept without memory of its own.
#[derive(Clone, Copy, Debug)]
struct HandleText {
    len: u8,
    text: [u8; MAX_HANDLE],
}

impl HandleText {
    /// A longer one is cut: no server may send it.
    fn new(handle: &[u8]) -> Self {
        let len = handle.len().min(MAX_HANDLE);
        let mut text = [0; MAX_HANDLE];
        text[..len].copy_from_slice(&handle[..len]);
        HandleText {
            len: len as u8,
            text,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

/// A JOB_ASSIGN of any kind.
struct Assigned<'a> {
    handle: &'a [u8],
    function: &'a [u8],
    /// Where the server tells it.
    reducer: Option<&'a [u8]>,
    body: Body<'a>,
}

impl Shard {
    /// Introduces a worker. Where a backlog comes first it starts later.
    pub(crate) fn worker_connected(&mut self, index: u32, conn: ConnId, io: &mut Io) {
        self.order.disturbed(self.jobs.next(), None);
        self.workers[index as usize].conn = Some(conn);
        let later = matches!(self.phase, Phase::Connect | Phase::Flood) && self.plan.backlog > 0;
        if later {
            self.ask_whether_served(conn, io);
        } else {
            self.start_worker(index, conn, io);
        }
    }

    /// Has all connected workers register and ask for jobs.
    pub(crate) fn start_workers(&mut self, io: &mut Io) {
        for index in 0..self.workers.len() {
            let worker = &self.workers[index];
            if let (false, Some(conn)) = (worker.started, worker.conn) {
                self.start_worker(index as u32, conn, io);
            }
        }
    }

    fn start_worker(&mut self, index: u32, conn: ConnId, io: &mut Io) {
        can_do(&self.functions, conn, io);
        self.workers[index as usize].started = true;
        for _ in 0..self.plan.prefetch {
            self.grab(index, conn, io);
        }
    }

    #[inline]
    fn grab(&mut self, index: u32, conn: ConnId, io: &mut Io) {
        let worker = &mut self.workers[index as usize];
        if self.closing.stage != Stage::Running || worker.leaving {
            return;
        }
        worker.grabs += 1;
        self.wakeups.grabs += 1;
        let grabbed = self.order.grabbed();
        self.workers[index as usize].grabbed.push_back(grabbed);
        io.request(conn, &Request::Grab(self.plan.grab.0));
    }

    #[inline]
    pub(crate) fn worker_frame(
        &mut self,
        index: u32,
        conn: ConnId,
        response: Response<'_>,
        now: u64,
        io: &mut Io,
    ) {
        match response {
            Response::JobAssign {
                handle,
                function,
                body,
            }
            | Response::JobAssignUniq {
                handle,
                function,
                body,
                ..
            } => {
                let assigned = Assigned {
                    handle,
                    function,
                    reducer: None,
                    body,
                };
                self.assigned(index, conn, &assigned, now, io);
            }
            Response::JobAssignAll {
                handle,
                function,
                reducer,
                body,
                ..
            } => {
                let assigned = Assigned {
                    handle,
                    function,
                    reducer: Some(reducer),
                    body,
                };
                self.assigned(index, conn, &assigned, now, io);
            }
            Response::NoJob => self.no_job(index, conn, io),
            Response::Noop => self.noop(index, conn, io),
            // The answer to a result that came too late: its client or its job is gone.
            _ => self.unexpected += 1,
        }
    }

    fn no_job(&mut self, index: u32, conn: ConnId, io: &mut Io) {
        self.wakeups.no_jobs += 1;
        let worker = &mut self.workers[index as usize];
        worker.woken = false;
        worker.grabbed.pop_front();
        worker.grabs = worker.grabs.saturating_sub(1);
        // With a job in service it asks again once that is done.
        let goes_on = self.closing.stage == Stage::Running && !worker.leaving;
        if worker.grabs == 0 && worker.held.is_empty() && goes_on {
            worker.sleeping = true;
            let served = worker.served;
            self.wakeups.sleeps += 1;
            io.request(conn, &Request::PreSleep);
            if !served {
                self.ask_whether_served(conn, io);
            }
        }
    }

    fn noop(&mut self, index: u32, conn: ConnId, io: &mut Io) {
        self.wakeups.noops += 1;
        let worker = &mut self.workers[index as usize];
        if !worker.sleeping {
            self.wakeups.noops_awake += 1;
            return;
        }
        worker.sleeping = false;
        worker.woken = true;
        for _ in 0..self.plan.prefetch {
            self.grab(index, conn, io);
        }
    }

    #[inline]
    fn assigned(
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

    /// Steps of each job that its client is told of.
    fn steps(&self) -> u32 {
        self.plan.chunks.max(self.plan.progress)
    }

    /// Has the job go on when its next step is due: all steps and the end are spread evenly over
    /// its time.
    fn next_step(&mut self, index: u32, number: u64, step: u32, now: u64) {
        let steps = u64::from(self.steps()) + 1;
        let Some(job) = self.jobs.get(number) else {
            return;
        };
        let into = u128::from(job.spec.service_ns) * u128::from(step) / u128::from(steps);
        let at = (job.t3 + into as u64).max(now);
        self.due.push(Reverse((at, index, number)));
        self.pacer.wake_at(at);
    }

    /// Tells the client of a job how far it is, and sends it a part of the result.
    fn tell_step(&mut self, conn: ConnId, handle: &[u8], number: u64, step: u32, io: &mut Io) {
        if step <= self.plan.progress {
            let (mut far, mut all) = (itoa::Buffer::new(), itoa::Buffer::new());
            let work = Work::Status {
                numerator: far.format(step).as_bytes(),
                denominator: all.format(self.plan.progress).as_bytes(),
            };
            io.request(conn, &Request::Work { handle, work });
        }
        if step <= self.plan.chunks {
            let size = self.jobs.get(number).map_or(0, |job| job.spec.result);
            self.with_part(number, step - 1, size, |body| {
                let work = Work::Data(body);
                io.request(conn, &Request::Work { handle, work });
            });
        }
    }

    /// Makes a part of a job's result, never smaller than what says whose it is.
    fn with_part(&mut self, number: u64, step: u32, size: u32, send: impl FnOnce(Body<'_>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let size = size.max(HEADER as u32);
        self.bodies
            .write(&mut scratch, Kind::Part, part(number, step), size);
        send(Body::new(&scratch));
        self.scratch = scratch;
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

    /// Answers a job, of which its client has been told so many steps, and asks for the next, in
    /// one write.
    #[inline]
    fn complete(
        &mut self,
        index: u32,
        conn: ConnId,
        handle: &[u8],
        number: Option<u64>,
        told: u32,
        io: &mut Io,
    ) {
        let mut spec = Spec::default();
        if let Some(number) = number {
            spec = self.jobs.get(number).map_or(spec, |job| job.spec);
            for step in told..self.steps() {
                self.tell_step(conn, handle, number, step + 1, io);
            }
            if spec.warns {
                self.with_part(number, 0, 0, |body| {
                    let work = Work::Warning(body);
                    io.request(conn, &Request::Work { handle, work });
                });
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(number) = number {
            self.bodies
                .write(&mut scratch, Kind::Result, number, spec.result);
            self.workers[index as usize].unstamped.push(number);
        }
        let body = Body::new(&scratch);
        let work = match spec.fate {
            Fate::Complete => Work::Complete(body),
            Fate::Fail => Work::Fail,
            Fate::Exception => Work::Exception(body),
        };
        io.request(conn, &Request::Work { handle, work });
        self.scratch = scratch;
        io.stamp(conn);
        let worker = &self.workers[index as usize];
        if worker.grabs + worker.held.len() < self.plan.prefetch {
            self.grab(index, conn, io);
        }
    }

    /// Takes the jobs further whose next step is due, and answers those that are done.
    pub(crate) fn serve_due(&mut self, now: u64, io: &mut Io) {
        while let Some(&Reverse((at, index, number))) = self.due.peek() {
            if at > now {
                return;
            }
            self.due.pop();
            let all = self.steps();
            let worker = &mut self.workers[index as usize];
            let at = worker.held.iter().position(|held| held.number == number);
            let (Some(at), Some(conn)) = (at, worker.conn) else {
                continue;
            };
            if worker.stalled_until > now {
                let until = worker.stalled_until;
                self.due.push(Reverse((until, index, number)));
                continue;
            }
            let held = &mut worker.held[at];
            if held.steps < all {
                held.steps += 1;
                let held = *held;
                self.tell_step(conn, held.handle.bytes(), number, held.steps, io);
                self.next_step(index, number, held.steps + 1, now);
                continue;
            }
            let held = worker.held.swap_remove(at);
            self.complete(index, conn, held.handle.bytes(), Some(number), all, io);
        }
    }

    /// The bytes of the last results leave: that is t4.
    #[inline]
    pub(crate) fn worker_flushed(&mut self, index: u32, now: u64) {
        let mut numbers = std::mem::take(&mut self.workers[index as usize].unstamped);
        for number in numbers.drain(..) {
            let Some(job) = self.jobs.get(number) else {
                continue;
            };
            job.t4 = now;
            let job = *job;
            if self.coalesces {
                self.shared_done(number, job.handle, now);
            }
            self.share_time(index, &job);
            match (job.spec.background, job.t2 > 0) {
                (true, true) => self.background_done(number, &job),
                // Its client will not hear of it.
                _ if job.orphan => self.jobs.end(number),
                _ => {}
            }
        }
        self.workers[index as usize].unstamped = numbers;
    }

    /// The job of this handle is answered: with it ends what its other submissions had to wait
    /// for, as far as they hear nothing of it.
    fn shared_done(&mut self, runner: u64, handle: u64, now: u64) {
        for number in self.groups.done(handle, now) {
            let Some(job) = self.jobs.get(number).map(|job| *job) else {
                continue;
            };
            if number == runner {
                continue;
            }
            match job.spec.background {
                true => self.background_done(number, &job),
                false if job.orphan => self.jobs.end(number),
                false => {}
            }
        }
    }

    /// The books are closed: answers the jobs in service, asks for all that the target has left.
    pub(crate) fn sweep(&mut self, io: &mut Io) {
        let functions = &self.functions;
        let grab = Request::Grab(self.plan.grab.0);
        for worker in &mut self.workers {
            let Some(conn) = worker.conn else {
                continue;
            };
            if !std::mem::replace(&mut worker.started, true) {
                can_do(functions, conn, io);
            }
            for held in worker.held.drain(..) {
                answer_empty(conn, held.handle.bytes(), io);
            }
            while worker.grabs < SWEEP_PREFETCH {
                worker.grabs += 1;
                io.request(conn, &grab);
            }
        }
    }

    /// Answers a job once the books are closed, and asks for the next.
    pub(crate) fn sweep_one(&mut self, conn: ConnId, handle: &[u8], io: &mut Io) {
        answer_empty(conn, handle, io);
        io.request(conn, &Request::Grab(self.plan.grab.0));
    }

    /// The worker's connection ended: the server may hand its jobs to another.
    pub(crate) fn worker_lost(&mut self, index: u32) -> bool {
        self.lost_workers += 1;
        let now = self.pacer.now();
        let worker = &mut self.workers[index as usize];
        let open = worker.grabbed.front().copied();
        self.order.disturbed(self.jobs.next(), open);
        let served = worker.served;
        self.ledger.rerun += worker.taken_from;
        *worker = Worker {
            lost_at: now,
            torn: worker.torn,
            ..Worker::default()
        };
        served
    }
}
