//! What clients send: one job after the other, or when the schedule says so.

use crate::load::jobs::Job;
use crate::load::payload::Kind;
use crate::load::plan::{Pace, Unique};
use crate::load::recorder::Stage;
use crate::load::shard::Shard;
use crate::load::tally::Phase;
use crate::protocol::{Body, ConnId, Request, Submit};
use crate::wire::Io;

/// Background jobs on their way above which a closed loop holds back: a server slower than its
/// clients would otherwise be filled until someone runs out of memory.
const FULL: usize = 2_000_000;

/// Submissions of a client that a flood keeps on their way.
const FLOOD_OUTSTANDING: usize = 64;

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
}
