//! The clients' side: submissions, acknowledgements, results, timeouts.

use super::jobs::{Found, Job, NOBODY};
use super::payload::{HEADER, Kind};
use super::plan::{Pace, Unique};
use super::recorder::Stage;
use super::shard::{Shard, handle_hash};
use super::tally::Phase;
use crate::protocol::{Body, ConnId, Request, Response, Submit, Work};
use crate::wire::Io;
use std::collections::VecDeque;

/// Background jobs on their way above which a closed loop holds back: a server slower than its
/// clients would otherwise be filled until someone runs out of memory.
const FULL: usize = 2_000_000;

/// Submissions of a client that a flood keeps on their way.
const FLOOD_OUTSTANDING: usize = 64;

/// One simulated client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) conn: Option<ConnId>,
    pub(crate) served: bool,
    /// Submissions that wait for JOB_CREATED, in order.
    unacked: VecDeque<u64>,
    /// The last so many of them have not been handed to the kernel.
    unstamped: usize,
    /// Foreground jobs that wait for their result.
    waiting: VecDeque<u64>,
    /// Jobs that keep the next one back in a closed loop.
    busy: usize,
}

impl Client {
    pub(crate) fn is_busy(&self) -> bool {
        self.busy > 0
    }

    /// Submissions without an answer, whatever it will be.
    pub(crate) fn unanswered(&self) -> usize {
        self.unacked.len()
    }

    /// A foreground job has ended. One that had timed out keeps nothing back any more.
    fn forget(&mut self, number: u64, timed_out: bool) {
        if let Some(at) = self.waiting.iter().position(|waiting| *waiting == number) {
            self.waiting.remove(at);
        }
        self.busy = self.busy.saturating_sub(usize::from(!timed_out));
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ok,
    Failed,
    Error,
    Timeout,
}

impl Shard {
    /// Submits the next job on the client's connection.
    #[inline]
    pub(crate) fn submit(&mut self, index: u32, conn: ConnId, t0: u64, io: &mut Io) {
        let spec = self.draws.next(self.phase == Phase::Flood);
        let number = self.jobs.next();
        let mut scratch = std::mem::take(&mut self.scratch);
        self.bodies
            .write(&mut scratch, Kind::Payload, number, spec.payload);
        let mut digits = itoa::Buffer::new();
        let unique = match self.plan.unique {
            Unique::None => "",
            Unique::Each => digits.format(number),
            Unique::Pool(names) => digits.format(number % names),
        };
        let request = Request::Submit(Submit {
            function: &self.functions[spec.function as usize],
            unique: unique.as_bytes(),
            priority: spec.priority,
            background: spec.background,
            epoch: None,
            reducer: None,
            body: Body::new(&scratch),
        });
        io.request(conn, &request);
        io.stamp(conn);
        self.scratch = scratch;
        self.ledger.sent += 1;
        self.tally().sent += 1;
        let phase = (self.tallies.len() - 1) as u8;
        let mut job = Job::new(spec, index, phase, t0);
        job.place = self.order.sent(spec.function, spec.priority);
        self.jobs.push(job);
        let client = &mut self.clients[index as usize];
        client.busy += 1;
        client.unstamped += 1;
        client.unacked.push_back(number);
        if !spec.background {
            client.waiting.push_back(number);
        }
    }

    /// Closed loop: submits until the client has as many jobs on their way as it may.
    #[inline]
    pub(crate) fn refill(&mut self, index: u32, conn: ConnId, now: u64, io: &mut Io) {
        let Some(outstanding) = self.outstanding() else {
            return;
        };
        while self.clients[index as usize].busy < outstanding
            && self.may_send()
            && self.jobs.live() < FULL
        {
            self.ledger.scheduled += 1;
            self.tally().scheduled += 1;
            self.submit(index, conn, now, io);
        }
    }

    /// Jobs that each client keeps on their way now; `None` where the schedule decides, or where
    /// nothing is to be sent.
    fn outstanding(&self) -> Option<usize> {
        match (self.phase, self.plan.pace) {
            (Phase::Flood, Pace::Closed { outstanding }) => {
                Some(outstanding.max(FLOOD_OUTSTANDING))
            }
            (Phase::Flood, Pace::Open { .. }) => Some(FLOOD_OUTSTANDING),
            (Phase::Warmup | Phase::Measure, Pace::Closed { outstanding }) => Some(outstanding),
            _ => None,
        }
    }

    /// Closed loop: gets all clients going, also those that were held back.
    pub(crate) fn refill_all(&mut self, now: u64, io: &mut Io) {
        if self.outstanding().is_none() {
            return;
        }
        for index in 0..self.clients.len() as u32 {
            let client = &self.clients[index as usize];
            if let (true, Some(conn)) = (client.served, client.conn) {
                self.refill(index, conn, now, io);
            }
        }
    }

