//! All clients and workers of one thread, their jobs and their books.
//!
//! The shard is the service above the connections. It is driven by frames and by ticks; what the
//! clients do is in `client`, what the workers do in `worker`, the order of phases in `phases`.

use super::arrival::Schedule;
use super::calendar::Calendar;
use super::client::{Client, End};
use super::closing::{self, Closing};
use super::coalesce::Groups;
use super::draw::Draws;
use super::fairness::Shares;
use super::faults::Faults;
use super::jobs::Jobs;
use super::lateness::Lateness;
use super::order::Order;
use super::pacer::{Pacer, nanoseconds};
use super::payload::Bodies;
use super::plan::{Pace, Plan, Unique};
use super::recorder::Recorder;
use super::seconds::Seconds;
use super::tally::{Phase, Tally};
use super::worker::Worker;
use super::{LoadError, Shared};
use crate::protocol::{Body, ConnId, Frame, Request, Response};
use crate::report::{Ledger, Updates, Wakeups};
use crate::wire::{Closed, Io, Service};
use slotmap::SecondaryMap;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Connections that have been made but not served yet. gearmand lets 32 wait in its listen
/// queue; the kernel drops the next one for a second.
const UNSERVED: usize = 24;

/// Clients that submit a backlog when the plan has none.
const FLOOD_CLIENTS: usize = 4;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Client(u32),
    Worker(u32),
}

/// Everything of one thread.
pub(crate) struct Shard {
    pub(crate) plan: Plan,
    pub(crate) index: usize,
    pub(crate) shared: Arc<Shared>,
    origin: Instant,
    pub(crate) pacer: Rc<Pacer>,
    pub(crate) open: bool,
    pub(crate) draws: Draws,
    pub(crate) bodies: Bodies,
    pub(crate) jobs: Jobs,
    /// Whether submissions may share a job, and those that do.
    pub(crate) coalesces: bool,
    pub(crate) groups: Groups,
    pub(crate) calendar: Calendar,
    /// The time of the latest job that has one.
    pub(crate) last_due: u64,
    pub(crate) faults: Faults,
    /// Jobs not sent because the server was being restarted.
    pub(crate) shed_in_restart: u64,
    /// When the server went down by a restart, for the last time.
    pub(crate) down_at: u64,
    pub(crate) functions: Vec<Box<[u8]>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) actors: SecondaryMap<ConnId, Actor>,
    pub(crate) schedule: Option<Box<Schedule>>,
    pub(crate) ledger: Ledger,
    pub(crate) wakeups: Wakeups,
    pub(crate) order: Order,
    pub(crate) updates: Updates,
    pub(crate) shares: Shares,
    pub(crate) phase: Phase,
    /// Which of the plan's phases it is, while it measures.
    pub(crate) step: usize,
    /// When measuring began.
    pub(crate) measured_from: Option<u64>,
    /// Jobs scheduled in the measured phases before this one.
    pub(crate) scheduled_before: u64,
    pub(crate) tallies: Vec<Tally>,
    /// How late this thread was while it measured.
    pub(crate) lateness: Lateness,
    /// Responses of the second that it is.
    pub(crate) seconds: Seconds,
    /// An empty one, to begin each phase with.
    recorder: Recorder,
    /// Jobs in service: when they are done, by whom, which.
    pub(crate) due: BinaryHeap<Reverse<(u64, u32, u64)>>,
    pub(crate) scratch: Vec<u8>,
    /// The client whose turn it is, in an open loop.
    pub(crate) turn: usize,
    /// The first job that may still time out.
    pub(crate) oldest: u64,
    /// When a frame last came.
    pub(crate) active_at: u64,
    /// When the phase's sending ended.
    pub(crate) quiet_from: u64,
    /// When it looks around again, beats apart.
    pub(crate) look_at: u64,
    /// Looks around for which the phase has seemed to be over.
    pub(crate) held_for: u32,
    pub(crate) unserved: Rc<Semaphore>,
    pub(crate) served: usize,
    /// Actors to be connected again, and when.
    pub(crate) lost: VecDeque<(u64, Actor)>,
    pub(crate) lost_workers: u64,
    pub(crate) lost_clients: u64,
    /// Of these connections: ended by a fault of the plan.
    pub(crate) ended_by_faults: u64,
    pub(crate) reconnects: u64,
    pub(crate) unexpected: u64,
    pub(crate) first_refusal: Option<String>,
    /// Second runs of jobs that had ended.
    pub(crate) ended_again: u64,
    pub(crate) closing: Closing,
    /// Why the run cannot go on.
    pub(crate) gone: Option<String>,
}

