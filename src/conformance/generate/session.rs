//! Plays a session on an arm, and has the model judge every step.

use super::op::{Admin, Kind, Malformed, Op, WorkKind};
use crate::conformance::arm::{Arm, ArmError, PeerId, Received};
use crate::model::{Act, Divergence, Heard, Model, Rules, Said};
use crate::protocol::admin::Command;
use crate::protocol::{
    Body, Decoder, Frame, Magic, Packet, PacketType, Request, Submit, Work, encode,
};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long a server may take for the answer that all others wait for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Microseconds of a second.
const SECOND: u64 = 1_000_000;
const HEADER: usize = crate::protocol::packet::HEADER;

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

/// Plays `ops` on `arm`, whose server has neither jobs nor peers of these names.
pub fn play(arm: &mut dyn Arm, rules: Rules, prefix: &str, ops: &[Op]) -> Result<Session, Failure> {
    let mut session = Session::new(arm, rules, prefix);
    for (step, op) in ops.iter().enumerate() {
        session.step(arm, op).map_err(|error| match error {
            Stop::Diverged(divergence) => Failure::Divergence {
                step,
                op: op.clone(),
                divergence,
            },
            Stop::Silent(peer) => Failure::Silent {
                step,
                op: op.clone(),
                peer,
            },
            Stop::Arm(error) => Failure::Arm(error),
        })?;
    }
    Ok(session)
}

/// Why a step was the last one.
enum Stop {
    Diverged(Divergence),
    Silent(u8),
    Arm(ArmError),
}

impl From<Divergence> for Stop {
    fn from(divergence: Divergence) -> Self {
        Stop::Diverged(divergence)
    }
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

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id)
    }
}

/// A session that is being played.
#[derive(Debug)]
pub struct Session {
    model: Model,
    prefix: String,
    /// Microseconds since 1970 when the arm was made.
    origin: u64,
    /// By the number of the peer.
    lines: Vec<Option<Line>>,
    /// All handles, in the order in which they were given out.
    handles: Vec<Vec<u8>>,
    /// Who was handed which job.
    assigned: Vec<(u8, Vec<u8>)>,
    /// Counts the questions that all answers have come by.
    barriers: u64,
}

impl Session {
    fn new(arm: &dyn Arm, rules: Rules, prefix: &str) -> Self {
        let elapsed = arm.elapsed().as_micros() as u64;
        let now = arm.unix_time() * SECOND;
        Session {
            model: Model::new(rules, now),
            prefix: prefix.to_owned(),
            origin: now.saturating_sub(elapsed),
            lines: Vec::new(),
            handles: Vec::new(),
            assigned: Vec::new(),
            barriers: 0,
        }
    }

    /// The model, as it stands.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Jobs that were handed out.
    pub fn assigned(&self) -> usize {
        self.assigned.len()
    }

    fn now(&self, arm: &dyn Arm) -> u64 {
        self.origin + arm.elapsed().as_micros() as u64
    }

    fn step(&mut self, arm: &mut dyn Arm, op: &Op) -> Result<(), Stop> {
        let (peer, kind) = match op {
            Op::Pass(ms) => {
                arm.advance(Duration::from_millis(u64::from(*ms)));
                let heard = self.hear(arm, None)?;
                return Ok(self.model.pass(self.now(arm), heard)?);
            }
            Op::Act { peer, kind } => (*peer, kind),
        };
        if let Kind::Work { ago, meddle, work } = kind {
            let (owner, handle) = self.job(*ago);
            let sender = if *meddle { peer } else { owner.unwrap_or(peer) };
            return self.work(arm, sender, &handle, *work);
        }
        if let Kind::Leave { reset } = kind {
            return self.leave(arm, peer, *reset);
        }
        self.connect(arm, peer)?;
        let spoken = self.bytes(arm, kind);
        self.send(arm, peer, &spoken)
    }