    /// Open loop: the next client that can submit.
    pub(crate) fn next_client(&mut self) -> Option<(u32, ConnId)> {
        let count = self.clients.len();
        for _ in 0..count {
            let index = self.turn;
            self.turn = (self.turn + 1) % count;
            let client = &self.clients[index];
            if let (true, Some(conn)) = (client.served, client.conn) {
                return Some((index as u32, conn));
            }
        }
        None
    }

    #[inline]
    pub(crate) fn client_frame(
        &mut self,
        index: u32,
        conn: ConnId,
        response: Response<'_>,
        now: u64,
        io: &mut Io,
    ) {
        match response {
            Response::JobCreated { handle } => self.acknowledged(index, handle, now),
            Response::Work {
                handle,
                work: Work::Complete(body),
            } => self.result(index, handle, &body, now),
            Response::Work {
                handle,
                work: Work::Fail | Work::Exception(_),
            } => {
                self.work_failed(index, handle);
            }
            Response::Error { code, text } => self.refused(index, code, text),
            Response::Work { .. } => {}
            _ => self.unexpected += 1,
        }
        self.refill(index, conn, now, io);
    }

    /// JOB_CREATED: answers come in the order of the submissions.
    fn acknowledged(&mut self, index: u32, handle: &[u8], now: u64) {
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
        self.order
            .acked(job.spec.function, job.spec.priority, &mut job.place);
        let job = *job;
        self.tallies[usize::from(job.phase)].record(|recorder| recorder.acknowledged(&job));
        if !job.spec.background {
            return;
        }
        self.clients[index as usize].busy -= 1;
        if self.phase == Phase::Flood {
            self.tally().completed += 1;
        }
        if job.t4 > 0 {
            self.background_done(number, &job);
        }
    }

    /// A background job has been acknowledged and run, in whatever order.
    pub(crate) fn background_done(&mut self, number: u64, job: &Job) {
        self.tallies[usize::from(job.phase)].record_background(job);
        self.count(number, End::Ok);
        self.jobs.end(number);
        if self.phase != Phase::Flood {
            self.completed(job);
        }
    }

    /// Counts a job for the phase in which it ended; one of the warm-up stays out of the measured
    /// load.
    #[inline]
    fn completed(&mut self, job: &Job) {
        match &mut self.tallies[usize::from(job.phase)] {
            own if own.phase == Phase::Warmup => own.completed += 1,
            _ => self.tally().completed += 1,
        }
    }

    /// Puts a job's end into the books, once.
    pub(crate) fn count(&mut self, number: u64, end: End) -> bool {
        let Some(job) = self.jobs.get(number) else {
            return false;
        };
        if std::mem::replace(&mut job.counted, true) {
            return false;
        }
        job.timed_out = end == End::Timeout;
        match end {
            End::Ok => self.ledger.ok += 1,
            End::Failed => self.ledger.failed += 1,
            End::Error => self.ledger.error += 1,
            End::Timeout => self.ledger.timeout += 1,
        }
        true
    }

    /// The foreground job of this client that `handle` names.
    fn waiting(&mut self, index: u32, handle: &[u8]) -> Option<u64> {
        let hash = handle_hash(handle);
        let waiting = &self.clients[index as usize].waiting;
        let jobs = &mut self.jobs;
        let is = |number: &&u64| jobs.get(**number).is_some_and(|job| job.handle == hash);
        waiting.iter().find(is).copied()
    }

    /// WORK_COMPLETE.
    #[inline]
    fn result(&mut self, index: u32, handle: &[u8], body: &[u8], now: u64) {
        let named = match body.len() >= HEADER {
            true => self.bodies.read(Kind::Result, body).ok(),
            false => None,
        };
        let Some(number) = named else {
            return self.result_by_handle(index, handle, body, now);
        };
        let job = match self.jobs.find(number) {
            Found::Live(job) => *job,
            Found::Ended => return self.strange_result(index, handle, true),
            Found::Never => return self.strange_result(index, handle, false),
        };
        let is_its_handle = job.handle == 0 || job.handle == handle_hash(handle);
        let is_its_size = body.len() == job.spec.result as usize;
        if job.client != index || !is_its_handle || !is_its_size {
            self.ledger.wrong_body += 1;
            let owner = self.waiting(index, handle);
            return self.failed(index, owner);
        }
        self.answered(index, number, &job, now);
    }

    /// A result of a job that has `ended`, or that never was. When its handle is that of a job
    /// that waits, that job was given the wrong result.
    fn strange_result(&mut self, index: u32, handle: &[u8], ended: bool) {
        let owner = self.waiting(index, handle);
        match (owner, ended) {
            (Some(_), _) => self.ledger.wrong_body += 1,
            (None, true) => self.ledger.duplicated += 1,
            (None, false) => self.ledger.phantom += 1,
        }
        self.failed(index, owner);
    }

