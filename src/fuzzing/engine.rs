//! The engine under whatever peers, clock and disk do: the state stays whole after every event,
//! every place among the answers is filled, and every job can be had in the end.

mod input;
mod wire;

use crate::engine::{Event, JobServer, PeerInfo, Policy, Timestamp, Waiting};
use crate::protocol::{Body, ConnId, Decoder, GrabKind, Limits, Request, Work};
use input::Input;
use slotmap::SlotMap;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use wire::Wire;

/// Acts in one session.
const ACTS: usize = 500;
/// Connections in one session.
const PEERS: usize = 6;
/// Jobs that are had in the end, and moments waited for, at the most.
const ROUNDS: usize = 10_000;

/// A session; each byte of `data` decides something.
pub(super) fn engine(data: &[u8]) {
    let mut input = Input::new(data);
    let mut session = Session::new(&mut input);
    for _ in 0..ACTS {
        if input.is_empty() {
            break;
        }
        session.act(&mut input);
    }
    session.end();
}

/// An engine and its peers.
struct Session {
    server: JobServer,
    policy: Policy,
    now: Timestamp,
    wire: Wire,
    ids: SlotMap<ConnId, Decoder>,
    conns: Vec<ConnId>,
    /// Jobs that wait stay where they are.
    keeps_jobs: bool,
}

impl Session {
    fn new(input: &mut Input<'_>) -> Self {
        let [how, limits] = [input.byte(), input.byte()];
        let policy = Policy {
            job_retries: [None, Some(0), Some(1), Some(2)][usize::from(how & 3)],
            worker_wakeup: NonZeroU32::new([1, 2, 0, 1][usize::from(how >> 2 & 3)]),
            hold_grabs: how & 0x10 != 0,
            durable: how & 0x20 != 0,
            exceptions: how & 0x40 != 0,
            idle_functions: if how & 0x80 == 0 { 10_000 } else { 1 },
            max_jobs: if limits & 1 == 0 { 1_000_000 } else { 3 },
            max_bytes: if limits & 2 == 0 { 1 << 30 } else { 1000 },
            ..Policy::default()
        };
        Session {
            server: JobServer::new(policy.clone()),
            policy,
            now: Timestamp::from_secs(1_700_000_000),
            wire: Wire::default(),
            ids: SlotMap::with_key(),
            conns: Vec::new(),
            keeps_jobs: false,
        }
    }

    fn handle(&mut self, event: Event<'_>) {
        self.server.handle(self.now, event, &mut self.wire);
        self.server.check_invariants();
        while let Some(conn) = self.wire.closing.pop() {
            self.leave(conn);
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0..=8 => {
                let conn = self.peer(input);
                let packet = input.packet(self.now, &self.wire.handles);
                self.feed(conn, &packet);
            }
            9 => {
                let conn = self.peer(input);
                let bytes = input.bytes();
                self.feed(conn, bytes);
            }
            10 => {
                let conn = self.peer(input);
                let line = input.line(&self.wire.handles);
                self.feed(conn, &line);
            }
            11 => {
                let ms = [0, 1, 100, 1000, 61_000, 4_000_000][usize::from(input.byte() % 6)];
                self.pass(self.now.after_ms(ms));
            }
            12 => self.handle(Event::Idle),
            13 => {
                let ticket = self
                    .wire
                    .tickets
                    .saturating_sub(u64::from(input.byte() % 4));
                self.handle(Event::Stored(ticket));
            }
            14 => match input.byte() {
                0..=5 => self.drain(),
                ticket => {
                    let ticket = self.wire.tickets.saturating_sub(u64::from(ticket % 4));
                    self.handle(Event::NotStored(ticket, "disk full"));
                }
            },
            _ => {
                let conn = self.peer(input);
                self.leave(conn);
            }
        }
    }

    /// The server takes its leave: with a store it keeps the jobs that wait.
    fn drain(&mut self) {
        let waiting = match self.policy.durable {
            true => Waiting::Keep,
            false => Waiting::Run,
        };
        self.server.drain(waiting);
        self.keeps_jobs = self.policy.durable;
    }

