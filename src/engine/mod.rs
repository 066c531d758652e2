//! The rules of a job server, as a pure state machine.
//!
//! [`JobServer::handle`] takes an [`Event`] and the time and speaks through an [`Outbox`]. It owns
//! all jobs, queues and abilities; it reads no clock, opens no socket, starts nothing and cannot
//! fail. The server, the in-memory scripts, fuzzing and simulation drive the same type.
//!
//! Where servers disagree it follows PROTOCOL as gearmand 2.0 reads it:
//!
//! * Priority counts over all functions of a worker; functions of one priority take turns.
//! * Submissions of one function with the same unique are one job; `-` means that the payload is
//!   the unique. The job is as durable as the strongest of its submissions asked for.
//! * A job whose worker is lost goes to the end of its priority, so that a poisonous one does not
//!   stand before the others.
//! * A job that nobody waits for any more is dropped at once and not counted.
//! * Few sleepers are woken, and no wake-up is lost: a NOOP obliges its receiver, and the
//!   obligation passes on when it takes another job, leaves or stays silent.
//! * Every request that has an answer is answered, with an ERROR at the least.

mod abilities;
mod admin;
mod arena;
mod census;
mod drain;
mod durable;
mod functions;
mod grabs;
mod jobs;
mod keys;
mod limits;
mod list;
mod peers;
mod policy;
mod relay;
mod status;
mod submit;
#[cfg(test)]
mod tests;
mod work;

pub use census::{Census, Counts, FunctionCensus};
pub use drain::Waiting;
pub use durable::Record;
pub use peers::PeerInfo;
pub use policy::Policy;

use crate::mutants::{Mutant, on};
use crate::protocol::admin::{Command, CommandError};
use crate::protocol::{ConnId, DecodeError, Frame, Request, RequestError, Response};
use abilities::Abilities;
use functions::Functions;
use jobs::{Jobs, State};
use keys::{FunctionId, JobKey};
use peers::{Peer, Peers};
use std::collections::{BTreeSet, VecDeque};

/// A point in time, in microseconds since 1970. A driver's never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time so many milliseconds later.
    pub fn after_ms(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// The beginning of a second since 1970.
    pub fn from_secs(seconds: u64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1_000_000))
    }
}

