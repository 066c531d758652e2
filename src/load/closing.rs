//! The end of a run, in one order: nothing is sent or asked for any more; what is on its way is
//! read; the books are closed; the target is asked for what has no end; what it still has is
//! swept up. From the closing on, no frame and no flush changes the books.

use super::client::End;
use super::recorder::Stage as Latency;
use super::shard::{Actor, Shard};
use crate::protocol::{Body, ConnId, Request, Response};
use crate::wire::Io;
use slotmap::SecondaryMap;

/// How far the end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The run goes on.
    #[default]
    Running,
    /// No job is submitted or asked for; answers still count.
    Settling,
    /// Nothing counts any more.
    Frozen,
}

/// The state of the end.
#[derive(Default)]
pub(crate) struct Closing {
    pub(crate) stage: Stage,
    /// The question that is being asked.
    round: u8,
    /// Connections that have not answered it.
    unanswered: SecondaryMap<ConnId, ()>,
    /// A connection ended meanwhile: who knows what it took along.
    pub(crate) disturbed: bool,
}

/// Jobs without an end when the books were closed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Open {
    /// Acknowledged, and not in the hands of our own workers: the target should have them.
    pub(crate) accepted: u64,
    /// Never acknowledged: the target may have them.
    pub(crate) unknown: u64,
    /// Of those accepted: while a server was there that has been restarted since.
    pub(crate) before_restart: u64,
    /// In service with our own workers: the target has them as well.
    pub(crate) held: u64,
}

impl Shard {
    /// From now on no job is submitted or asked for.
    pub(crate) fn begin_settling(&mut self) {
        self.closing.stage = Stage::Settling;
    }

    /// Asks on every connection for an answer, which comes after all that came before it.
    pub(crate) fn ask_all(&mut self, io: &mut Io) {
        self.closing.round += 1;
        self.closing.unanswered.clear();
        let word = [self.closing.round];
        let workers = self.workers.iter().filter_map(|worker| worker.conn);
        let clients = self.clients.iter().filter_map(|client| client.conn);
        for conn in workers.chain(clients) {
            let body = Body::new(&word);
            io.request(conn, &Request::Echo { body });
            self.closing.unanswered.insert(conn, ());
        }
    }

    pub(crate) fn echoed(&mut self, conn: ConnId, word: &[u8]) {
        if *word == [self.closing.round] {
            self.closing.unanswered.remove(conn);
        }
    }

    pub(crate) fn all_have_answered(&self) -> bool {
        self.closing.disturbed || self.closing.unanswered.is_empty()
    }

    /// Closes the books: every job without an end is in flight.
    pub(crate) fn freeze(&mut self, now: u64) -> Open {
        self.closing.stage = Stage::Frozen;
        self.judge_second_runs();
        let (mut open, mut in_flight) = (Open::default(), 0);
        let held = self
            .workers
            .iter()
            .map(|worker| worker.holds())
            .sum::<usize>();
        open.held = held as u64;
        let mut ran_unacknowledged = Vec::new();
        for (number, job) in self.jobs.iter() {
            if job.spec.background && job.t4 > 0 {
                ran_unacknowledged.push(number);
                continue;
            }
            in_flight += u64::from(!job.counted);
            if !job.counted && !job.spec.background {
                // At least this long: leaving it out would flatter the server.
                let waited = job.response(self.open, now);
                self.seconds.record(waited);
                self.tallies[usize::from(job.phase)]
                    .record(|r| r.record(Latency::Response, waited));
            }
            let worker = self.workers.get(job.worker as usize);
            if job.orphan || worker.is_some_and(|worker| worker.has(number)) {
                continue;
            }
            match job.t2 {
                0 => open.unknown += 1,
                // The target has it once, however many submissions share it.
                _ if job.joined => {}
                t2 => {
                    open.accepted += 1;
                    open.before_restart += u64::from(t2 <= self.down_at);
                }
            }
        }
        for number in ran_unacknowledged {
            self.ledger.recovered += 1;
            self.count(number, End::Ok);
        }
        self.ledger.in_flight = in_flight;
        open
    }

    /// Says of the jobs without an end what the target says of them: `queued` jobs, if it says
    /// anything. Only when all is `settled` is a job that it does not have a lost one.
    pub(crate) fn classify(&mut self, open: Open, queued: Option<u64>, settled: bool) {
        let Some(queued) = queued else {
            return;
        };
        let queued = queued.saturating_sub(open.held);
        self.ledger.still_queued = queued.min(open.accepted + open.unknown);
        if settled {
            let lost = open.accepted.saturating_sub(queued);
            let excused = match self.plan.durable {
                true => 0,
                false => lost.min(open.before_restart),
            };
            self.ledger.lost = lost - excused;
            self.ledger.lost_in_restart += excused;
            self.ledger.in_flight -= excused;
        }
    }

    /// What still comes once the books are closed: a job is answered at once, and the next asked
    /// for, until there is none.
    pub(crate) fn frame_after_end(
        &mut self,
        actor: Actor,
        conn: ConnId,
        response: &Response<'_>,
        io: &mut Io,
    ) {
        let Actor::Worker(index) = actor else {
            return;
        };
        match response {
            Response::JobAssign { handle, .. }
            | Response::JobAssignUniq { handle, .. }
            | Response::JobAssignAll { handle, .. } => self.sweep_one(conn, handle, io),
            Response::NoJob => self.workers[index as usize].found_none(),
            _ => {}
        }
    }

    /// No worker has a job to come.
    pub(crate) fn swept(&self) -> bool {
        let mut workers = self.workers.iter();
        workers.all(|worker| worker.conn.is_none() || !worker.asks())
    }
}
