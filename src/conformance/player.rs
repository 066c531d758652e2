//! Plays a script on an arm.
//!
//! What one peer sends is handled before another peer acts: on an arm where that takes time the
//! player asks for an ECHO_RES first, and keeps whatever arrives before it for the script. So a
//! script means the same in memory and over a network, and silence is proved, not waited for.
//!
//! Only the end of a connection has no answer. Where a script closes a peer and the server must
//! have noticed before it goes on, a sleeping worker that receives the NOOP says so.

mod failure;
mod peer;

pub use failure::{Cause, Failure};

use super::arm::{Arm, Received};
use super::pattern::{Context, Namespace, Unbound};
use super::script::{
    Action, Closing, Content, Expectation, ListPattern, Message, Outcome, Script, Value,
};
use super::trace::{OwnedFrame, Trace, TraceEvent};
use crate::protocol::{Magic, PacketType, encode};
use peer::{Peer, Pending};
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

/// Lines of one list at the most.
const MAX_LINES: usize = 1_000_000;

/// How a script is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// What keeps its names apart from others.
    pub namespace: Namespace,
    /// How long the server may take to answer.
    pub timeout: Duration,
    /// How long a peer that stands inside a packet, and so cannot send an ECHO_REQ, is watched
    /// before it counts as quiet.
    pub silence: Duration,
    /// How the bytes of a write are cut.
    pub delivery: Delivery,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            namespace: Namespace::default(),
            timeout: Duration::from_secs(2),
            silence: Duration::from_millis(50),
            delivery: Delivery::Whole,
        }
    }
}

/// How the bytes of a write are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Not at all.
    Whole,
    /// Into pieces of so many bytes; 0 is one.
    Pieces(usize),
}

/// Plays `script` with the default options.
pub fn play(script: &Script, arm: &mut impl Arm) -> Result<Trace, Box<Failure>> {
    Player::new(arm, Options::default()).play(script)
}

/// What a peer meets next.
enum Next {
    Frame(OwnedFrame),
    Ended,
    Nothing,
}

/// Plays scripts on one arm.
pub struct Player<'a, A> {
    arm: &'a mut A,
    options: Options,
    context: Context,
    peers: BTreeMap<String, Peer>,
    trace: Trace,
    barriers: u64,
}

impl<'a, A: Arm> Player<'a, A> {
    /// A player of one script.
    pub fn new(arm: &'a mut A, options: Options) -> Self {
        let namespace = options.namespace.clone();
        Player {
            arm,
            options,
            context: Context {
                namespace,
                ..Context::default()
            },
            peers: BTreeMap::new(),
            trace: Trace::default(),
            barriers: 0,
        }
    }

    /// Plays it to its end, waits until everything has been handled, and closes what is open.
    pub fn play(mut self, script: &Script) -> Result<Trace, Box<Failure>> {
        let mut outcome = Ok(());
        let mut last = (0, "the end of the script".to_owned());
        for step in &script.steps {
            outcome = self.step(&step.action);
            if outcome.is_err() {
                last = (step.line, step.action.to_string());
                break;
            }
        }
        let outcome = outcome.and_then(|()| self.settle(None));
        for peer in self.peers.values().filter(|peer| peer.can_send) {
            self.arm.close(peer.id);
        }
        let (line, step) = last;
        match outcome {
            Ok(()) => Ok(self.trace),
            Err(cause) => Err(Box::new(Failure {
                line,
                step,
                cause,
                trace: self.trace,
            })),
        }
    }

    fn step(&mut self, action: &Action) -> Result<(), Cause> {
        match action {
            Action::Connect { peer } => {
                self.settle(Some(peer))?;
                self.connect(peer)
            }
            Action::Close { peer, how } => self.close(peer, *how),
            Action::Send { peer, messages } => self.send(peer, messages),
            Action::Expect(expectation) => self.expect(expectation),
            Action::AnyOrder(expectations) => self.any_order(expectations),
            Action::After(time) => {
                self.settle(None)?;
                self.arm.advance(*time);
                Ok(())
            }
        }
    }

