//! The simulation itself: one queue of what is to happen, in the order of a virtual time.

use super::disk::{Device, Shared};
use super::link::Link;
use super::plan::{Plan, Setup, Step, What};
use super::server::{Conn, Life};
use super::trace::{Trace, cut};
use super::{CHAOTIC, Draws, Failure, STEADY};
use crate::conformance::generate::{Kind, Words, packet_of, work};
use crate::engine::{Event, PeerInfo, Policy, Timestamp};
use crate::model::{Act, Divergence, Heard, Model, Rules, Said, Written};
use crate::protocol::admin::Command;
use crate::protocol::{ConnId, Decoder, Frame, Limits, PacketType as T, Request};
use crate::server::store::Outcome;
use crate::server::store::batches::{Waiting, bytes};
use ::bytes::{Buf, Bytes};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::rc::Rc;

/// When the virtual time begins: some day long after 1970, in microseconds.
const START: u64 = 1_700_000_000_000_000;
/// Microseconds of a second and of a millisecond.
const SECOND: u64 = 1_000_000;
const MS: u64 = 1000;
/// How long the peers have to end all jobs once nothing goes wrong any more.
const PATIENCE: u64 = 600 * SECOND;
/// Bytes that the kernels take for a peer that does not read.
const KERNEL: usize = 4096;
/// Bytes of a failure's text.
const MAX_TEXT: usize = 1000;
/// Deadlines at one moment; nothing needs so many.
const MAX_DEADLINES: usize = 10_000;

/// Something that is to happen.
#[derive(Debug)]
enum Happening {
    /// The server is reached by a new connection.
    Opens(usize),
    /// The server receives bytes.
    Arrives(usize, Vec<u8>),
    /// The server learns that the peer is gone.
    Ends(usize),
    /// The peer receives bytes.
    Delivers(usize, Vec<u8>),
    /// The peer reads on.
    Reads(usize),
    /// A worker does its next thing, if its connection is still this one.
    Works(usize, Vec<u8>),
    /// A worker connects.
    Begins(u8),
    /// The server is told that nothing else is to be done.
    Idles(u64),
    /// The store's thread takes what waits.
    Takes(u64),
    /// It has something to tell.
    Told(u64, Outcome),
    /// It has written what it took, of so many bytes.
    Free(u64, u64),
    /// The server starts.
    Starts,
}

/// Why a simulation ends before its time.
pub(super) enum Stop {
    Diverged(Divergence),
    Broken(&'static str, String),
}

impl From<Divergence> for Stop {
    fn from(divergence: Divergence) -> Self {
        Stop::Diverged(divergence)
    }
}

type Goes = Result<(), Stop>;

/// What has come of a simulation so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that the model has judged.
    pub judged: u64,
    /// Jobs that were handed out.
    pub assigned: u64,
    /// Background jobs that were written before they were acknowledged.
    pub stored: u64,
    /// Submissions that were refused since the disk failed.
    pub refused: u64,
    /// Starts of the server after the first.
    pub restarts: u64,
    /// Jobs that came back from the disk.
    pub restored: u64,
    /// Virtual time, in microseconds.
    pub time: u64,
}

impl Tally {
    /// Adds what has come of another.
    pub(super) fn add(&mut self, other: &Tally) {
        self.judged += other.judged;
        self.assigned += other.assigned;
        self.stored += other.stored;
        self.refused += other.refused;
        self.restarts += other.restarts;
        self.restored += other.restored;
        self.time += other.time;
    }
}

/// All that there is.
pub(super) struct World {
    setup: Setup,
    now: u64,
    /// How far the wall clock is off, in seconds, and how far it was when the server started.
    wall: i64,
    clock: i64,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    life: Option<Life>,
    device: Rc<RefCell<Device>>,
    model: Model,
    words: Words,
    /// Who was handed which job, by connection.
    assigned: Vec<(usize, Vec<u8>)>,
    /// All connections that are not over for both sides, by number.
    links: BTreeMap<usize, Link>,
    /// The connection of each peer.
    peers: Vec<Option<usize>>,
    serials: usize,
    /// Nothing goes wrong any more.
    calm: bool,
    pub(super) tally: Tally,
    pub(super) trace: Trace,
}

