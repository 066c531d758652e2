//! Faults as they happen to clients and workers.

use super::super::client::End;
use super::super::plan::{Cut, Fault, FaultKind};
use super::super::shard::{Actor, Shard};
use super::super::tally::Phase;
use super::{HALF_OPEN, Happened, Occurrence, PIECE};
use crate::protocol::{ConnId, Request};
use crate::wire::Io;
use std::sync::atomic::Ordering::Relaxed;

impl Shard {
    /// Has the faults happen whose time has come, and looks after those that are not over.
    pub(crate) fn go_wrong(&mut self, now: u64, io: &mut Io) {
        if self.faults.is_empty() {
            return;
        }
        if let (Phase::Measure, Some(start)) = (self.phase, self.measured_from) {
            for (which, turn) in self.faults.take_due(now.saturating_sub(start)) {
                self.occur(which, turn, now, io);
            }
        }
        self.look_after(now, io);
    }

    fn occur(&mut self, which: usize, turn: usize, now: u64, io: &mut Io) {
        let fault = self.faults.timelines[which].fault.clone();
        let candidates = self.candidates(fault.kind);
        let actors = match fault.kind {
            FaultKind::ServerRestart => candidates,
            _ => self.faults.victims(&fault, turn, candidates),
        };
        if actors.is_empty() {
            return;
        }
        let jobs = match fault.kind {
            // Of all jobs that the server has, none can be said to be with somebody.
            FaultKind::ServerRestart => Vec::new(),
            _ => actors
                .iter()
                .flat_map(|actor| self.jobs_of(*actor))
                .collect(),
        };
        let lasts = fault.length.map_or(0, |length| length.as_nanos() as u64);
        let until = match fault.kind {
            FaultKind::HalfClose => now + HALF_OPEN,
            _ => now + lasts,
        };
        self.faults.happened.push(Happened {
            which: (which, turn),
            fault: fault.to_string(),
            at: now,
            connections: actors.len() as u64,
            jobs: match fault.kind {
                FaultKind::ServerRestart => self.jobs.live() as u64,
                _ => jobs.len() as u64,
            },
            recovered_after: None,
        });
        if fault.kind == FaultKind::ServerRestart {
            self.restart();
        }
        for &actor in &actors {
            self.strike(actor, &fault, until, now, io);
        }
        self.faults.open.push(Occurrence {
            kind: fault.kind,
            entry: self.faults.happened.len() - 1,
            at: now,
            until,
            actors,
            jobs,
            completed: self.completed_jobs(),
        });
    }

    /// Who it can happen to.
    fn candidates(&self, kind: FaultKind) -> Vec<Actor> {
        let workers = self.workers.iter().zip(0..);
        let workers = workers
            .filter(|(worker, _)| worker.served && worker.conn.is_some() && !worker.leaving)
            .map(|(_, index)| Actor::Worker(index));
        let clients = self.clients.iter().zip(0..);
        let clients = clients
            .filter(|(client, _)| client.conn.is_some() && client.takes_jobs())
            .map(|(_, index)| Actor::Client(index));
        match kind {
            FaultKind::KillWorker | FaultKind::StallWorker | FaultKind::Churn => workers.collect(),
            FaultKind::KillClient | FaultKind::SlowReader | FaultKind::HalfClose => {
                clients.collect()
            }
            FaultKind::Fragment | FaultKind::ServerRestart => workers.chain(clients).collect(),
        }
    }

    /// Jobs that are with a peer.
    fn jobs_of(&self, actor: Actor) -> Vec<u64> {
        let mut jobs: Vec<u64> = match actor {
            Actor::Client(index) => self.clients[index as usize].concerns().collect(),
            Actor::Worker(index) => self.workers[index as usize].held().collect(),
        };
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }

    fn conn_of(&self, actor: Actor) -> Option<ConnId> {
        match actor {
            Actor::Client(index) => self.clients[index as usize].conn,
            Actor::Worker(index) => self.workers[index as usize].conn,
        }
    }

    fn strike(&mut self, actor: Actor, fault: &Fault, until: u64, now: u64, io: &mut Io) {
        let Some(conn) = self.conn_of(actor) else {
            return;
        };
        match (fault.kind, actor) {
            (FaultKind::KillWorker | FaultKind::KillClient, _) => {
                match fault.how.unwrap_or(Cut::Fin) {
                    Cut::Fin => io.cut(conn),
                    Cut::Rst => io.reset(conn),
                }
                self.ended_on_purpose(actor, conn, now);
            }
            (FaultKind::StallWorker, Actor::Worker(index)) => {
                self.workers[index as usize].stalled_until = until;
            }
            (FaultKind::SlowReader, _) => io.pause(conn, true),
            (FaultKind::HalfClose, Actor::Client(index)) => {
                self.clients[index as usize].leaving = true;
                io.half_close(conn);
            }
            (FaultKind::Churn, Actor::Worker(index)) => {
                self.workers[index as usize].leaving = true;
            }
            (FaultKind::Fragment, _) => {
                match actor {
                    Actor::Client(index) => self.clients[index as usize].torn = true,
                    Actor::Worker(index) => self.workers[index as usize].torn = true,
                }
                self.tear(actor, conn, io);
            }
            _ => {}
        }
    }