    fn connect(&mut self, name: &str) -> Result<(), Cause> {
        let id = self.arm.connect()?;
        self.peers.insert(name.to_owned(), Peer::new(id));
        self.record(name, TraceEvent::Connected);
        Ok(())
    }

    fn record(&mut self, peer: &str, event: TraceEvent) {
        self.trace.push(self.arm.elapsed(), peer, event);
    }

    fn peer(&mut self, name: &str) -> Result<&mut Peer, Cause> {
        let missing = || Cause::NotConnected {
            peer: name.to_owned(),
        };
        self.peers.get_mut(name).ok_or_else(missing)
    }

    /// Lets the others' requests be handled, and connects the peer if it is new.
    fn turn(&mut self, name: &str) -> Result<(), Cause> {
        self.settle(Some(name))?;
        match self.peers.contains_key(name) {
            true => Ok(()),
            false => self.connect(name),
        }
    }

    fn close(&mut self, name: &str, how: Closing) -> Result<(), Cause> {
        self.turn(name)?;
        let peer = self.peer(name)?;
        peer.can_send = false;
        let id = peer.id;
        match how {
            Closing::Close => self.arm.close(id),
            Closing::HalfClose => self.arm.half_close(id),
            Closing::Reset => self.arm.reset(id),
        }
        self.record(name, TraceEvent::Ended(how));
        Ok(())
    }

    fn send(&mut self, name: &str, messages: &[Message]) -> Result<(), Cause> {
        self.turn(name)?;
        self.context.now = self.arm.unix_time();
        let mut bytes = Vec::new();
        for message in messages {
            let start = bytes.len();
            self.encode(&message.content, &mut bytes)?;
            let one = bytes[start..].to_vec();
            for _ in 1..message.times {
                bytes.extend_from_slice(&one);
            }
        }
        self.write(name, &bytes)?;
        self.record(name, TraceEvent::sent(&bytes));
        Ok(())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cause> {
        let peer = self.peer(name)?;
        peer.note_sent(bytes);
        let id = peer.id;
        let piece = match self.options.delivery {
            Delivery::Whole => bytes.len(),
            Delivery::Pieces(size) => size,
        };
        for piece in bytes.chunks(piece.max(1)) {
            self.arm.send(id, piece)?;
        }
        Ok(())
    }

    fn encode(&self, content: &Content, out: &mut Vec<u8>) -> Result<(), Cause> {
        match content {
            Content::Packet { magic, kind, args } => {
                self.encode_packet(*magic, *kind, args, out)?
            }
            Content::Number { kind, data } => {
                let data = self.context.resolve(data)?;
                encode::packet(out, Magic::Req, *kind, &[], Some(&data));
            }
            Content::Text(line) => {
                out.extend_from_slice(&self.context.resolve(line)?);
                out.push(b'\n');
            }
            Content::Bytes(values) => {
                for value in values {
                    out.extend_from_slice(&self.context.resolve(value)?);
                }
            }
        }
        Ok(())
    }

    fn encode_packet(
        &self,
        magic: Magic,
        kind: PacketType,
        args: &[Value],
        out: &mut Vec<u8>,
    ) -> Result<(), Unbound> {
        let mut resolved = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            resolved.push(self.context.resolve_arg(kind, index, arg)?);
        }
        let mut args: Vec<&[u8]> = resolved.iter().map(|arg| &**arg).collect();
        let has_body = kind.info().is_some_and(|row| row.body);
        let body = if has_body { args.pop() } else { None };
        encode::packet(out, magic, kind, &args, body);
        Ok(())
    }

    fn expect(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        self.turn(&expectation.peer)?;
        for _ in 0..expectation.times {
            match expectation.outcomes.as_slice() {
                [Outcome::List(list)] => self.list(&expectation.peer, list)?,
                outcomes if outcomes.contains(&Outcome::Nothing) => {
                    self.something_or_nothing(expectation)?;
                }
                _ => self.something(expectation)?,
            }
        }
        Ok(())
    }

    fn something(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        let next = self.next(&expectation.peer, self.options.timeout)?;
        self.judge(expectation, next)
    }

