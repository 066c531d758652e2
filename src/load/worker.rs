//! The workers' side: CAN_DO, GRAB_JOB, PRE_SLEEP on NO_JOB, GRAB_JOB on NOOP.

mod assign;
mod held;
mod serve;
mod sweep;

pub(crate) use sweep::SWEEP_PREFETCH;

use super::closing::Stage;
use super::order::Grabs;
use super::shard::Shard;
use super::tally::Phase;
use crate::protocol::{ConnId, Request, Response};
use crate::wire::Io;
use assign::Assigned;
use held::Held;

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
