//! Plays a session on an arm, and has the model judge every step.

use super::log::{Log, Move};
use super::op::{Admin, FUNCTIONS, Kind, Op, PEERS, WorkKind};
use super::words::{self, Words, packet_of};
use crate::conformance::Script;
use crate::conformance::arm::{Arm, ArmError, PeerId, Received};
use crate::model::{Act, Deviation, Divergence, Heard, Model, Rules, Said, Wanted};
use crate::protocol::admin::Command;
use crate::protocol::{Decoder, Frame, GrabKind, PacketType, Request};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long a server may take for the answer that all others wait for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that a job of a session waits for its time or its worker, in milliseconds.
const LONGEST_WAIT: u32 = 61_000;
/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// Why a session did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server did something that the model does not allow.
    #[error("step {step}, {op:?}: {divergence}")]
    Divergence {
        /// Number of the step, from 0.
        step: usize,
        /// What was done in it.
        op: Op,
        /// What came of it.
        divergence: Divergence,
    },
    /// The server did not answer an ECHO_REQ.
    #[error("step {step}, {op:?}: peer {peer} got no answer to ECHO_REQ in {PATIENCE:?}")]
    Silent {
        /// Number of the step, from 0.
        step: usize,
        /// What was done in it.
        op: Op,
        /// Who waited.
        peer: u8,
    },
    /// The server cannot be reached.
    #[error(transparent)]
    Arm(#[from] ArmError),
}

impl Failure {
    /// What was done last, where that is known.
    pub fn op(&self) -> Option<&Op> {
        match self {
            Failure::Divergence { op, .. } | Failure::Silent { op, .. } => Some(op),
            Failure::Arm(_) => None,
        }
    }
}

/// How a session went.
#[derive(Debug)]
pub struct Played {
    /// Whether it came to its end.
    pub result: Result<(), Failure>,
    /// Steps that were judged.
    pub steps: usize,
    /// Jobs without an end when the last step was done.
    pub jobs_left: usize,
    /// Jobs that were handed out.
    pub assigned: usize,
    /// Known ways in which the server parted from the protocol, and how often.
    pub met: BTreeMap<Deviation, u64>,
    log: Log,
}

impl Played {
    /// What the peers did to their connections.
    pub fn moves(&self) -> Vec<Move> {
        self.log.moves()
    }

    /// What was said, up to what should have been, as a script; `prefix` is that of the names.
    pub fn script(&self, prefix: &str) -> Script {
        self.log.script(prefix)
    }
}

/// Plays `ops` on `arm`, whose server has neither jobs nor peers of these names, and then has
/// all jobs run that are left: every one of them must be had in the end.
pub fn play(arm: &mut dyn Arm, rules: Rules, prefix: &str, ops: &[Op]) -> Played {
    let mut session = Session::new(arm, rules, prefix);
    let result = session.run(ops);
    Played {
        jobs_left: session.left,
        assigned: session.words.assigned.len(),
        steps: session.steps,
        met: session.model.met().clone(),
        log: session.log,
        result,
    }
}

/// Why a step was the last one.
enum Stop {
    Diverged(Divergence),
    Silent(u8),
    Arm(ArmError),
}

impl From<ArmError> for Stop {
    fn from(error: ArmError) -> Self {
        Stop::Arm(error)
    }
}

/// A connection of the session.
struct Line {
    id: PeerId,
    decoder: Decoder,
    closed: bool,
}

/// A session that is being played.
struct Session<'a> {
    arm: &'a mut dyn Arm,
    model: Model,
    words: Words,
    log: Log,
    /// Microseconds since 1970 when the arm was made.
    origin: u64,
    /// By the number of the peer.
    lines: Vec<Option<Line>>,
    /// Counts the questions that all answers have come by.
    barriers: u64,
    steps: usize,
    left: usize,
}

impl<'a> Session<'a> {
    fn new(arm: &'a mut dyn Arm, rules: Rules, prefix: &str) -> Self {
        let elapsed = arm.elapsed().as_micros() as u64;
        let now = arm.unix_time() * SECOND;
        let words = Words {
            prefix: prefix.to_owned(),
            ..Words::default()
        };
        Session {
            arm,
            model: Model::new(rules, now),
            words,
            log: Log::default(),
            origin: now.saturating_sub(elapsed),
            lines: (0..PEERS).map(|_| None).collect(),
            barriers: 0,
            steps: 0,
            left: 0,
        }
    }

    fn run(&mut self, ops: &[Op]) -> Result<(), Failure> {
        for op in ops {
            self.step(op)?;
        }
        self.left = self.model.jobs();
        self.finish()
    }