    /// Takes what the peer met next for one of the outcomes, or says that it is none.
    fn judge(&mut self, expectation: &Expectation, next: Next) -> Result<(), Cause> {
        let Expectation { peer, outcomes, .. } = expectation;
        let expected = || {
            let all: Vec<String> = outcomes.iter().map(Outcome::to_string).collect();
            all.join(" | ")
        };
        let found = match next {
            Next::Frame(frame) => {
                if outcomes
                    .iter()
                    .any(|outcome| self.context.accept(outcome, &frame))
                {
                    return Ok(());
                }
                self.described(&frame)
            }
            Next::Ended if outcomes.contains(&Outcome::Closed) => return Ok(()),
            Next::Ended => "the end of the connection".to_owned(),
            Next::Nothing if outcomes.contains(&Outcome::Nothing) => return Ok(()),
            Next::Nothing => {
                return Err(Cause::NoAnswer {
                    peer: peer.clone(),
                    expected: expected(),
                    waited: self.options.timeout,
                });
            }
        };
        Err(Cause::Unexpected {
            peer: peer.clone(),
            expected: expected(),
            found,
        })
    }

    /// A frame, and the names of the script that its arguments are bound to.
    fn described(&self, frame: &OwnedFrame) -> String {
        let text = frame.to_string();
        let named = self.context.bindings.iter().filter_map(|(name, bytes)| {
            let quoted = format!("\"{}\"", bytes.escape_ascii());
            (!bytes.is_empty() && text.contains(&quoted)).then(|| format!("${name} is {quoted}"))
        });
        let named: Vec<String> = named.collect();
        match named.is_empty() {
            true => text,
            false => format!("{text} ({})", named.join(", ")),
        }
    }

    fn something_or_nothing(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        let name = &expectation.peer;
        if !self.peer(name)?.can_ask() {
            let next = self.next(name, self.options.silence)?;
            return self.judge(expectation, next);
        }
        let mut held = VecDeque::from(self.drain_until_echo(name)?);
        let first = held.pop_front();
        let peer = self.peer(name)?;
        peer.put_back(held);
        let ended = peer.ended;
        let next = match first {
            Some(frame) => Next::Frame(frame),
            None if ended => Next::Ended,
            None => Next::Nothing,
        };
        self.judge(expectation, next)
    }

    /// Sends an ECHO_REQ and gives what arrives before its answer, or before the end.
    fn drain_until_echo(&mut self, name: &str) -> Result<Vec<OwnedFrame>, Cause> {
        self.barriers += 1;
        let nonce = format!(
            "settled {}{}",
            self.options.namespace.prefix(),
            self.barriers
        );
        let mut bytes = Vec::new();
        let echo = PacketType::ECHO_REQ;
        encode::packet(&mut bytes, Magic::Req, echo, &[], Some(nonce.as_bytes()));
        self.write(name, &bytes)?;
        let answer = OwnedFrame::Packet {
            magic: Magic::Res,
            kind: PacketType::ECHO_RES,
            data: nonce.into_bytes(),
        };
        let mut held = Vec::new();
        loop {
            match self.next(name, self.options.timeout)? {
                Next::Frame(frame) if frame == answer => {
                    self.trace.settled(name, answer);
                    self.peer(name)?.pending = Pending::No;
                    return Ok(held);
                }
                Next::Frame(frame) => held.push(frame),
                Next::Ended => return Ok(held),
                Next::Nothing => {
                    return Err(Cause::NoAnswer {
                        peer: name.to_owned(),
                        expected: "ECHO_RES, by which it knows that all was handled".into(),
                        waited: self.options.timeout,
                    });
                }
            }
        }
    }