impl World {
    pub(super) fn new(setup: Setup, trace: Trace) -> Self {
        let device = Device::new(Draws::new(setup.salt));
        let rules = Rules {
            job_retries: setup.job_retries,
            exceptions: setup.exceptions,
            durable: setup.durable,
            holds_grabs: setup.hold_grabs,
            shared: false,
            ..Rules::default()
        };
        World {
            setup,
            now: 0,
            wall: 0,
            clock: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            life: None,
            device: Rc::new(RefCell::new(device)),
            model: Model::new(rules, START),
            words: Words::default(),
            assigned: Vec::new(),
            links: BTreeMap::new(),
            peers: vec![None; usize::from(CHAOTIC + STEADY)],
            serials: 0,
            calm: false,
            tally: Tally::default(),
            trace,
        }
    }

    /// Plays the plan, and then has all jobs end.
    pub(super) fn run(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut at = 0;
        let played = self.play(&plan.steps, &mut at);
        self.tally.time = self.now;
        played.map_err(|stop| {
            let (rule, text) = match stop {
                Stop::Diverged(divergence) => (divergence.rule, divergence.to_string()),
                Stop::Broken(rule, text) => (rule, format!("{rule}: {text}")),
            };
            Failure {
                rule: rule.to_owned(),
                text: cut(text, MAX_TEXT),
                step: at,
                time: self.now,
            }
        })
    }

    fn play(&mut self, steps: &[Step], at: &mut usize) -> Goes {
        self.start()?;
        for peer in 0..self.setup.steady {
            self.begin(CHAOTIC + peer);
        }
        for (number, step) in steps.iter().enumerate() {
            *at = number;
            self.until(self.now + u64::from(step.after))?;
            self.step(&step.what)?;
        }
        *at = steps.len();
        self.settle()
    }

    /// The time of the server, in microseconds since 1970.
    fn timestamp(&self) -> Timestamp {
        Timestamp((START + self.now).saturating_add_signed(self.clock * SECOND as i64))
    }

    fn push(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue
            .insert((time.max(self.now), self.sequence), happening);
    }