    /// All peers leave, and one worker runs what is left.
    fn finish(&mut self) -> Result<(), Failure> {
        for peer in 0..PEERS {
            let kind = Kind::Leave { reset: false };
            self.step(&Op::Act { peer, kind })?;
        }
        if self.model.next_due().is_some() {
            self.step(&Op::Pass(LONGEST_WAIT))?;
        }
        for function in 0..FUNCTIONS {
            let limit = None;
            self.worker(Kind::CanDo { function, limit })?;
        }
        // One grab more than there are jobs, to hear that there is nothing more.
        for left in (0..=self.model.jobs()).rev() {
            // The kind that all servers know.
            self.worker(Kind::Grab(GrabKind::Classic))?;
            if left > 0 {
                self.worker(Kind::Work {
                    ago: 0,
                    meddle: false,
                    work: WorkKind::Complete,
                })?;
            }
        }
        self.worker(Kind::ResetAbilities)?;
        for function in 0..FUNCTIONS {
            self.worker(Kind::Admin(Admin::Drop { function }))?;
        }
        self.worker(Kind::Leave { reset: false })
    }

    /// An act of the worker that runs what is left.
    fn worker(&mut self, kind: Kind) -> Result<(), Failure> {
        self.step(&Op::Act { peer: 0, kind })
    }

    fn step(&mut self, op: &Op) -> Result<(), Failure> {
        let step = self.steps;
        self.steps += 1;
        let done = match op {
            Op::Pass(ms) => self.pass(*ms),
            Op::Act { peer, kind } => self.act(*peer, kind),
        };
        let op = || op.clone();
        done.inspect_err(|stop| self.write_down(stop))
            .map_err(|stop| match stop {
                Stop::Diverged(divergence) => Failure::Divergence {
                    step,
                    op: op(),
                    divergence,
                },
                Stop::Silent(peer) => Failure::Silent {
                    step,
                    op: op(),
                    peer,
                },
                Stop::Arm(error) => Failure::Arm(error),
            })
    }

    /// Puts what should have been at the end of the script: an answer where there was none.
    fn write_down(&mut self, stop: &Stop) {
        let wanted = match stop {
            Stop::Diverged(divergence) => divergence.wanted.clone(),
            Stop::Silent(peer) => Wanted::Nothing(usize::from(*peer)),
            Stop::Arm(_) => Wanted::Nothing(0),
        };
        self.log.wanted(wanted);
    }

    /// The time, in microseconds since 1970.
    fn now(&self) -> u64 {
        let exact = self.origin + self.arm.elapsed().as_micros() as u64;
        exact.max(self.arm.unix_time() * SECOND)
    }

    fn pass(&mut self, ms: u32) -> Result<(), Stop> {
        self.arm.advance(Duration::from_millis(u64::from(ms)));
        self.log.passed(ms);
        let heard = self.hear(None)?;
        let now = self.now();
        self.judge(heard, |model, heard| model.pass(now, heard))
    }

    fn act(&mut self, peer: u8, kind: &Kind) -> Result<(), Stop> {
        let (peer, bytes) = match kind {
            Kind::Leave { reset } => return self.leave(peer, *reset),
            Kind::Work { ago, meddle, work } => {
                let (owner, handle) = self.words.job(*ago);
                let sender = owner.filter(|_| !*meddle).unwrap_or(peer);
                (sender, words::work(&handle, *work))
            }
            kind => (peer, self.words.bytes(self.arm.unix_time(), kind)),
        };
        let id = self.connect(peer)?;
        self.arm.send(id, &bytes)?;
        self.log.sent(peer, &bytes, self.arm.unix_time());
        let heard = self.hear(Some(peer))?;
        let act = match packet_of(&bytes) {
            Some(packet) => Act::Sends(Request::parse(&packet)),
            None => Act::Types(Command::parse(bytes.strip_suffix(b"\n").unwrap_or(&bytes))),
        };
        let now = self.now();
        self.judge(heard, |model, heard| {
            model.judge(now, peer.into(), &act, heard)
        })
    }

    fn connect(&mut self, peer: u8) -> Result<PeerId, Stop> {
        let open = self.line(peer).map(|line| line.id);
        if let Some(id) = open {
            return Ok(id);
        }
        let id = self.arm.connect()?;
        self.log.connected(peer);
        if let Some(place) = self.lines.get_mut(usize::from(peer)) {
            *place = Some(Line {
                id,
                decoder: Decoder::default(),
                closed: false,
            });
        }
        let heard = self.hear(Some(peer))?;
        let now = self.now();
        self.judge(heard, |model, heard| {
            model.judge(now, peer.into(), &Act::Connects, heard)
        })?;
        Ok(id)
    }

