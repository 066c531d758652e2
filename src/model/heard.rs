//! What peers heard, and how it differs from what they should have.

use super::store::{STORE, Written};
use crate::protocol::{Frame, PacketType};
use std::fmt;

/// Bytes of a handle at the most.
const MAX_HANDLE: usize = 63;

/// Something that a server said to a peer.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// A response.
    Packet {
        /// Its type.
        kind: PacketType,
        /// Its arguments, as the packet table has them.
        args: Vec<Vec<u8>>,
        /// Its body, where the type has one.
        body: Vec<u8>,
    },
    /// A line of the text protocol, without its end.
    Line(Vec<u8>),
    /// What is neither.
    Garbled(String),
    /// The end of the connection.
    Closed,
    /// To [`STORE`]: a job to be written.
    Written(Box<Written>),
    /// To [`STORE`]: the handle of a job whose record is to be removed.
    Removed(Vec<u8>),
}

impl Said {
    /// What a frame from a server says.
    pub fn frame(frame: &Frame<'_>) -> Said {
        match frame {
            Frame::Line(line) => Said::Line(line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
            Frame::Packet(packet) => match packet.fields() {
                Ok(fields) if packet.magic == crate::protocol::Magic::Res => Said::Packet {
                    kind: packet.kind,
                    args: fields.args().iter().map(|arg| arg.to_vec()).collect(),
                    body: fields.body.to_vec(),
                },
                _ => Said::Garbled(format!("{packet:?}")),
            },
        }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Packet { kind, args, body } => {
                write!(f, "{kind}")?;
                for text in args.iter().chain(Some(body)) {
                    write!(f, " \"{}\"", text.escape_ascii())?;
                }
                Ok(())
            }
            Said::Line(line) => write!(f, "text \"{}\"", line.escape_ascii()),
            Said::Garbled(what) => f.write_str(what),
            Said::Closed => f.write_str("closed"),
            Said::Written(written) => write!(f, "{written:?}"),
            Said::Removed(handle) => write!(f, "\"{}\" removed", handle.escape_ascii()),
        }
    }
}

/// A response.
pub(super) fn packet(kind: PacketType, args: &[&[u8]], body: &[u8]) -> Said {
    Said::Packet {
        kind,
        args: args.iter().map(|arg| arg.to_vec()).collect(),
        body: body.to_vec(),
    }
}

/// What the model allows in place of what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One of these, to that peer.
    Said(usize, Vec<Said>),
    /// JOB_CREATED with a handle that named no job before.
    Handle(usize),
    /// An ERROR, with this code where one is given.
    Error(usize, Option<Vec<u8>>),
    /// A line of the text protocol; `..` at its end stands for anything.
    Line(usize, String),
    /// These lines in any order, and a dot.
    List(usize, Vec<Vec<u8>>),
    /// Nothing more.
    Nothing(usize),
    /// A NOOP to one of these.
    Noop(Vec<usize>),
    /// This on disk, in words.
    Stored(String),
}

impl Wanted {
    /// This, to that peer.
    pub(super) fn one(peer: usize, said: Said) -> Self {
        Wanted::Said(peer, vec![said])
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |lines: &[Vec<u8>]| {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| format!("\"{}\"", line.escape_ascii()))
                .collect();
            lines.join(", ")
        };
        match self {
            Wanted::Said(peer, said) => {
                let said: Vec<String> = said.iter().map(|said| format!("{said:?}")).collect();
                write!(f, "{} at peer {peer}", said.join(" or "))
            }
            Wanted::Handle(peer) => write!(f, "JOB_CREATED with a new handle at peer {peer}"),
            Wanted::Error(peer, code) => {
                let code = code.as_deref().unwrap_or(b"with any code").escape_ascii();
                write!(f, "ERROR {code} at peer {peer}")
            }
            Wanted::Line(peer, line) => write!(f, "text \"{line}\" at peer {peer}"),
            Wanted::List(peer, lines) => {
                write!(f, "the lines {} and a dot at peer {peer}", shown(lines))
            }
            Wanted::Nothing(peer) => write!(f, "nothing more at peer {peer}"),
            Wanted::Stored(what) => f.write_str(what),
            Wanted::Noop(peers) => write!(f, "a NOOP to one of the peers {peers:?}"),
        }
    }
}

/// Where a server and the model part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {wanted}, found {found}")]
pub struct Divergence {
    /// The requirement that is not met.
    pub rule: &'static str,
    /// What the model allows.
    pub wanted: Wanted,
    /// What came.
    pub found: String,
}

impl Divergence {
    pub(super) fn new(rule: &'static str, wanted: Wanted, found: String) -> Self {
        Divergence {
            rule,
            wanted,
            found,
        }
    }

    /// A list that is not `wanted`.
    pub(super) fn list(
        rule: &'static str,
        peer: usize,
        wanted: Vec<Vec<u8>>,
        found: &[Vec<u8>],
    ) -> Self {
        let found: Vec<String> = found
            .iter()
            .map(|row| format!("\"{}\"", row.escape_ascii()))
            .collect();
        Divergence::new(rule, Wanted::List(peer, wanted), found.join(", "))
    }

    pub(super) fn nothing(rule: &'static str, peer: usize, found: String) -> Self {
        Divergence::new(rule, Wanted::Nothing(peer), found)
    }
}

/// What all peers heard of one act. Between two things that one act caused there is no order.
#[derive(Clone, Debug, Default)]
pub struct Heard(pub Vec<(usize, Said)>);