    /// Lets everything happen up to a time.
    fn until(&mut self, end: u64) -> Goes {
        let mut deadlines = 0;
        loop {
            let next = self.queue.first_key_value().map(|(&(time, _), _)| time);
            let deadline = self.deadline();
            let due = deadline.filter(|&due| due <= end && next.is_none_or(|next| due <= next));
            if let Some(due) = due {
                deadlines = if due > self.now { 0 } else { deadlines + 1 };
                if deadlines > MAX_DEADLINES {
                    return Err(Stop::Broken("deadline", "it does not move".to_owned()));
                }
                self.now = self.now.max(due);
                self.keep_deadline()?;
                continue;
            }
            if next.is_none_or(|next| next > end) {
                break;
            }
            if let Some(((time, _), happening)) = self.queue.pop_first() {
                self.now = self.now.max(time);
                self.happen(happening)?;
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    /// When the engine wants to be told of the time, in the simulation's time.
    fn deadline(&self) -> Option<u64> {
        let deadline = self.life.as_ref()?.engine.next_deadline()?;
        let ahead = deadline.0.saturating_sub(self.timestamp().0);
        Some(self.now + ahead)
    }

    fn keep_deadline(&mut self) -> Goes {
        self.event(Event::Deadline, |model, now, heard| model.pass(now, heard))
    }

    fn happen(&mut self, happening: Happening) -> Goes {
        match happening {
            Happening::Opens(serial) => self.opens(serial),
            Happening::Arrives(serial, bytes) => self.arrives(serial, &bytes),
            Happening::Ends(serial) => self.ends(serial),
            Happening::Delivers(serial, bytes) => self.delivers(serial, &bytes),
            Happening::Reads(serial) => self.write(serial),
            Happening::Works(serial, bytes) => {
                if self.links.get(&serial).is_some_and(|link| !link.gone) {
                    self.send(serial, &bytes);
                }
                Ok(())
            }
            Happening::Begins(peer) => {
                self.begin(peer);
                Ok(())
            }
            Happening::Idles(life) => {
                let idles = |state: &&mut Life| state.number == life;
                if let Some(state) = self.life.as_mut().filter(idles) {
                    state.idles = false;
                    return self.event(Event::Idle, |model, now, heard| model.idle(now, heard));
                }
                Ok(())
            }
            Happening::Takes(life) => self.takes(life),
            Happening::Told(life, outcome) => self.told(life, &outcome),
            Happening::Free(life, bytes) => self.free(life, bytes),
            Happening::Starts => self.start(),
        }
    }

    /// Has the engine take in an event and the model judge what came of it.
    fn event(
        &mut self,
        event: Event<'_>,
        judge: impl FnOnce(&mut Model, u64, &mut Heard) -> Result<(), Divergence>,
    ) -> Goes {
        let now = self.timestamp();
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let heard = life.handle(now, event);
        let holds = life.engine.holds_grabs() && !std::mem::replace(&mut life.idles, true);
        let writes = !life.waiting.is_empty() && !std::mem::replace(&mut life.writes, true);
        let number = life.number;
        let dirty = life.conns.iter().filter(|(_, conn)| !conn.out.is_empty());
        let dirty: Vec<usize> = dirty.map(|(_, conn)| conn.serial).collect();
        self.tally.judged += 1;
        for (serial, said) in &heard {
            self.trace
                .line(self.now, || format!("        {serial} hears {said:?}"));
        }
        self.remember(&heard);
        judge(&mut self.model, now.0, &mut Heard(heard))?;
        if holds {
            self.push(self.now + 20 + self.now % 300, Happening::Idles(number));
        }
        if writes {
            self.push(self.now + 5 + self.now % 40, Happening::Takes(number));
        }
        dirty.into_iter().try_for_each(|serial| self.write(serial))
    }

    /// Keeps the handles that were named.
    fn remember(&mut self, heard: &[(usize, Said)]) {
        for (serial, said) in heard {
            let Said::Packet { kind, args, .. } = said else {
                continue;
            };
            match (*kind, args.first()) {
                (T::JOB_CREATED, Some(handle)) => self.words.handles.push(handle.clone()),
                (T::JOB_ASSIGN | T::JOB_ASSIGN_UNIQ | T::JOB_ASSIGN_ALL, Some(handle)) => {
                    self.tally.assigned += 1;
                    self.assigned.push((*serial, handle.clone()));
                }
                _ => {}
            }
        }
    }
}

/// The network.
impl World {
    /// The connection of a peer, made if there is none.
    fn connect(&mut self, peer: u8) -> Option<usize> {
        let place = usize::from(peer);
        if let Some(serial) = *self.peers.get(place)? {
            return Some(serial);
        }
        // Nobody listens.
        self.life.as_ref()?;
        self.serials += 1;
        let serial = self.serials;
        let mut link = Link::new(peer, self.setup.salt ^ serial as u64);
        let time = link.next_arrival(self.now);
        self.links.insert(serial, link);
        self.peers[place] = Some(serial);
        self.push(time, Happening::Opens(serial));
        Some(serial)
    }

    /// The peer sends bytes, which come in pieces.
    fn send(&mut self, serial: usize, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&serial).filter(|link| !link.silent) else {
            return;
        };
        let pieces = link.tear(self.now, bytes);
        for (time, piece) in pieces {
            self.push(time, Happening::Arrives(serial, piece));
        }
    }

    /// The peer ends its connection: in order after what it has sent, or at once.
    fn leave(&mut self, serial: usize, reset: bool) {
        let Some(link) = self.links.get_mut(&serial) else {
            return;
        };
        link.gone = true;
        let time = match reset {
            true => self.now + 50,
            false => link.next_arrival(self.now),
        };
        let (silent, peer) = (link.silent, usize::from(link.peer));
        if self.peers[peer] == Some(serial) {
            self.peers[peer] = None;
        }
        if !silent {
            self.push(time, Happening::Ends(serial));
        }
    }

    fn opens(&mut self, serial: usize) -> Goes {
        let (Some(life), Some(link)) = (&mut self.life, self.links.get_mut(&serial)) else {
            return Ok(());
        };
        let conn = life.conns.insert(Conn {
            serial,
            requests: Decoder::new(Limits::default()),
            out: Default::default(),
            promised: VecDeque::new(),
        });
        link.conn = Some(conn);
        let peer = link.peer;
        self.trace
            .line(self.now, || format!("peer {peer} connects as {serial}"));
        let info = PeerInfo {
            address: "127.0.0.1".into(),
            fd: u32::try_from(serial).unwrap_or(u32::MAX),
            confined: false,
        };
        self.event(Event::Connected(conn, info), |model, now, heard| {
            model.judge(now, serial, &Act::Connects, heard)
        })
    }

    /// The connection on the server's side, if it is open.
    fn conn(&mut self, serial: usize) -> Option<(ConnId, &mut Conn)> {
        let id = self.links.get(&serial)?.conn?;
        let conn = self.life.as_mut()?.conns.get_mut(id)?;
        Some((id, conn))
    }

    fn arrives(&mut self, serial: usize, bytes: &[u8]) -> Goes {
        let Some((id, conn)) = self.conn(serial) else {
            return Ok(());
        };
        let mut requests = std::mem::take(&mut conn.requests);
        let mut judged = Ok(());
        let fed = requests.feed(bytes, |frame| {
            judged = self.frame(serial, id, frame);
            let goes_on = judged.is_ok() && self.conn(serial).is_some();
            match goes_on {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        judged?;
        if let Some((_, conn)) = self.conn(serial) {
            conn.requests = requests;
        }
        match fed {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::Broken("stream", error.to_string())),
        }
    }

    fn frame(&mut self, serial: usize, id: ConnId, frame: Frame<'_>) -> Goes {
        let act = match frame {
            Frame::Packet(packet) => Act::Sends(Request::parse(&packet)),
            Frame::Line(line) => Act::Types(Command::parse(line)),
        };
        self.trace
            .line(self.now, || format!("{serial}: {}", shown(&act)));
        self.event(Event::frame(id, frame), |model, now, heard| {
            model.judge(now, serial, &act, heard)
        })
    }

    /// The server's side of a connection is over.
    fn ends(&mut self, serial: usize) -> Goes {
        let id = self.conn(serial).map(|(id, _)| id);
        self.links.remove(&serial);
        let Some(id) = id else {
            return Ok(());
        };
        if let Some(life) = &mut self.life {
            life.conns.remove(id);
        }
        self.trace.line(self.now, || format!("{serial} is gone"));
        self.event(Event::Disconnected(id), |model, now, heard| {
            model.judge(now, serial, &Act::Leaves, heard)
        })
    }

    /// Writes what waits for a peer, as far as it is taken.
    fn write(&mut self, serial: usize) -> Goes {
        let limit = self.setup.out_limit;
        let now = self.now;
        let Some(link) = self.links.get_mut(&serial) else {
            return Ok(());
        };
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let Some(conn) = link.conn.and_then(|id| life.conns.get_mut(id)) else {
            return Ok(());
        };
        let mut delivered = Vec::new();
        while !conn.out.is_empty() && (link.reads(now) || link.untaken < KERNEL) {
            // A large packet in single bytes takes long and shows nothing more.
            let most = link.piece().max(conn.out.len() / 20);
            let piece = conn.out.piece(most).to_vec();
            conn.out.advance(piece.len());
            link.untaken += piece.len();
            if !link.silent {
                delivered.push((link.next_delivery(now), piece));
            }
        }
        if conn.out.is_empty() && !conn.out.has_holes() {
            conn.out.recycle(&mut life.pool);
        }
        let overflows = conn.out.len() > limit;
        let blocked = (!conn.out.is_empty() && !link.silent).then_some(link.deaf_until);
        for (time, piece) in delivered {
            self.push(time, Happening::Delivers(serial, piece));
        }
        if overflows {
            self.hang_up(serial);
            return self.ends(serial);
        }
        if let Some(time) = blocked.filter(|&time| time > now) {
            self.push(time, Happening::Reads(serial));
        }
        Ok(())
    }

    /// The peer is left without a connection.
    fn hang_up(&mut self, serial: usize) {
        let peer = self.links.get(&serial).map(|link| usize::from(link.peer));
        let Some(peer) = peer.filter(|&peer| self.peers[peer] == Some(serial)) else {
            return;
        };
        self.peers[peer] = None;
        if peer >= usize::from(CHAOTIC) {
            self.push(self.now + 100 * MS, Happening::Begins(peer as u8));
        }
    }

    /// Holds what a peer receives against what it was promised.
    fn delivers(&mut self, serial: usize, bytes: &[u8]) -> Goes {
        let now = self.now;
        let promised = self.conn(serial).map(|(_, conn)| &mut conn.promised);
        let kept = promised.is_none_or(|promised| keeps(promised, bytes));
        if !kept {
            let text = format!("connection {serial} received what was not sent so");
            return Err(Stop::Broken("stream", text));
        }
        let Some(link) = self.links.get_mut(&serial).filter(|link| !link.gone) else {
            return Ok(());
        };
        link.untaken = link.untaken.saturating_sub(bytes.len());
        if link.peer < CHAOTIC {
            return Ok(());
        }
        for (delay, answer) in link.worker.hear(bytes) {
            self.push(now + delay, Happening::Works(serial, answer));
        }
        Ok(())
    }

    /// A steady worker connects and says what it can do.
    fn begin(&mut self, peer: u8) {
        if self.peers.get(usize::from(peer)) != Some(&None) {
            return;
        }
        match self.connect(peer) {
            Some(serial) => {
                let words = super::worker::hello(&self.words);
                self.send(serial, &words);
            }
            None => self.push(self.now + 300 * MS, Happening::Begins(peer)),
        }
    }
}

/// Whether these bytes are the next of what was promised.
fn keeps(promised: &mut VecDeque<Option<Bytes>>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Some(Some(first)) = promised.front_mut() else {
            return false;
        };
        let count = first.len().min(bytes.len());
        if first[..count] != bytes[..count] {
            return false;
        }
        first.advance(count);
        bytes = &bytes[count..];
        if first.is_empty() {
            promised.pop_front();
        }
    }
    true
}

/// An act, for the trace.
fn shown(act: &Act<'_>) -> String {
    match act {
        Act::Sends(Ok(request)) => format!("{request:?}"),
        Act::Types(Ok(command)) => format!("{command:?}"),
        other => format!("{other:?}"),
    }
}

/// The disk, and the ends of the server.
impl World {
    fn start(&mut self) -> Goes {
        if self.life.is_some() {
            return Ok(());
        }
        let (rows, first_number) = self.device.borrow_mut().open(self.now);
        self.clock = self.wall;
        let policy = Policy {
            job_retries: self.setup.job_retries,
            worker_wakeup: self.setup.worker_wakeup,
            exceptions: self.setup.exceptions,
            durable: self.setup.durable,
            hold_grabs: self.setup.hold_grabs,
            first_number,
            ..Policy::default()
        };
        let waiting = Waiting::new(self.setup.max_waiting);
        let disk = Shared(Rc::clone(&self.device));
        let now = self.timestamp();
        let (life, restored) = Life::start(policy, now, &rows, waiting, disk);
        self.life = Some(life);
        if self.serials == 0 && self.tally.restarts == 0 && restored.is_empty() {
            return Ok(());
        }
        self.tally.restarts += 1;
        self.tally.restored += restored.len() as u64;
        self.trace.line(self.now, || started(&restored));
        self.model.restart(now.0, &restored)?;
        Ok(())
    }

    /// Whether this is still that life.
    fn lives(&self, number: u64) -> bool {
        self.life.as_ref().is_some_and(|life| life.number == number)
    }

    fn takes(&mut self, number: u64) -> Goes {
        if !self.lives(number) {
            return Ok(());
        }
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        let batch = life.waiting.take();
        let size = bytes(&batch);
        let mut told = Vec::new();
        self.device.borrow_mut().clock = self.now;
        let device = &self.device;
        life.batches.write(batch, &mut |outcome| {
            told.push((device.borrow().clock, outcome));
        });
        let end = self.device.borrow().clock;
        for (time, outcome) in told {
            self.push(time, Happening::Told(number, outcome));
        }
        self.push(end, Happening::Free(number, size));
        self.check_disk()
    }

    fn check_disk(&self) -> Goes {
        match self.device.borrow_mut().misuse.take() {
            Some(misuse) => Err(Stop::Broken("S9", misuse)),
            None => Ok(()),
        }
    }

    fn told(&mut self, number: u64, outcome: &Outcome) -> Goes {
        if !self.lives(number) {
            return Ok(());
        }
        self.trace.line(self.now, || format!("store: {outcome:?}"));
        match outcome {
            Outcome::Stored(ticket) => {
                self.tally.stored += 1;
                self.event(Event::Stored(*ticket), |model, now, heard| {
                    model.stored(now, *ticket, heard)
                })
            }
            Outcome::NotStored(ticket, reason) => {
                self.tally.refused += 1;
                self.event(Event::NotStored(*ticket, reason), |model, now, heard| {
                    model.not_stored(now, *ticket, heard)
                })
            }
        }
    }

    fn free(&mut self, number: u64, size: u64) -> Goes {
        if !self.lives(number) {
            return Ok(());
        }
        if let Some(life) = &mut self.life {
            life.waiting.done(size);
            life.writes = !life.waiting.is_empty();
            if life.writes {
                self.push(self.now, Happening::Takes(number));
            }
        }
        Ok(())
    }

    /// The server is gone, and with it all connections.
    fn end(&mut self, down: u64) {
        self.life = None;
        self.links.clear();
        for peer in 0..CHAOTIC + STEADY {
            let place = &mut self.peers[usize::from(peer)];
            if place.take().is_some() && peer >= CHAOTIC {
                self.push(self.now + 100 * MS, Happening::Begins(peer));
            }
        }
        self.push(self.now + down, Happening::Starts);
    }

    fn crash(&mut self, power: bool, down: u64) {
        if self.life.is_none() {
            return;
        }
        self.device.borrow_mut().crash(self.now, power);
        self.end(down);
    }

    /// Ends the server as an operator does: what the store was given is written first.
    fn stop(&mut self, down: u64) -> Goes {
        let Some(mut life) = self.life.take() else {
            return Ok(());
        };
        let mut device = self.device.borrow_mut();
        device.clock = device.clock.max(self.now);
        drop(device);
        let batch = life.waiting.take();
        let mut nobody = |_| {};
        life.batches.write(batch, &mut nobody);
        life.batches.end(&mut nobody);
        self.now = self.now.max(self.device.borrow().clock);
        self.end(down);
        self.check_disk()
    }
}

fn started(restored: &[Written]) -> String {
    let handles = restored
        .iter()
        .map(|written| written.handle.escape_ascii().to_string());
    let handles: Vec<String> = handles.collect();
    format!("the server starts with {}", handles.join(" "))
}

/// What the plan says, and what comes after it.
impl World {
    fn step(&mut self, what: &What) -> Goes {
        self.trace
            .line(self.now, || format!("                {what:?}"));
        match *what {
            What::Act(peer, ref kind) => {
                self.act(peer, kind);
                Ok(())
            }
            What::Torn(peer, ref kind, part) => {
                if let Some((serial, bytes)) = self.words_of(peer, kind) {
                    let end = bytes.len() * usize::from(part) / 100;
                    self.send(serial, &bytes[..end]);
                    self.leave(serial, part % 2 == 0);
                }
                Ok(())
            }
            What::Vanish(peer, ms) => {
                self.vanish(peer, u64::from(ms) * MS);
                Ok(())
            }
            What::Deaf(peer, ms) => {
                let until = self.now + u64::from(ms) * MS;
                if let Some(link) = self.link(peer) {
                    link.deaf_until = until;
                }
                Ok(())
            }
            What::Jam(peer, ms) => {
                let until = self.now + u64::from(ms) * MS;
                if let Some(link) = self.link(peer) {
                    link.jam(until);
                }
                Ok(())
            }
            What::Pass(ms) => self.until(self.now + u64::from(ms) * MS),
            What::Disk(fault) => {
                self.device.borrow_mut().plan(fault);
                Ok(())
            }
            What::Crash { power, down } => {
                self.crash(power, u64::from(down) * MS);
                Ok(())
            }
            What::Stop(down) => self.stop(u64::from(down) * MS),
            What::Clock(seconds) => {
                self.wall += i64::from(seconds);
                Ok(())
            }
        }
    }

    fn link(&mut self, peer: u8) -> Option<&mut Link> {
        let serial = (*self.peers.get(usize::from(peer))?)?;
        self.links.get_mut(&serial)
    }

    /// Half-open: the peer is gone, and the server hears nothing of it until later.
    fn vanish(&mut self, peer: u8, later: u64) {
        let Some(link) = self.link(peer) else {
            return;
        };
        (link.silent, link.gone) = (true, true);
        let serial = self.peers[usize::from(peer)];
        if let Some(serial) = serial {
            self.push(self.now + later, Happening::Ends(serial));
            self.hang_up(serial);
        }
    }

    /// Who acts, and in which words.
    fn words_of(&mut self, peer: u8, kind: &Kind) -> Option<(usize, Vec<u8>)> {
        if let Kind::Work {
            ago,
            meddle,
            work: how,
        } = kind
        {
            let last = self.assigned.len().checked_sub(1 + usize::from(*ago));
            let (owner, handle) = match last.and_then(|at| self.assigned.get(at)) {
                Some((serial, handle)) => (Some(*serial), handle.clone()),
                None => (None, b"H:nobody:1".to_vec()),
            };
            let is_open = |serial: &usize| self.links.get(serial).is_some_and(|link| !link.gone);
            let owner = owner.filter(|serial| !meddle && is_open(serial));
            let serial = match owner {
                Some(serial) => serial,
                None => self.connect(peer)?,
            };
            return Some((serial, work(&handle, *how)));
        }
        let now = (START + self.now) / SECOND;
        let bytes = self.words.bytes(now, kind);
        Some((self.connect(peer)?, bytes))
    }

    fn act(&mut self, peer: u8, kind: &Kind) {
        if let Kind::Leave { reset } = kind {
            let serial = self.peers.get(usize::from(peer)).copied().flatten();
            if let Some(serial) = serial {
                self.leave(serial, *reset);
            }
            return;
        }
        if let Some((serial, bytes)) = self.words_of(peer, kind) {
            debug_assert!(packet_of(&bytes).is_some() || bytes.ends_with(b"\n"));
            self.send(serial, &bytes);
        }
    }

    /// Nothing goes wrong any more: every job ends, and the store is empty.
    fn settle(&mut self) -> Goes {
        self.calm = true;
        self.device.borrow_mut().heal();
        if self.device.borrow().is_abandoned() {
            // An operator starts it again.
            self.stop(MS)?;
        }
        for peer in 0..CHAOTIC {
            if let Some(serial) = self.peers[usize::from(peer)] {
                self.leave(serial, false);
            }
        }
        for peer in 0..STEADY {
            self.begin(CHAOTIC + peer);
        }
        let end = self.now + PATIENCE;
        while self.now < end && !self.is_settled() {
            self.until(self.now + 100 * MS)?;
        }
        if !self.is_settled() {
            let left = self.model.jobs();
            let text = format!("{left} jobs have no end {} s later", PATIENCE / SECOND);
            return Err(Stop::Broken("liveness", text));
        }
        if self.setup.durable {
            self.stop(MS)?;
            let (rows, _) = self.device.borrow_mut().open(self.now);
            if let Some(row) = rows.first() {
                let text = format!("job {} is on disk after the end of all", row.number);
                return Err(Stop::Broken("STORE-04", text));
            }
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let writes = self.life.as_ref().is_none_or(|life| life.writes);
        self.model.jobs() == 0 && !writes
    }
}
