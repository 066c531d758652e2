//! What peers heard, and how it differs from what they should have.

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

/// Where a server and the model part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected}, found {found}")]
pub struct Divergence {
    /// The requirement that is not met.
    pub rule: &'static str,
    /// What the model allows.
    pub expected: String,
    /// What came.
    pub found: String,
}

/// Something that can be shown in a divergence.
pub(super) trait Shown {
    fn show(&self) -> String;
}

impl Shown for &str {
    fn show(&self) -> String {
        (*self).to_owned()
    }
}

impl Shown for &String {
    fn show(&self) -> String {
        (*self).clone()
    }
}

impl Shown for String {
    fn show(&self) -> String {
        self.clone()
    }
}

impl Shown for &Vec<u8> {
    fn show(&self) -> String {
        format!("\"{}\"", self.escape_ascii())
    }
}

impl Divergence {
    pub(super) fn new(rule: &'static str, expected: impl Shown, found: impl Shown) -> Self {
        Divergence {
            rule,
            expected: expected.show(),
            found: found.show(),
        }
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
        let found = self.take(peer, |said| (*said == wanted).then_some(()));
        found.ok_or_else(|| Divergence::new(rule, format!("{wanted:?}"), self.found(peer)))
    }

    /// Takes one of several; which.
    pub(super) fn one_of(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: &[Said],
    ) -> Result<usize, Divergence> {
        let found = self.take(peer, |said| wanted.iter().position(|wanted| wanted == said));
        found.ok_or_else(|| {
            let wanted: Vec<String> = wanted.iter().map(|said| format!("{said:?}")).collect();
            Divergence::new(rule, wanted.join(" or "), self.found(peer))
        })
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
        let wanted = "JOB_CREATED with a handle of 1 to 63 bytes";
        handle.ok_or_else(|| Divergence::new(rule, wanted, self.found(peer)))
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
        found.ok_or_else(|| {
            let code = code.unwrap_or(b"with any code").escape_ascii();
            Divergence::new(rule, format!("ERROR {code}"), self.found(peer))
        })
    }

    /// Takes an ERROR if there is one.
    pub(super) fn error_or_nothing(&mut self, peer: usize) -> Result<(), Divergence> {
        // Anything else is still there at the end.
        let _ = self.error(peer, "P-WORK-09", None);
        Ok(())
    }

    /// Takes a line of the text protocol.
    pub(super) fn line(
        &mut self,
        peer: usize,
        rule: &'static str,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<(), Divergence> {
        let found = self.take(peer, |said| match said {
            Said::Line(line) => wanted(line).then_some(()),
            _ => None,
        });
        found.ok_or_else(|| Divergence::new(rule, "the line of its answer", self.found(peer)))
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
                    return Err(Divergence::new(
                        rule,
                        "a list ended by `.`",
                        self.found(peer),
                    ));
                }
            }
        }
    }

    /// Nobody heard anything else.
    pub(super) fn end(&self) -> Result<(), Divergence> {
        match self.0.first() {
            None => Ok(()),
            Some(&(peer, _)) => Err(Divergence::new(
                "P-GEN-02",
                "nothing more",
                self.found(peer),
            )),
        }
    }
}