    /// Has a peer's packets torn apart, where that is its fate.
    pub(crate) fn tear(&mut self, actor: Actor, conn: ConnId, io: &mut Io) {
        let torn = match actor {
            Actor::Client(index) => self.clients[index as usize].torn,
            Actor::Worker(index) => self.workers[index as usize].torn,
        };
        if torn {
            io.tear(conn, PIECE);
        }
    }

    /// A connection was ended by a fault: it is made again, and what was with it is accounted for.
    fn ended_on_purpose(&mut self, actor: Actor, conn: ConnId, now: u64) {
        self.actors.remove(conn);
        self.ended_by_faults += 1;
        match actor {
            Actor::Client(index) => self.client_lost(index, End::Abandoned),
            Actor::Worker(index) => self.worker_lost(index),
        };
        self.connect_again(actor, now);
    }

    fn look_after(&mut self, now: u64, io: &mut Io) {
        let mut open = std::mem::take(&mut self.faults.open);
        if !open.is_empty() {
            let kinds = open.iter().fold(0, |kinds, one| kinds | one.kind.bit());
            let told = &self.shared.counters[self.index].faults;
            told.fetch_or(kinds, Relaxed);
        }
        open.retain_mut(|occurrence| {
            self.carry_on(occurrence, now, io);
            // What is shut may be over before the time after which we end it.
            let lasted = now >= occurrence.until || occurrence.kind == FaultKind::HalfClose;
            let over = lasted && self.is_over(occurrence);
            if over {
                let took = now - occurrence.at;
                self.faults.happened[occurrence.entry].recovered_after = Some(took);
            }
            !over
        });
        self.faults.open = open;
    }

    /// What a fault that lasts has to do meanwhile, and at its end.
    fn carry_on(&mut self, occurrence: &mut Occurrence, now: u64, io: &mut Io) {
        for at in 0..occurrence.actors.len() {
            let actor = occurrence.actors[at];
            match (occurrence.kind, actor, self.conn_of(actor)) {
                (FaultKind::Churn, Actor::Worker(index), Some(conn)) => {
                    let worker = &self.workers[index as usize];
                    if worker.leaving && worker.may_leave() {
                        io.request(conn, &Request::ResetAbilities);
                        io.close(conn);
                        self.ended_on_purpose(actor, conn, now);
                    }
                }
                (FaultKind::HalfClose, Actor::Client(index), Some(conn))
                    if self.clients[index as usize].leaving && now >= occurrence.until =>
                {
                    io.close(conn);
                    self.ended_on_purpose(actor, conn, now);
                }
                (FaultKind::SlowReader, _, Some(conn))
                    if now >= occurrence.until && io.is_paused(conn) =>
                {
                    // What waits for it now is what it has kept waiting.
                    occurrence.jobs.extend(self.jobs_of(actor));
                    occurrence.jobs.sort_unstable();
                    occurrence.jobs.dedup();
                    self.faults.happened[occurrence.entry].jobs = occurrence.jobs.len() as u64;
                    io.pause(conn, false);
                }
                _ => {}
            }
        }
    }

    /// Whether all is as if it had not happened.
    fn is_over(&mut self, occurrence: &Occurrence) -> bool {
        let back = occurrence.actors.iter().all(|actor| match actor {
            Actor::Client(index) => self.clients[*index as usize].takes_jobs(),
            Actor::Worker(index) => {
                let worker = &self.workers[*index as usize];
                worker.served && !worker.leaving
            }
        });
        let goes_on = match occurrence.kind {
            FaultKind::ServerRestart => {
                !self.shared.outage.is_on() && self.completed_jobs() > occurrence.completed
            }
            _ => true,
        };
        let jobs = &mut self.jobs;
        let has_end = |number: &u64| jobs.get(*number).is_none_or(|job| job.counted);
        back && goes_on && occurrence.jobs.iter().all(has_end)
    }

    /// Jobs that have ended well so far.
    fn completed_jobs(&self) -> u64 {
        self.ledger.ok + self.ledger.failed_as_told
    }

    /// Restarts the server, which is done by the first shard; to the others it happens.
    fn restart(&mut self) {
        if self.index == 0
            && let Some(command) = &self.plan.restart_cmd
        {
            self.shared.outage.begin(command);
        }
    }
}