impl Shard {
    pub(crate) fn new(
        plan: Plan,
        index: usize,
        shared: Arc<Shared>,
        pacer: Rc<Pacer>,
    ) -> Result<Self, LoadError> {
        let origin = shared.origin;
        let seed = plan.seed.wrapping_add(index as u64);
        let largest = plan.payload.largest().max(plan.result.largest()) as usize;
        let prefix = plan.id.prefix();
        let name = |function: usize| format!("{prefix}{index}-{function}").into_bytes().into();
        let functions: Vec<Box<[u8]>> = (0..plan.functions).map(name).collect();
        let clients = match plan.clients {
            0 if plan.backlog > 0 => FLOOD_CLIENTS,
            clients => clients,
        };
        Ok(Shard {
            index,
            origin,
            pacer,
            open: matches!(plan.pace, Pace::Open { .. }),
            draws: Draws::new(&plan, seed),
            bodies: Bodies::new(plan.id.0.wrapping_add(index as u64), plan.seed, largest),
            jobs: Jobs::default(),
            coalesces: matches!(plan.unique, Unique::Pool(_)),
            groups: Groups::default(),
            calendar: Calendar::new(origin),
            last_due: 0,
            faults: Faults::new(&plan, index),
            shed_in_restart: 0,
            down_at: 0,
            shares: Shares::new(plan.workers, &functions),
            functions,
            clients: (0..clients).map(|_| Client::default()).collect(),
            // Without workers, one sweeps up at the end what was queued.
            workers: (0..plan.workers.max(1))
                .map(|_| Worker::default())
                .collect(),
            actors: SecondaryMap::new(),
            schedule: None,
            ledger: Ledger::default(),
            wakeups: Wakeups::default(),
            order: Order::new(plan.functions, plan.workers * plan.prefetch),
            updates: Updates::default(),
            phase: Phase::Connect,
            step: 0,
            measured_from: None,
            scheduled_before: 0,
            tallies: vec![Tally::begin(Phase::Connect, 1, None, None)],
            lateness: Lateness::new().map_err(|_| LoadError::Recorder)?,
            seconds: Seconds::new(index, shared.gathered.clone())
                .map_err(|_| LoadError::Recorder)?,
            recorder: Recorder::new().map_err(|_| LoadError::Recorder)?,
            due: BinaryHeap::new(),
            scratch: Vec::new(),
            turn: 0,
            oldest: 0,
            active_at: 0,
            quiet_from: 0,
            look_at: 0,
            held_for: 0,
            unserved: Rc::new(Semaphore::new(UNSERVED)),
            served: 0,
            lost: VecDeque::new(),
            lost_workers: 0,
            lost_clients: 0,
            ended_by_faults: 0,
            reconnects: 0,
            unexpected: 0,
            first_refusal: None,
            ended_again: 0,
            closing: Closing::default(),
            gone: None,
            plan,
            shared,
        })
    }

    /// What the functions of this shard begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("{}{}-", self.plan.id.prefix(), self.index)
    }

    /// The actors that the plan wants connected from the start.
    pub(crate) fn wanted(&self) -> Vec<Actor> {
        let workers = (0..self.plan.workers as u32).map(Actor::Worker);
        let clients = (0..self.clients.len() as u32).map(Actor::Client);
        workers.chain(clients).collect()
    }

    /// Whether any actor is connected.
    pub(crate) fn connected_any(&self) -> bool {
        let clients = self.clients.iter().any(|client| client.conn.is_some());
        clients || self.workers.iter().any(|worker| worker.conn.is_some())
    }

    #[inline]
    pub(crate) fn clock(&self, now: Instant) -> u64 {
        nanoseconds(self.origin, now)
    }

    /// The phase's books.
    #[inline]
    pub(crate) fn tally(&mut self) -> &mut Tally {
        let last = self.tallies.len() - 1;
        &mut self.tallies[last]
    }

    pub(crate) fn enter(&mut self, phase: Phase, now: u64) {
        let server = self.server_pid();
        self.tally().end(now, server);
        let recorded = phase.reported() && phase != Phase::Warmup;
        let recorder = recorded.then(|| self.recorder.clone());
        self.tallies
            .push(Tally::begin(phase, now, server, recorder));
        match phase {
            Phase::Measure => self.lateness.begin(now),
            _ => self.lateness.end(),
        }
        self.phase = phase;
        self.quiet_from = 0;
        self.held_for = 0;
    }

    /// One thread watches the server.
    pub(crate) fn server_pid(&self) -> Option<u32> {
        self.plan.server_pid.filter(|_| self.index == 0)
    }

    /// A connection was made for `actor`, which introduces itself.
    pub(crate) fn connected(&mut self, actor: Actor, conn: ConnId, io: &mut Io) {
        if self.closing.stage != closing::Stage::Running {
            return io.close(conn);
        }
        self.actors.insert(conn, actor);
        self.tear(actor, conn, io);
        match actor {
            Actor::Client(index) => {
                self.clients[index as usize].conn = Some(conn);
                if self.plan.exception_percent > 0.0 {
                    io.request(
                        conn,
                        &Request::Option {
                            name: b"exceptions",
                        },
                    );
                }
                self.ask_whether_served(conn, io);
            }
            Actor::Worker(index) => self.worker_connected(index, conn, io),
        }
    }

    /// The answer shows that the server has taken all that was sent before.
    pub(crate) fn ask_whether_served(&mut self, conn: ConnId, io: &mut Io) {
        let word = Body::new(b"served?");
        io.request(conn, &Request::Echo { body: word });
    }

    fn is_served(&mut self, actor: Actor, conn: ConnId, now: u64, io: &mut Io) {
        let served = match actor {
            Actor::Client(index) => &mut self.clients[index as usize].served,
            Actor::Worker(index) => &mut self.workers[index as usize].served,
        };
        if std::mem::replace(served, true) {
            return;
        }
        self.served += 1;
        self.unserved.add_permits(1);
        // One that was connected again goes on; the others wait for the first phase.
        if let (Actor::Client(index), true) = (actor, self.phase != Phase::Connect) {
            self.refill(index, conn, now, io);
        }
    }

    /// A connection ended that does not matter any more.
    fn forget(&mut self, actor: Actor) {
        match actor {
            Actor::Client(index) => self.clients[index as usize].conn = None,
            Actor::Worker(index) => self.workers[index as usize].conn = None,
        }
    }

    /// Has a lost connection made again in a while, no more of them at a time than at the start.
    pub(crate) fn connect_again(&mut self, actor: Actor, now: u64) {
        let gap = (1e9 / self.plan.connect_rate) as u64;
        let last = self.lost.back().map_or(0, |(at, _)| at + gap);
        let at = last.max(now + RECONNECT_AFTER);
        self.lost.push_back((at, actor));
        self.pacer.wake_at(at);
    }

    /// Ends all connections, without leaving abilities behind.
    pub(crate) fn hang_up(&mut self, io: &mut Io) {
        for worker in &mut self.workers {
            if let Some(conn) = worker.conn.take() {
                io.request(conn, &Request::ResetAbilities);
                io.close(conn);
            }
        }
        for client in &mut self.clients {
            if let Some(conn) = client.conn.take() {
                io.close(conn);
            }
        }
    }
}

