//! The clients' side: submissions, acknowledgements, results, timeouts.

use super::coalesce::Runner;
use super::draw::Fate;
use super::jobs::{Found, Job, NOBODY};
use super::payload::{HEADER, Kind, job_and_part};
use super::plan::{Pace, Unique};
use super::recorder::Stage;
use super::shard::{Shard, handle_hash};
use super::tally::Phase;
use crate::protocol::{Body, ConnId, Request, Response, Submit, Work, request};
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
    /// Submits nothing any more: its connection is about to end, as the plan wants it.
    pub(crate) leaving: bool,
    /// Sends its packets in pieces.
    pub(crate) torn: bool,
}

impl Client {
    pub(crate) fn is_busy(&self) -> bool {
        self.busy > 0
    }

    /// Submissions and jobs without an answer; those that lack both come twice.
    pub(crate) fn concerns(&self) -> impl Iterator<Item = u64> {
        self.unacked.iter().chain(&self.waiting).copied()
    }

    /// Whether it may be given a job.
    pub(crate) fn takes_jobs(&self) -> bool {
        self.served && !self.leaving
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
    /// It failed as its worker was told.
    Told,
    Failed,
    Error,
    Timeout,
    /// Its client was killed.
    Abandoned,
    /// The server was restarted.
    Restart,
}

impl End {
    fn of(fate: Fate) -> Self {
        match fate {
            Fate::Complete => End::Ok,
            Fate::Fail | Fate::Exception => End::Told,
        }
    }
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
        let epoch = self.plan.epoch.map(|delay| self.calendar.after(t0, delay));
        let request = Request::Submit(Submit {
            function: &self.functions[spec.function as usize],
            unique: unique.as_bytes(),
            priority: spec.priority,
            background: spec.background,
            epoch: epoch.map(|(second, _)| second),
            reducer: self.plan.reduce.as_deref().map(str::as_bytes),
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
        if let Some((_, at)) = epoch {
            job.not_before = at;
            self.last_due = self.last_due.max(at);
        }
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
            && !self.clients[index as usize].leaving
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
            if let (true, Some(conn)) = (client.takes_jobs(), client.conn) {
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
            if let (true, Some(conn)) = (client.takes_jobs(), client.conn) {
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
                self.work_failed(index, handle, now);
            }
            Response::Error { code, text } => self.refused(index, code, text),
            Response::Work { handle, work } => self.update(index, handle, &work),
            Response::OptionRes { .. } => {}
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
        // One that waits for its time has no place until then.
        if job.not_before == 0 {
            self.order
                .acked(job.spec.function, job.spec.priority, &mut job.place);
        }
        let job = *job;
        self.tallies[usize::from(job.phase)].record(|recorder| recorder.acknowledged(&job));
        let done = self.coalesces && self.join(number, job.handle);
        if !job.spec.background {
            return;
        }
        self.clients[index as usize].busy -= 1;
        if self.phase == Phase::Flood {
            self.tally().completed += 1;
        }
        if job.t4 > 0 || done {
            self.background_done(number, &job);
        }
    }

    /// A submission was given a handle that others may have as well. Whether their job has run.
    fn join(&mut self, number: u64, handle: u64) -> bool {
        let joined = self.groups.join(handle, number);
        let jobs = &mut self.jobs;
        self.groups.trim(|number| jobs.get(number).is_some());
        if let Some(job) = jobs.get(number).filter(|_| joined) {
            job.joined = true;
            self.ledger.coalesced += 1;
        }
        self.groups.get(handle).is_some_and(|group| group.done)
    }

    /// A background job has been acknowledged and run, in whatever order.
    pub(crate) fn background_done(&mut self, number: u64, job: &Job) {
        self.tallies[usize::from(job.phase)].record_background(job);
        let fate = self
            .runner_of(number, job)
            .map_or(job.spec.fate, |runner| runner.spec.fate);
        self.count(number, End::of(fate));
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
            End::Told => self.ledger.failed_as_told += 1,
            End::Failed => self.ledger.failed += 1,
            End::Error => self.ledger.error += 1,
            End::Timeout => self.ledger.timeout += 1,
            End::Abandoned => self.ledger.abandoned += 1,
            End::Restart => self.ledger.lost_in_restart += 1,
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
        if self.coalesces {
            return self.shared_result(index, handle, named, body.len(), now);
        }
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
        self.answered(index, number, &job, End::Ok, now);
    }

    /// A result of a job that several submissions may share: one of this client's that was given
    /// the handle is answered. The body is that of the submission that ran.
    fn shared_result(
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
    fn shared(&mut self, number: u64, runner: Option<Runner>) -> Option<Job> {
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
    fn runner_of(&self, number: u64, job: &Job) -> Option<Runner> {
        let group = self.coalesces.then(|| self.groups.get(job.handle))??;
        group.runner.filter(|runner| runner.number != number)
    }

    /// WORK_DATA, WORK_STATUS, WORK_WARNING.
    fn update(&mut self, index: u32, handle: &[u8], work: &Work<'_>) {
        let Some(number) = self.waiting(index, handle) else {
            self.ledger.phantom += 1;
            return;
        };
        let good = match work {
            Work::Data(body) => {
                self.updates.chunks += 1;
                self.is_next_part(index, handle, body)
            }
            Work::Status {
                numerator,
                denominator,
            } => {
                self.updates.progress += 1;
                let all = Some(u64::from(self.plan.progress));
                let is_far =
                    request::number(numerator).is_some_and(|far| far > 0 && Some(far) <= all);
                is_far && request::number(denominator) == all
            }
            Work::Warning(body) => {
                self.updates.warnings += 1;
                self.part(number, body) == Some(0)
            }
            _ => true,
        };
        self.ledger.wrong_body += u64::from(!good);
    }

    /// Which part of a job's result the body is, where it is one.
    fn part(&mut self, number: u64, body: &[u8]) -> Option<u32> {
        let (named, part) = job_and_part(self.bodies.read(Kind::Part, body).ok()?);
        let job = *self.jobs.get(number)?;
        let runner = self
            .runner_of(number, &job)
            .map_or(number, |runner| runner.number);
        (named == runner).then_some(part)
    }

    /// Whether the body is the part that comes next for one of the client's submissions with this
    /// handle: each of them is sent it. A job that runs again begins anew, and one that was joined
    /// may be in the middle.
    fn is_next_part(&mut self, index: u32, handle: &[u8], body: &[u8]) -> bool {
        let hash = handle_hash(handle);
        let lost_any = self.lost_workers > 0;
        let waiting = std::mem::take(&mut self.clients[index as usize].waiting);
        let mut next = None;
        for &number in &waiting {
            let Some(job) = self.jobs.get(number).map(|job| *job) else {
                continue;
            };
            let Some(part) = (job.handle == hash)
                .then(|| self.part(number, body))
                .flatten()
            else {
                continue;
            };
            if part == job.parts {
                next = Some((number, part));
                break;
            }
            let may_join = job.parts == 0 && self.runner_of(number, &job).is_some();
            if next.is_none() && (may_join || part == 0 && lost_any) {
                next = Some((number, part));
            }
            if !self.coalesces {
                break;
            }
        }
        self.clients[index as usize].waiting = waiting;
        if let Some((number, part)) = next
            && let Some(job) = self.jobs.get(number)
        {
            job.parts = part + 1;
        }
        next.is_some()
    }

    /// Whether all parts of a result have come before its end; who joined a running job has
    /// missed some.
    fn has_all_parts(&self, number: u64, job: &Job) -> bool {
        job.parts == self.plan.chunks || self.runner_of(number, job).is_some()
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
        self.answered(index, number, &job, End::Ok, now);
    }

    /// The job's own result came, or the failure that it was to have.
    #[inline]
    fn answered(&mut self, index: u32, number: u64, job: &Job, end: End, now: u64) {
        if job.t3 == 0 {
            // None of our workers has seen it.
            self.ledger.phantom += 1;
            return self.failed(index, Some(number));
        }
        if !self.has_all_parts(number, job) {
            self.ledger.wrong_body += 1;
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
        self.count(number, end);
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

    fn work_failed(&mut self, index: u32, handle: &[u8], now: u64) {
        // gearmand ends some handles by a NUL, and sends WORK_FAIL after an exception.
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let number = self.waiting(index, handle);
        if let Some((number, job)) =
            number.and_then(|number| Some((number, *self.jobs.get(number)?)))
        {
            let runner = self.runner_of(number, &job);
            let fate = runner.map_or(job.spec.fate, |runner| runner.spec.fate);
            let seen = self.shared(number, runner).filter(|job| job.t3 > 0);
            if let (End::Told, Some(job)) = (End::of(fate), seen) {
                return self.answered(index, number, &job, End::Told, now);
            }
        }
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
    /// unacknowledged one arrived is unknown. All of them have this `end`.
    pub(crate) fn client_lost(&mut self, index: u32, end: End) -> bool {
        let client = &mut self.clients[index as usize];
        let served = client.served;
        let numbers: Vec<u64> = client.concerns().collect();
        *client = Client {
            torn: client.torn,
            ..Client::default()
        };
        self.lost_clients += 1;
        for number in numbers {
            self.count(number, end);
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