    /// A result without a readable header: the handle says whose it should be.
    fn result_by_handle(&mut self, index: u32, handle: &[u8], body: &[u8], now: u64) {
        let Some(number) = self.waiting(index, handle) else {
            self.ledger.phantom += 1;
            return;
        };
        let Some(job) = self.jobs.get(number).map(|job| *job) else {
            return;
        };
        // Who answers a job that nobody ran cannot know its result either: one fault, not two.
        if job.t3 == 0 {
            self.ledger.phantom += 1;
            return self.failed(index, Some(number));
        }
        if !(body.is_empty() && job.spec.result == 0) {
            self.ledger.wrong_body += 1;
            return self.failed(index, Some(number));
        }
        self.answered(index, number, &job, now);
    }

    /// The job's own result came.
    #[inline]
    fn answered(&mut self, index: u32, number: u64, job: &Job, now: u64) {
        if job.t3 == 0 {
            // None of our workers has seen it.
            self.ledger.phantom += 1;
            return self.failed(index, Some(number));
        }
        if job.timed_out {
            self.ledger.late += 1;
            self.jobs.end(number);
            self.clients[index as usize].forget(number, true);
            return;
        }
        let open = self.open;
        self.tallies[usize::from(job.phase)].record(|recorder| recorder.answered(job, open, now));
        self.seconds.record(job.response(open, now));
        self.count(number, End::Ok);
        self.completed(job);
        self.jobs.end(number);
        self.clients[index as usize].forget(number, false);
    }

    /// A foreground job has ended, but not well.
    fn failed(&mut self, index: u32, number: Option<u64>) {
        let Some(number) = number else {
            return;
        };
        let timed_out = !self.count(number, End::Failed);
        self.jobs.end(number);
        self.clients[index as usize].forget(number, timed_out);
    }

    fn work_failed(&mut self, index: u32, handle: &[u8]) {
        // gearmand ends some handles by a NUL, and sends WORK_FAIL after an exception.
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let number = self.waiting(index, handle);
        self.failed(index, number);
    }

    /// ERROR answers the oldest submission.
    fn refused(&mut self, index: u32, code: &[u8], text: &[u8]) {
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

    /// The bytes of the last submissions leave: that is t1.
    #[inline]
    pub(crate) fn client_flushed(&mut self, index: u32, now: u64) {
        let client = &mut self.clients[index as usize];
        let start = client.unacked.len().saturating_sub(client.unstamped);
        client.unstamped = 0;
        for &number in client.unacked.range(start..) {
            let Some(job) = self.jobs.get(number) else {
                continue;
            };
            job.t1 = now;
            if self.open {
                let (lag, phase) = (now.saturating_sub(job.t0), usize::from(job.phase));
                self.tallies[phase].record(|r| r.record(Stage::ScheduleLag, lag));
            }
        }
    }

    /// The client's connection ended: its foreground jobs will never be answered, and whether an
    /// unacknowledged one arrived is unknown.
    pub(crate) fn client_lost(&mut self, index: u32) -> bool {
        let client = &mut self.clients[index as usize];
        let served = client.served;
        let numbers: Vec<u64> = client
            .unacked
            .iter()
            .chain(&client.waiting)
            .copied()
            .collect();
        *client = Client::default();
        self.lost_clients += 1;
        for number in numbers {
            self.count(number, End::Error);
            if let Some(job) = self.jobs.get(number) {
                job.orphan = true;
            }
        }
        served
    }

    /// Counts the foreground jobs that have waited too long. Jobs are as old as their numbers
    /// say, so this looks at each of them once.
    pub(crate) fn time_out(&mut self, now: u64) {
        let limit = self.plan.timeout.as_nanos() as u64;
        while self.oldest < self.jobs.next() {
            let number = self.oldest;
            if let Some(job) = self.jobs.get(number) {
                if now.saturating_sub(job.t0) < limit {
                    return;
                }
                let (job, phase) = (*job, usize::from(job.phase));
                let waits = !job.spec.background && job.client != NOBODY && !job.orphan;
                if waits && self.count(number, End::Timeout) {
                    // At least this long: leaving it out would flatter the server.
                    let waited = now.saturating_sub(job.t0);
                    self.tallies[phase].record(|r| r.record(Stage::Response, waited));
                    self.seconds.record(waited);
                    // It stays in `waiting`: its result may still come.
                    let client = &mut self.clients[job.client as usize];
                    client.busy = client.busy.saturating_sub(1);
                }
            }
            self.oldest += 1;
        }
    }
}