/// What a handle is remembered by.
#[inline]
pub(crate) fn handle_hash(handle: &[u8]) -> u64 {
    // 0 is kept for "not known yet".
    foldhash::fast::FixedState::default().hash_one(handle) | 1
}

impl Service for Shard {
    #[inline]
    fn frame(&mut self, conn: ConnId, frame: Frame<'_>, now: Instant, io: &mut Io) {
        let Some(&actor) = self.actors.get(conn) else {
            return;
        };
        let now = self.clock(now);
        self.active_at = now;
        let response = match frame {
            Frame::Packet(packet) => Response::parse(&packet).ok(),
            Frame::Line(_) => None,
        };
        let Some(response) = response else {
            self.unexpected += u64::from(self.closing.stage != closing::Stage::Frozen);
            return;
        };
        if self.closing.stage == closing::Stage::Frozen {
            return self.frame_after_end(actor, conn, &response, io);
        }
        match (response, actor) {
            (Response::EchoRes { body }, _) if self.closing.stage == closing::Stage::Settling => {
                self.echoed(conn, &body);
            }
            (Response::EchoRes { .. }, _) => self.is_served(actor, conn, now, io),
            (response, Actor::Client(index)) => self.client_frame(index, conn, response, now, io),
            (response, Actor::Worker(index)) => self.worker_frame(index, conn, response, now, io),
        }
    }

    fn closed(&mut self, conn: ConnId, why: Closed, _io: &mut Io) {
        let Some(actor) = self.actors.remove(conn) else {
            return;
        };
        match self.closing.stage {
            closing::Stage::Running => {}
            closing::Stage::Settling => self.closing.disturbed = true,
            closing::Stage::Frozen => return self.forget(actor),
        }
        let now = self.pacer.now();
        let restarted = self.shared.outage.excuses();
        if restarted {
            self.down_at = now;
        }
        let leaving = match actor {
            Actor::Client(index) => self.clients[index as usize].leaving,
            Actor::Worker(index) => self.workers[index as usize].leaving,
        };
        self.ended_by_faults += u64::from(restarted || leaving);
        let served = match actor {
            Actor::Client(index) => {
                let end = match (leaving, restarted) {
                    (true, _) => End::Abandoned,
                    (false, true) => End::Restart,
                    (false, false) => End::Error,
                };
                self.client_lost(index, end)
            }
            Actor::Worker(index) => self.worker_lost(index),
        };
        if !served {
            self.unserved.add_permits(1);
        }
        if let Closed::Broken(error) = &why {
            self.gone = Some(format!("the target sent what is not Gearman: {error}"));
        }
        if self.phase == Phase::Connect {
            let what = format!("the target ended a connection while they were made: {why}");
            self.gone.get_or_insert(what);
        }
        self.connect_again(actor, now);
    }

    #[inline]
    fn flushed(&mut self, conn: ConnId, now: Instant) {
        if self.closing.stage == closing::Stage::Frozen {
            return;
        }
        let now = self.clock(now);
        match self.actors.get(conn) {
            Some(&Actor::Client(index)) => self.client_flushed(index, now),
            Some(&Actor::Worker(index)) => self.worker_flushed(index, now),
            None => {}
        }
    }
}

/// Time before a connection that was lost is made again, in nanoseconds.
pub(crate) const RECONNECT_AFTER: u64 = 100_000_000;