    /// Waits until the server has handled what everyone but `except` has sent.
    fn settle(&mut self, except: Option<&str>) -> Result<(), Cause> {
        if self.arm.is_synchronous() {
            return Ok(());
        }
        let busy: Vec<String> = self
            .peers
            .iter()
            .filter(|(name, peer)| {
                Some(name.as_str()) != except && peer.pending != Pending::No && peer.can_ask()
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in busy {
            let held = self.drain_until_echo(&name)?;
            self.peer(&name)?.put_back(held);
        }
        Ok(())
    }

    fn list(&mut self, name: &str, list: &ListPattern) -> Result<(), Cause> {
        let unexpected = |found: String| Cause::Unexpected {
            peer: name.to_owned(),
            expected: "a list that ends in a line `.`".into(),
            found,
        };
        let mut lines = Vec::new();
        loop {
            match self.next(name, self.options.timeout)? {
                Next::Frame(OwnedFrame::Line(line)) if line == b"." => break,
                Next::Frame(OwnedFrame::Line(line)) if lines.len() < MAX_LINES => lines.push(line),
                Next::Frame(frame) => return Err(unexpected(frame.to_string())),
                Next::Ended => return Err(unexpected("the end of the connection".into())),
                Next::Nothing => {
                    return Err(Cause::NoAnswer {
                        peer: name.to_owned(),
                        expected: "a list that ends in a line `.`".into(),
                        waited: self.options.timeout,
                    });
                }
            }
        }
        let outcome = self.context.accept_list(list, &lines);
        outcome.map_err(|found| Cause::Unexpected {
            peer: name.to_owned(),
            expected: list.to_string(),
            found,
        })
    }

    /// Each frame goes to the first expectation of its peer that takes it.
    fn any_order(&mut self, expectations: &[Expectation]) -> Result<(), Cause> {
        let mut open: Vec<Expectation> = Vec::new();
        for expectation in expectations {
            let one = Expectation {
                times: 1,
                ..expectation.clone()
            };
            open.extend(std::iter::repeat_n(one, expectation.times));
        }
        while let Some(name) = open.first().map(|first| first.peer.clone()) {
            self.turn(&name)?;
            let next = self.next(&name, self.options.timeout)?;
            let taken = match &next {
                Next::Frame(frame) => open.iter().position(|expectation| {
                    let mut outcomes = expectation.outcomes.iter();
                    expectation.peer == name
                        && outcomes.any(|outcome| self.context.accept(outcome, frame))
                }),
                _ => None,
            };
            let Some(taken) = taken else {
                let left = open
                    .into_iter()
                    .filter(|expectation| expectation.peer == name);
                let outcomes = left.flat_map(|expectation| expectation.outcomes).collect();
                return self.judge(
                    &Expectation {
                        peer: name,
                        times: 1,
                        outcomes,
                    },
                    next,
                );
            };
            open.remove(taken);
        }
        Ok(())
    }

    /// The next frame of the peer, its end, or nothing after `wait`.
    fn next(&mut self, name: &str, wait: Duration) -> Result<Next, Cause> {
        let deadline = self.arm.elapsed() + wait;
        loop {
            let left = deadline.saturating_sub(self.arm.elapsed());
            let peer = self.peer(name)?;
            if let Some(frame) = peer.inbox.pop_front() {
                return Ok(Next::Frame(frame));
            }
            if let Some(error) = peer.garbage {
                return Err(Cause::Garbage {
                    peer: name.to_owned(),
                    error,
                });
            }
            if peer.ended {
                return match peer.incoming.mid_frame() {
                    true => Err(Cause::HalfPacket {
                        peer: name.to_owned(),
                    }),
                    false => Ok(Next::Ended),
                };
            }
            let id = peer.id;
            match self.arm.receive(id, left)? {
                Received::Bytes(bytes) => self.take_in(name, &bytes)?,
                Received::Closed => self.ended(name, TraceEvent::ServerClosed)?,
                Received::Reset => self.ended(name, TraceEvent::ServerReset)?,
                Received::Nothing => return Ok(Next::Nothing),
            }
        }
    }

    fn ended(&mut self, name: &str, how: TraceEvent) -> Result<(), Cause> {
        self.peer(name)?.ended = true;
        self.record(name, how);
        Ok(())
    }

    fn take_in(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cause> {
        let peer = self.peer(name)?;
        let mut frames = Vec::new();
        let fed = peer.incoming.feed(bytes, |frame| {
            frames.push(OwnedFrame::from(frame));
            ControlFlow::Continue(())
        });
        peer.garbage = fed.err();
        for frame in &frames {
            peer.note_received(frame);
        }
        peer.inbox.extend(frames.iter().cloned());
        for frame in frames {
            self.record(name, TraceEvent::Received(frame));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
