//! The arm of the engine in memory: no socket, no clock, the state checked after every event.

use super::arm::{Arm, ArmError, PeerId, Received};
use super::player::{Options, Player};
use super::script::Script;
use crate::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use crate::mutants::Defect;
use crate::protocol::{ConnId, Decoder, Frame, Limits, Response};
use slotmap::{Key, SlotMap};
use std::ops::ControlFlow;
use std::time::Duration;

/// When the virtual time begins: some day long after 1970, so that there is a past.
const START: Timestamp = Timestamp(1_700_000_000_000_000);

/// Deadlines in one leap of time. Nothing a script does has so many.
const MAX_DEADLINES: usize = 1_000_000;

/// Plays `script` on an engine of its own. For tests: panics with the failure and the trace.
pub fn check(script: &str) {
    check_with(Policy::default(), script);
}

/// The same on an engine with this policy.
pub fn check_with(policy: Policy, script: &str) {
    let parsed: Script = match script.parse() {
        Ok(parsed) => parsed,
        Err(error) => panic!("{error}\n{script}"),
    };
    let mut arm = MemoryArm::new(policy);
    if let Err(failure) = Player::new(&mut arm, Options::default()).play(&parsed) {
        panic!("{failure}");
    }
}

/// An engine, its connections and its time.
#[derive(Debug)]
pub struct MemoryArm {
    server: JobServer,
    now: Timestamp,
    wire: Wire,
    /// By [`PeerId`]; what the server sent can be read until the peer itself closes.
    peers: Vec<ConnId>,
    /// What is broken in the server on purpose.
    defect: Defect,
}

/// All connections.
#[derive(Debug, Default)]
struct Wire {
    conns: SlotMap<ConnId, Conn>,
    /// Those that the engine has closed and was not told about yet.
    closing: Vec<ConnId>,
}

/// One connection, from both of its sides.
#[derive(Debug, Default)]
struct Conn {
    /// What the peer sends on its way to the engine.
    requests: Decoder,
    /// What the engine has sent and the peer has not received.
    answers: Vec<u8>,
    /// Whether the engine has closed it, or was told that the peer is gone.
    ended: bool,
}

impl Outbox for Wire {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        if let Some(conn) = self.conns.get_mut(conn) {
            response.encode(&mut conn.answers);
        }
    }

    fn text(&mut self, conn: ConnId, text: &[u8]) {
        if let Some(conn) = self.conns.get_mut(conn) {
            conn.answers.extend_from_slice(text);
        }
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(state) = self.conns.get_mut(conn).filter(|state| !state.ended) {
            state.ended = true;
            self.closing.push(conn);
        }
    }
}

impl MemoryArm {
    /// A fresh engine.
    pub fn new(policy: Policy) -> Self {
        MemoryArm {
            server: JobServer::new(policy),
            now: START,
            wire: Wire::default(),
            peers: Vec::new(),
            defect: Defect::of_thread(),
        }
    }

    fn id(&self, peer: PeerId) -> ConnId {
        // The null key names no connection, so a peer that is none meets a closed one.
        self.peers.get(peer.0).copied().unwrap_or(ConnId::null())
    }

    fn handle(&mut self, event: Event<'_>) {
        let defect = self.defect;
        defect.inside(|| self.server.handle(self.now, event, &mut self.wire));
        if !defect.is_some() {
            self.server.check_invariants();
        }
        while let Some(conn) = self.wire.closing.pop() {
            self.handle(Event::Disconnected(conn));
        }
    }

    /// Tells the engine that the peer is gone, once.
    fn disconnect(&mut self, conn: ConnId) {
        if let Some(state) = self.live(conn) {
            state.ended = true;
            self.handle(Event::Disconnected(conn));
        }
    }

    fn feed(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(state) = self.live(conn) else {
            return;
        };
        let mut requests = std::mem::take(&mut state.requests);
        let defect = self.defect;
        let sink = |frame: Frame<'_>| {
            self.handle(Event::frame(conn, frame));
            match self.live(conn) {
                Some(_) => ControlFlow::Continue(()),
                None => ControlFlow::Break(()),
            }
        };
        let fed = defect.inside(|| requests.feed(bytes, sink));
        if let Err(error) = fed {
            self.handle(Event::Broken(conn, error));
        }
        if let Some(state) = self.live(conn) {
            state.requests = requests;
        }
    }

    /// The connection, unless the server has ended it.
    fn live(&mut self, conn: ConnId) -> Option<&mut Conn> {
        let state = self.wire.conns.get_mut(conn);
        state.filter(|state| !state.ended)
    }
}

impl Arm for MemoryArm {
    fn connect(&mut self) -> Result<PeerId, ArmError> {
        let conn = self.wire.conns.insert(Conn {
            requests: Decoder::new(Limits::default()),
            ..Conn::default()
        });
        let peer = PeerId(self.peers.len());
        self.peers.push(conn);
        let info = PeerInfo {
            address: "127.0.0.1".into(),
            fd: u32::try_from(peer.0).unwrap_or(u32::MAX),
            confined: false,
        };
        self.handle(Event::Connected(conn, info));
        Ok(peer)
    }

    fn send(&mut self, peer: PeerId, bytes: &[u8]) -> Result<(), ArmError> {
        self.feed(self.id(peer), bytes);
        Ok(())
    }

    fn receive(&mut self, peer: PeerId, _wait: Duration) -> Result<Received, ArmError> {
        let Some(state) = self.wire.conns.get_mut(self.id(peer)) else {
            return Ok(Received::Closed);
        };
        Ok(match (state.answers.is_empty(), state.ended) {
            (false, _) => Received::Bytes(std::mem::take(&mut state.answers)),
            (true, true) => Received::Closed,
            (true, false) => Received::Nothing,
        })
    }

    fn close(&mut self, peer: PeerId) {
        let conn = self.id(peer);
        self.disconnect(conn);
        self.wire.conns.remove(conn);
    }

    /// A server that reads the FIN ends its half too, once the answers are written.
    fn half_close(&mut self, peer: PeerId) {
        self.disconnect(self.id(peer));
    }

    fn reset(&mut self, peer: PeerId) {
        self.close(peer);
    }

    /// Deadlines on the way are kept at their time.
    fn advance(&mut self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        let target = Timestamp(self.now.0.saturating_add(by));
        let mut kept = 0;
        while let Some(due) = self.server.next_deadline().filter(|&due| due <= target) {
            self.now = self.now.max(due);
            self.handle(Event::Deadline);
            kept += 1;
            assert!(
                kept < MAX_DEADLINES,
                "the engine does not move its deadline"
            );
        }
        self.now = target;
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.now.0 - START.0)
    }

    fn unix_time(&self) -> u64 {
        self.now.0 / 1_000_000
    }

    fn is_synchronous(&self) -> bool {
        true
    }
}