/// Something that happened to the job server.
#[derive(Debug)]
pub enum Event<'a> {
    /// A peer connected.
    Connected(ConnId, PeerInfo),
    /// It asks for something.
    Request(ConnId, Request<'a>),
    /// It sent a packet that is no request.
    Malformed(ConnId, RequestError),
    /// It sent a line of the text protocol.
    Admin(ConnId, Result<Command<'a>, CommandError<'a>>),
    /// Its byte stream cannot be read on.
    Broken(ConnId, DecodeError),
    /// It is gone.
    Disconnected(ConnId),
    /// The time of [`JobServer::next_deadline`] has come.
    Deadline,
    /// Nothing else has happened for now: grabs that were held are answered.
    Idle,
    /// All that was given to [`Outbox::store`] up to this ticket is on disk.
    Stored(u64),
    /// What was given to [`Outbox::store`] up to this ticket, since the last event of the kind,
    /// is not on disk and will not be; why, in words for the submitter.
    NotStored(u64, &'a str),
}

impl<'a> Event<'a> {
    /// The event that a frame from a peer is.
    #[inline]
    pub fn frame(conn: ConnId, frame: Frame<'a>) -> Event<'a> {
        match frame {
            Frame::Packet(packet) => match Request::parse(&packet) {
                Ok(request) => Event::Request(conn, request),
                Err(error) => Event::Malformed(conn, error),
            },
            Frame::Line(line) => Event::Admin(conn, Command::parse(line)),
        }
    }
}

/// Where the job server speaks. What is sent to a connection leaves in this order.
pub trait Outbox {
    /// Sends a packet.
    fn send(&mut self, conn: ConnId, response: Response<'_>);
    /// Sends text of the admin protocol.
    fn text(&mut self, conn: ConnId, text: &[u8]);
    /// Ends the connection once everything sent to it is written. [`Event::Disconnected`] follows.
    fn close(&mut self, conn: ConnId);

    /// Has the record written; the ticket comes back with [`Event::Stored`] or
    /// [`Event::NotStored`]. Tickets count up. Only where [`Policy::durable`] is set, as are the
    /// following.
    fn store(&mut self, ticket: u64, record: &Record<'_>) {
        let _ = (ticket, record);
    }
    /// Has the record of that job removed; nobody waits for it.
    fn unstore(&mut self, number: u64) {
        let _ = number;
    }
    /// Keeps the next place among what is sent to a connection: what is sent from now on waits
    /// until the place is filled.
    fn hold(&mut self, conn: ConnId) {
        let _ = conn;
    }
    /// Sends a packet in the oldest place that is kept on a connection.
    fn fill(&mut self, conn: ConnId, response: Response<'_>) {
        let _ = (conn, response);
    }
}

/// A woken worker that has not grabbed yet.
#[derive(Debug)]
struct Wake {
    expires: Timestamp,
    conn: ConnId,
    number: u32,
    function: FunctionId,
}

/// The state of a job server.
#[derive(Debug)]
pub struct JobServer {
    policy: Policy,
    now: Timestamp,
    peers: Peers,
    functions: Functions,
    sets: abilities::Sets,
    jobs: Jobs,
    /// Epochs and timeouts of jobs.
    timers: BTreeSet<(Timestamp, JobKey)>,
    /// NOOPs sent, the oldest first; most are answered long since.
    wakes: VecDeque<Wake>,
    /// Workers whose grab is held, and some whose is not any more.
    asking: Vec<ConnId>,
    /// Set once the server takes its leave.
    draining: Option<Waiting>,
    /// The last ticket given to the store.
    last_ticket: u64,
    /// The last ticket whose fate the driver has told.
    told: u64,
    /// Answers that wait for the store, in the order of their tickets.
    held: VecDeque<durable::Held>,
    counts: Counts,
}

impl JobServer {
    /// A job server without jobs and peers.
    pub fn new(policy: Policy) -> Self {
        let seed = policy.hash_seed;
        let first_number = policy.first_number;
        JobServer {
            policy,
            now: Timestamp::default(),
            peers: Peers::new(),
            functions: Functions::new(seed),
            sets: abilities::Sets::new(seed),
            jobs: Jobs::new(seed, first_number),
            timers: BTreeSet::new(),
            wakes: VecDeque::new(),
            asking: Vec::new(),
            draining: None,
            last_ticket: 0,
            told: 0,
            held: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Takes in what happened at `now` and says what follows.
    #[inline]
    pub fn handle(&mut self, now: Timestamp, event: Event<'_>, out: &mut impl Outbox) {
        self.now = self.now.max(now);
        match event {
            Event::Request(conn, request) => self.request(conn, &request, out),
            event => self.happen(event, out),
        }
    }

    /// Anything but a request.
    fn happen(&mut self, event: Event<'_>, out: &mut impl Outbox) {
        match event {
            Event::Connected(conn, info) => self.connect(conn, info),
            Event::Disconnected(conn) => self.disconnect(conn, out),
            Event::Deadline => self.deadline(out),
            Event::Idle => self.idle(out),
            Event::Stored(ticket) => self.stored(ticket, out),
            Event::NotStored(ticket, reason) => self.not_stored(ticket, reason, out),
            // A connection that was closed may have sent more before it knew.
            Event::Malformed(conn, _) | Event::Admin(conn, _) if !self.peers.contains_key(conn) => {
            }
            Event::Malformed(_, RequestError::UnknownType(kind))
                if on(Mutant::HugeCommandEndsServer) && kind.0 >= 1 << 31 =>
            {
                self.peers.keys().for_each(|conn| out.close(conn));
            }
            Event::Request(conn, request) => self.request(conn, &request, out),
            Event::Malformed(conn, error) => {
                self.answer_grab(conn, out);
                status::refuse(conn, &error, out);
            }
            Event::Admin(conn, Ok(command)) => {
                self.answer_grab(conn, out);
                self.admin(conn, command, out);
            }
            Event::Admin(conn, Err(error)) => {
                self.answer_grab(conn, out);
                admin::refuse(conn, error, out);
            }
            Event::Broken(conn, error) => {
                self.answer_grab(conn, out);
                status::refuse_stream(conn, error, out);
                out.close(conn);
            }
        }
    }

    /// When [`Event::Deadline`] is due next, at the latest. It may come early or twice.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|&(time, _)| time);
        let wake = self.wakes.front().map(|wake| wake.expires);
        match (timer, wake) {
            (Some(timer), Some(wake)) => Some(timer.min(wake)),
            (timer, wake) => timer.or(wake),
        }
    }

    fn request(&mut self, conn: ConnId, request: &Request<'_>, out: &mut impl Outbox) {
        // A connection that was closed may have sent more before it knew.
        if !self.peers.contains_key(conn) {
            return;
        }
        self.answer_grab(conn, out);
        match *request {
            Request::Submit(ref submit) => self.submit(conn, submit, out),
            Request::Grab(kind) => self.grab(conn, kind, out),
            Request::PreSleep => self.sleep(conn, out),
            Request::CanDo {
                function,
                timeout_ms,
            } => self.can_do(conn, function, timeout_ms, out),
            Request::CantDo { function } => self.cant_do(conn, function, out),
            Request::ResetAbilities => self.reset_abilities(conn, out),
            Request::Work { handle, work } => self.relay(conn, handle, work, out),
            Request::GetStatus { handle } => self.status(conn, handle, out),
            Request::GetStatusUnique { unique } => self.status_unique(conn, unique, out),
            Request::Echo { body } => out.send(conn, Response::EchoRes { body }),
            Request::Option { name } => self.option(conn, name, out),
            Request::SetClientId { id } => self.set_client_id(conn, id),
        }
    }

    fn connect(&mut self, conn: ConnId, info: PeerInfo) {
        let peer = Peer::new(info, self.policy.exceptions);
        self.peers.insert(conn, Box::new(peer));
    }

    /// The peer is gone: its jobs go to others, and those that only it waited for go.
    fn disconnect(&mut self, conn: ConnId, out: &mut impl Outbox) {
        if !self.peers.contains_key(conn) {
            return;
        }
        self.take_grab(conn);
        let mut held = self.peers[conn].held.collect(&mut self.jobs);
        // Each may go straight to a worker that has asked: the first has to be the right one.
        held.sort_by_key(|&key| self.jobs[key].priority as usize);
        let mut waiting = self.peers[conn].take_waiting();
        // Once for each job, though it may have submitted one often.
        waiting.sort_unstable();
        waiting.dedup();
        for &key in &waiting {
            if let Some(job) = self.jobs.get_mut(key) {
                job.waiters.remove(conn);
                let dropped = on(Mutant::BackgroundGoesWithClient) && job.waiters.is_empty();
                if (job.is_abandoned() || dropped) && job.worker().is_none() {
                    self.counts.abandoned += 1;
                    self.drop_job(key, out);
                }
            }
        }
        // Nobody is woken in its place for a job that has gone with it.
        self.forget_abilities(conn, out);
        for key in held {
            self.release(key, out);
        }
        self.peers.remove(conn);
    }

    fn deadline(&mut self, out: &mut impl Outbox) {
        while let Some(&(time, key)) = self.timers.first() {
            if time > self.now {
                break;
            }
            self.timers.pop_first();
            self.timer(key, out);
        }
        self.wake_again(out);
    }

    /// Whether a peer that has asked for jobs can do a function.
    fn can(&self, peer: &Peer, function: FunctionId) -> bool {
        match peer.abilities {
            Abilities::Set(set) => self.sets.functions(set).any(|known| known == function),
            _ => false,
        }
    }

    /// Starts the timer of a job.
    fn set_timer(&mut self, key: JobKey, time: Timestamp) {
        self.jobs[key].extra().timer = Some(time);
        self.timers.insert((time, key));
    }

    /// Stops the timer of a job, if it has one.
    fn stop_timer(&mut self, key: JobKey) {
        if on(Mutant::TimerNotCancelled) {
            return;
        }
        let extra = self.jobs.get_mut(key).and_then(|job| job.extra.as_mut());
        if let Some(time) = extra.and_then(|extra| extra.timer.take()) {
            self.timers.remove(&(time, key));
        }
    }

    /// Panics where the parts of the state contradict each other. For tests and debugging: it
    /// looks at everything.
    pub fn check_invariants(&self) {
        self.jobs.check_invariants();
        self.sets.check_invariants(&self.functions);
        let mut listed = 0;
        for (id, function) in self.functions.iter() {
            assert_eq!(self.functions.find(&function.name), Some(id));
            let jobs = self.jobs.iter().filter(|(_, job)| job.function == id);
            assert_eq!(function.total(), jobs.count());
            let woken = self
                .peers
                .values()
                .filter(|peer| peer.woken_for == Some(id));
            assert_eq!(function.woken, woken.count());
            // No wake-up is lost.
            let asleep = self
                .peers
                .values()
                .any(|peer| peer.sleeping && self.can(peer, id));
            assert!(!asleep || function.queued() == 0 || function.woken > 0);
            let asks = self
                .peers
                .values()
                .any(|peer| peer.asks.is_some() && self.can(peer, id));
            // Another may be on its way to the job.
            let comes = function.woken > 0 || self.keeps_jobs();
            assert!(!asks || function.queued() == 0 || comes);
            listed += function.total();
        }
        assert_eq!(listed, self.jobs.len());
        for (key, job) in self.jobs.iter() {
            assert!(!job.is_abandoned() || job.worker().is_some());
            let timer = job.extra.as_ref().and_then(|extra| extra.timer);
            if let Some(time) = timer.filter(|_| job.state != State::Storing) {
                assert!(self.timers.contains(&(time, key)));
            }
            for &waiter in job.waiters.as_slice() {
                assert!(self.peers.contains_key(waiter));
            }
        }
        for &(_, key) in &self.timers {
            assert!(self.jobs.contains(key));
        }
    }
}
