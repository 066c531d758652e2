//! Plays a script on an arm.
//!
//! What one peer sends is handled before another peer acts: on an arm where that takes time the
//! player asks for an ECHO_RES first (see [`Barrier`]), and keeps whatever arrives before it for the
//! script. So a script means the same in memory and over a network, and silence is proved, not
//! waited for.
//!
//! Only the end of a connection has no answer. Where a script closes a peer and the server must
//! have noticed before it goes on, a sleeping worker that receives the NOOP says so.

mod ahead;
mod barrier;
mod delivery;
mod failure;
mod http;
mod peer;
mod receive;
mod send;
mod server;

pub use barrier::Barrier;
pub use delivery::{Delivery, UnknownDelivery};
pub use failure::{Cause, Failure};

use super::arm::Arm;
use super::pattern::{Context, Namespace};
use super::script::{Action, Closing, Message, Script, Step};
use super::trace::{OwnedFrame, Trace, TraceEvent};
use peer::{Peer, Pending};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    /// By what the player knows that the server has handled everything.
    pub barrier: Barrier,
    /// How the bytes of a write are cut.
    pub delivery: Delivery,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            namespace: Namespace::default(),
            timeout: Duration::from_secs(2),
            silence: Duration::from_millis(50),
            barrier: Barrier::Echo,
            delivery: Delivery::Whole,
        }
    }
}

/// Plays `script` with the default options.
pub fn play(script: &Script, arm: &mut impl Arm) -> Result<Trace, Box<Failure>> {
    Player::new(arm, Options::default()).play(script)
}

/// Where a script has stopped.
struct Stopped {
    line: usize,
    step: String,
    round: Option<usize>,
    cause: Cause,
}

impl Stopped {
    fn at(line: usize, step: String, cause: Cause) -> Self {
        Stopped {
            line,
            step,
            round: None,
            cause,
        }
    }
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
        let outcome = self.steps(&script.steps).and_then(|()| {
            let settled = self.settle(None);
            settled.map_err(|cause| Stopped::at(0, "the end of the script".to_owned(), cause))
        });
        for peer in self.peers.values() {
            self.arm.close(peer.id);
        }
        match outcome {
            Ok(()) => Ok(self.trace),
            Err(stopped) => Err(Box::new(Failure {
                line: stopped.line,
                step: stopped.step,
                round: stopped.round,
                cause: stopped.cause,
                trace: self.trace,
            })),
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Stopped> {
        // Sends that went out with one before them.
        let mut sent_ahead = 0;
        for (index, step) in steps.iter().enumerate() {
            let outcome = match &step.action {
                Action::Repeat { times, steps } => {
                    self.repeat(*times, steps)?;
                    continue;
                }
                Action::Send { .. } if sent_ahead > 0 => {
                    sent_ahead -= 1;
                    continue;
                }
                Action::Send { peer, messages } => {
                    let behind = steps.get(index..).unwrap_or_default();
                    let ahead = self.ahead(behind);
                    let sent = self.send(peer, messages, &ahead);
                    sent.map(|sends| sent_ahead = sends)
                }
                action => self.step(action),
            };
            outcome.map_err(|cause| Stopped::at(step.line, step.action.to_string(), cause))?;
        }
        Ok(())
    }

    /// The sends behind the first of the steps that go out with it.
    fn ahead<'s>(&self, steps: &'s [Step]) -> Vec<&'s [Message]> {
        match self.options.delivery {
            Delivery::Pipeline => {
                let bindings = &self.context.bindings;
                ahead::ahead(steps, |name| bindings.contains_key(name))
            }
            _ => Vec::new(),
        }
    }

    /// What a round binds is free again behind it.
    fn repeat(&mut self, times: usize, steps: &[Step]) -> Result<(), Stopped> {
        let outer: BTreeSet<String> = self.context.bindings.keys().cloned().collect();
        for round in 1..=times {
            let outcome = self.steps(steps);
            outcome.map_err(|stopped| Stopped {
                round: Some(round),
                ..stopped
            })?;
            let bindings = &mut self.context.bindings;
            bindings.retain(|name, _| outer.contains(name));
        }
        Ok(())
    }

    fn step(&mut self, action: &Action) -> Result<(), Cause> {
        match action {
            Action::Connect { peer } => {
                self.settle(Some(peer))?;
                self.connect(peer)
            }
            Action::ConnectHttp { peer } => {
                self.settle(Some(peer))?;
                let id = self.arm.connect_http()?;
                self.connected(peer, Peer::of_http(id), TraceEvent::ConnectedHttp);
                Ok(())
            }
            Action::Close { peer, how } => self.close(peer, *how),
            Action::Send { peer, messages } => self.send(peer, messages, &[]).map(drop),
            Action::Expect(expectation) => self.expect(expectation),
            Action::AnyOrder(expectations) => self.any_order(expectations),
            Action::AtLeast {
                count,
                expectations,
            } => self.at_least(*count, expectations),
            // A block in a block, which the language does not have.
            Action::Repeat { times, steps } => {
                self.repeat(*times, steps).map_err(|stopped| stopped.cause)
            }
            Action::Flood { peer, messages } => self.flood(peer, messages),
            Action::Server(step) => self.server(*step),
            Action::After(time) => {
                self.settle(None)?;
                self.arm.advance(*time);
                Ok(())
            }
        }
    }

    fn connect(&mut self, name: &str) -> Result<(), Cause> {
        let id = self.arm.connect()?;
        self.connected(name, Peer::new(id), TraceEvent::Connected);
        Ok(())
    }

    fn connected(&mut self, name: &str, peer: Peer, event: TraceEvent) {
        if let Some(before) = self.peers.insert(name.to_owned(), peer) {
            // One that has only stopped to send is still open.
            self.arm.close(before.id);
        }
        self.record(name, event);
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
}

#[cfg(test)]
mod tests;