    fn leave(&mut self, peer: u8, reset: bool) -> Result<(), Stop> {
        let line = self.lines.get_mut(usize::from(peer)).and_then(Option::take);
        let Some(line) = line else {
            return Ok(());
        };
        match reset {
            true => self.arm.reset(line.id),
            false => self.arm.close(line.id),
        }
        self.log.left(peer, reset);
        let mut heard = self.hear(None)?;
        // Where connections have threads of their own, what comes of an end may need a moment more
        // than the first question.
        heard.0.extend(self.hear(None)?.0);
        let now = self.now();
        self.judge(heard, |model, heard| {
            model.judge(now, peer.into(), &Act::Leaves, heard)
        })
    }

    /// Has the model judge, and writes down what was heard and what should have been.
    fn judge(
        &mut self,
        mut heard: Heard,
        judge: impl FnOnce(&mut Model, &mut Heard) -> Result<(), Divergence>,
    ) -> Result<(), Stop> {
        let mut accepted = heard.clone();
        let judged = judge(&mut self.model, &mut heard);
        if let Err(divergence) = &judged {
            for said in &heard.0 {
                let at = accepted.0.iter().position(|other| other == said);
                at.map(|at| accepted.0.remove(at));
            }
            // A wrong list is wrong as a whole.
            if let Wanted::List(peer, _) = divergence.wanted {
                let is_line = |said: &Said| matches!(said, Said::Line(_));
                accepted
                    .0
                    .retain(|(who, said)| *who != peer || !is_line(said));
            }
        }
        self.log.heard(accepted.0);
        judged.map_err(Stop::Diverged)
    }

    /// What all peers heard, once the server has taken in everything that was sent to it; `first`
    /// is who has just acted.
    fn hear(&mut self, first: Option<u8>) -> Result<Heard, Stop> {
        let mut heard = Heard::default();
        match self.arm.is_synchronous() {
            true => {
                for peer in 0..PEERS {
                    self.receive(peer, Duration::ZERO, &mut heard)?;
                }
            }
            false => {
                self.ask(first.as_slice(), &mut heard)?;
                self.ask(&(0..PEERS).collect::<Vec<_>>(), &mut heard)?;
            }
        }
        self.remember(&heard);
        Ok(heard)
    }

    /// The connection of a peer, unless the server has ended it.
    fn line(&mut self, peer: u8) -> Option<&mut Line> {
        let line = self.lines.get_mut(usize::from(peer))?.as_mut();
        line.filter(|line| !line.closed)
    }

    /// Asks these peers' connections for an echo, and hears everything that comes before it.
    fn ask(&mut self, peers: &[u8], heard: &mut Heard) -> Result<(), Stop> {
        self.barriers += 1;
        let (question, answer) = words::barrier(self.barriers);
        for &peer in peers {
            if let Some(id) = self.line(peer).map(|line| line.id) {
                self.arm.send(id, &question)?;
            }
        }
        for &peer in peers {
            let until = self.arm.elapsed() + PATIENCE;
            loop {
                let is_answer =
                    |(who, said): &(usize, Said)| *who == usize::from(peer) && *said == answer;
                if let Some(at) = heard.0.iter().position(is_answer) {
                    heard.0.remove(at);
                    break;
                }
                if self.line(peer).is_none() {
                    break;
                }
                let left = until.saturating_sub(self.arm.elapsed());
                if left.is_zero() {
                    return Err(Stop::Silent(peer));
                }
                self.receive(peer, left, heard)?;
            }
        }
        Ok(())
    }

    /// Hears what has come for a peer.
    fn receive(&mut self, peer: u8, wait: Duration, heard: &mut Heard) -> Result<(), Stop> {
        let Some(id) = self.line(peer).map(|line| line.id) else {
            return Ok(());
        };
        let received = self.arm.receive(id, wait)?;
        let Some(line) = self.line(peer) else {
            return Ok(());
        };
        let at = usize::from(peer);
        match received {
            Received::Nothing => {}
            Received::Closed | Received::Reset => {
                line.closed = true;
                heard.0.push((at, Said::Closed));
            }
            Received::Bytes(bytes) => {
                let fed = line.decoder.feed(&bytes, |frame: Frame<'_>| {
                    heard.0.push((at, Said::frame(&frame)));
                    ControlFlow::Continue(())
                });
                if let Err(error) = fed {
                    line.closed = true;
                    heard.0.push((at, Said::Garbled(error.to_string())));
                }
            }
        }
        Ok(())
    }

    /// Keeps the handles that were named.
    fn remember(&mut self, heard: &Heard) {
        use PacketType as T;
        for (peer, said) in &heard.0 {
            let Said::Packet { kind, args, .. } = said else {
                continue;
            };
            match (*kind, args.first()) {
                (T::JOB_CREATED, Some(handle)) => self.words.handles.push(handle.clone()),
                (T::JOB_ASSIGN | T::JOB_ASSIGN_UNIQ | T::JOB_ASSIGN_ALL, Some(handle)) => {
                    self.words.assigned.push((*peer as u8, handle.clone()));
                }
                _ => {}
            }
        }
    }
}