    /// Time passes, and every deadline on the way is kept.
    fn pass(&mut self, until: Timestamp) {
        for _ in 0..ROUNDS {
            let Some(due) = self.server.next_deadline().filter(|due| *due <= until) else {
                break;
            };
            self.now = self.now.max(due);
            self.handle(Event::Deadline);
            let moved = self.server.next_deadline();
            assert!(
                moved.is_none_or(|next| next > due),
                "the deadline does not move"
            );
        }
        self.now = until;
    }

    /// One of the peers, which connects if it is not there.
    fn peer(&mut self, input: &mut Input<'_>) -> ConnId {
        let index = usize::from(input.byte()) % PEERS;
        match self.conns.get(index) {
            Some(conn) => *conn,
            None => self.connect(index % 2 == 1),
        }
    }

    fn connect(&mut self, confined: bool) -> ConnId {
        let limits = Limits {
            packet: 1 << 20,
            line: 200,
        };
        let conn = self.ids.insert(Decoder::new(limits));
        self.conns.push(conn);
        self.wire.connect(conn);
        let info = PeerInfo {
            address: "127.0.0.1".into(),
            fd: 9,
            // One that may not change the server, among those that may.
            confined: confined && self.conns.len() == PEERS,
        };
        self.handle(Event::Connected(conn, info));
        conn
    }

    fn leave(&mut self, conn: ConnId) {
        self.conns.retain(|other| *other != conn);
        if self.ids.remove(conn).is_some() {
            self.wire.disconnect(conn);
            self.handle(Event::Disconnected(conn));
        }
    }

    fn feed(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(decoder) = self.ids.get_mut(conn) else {
            return;
        };
        let mut decoder = std::mem::take(decoder);
        let fed = decoder.feed(bytes, |frame| {
            self.handle(Event::frame(conn, frame));
            match self.ids.contains_key(conn) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        if let Err(error) = fed {
            self.handle(Event::Broken(conn, error));
            assert!(!self.ids.contains_key(conn), "a broken stream goes on");
        }
        if let Some(place) = self.ids.get_mut(conn) {
            *place = decoder;
        }
    }

    fn request(&mut self, conn: ConnId, request: Request<'_>) {
        self.handle(Event::Request(conn, request));
    }

    /// Nobody is left waiting, and every job that is left can be had.
    fn end(mut self) {
        self.handle(Event::Stored(self.wire.tickets));
        self.handle(Event::Idle);
        for conn in self.conns.clone() {
            let body = Body::new(b"the end");
            self.request(conn, Request::Echo { body });
            self.wire.assert_all_said(conn, b"the end");
        }
        for conn in self.conns.clone() {
            self.leave(conn);
        }
        if self.keeps_jobs {
            return;
        }
        let census = self.server.census(usize::MAX);
        let running: usize = census
            .functions
            .iter()
            .map(|function| function.running)
            .sum();
        assert_eq!((census.peers, running), (0, 0));
        let worker = self.connect(false);
        for function in &census.functions {
            let can_do = Request::CanDo {
                function: &function.name,
                timeout_ms: None,
            };
            self.request(worker, can_do);
        }
        self.had(worker);
    }

    /// Has the worker run all jobs that are left.
    fn had(&mut self, worker: ConnId) {
        for _ in 0..ROUNDS {
            if self.server.census(0).jobs == 0 {
                return;
            }
            self.request(worker, Request::Grab(GrabKind::All));
            self.handle(Event::Idle);
            match self.wire.assigned(worker) {
                Some(handle) => self.request(
                    worker,
                    Request::Work {
                        handle: &handle,
                        work: Work::Complete(Body::new(b"")),
                    },
                ),
                None => {
                    let due = self.server.next_deadline();
                    assert!(due.is_some(), "a job is left that no worker gets");
                    self.pass(due.unwrap_or_default());
                }
            }
        }
        panic!("jobs are left without an end: {:?}", self.policy);
    }
}