impl Heard {
    /// Takes the NOOPs out: who heard one, once for each.
    pub(super) fn take_noops(&mut self) -> Vec<usize> {
        let noop = packet(PacketType::NOOP, &[], b"");
        let (noops, rest): (Vec<_>, Vec<_>) = self.0.drain(..).partition(|(_, said)| *said == noop);
        self.0 = rest;
        noops.into_iter().map(|(peer, _)| peer).collect()
    }

    /// Takes the first thing that `peer` heard and `wanted` takes.
    fn take<R>(&mut self, peer: usize, wanted: impl Fn(&Said) -> Option<R>) -> Option<R> {
        let found = self.0.iter().enumerate().find_map(|(at, (who, said))| {
            let result = (*who == peer).then(|| wanted(said)).flatten()?;
            Some((at, result))
        });
        let (at, result) = found?;
        self.0.remove(at);
        Some(result)
    }

    /// Whether `peer` heard anything.
    pub(super) fn any_for(&self, peer: usize) -> bool {
        self.0.iter().any(|(who, _)| *who == peer)
    }

    /// Takes what the store was given to write.
    pub(super) fn written(&mut self) -> Result<Written, Divergence> {
        let written = self.take(STORE, |said| match said {
            Said::Written(written) => Some(Written::clone(written)),
            _ => None,
        });
        let wanted = Wanted::Stored("the job to be written".to_owned());
        written.ok_or_else(|| Divergence::new("STORE-01", wanted, self.found(STORE)))
    }

    /// What `peer` heard, in words.
    fn found(&self, peer: usize) -> String {
        let heard: Vec<String> = self
            .0
            .iter()
            .filter(|(who, _)| *who == peer)
            .map(|(_, said)| format!("{said:?}"))
            .collect();
        match heard.is_empty() {
            true => format!("nothing at peer {peer}"),
            false => format!("{} at peer {peer}", heard.join(", ")),
        }
    }

    pub(super) fn exactly(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: Said,
    ) -> Result<(), Divergence> {
        self.one_of(peer, rule, vec![wanted]).map(|_| ())
    }

    /// Takes one of several; which.
    pub(super) fn one_of(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: Vec<Said>,
    ) -> Result<usize, Divergence> {
        let found = self.take(peer, |said| wanted.iter().position(|wanted| wanted == said));
        found.ok_or_else(|| Divergence::new(rule, Wanted::Said(peer, wanted), self.found(peer)))
    }

    /// Takes a JOB_CREATED; its handle.
    pub(super) fn handle(
        &mut self,
        peer: usize,
        rule: &'static str,
    ) -> Result<Vec<u8>, Divergence> {
        let handle = self.take(peer, |said| match said {
            Said::Packet { kind, args, .. } if *kind == PacketType::JOB_CREATED => {
                let handle = args.first()?;
                let fits = (1..=MAX_HANDLE).contains(&handle.len()) && !handle.contains(&0);
                fits.then(|| handle.clone())
            }
            _ => None,
        });
        handle.ok_or_else(|| Divergence::new(rule, Wanted::Handle(peer), self.found(peer)))
    }

    /// Takes an ERROR, with this code where one is given.
    pub(super) fn error(
        &mut self,
        peer: usize,
        rule: &'static str,
        code: Option<&[u8]>,
    ) -> Result<(), Divergence> {
        let found = self.take(peer, |said| match said {
            Said::Packet { kind, args, .. } if *kind == PacketType::ERROR => {
                let fits = code.is_none_or(|code| args.first().is_some_and(|found| found == code));
                fits.then_some(())
            }
            _ => None,
        });
        let code = code.map(<[u8]>::to_vec);
        found.ok_or_else(|| Divergence::new(rule, Wanted::Error(peer, code), self.found(peer)))
    }

    /// Takes a line of the text protocol; `..` at its end stands for anything.
    pub(super) fn line(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: &str,
    ) -> Result<(), Divergence> {
        self.line_or(peer, rule, &[wanted])
    }

    /// Takes one of several lines.
    pub(super) fn line_or(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: &[&str],
    ) -> Result<(), Divergence> {
        let fits = |line: &[u8]| {
            wanted.iter().any(|wanted| match wanted.strip_suffix("..") {
                Some(start) => line.starts_with(start.as_bytes()),
                None => line == wanted.as_bytes(),
            })
        };
        let found = self.take(peer, |said| match said {
            Said::Line(line) => fits(line).then_some(()),
            _ => None,
        });
        let wanted = Wanted::Line(peer, wanted.first().copied().unwrap_or("..").to_owned());
        found.ok_or_else(|| Divergence::new(rule, wanted, self.found(peer)))
    }

    /// Takes the lines of a list, up to its dot.
    pub(super) fn list(
        &mut self,
        peer: usize,
        rule: &'static str,
    ) -> Result<Vec<Vec<u8>>, Divergence> {
        let mut lines = Vec::new();
        loop {
            let line = self.take(peer, |said| match said {
                Said::Line(line) => Some(line.clone()),
                _ => None,
            });
            match line {
                Some(line) if line == b"." => return Ok(lines),
                Some(line) => lines.push(line),
                None => {
                    let wanted = Wanted::Line(peer, ".".to_owned());
                    return Err(Divergence::new(rule, wanted, self.found(peer)));
                }
            }
        }
    }

    /// Nobody heard anything else.
    pub(super) fn end(&self) -> Result<(), Divergence> {
        match self.0.first() {
            None => Ok(()),
            Some(&(peer, _)) => Err(Divergence::nothing("P-GEN-02", peer, self.found(peer))),
        }
    }
}