    /// The peer's number in the model.
    fn connect(&mut self, arm: &mut dyn Arm, peer: u8) -> Result<(), Stop> {
        let at = usize::from(peer);
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, || None);
        }
        if self.lines[at].is_none() {
            let id = arm.connect()?;
            self.lines[at] = Some(Line {
                id,
                decoder: Decoder::default(),
                closed: false,
            });
            let heard = self.hear(arm, None)?;
            self.model.judge(at, &Act::Connects, heard)?;
        }
        Ok(())
    }

    fn leave(&mut self, arm: &mut dyn Arm, peer: u8, reset: bool) -> Result<(), Stop> {
        let line = self.lines.get_mut(usize::from(peer)).and_then(Option::take);
        let Some(line) = line else {
            return Ok(());
        };
        match reset {
            true => arm.reset(line.id),
            false => arm.close(line.id),
        }
        let heard = self.hear(arm, None)?;
        Ok(self.model.judge(usize::from(peer), &Act::Leaves, heard)?)
    }

    fn work(
        &mut self,
        arm: &mut dyn Arm,
        peer: u8,
        handle: &[u8],
        kind: WorkKind,
    ) -> Result<(), Stop> {
        self.connect(arm, peer)?;
        let body = Body::new(b"r\0s");
        let status = |numerator, denominator| Work::Status {
            numerator,
            denominator,
        };
        let work = match kind {
            WorkKind::Complete => Work::Complete(body),
            WorkKind::Fail => Work::Fail,
            WorkKind::Exception => Work::Exception(body),
            WorkKind::Data => Work::Data(body),
            WorkKind::Warning => Work::Warning(body),
            WorkKind::Status => status(b"1", b"10"),
            WorkKind::OddStatus => status(b"-1", b"x"),
        };
        self.send(arm, peer, &encoded(&Request::Work { handle, work }))
    }

    /// The job that was handed out so many assignments ago, and to whom.
    fn job(&self, ago: u8) -> (Option<u8>, Vec<u8>) {
        let at = self.assigned.len().checked_sub(1 + usize::from(ago));
        match at.and_then(|at| self.assigned.get(at)) {
            Some((peer, handle)) => (Some(*peer), handle.clone()),
            None => (None, b"H:nobody:1".to_vec()),
        }
    }

    fn handle(&self, ago: u8) -> Vec<u8> {
        let at = self.handles.len().checked_sub(1 + usize::from(ago));
        let handle = at.and_then(|at| self.handles.get(at));
        handle.map_or_else(|| b"H:nobody:1".to_vec(), Clone::clone)
    }

    fn function(&self, number: u8) -> Vec<u8> {
        format!("{}{}", self.prefix, char::from(b'a' + number)).into_bytes()
    }

    fn unique(&self, number: u8) -> Vec<u8> {
        match number {
            0 => Vec::new(),
            1 => b"-".to_vec(),
            2 => [self.prefix.as_bytes(), &[b'u'; 64]].concat()[..64].to_vec(),
            3 => [self.prefix.as_bytes(), b"\xff \x01"].concat(),
            _ => format!("{}{}", self.prefix, char::from(b'p' + number)).into_bytes(),
        }
    }

    fn bytes(&self, arm: &dyn Arm, kind: &Kind) -> Vec<u8> {
        let function = |number: &u8| self.function(*number);
        match kind {
            Kind::Submit {
                function: number,
                unique,
                body,
                priority,
                background,
                epoch,
                reduce,
            } => encoded(&Request::Submit(Submit {
                function: &function(number),
                unique: &self.unique(*unique),
                priority: *priority,
                background: *background,
                epoch: epoch.map(|seconds| arm.unix_time() + u64::from(seconds)),
                reducer: reduce.then_some(b"reducer".as_slice()),
                body: Body::new(&payload(*body)),
            })),
            Kind::CanDo {
                function: number,
                limit,
            } => encoded(&Request::CanDo {
                function: &function(number),
                timeout_ms: limit.and_then(|ms| NonZeroU32::new(u32::from(ms))),
            }),
            Kind::CantDo { function: number } => encoded(&Request::CantDo {
                function: &function(number),
            }),
            Kind::ResetAbilities => encoded(&Request::ResetAbilities),
            Kind::PreSleep => encoded(&Request::PreSleep),
            Kind::Grab(kind) => encoded(&Request::Grab(*kind)),
            Kind::Status { ago } => encoded(&Request::GetStatus {
                handle: &self.handle(*ago),
            }),
            Kind::StatusUnique { unique } => encoded(&Request::GetStatusUnique {
                unique: &self.unique(*unique),
            }),
            Kind::Echo { body } => encoded(&Request::Echo {
                body: Body::new(&payload(*body)),
            }),
            Kind::Option { known } => encoded(&Request::Option {
                name: if *known { b"exceptions" } else { b"bogus" },
            }),
            Kind::ClientId { id } => {
                let ids: [&[u8]; 3] = [b"one", b"", b"with space\n"];
                encoded(&Request::SetClientId {
                    id: ids.get(usize::from(*id)).copied().unwrap_or_default(),
                })
            }
            Kind::Malformed(malformed) => self.malformed(*malformed),
            Kind::Admin(admin) => self.admin(*admin),
            // These are not made here.
            Kind::Work { .. } | Kind::Leave { .. } => Vec::new(),
        }
    }

    fn malformed(&self, malformed: Malformed) -> Vec<u8> {
        use PacketType as T;
        let mut out = Vec::new();
        let function = self.function(0);
        let mut put = |magic, kind, args: &[&[u8]]| {
            encode::packet(&mut out, magic, kind, args, None);
        };
        match malformed {
            Malformed::UnknownType(number) => put(Magic::Req, PacketType(number), &[b"data"]),
            Malformed::OnlyServers => put(Magic::Req, T::JOB_CREATED, &[b"H:nobody:1"]),
            Malformed::WrongMagic => put(Magic::Res, T::ECHO_REQ, &[b"data"]),
            Malformed::MissingArgument => put(Magic::Req, T::SUBMIT_JOB, &[&function]),
            Malformed::LongUnique => {
                put(Magic::Req, T::SUBMIT_JOB, &[&function, &[b'u'; 65], b"x"]);
            }
            Malformed::OddEpoch => {
                put(
                    Magic::Req,
                    T::SUBMIT_JOB_EPOCH,
                    &[&function, b"", b"abc", b"x"],
                );
            }
        }
        out
    }

    fn admin(&self, admin: Admin) -> Vec<u8> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let function = |number: u8| text(self.function(number));
        let line = match admin {
            Admin::Status => "status".to_owned(),
            Admin::PriorityStatus => "prioritystatus".to_owned(),
            Admin::Workers => "workers".to_owned(),
            Admin::ShowJobs => "show jobs".to_owned(),
            Admin::ShowUniqueJobs => "show unique jobs".to_owned(),
            Admin::MaxQueue {
                function: number,
                limit: Some(limit),
            } => format!("maxqueue {} {limit}", function(number)),
            Admin::MaxQueue {
                function: number,
                limit: None,
            } => format!("maxqueue {}", function(number)),
            Admin::Cancel { ago } => format!("cancel job {}", text(self.handle(ago))),
            Admin::Create { function: number } => format!("create function {}", function(number)),
            Admin::Drop { function: number } => format!("drop function {}", function(number)),
            Admin::Nonsense => "bogus words".to_owned(),
        };
        format!("{line}\n").into_bytes()
    }

    /// Sends what is one request or one line, and has the model judge what came of it.
    fn send(&mut self, arm: &mut dyn Arm, peer: u8, bytes: &[u8]) -> Result<(), Stop> {
        let Some(line) = self.lines.get(usize::from(peer)).and_then(Option::as_ref) else {
            return Ok(());
        };
        arm.send(line.id, bytes)?;
        let heard = self.hear(arm, Some(peer))?;
        let act = match (bytes.strip_suffix(b"\n"), packet_of(bytes)) {
            (_, Some(packet)) => Act::Sends(Request::parse(&packet)),
            (line, None) => Act::Types(Command::parse(line.unwrap_or(bytes))),
        };
        Ok(self.model.judge(usize::from(peer), &act, heard)?)
    }

    /// What all peers heard, once the server has taken in everything that was sent to it.
    fn hear(&mut self, arm: &mut dyn Arm, first: Option<u8>) -> Result<Heard, Stop> {
        let mut heard = Heard::default();
        if !arm.is_synchronous() {
            if let Some(peer) = first {
                self.ask(arm, &[peer], &mut heard)?;
            }
            let peers: Vec<u8> = (0..self.lines.len() as u8).collect();
            self.ask(arm, &peers, &mut heard)?;
        } else {
            for peer in 0..self.lines.len() as u8 {
                self.receive(arm, peer, Duration::ZERO, &mut heard)?;
            }
        }
        self.remember(&heard);
        Ok(heard)
    }

    /// Asks these peers' connections for an echo, and hears everything that comes before it.
    fn ask(&mut self, arm: &mut dyn Arm, peers: &[u8], heard: &mut Heard) -> Result<(), Stop> {
        self.barriers += 1;
        let token = format!("gearbench barrier {}", self.barriers).into_bytes();
        let body = Body::new(&token);
        let question = encoded(&Request::Echo { body });
        let open = |session: &Session, peer: u8| {
            let line = session
                .lines
                .get(usize::from(peer))
                .and_then(Option::as_ref);
            line.filter(|line| !line.closed).map(|line| line.id)
        };
        for &peer in peers {
            if let Some(id) = open(self, peer) {
                arm.send(id, &question)?;
            }
        }
        let answer = Said::Packet {
            kind: PacketType::ECHO_RES,
            args: Vec::new(),
            body: token.clone(),
        };
        for &peer in peers {
            let until = arm.elapsed() + PATIENCE;
            loop {
                let at = heard
                    .0
                    .iter()
                    .position(|(who, said)| *who == usize::from(peer) && *said == answer);
                if let Some(at) = at {
                    heard.0.remove(at);
                    break;
                }
                if open(self, peer).is_none() {
                    break;
                }
                let left = until.saturating_sub(arm.elapsed());
                if left.is_zero() {
                    return Err(Stop::Silent(peer));
                }
                self.receive(arm, peer, left, heard)?;
            }
        }
        Ok(())
    }

    /// Hears what has come for a peer.
    fn receive(
        &mut self,
        arm: &mut dyn Arm,
        peer: u8,
        wait: Duration,
        heard: &mut Heard,
    ) -> Result<(), Stop> {
        let line = self
            .lines
            .get_mut(usize::from(peer))
            .and_then(Option::as_mut);
        let Some(line) = line.filter(|line| !line.closed) else {
            return Ok(());
        };
        let at = usize::from(peer);
        match arm.receive(line.id, wait)? {
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
                (T::JOB_CREATED, Some(handle)) => self.handles.push(handle.clone()),
                (T::JOB_ASSIGN | T::JOB_ASSIGN_UNIQ | T::JOB_ASSIGN_ALL, Some(handle)) => {
                    self.assigned.push((*peer as u8, handle.clone()));
                }
                _ => {}
            }
        }
    }
}

fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(&mut out);
    out
}

fn payload(number: u8) -> Vec<u8> {
    match number {
        0 => Vec::new(),
        1 => b"x".to_vec(),
        2 => b"a\0b\n".to_vec(),
        // Larger than what is received into a buffer of its own.
        _ => vec![b'z'; 20_000],
    }
}

/// The one packet that these bytes are.
fn packet_of(bytes: &[u8]) -> Option<Packet<'_>> {
    let magic = match bytes.get(..4)? {
        b"\0REQ" => Magic::Req,
        b"\0RES" => Magic::Res,
        _ => return None,
    };
    let kind = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    Some(Packet {
        magic,
        kind: PacketType(kind),
        data: Body::new(bytes.get(HEADER..)?),
    })
}
