//! What happened on all connections of a script, for people and for recorders.

mod http;

pub use http::HttpResponse;

use super::arm::Ended;
use super::script::{Closing, ServerStep};
use crate::protocol::{Decoder, Frame, Limits, Magic, Packet, PacketType, encode};
use std::fmt::{self, Display, Formatter, Write};
use std::ops::ControlFlow;
use std::time::Duration;

/// Bytes of one write that a trace keeps.
const KEPT: usize = 64 * 1024;
/// Bytes of one argument or body that are printed.
const SHOWN: usize = 80;
/// Bytes that are printed in hexadecimal.
const SHOWN_HEX: usize = 32;

/// Lines of text that are printed.
const SHOWN_LINES: usize = 24;

/// One unit of a stream, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedFrame {
    /// A binary packet.
    Packet {
        /// Which way it says it goes.
        magic: Magic,
        /// Its type.
        kind: PacketType,
        /// Everything after the header.
        data: Vec<u8>,
    },
    /// A line of the text protocol, without its LF or CR LF.
    Line(Vec<u8>),
    /// A response of the HTTP port.
    Http(HttpResponse),
}

impl From<Frame<'_>> for OwnedFrame {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Packet(packet) => OwnedFrame::Packet {
                magic: packet.magic,
                kind: packet.kind,
                data: packet.data.to_vec(),
            },
            Frame::Line(line) => {
                OwnedFrame::Line(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            }
        }
    }
}

impl OwnedFrame {
    /// The bytes on the wire; a line gets LF.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            OwnedFrame::Packet { magic, kind, data } => {
                let mut bytes = Vec::new();
                encode::packet(&mut bytes, *magic, *kind, &[], Some(data));
                bytes
            }
            OwnedFrame::Line(line) => [line.as_slice(), b"\n"].concat(),
            OwnedFrame::Http(response) => [&*response.head, &*response.body].concat(),
        }
    }
}

/// A frame as a transcript shows it.
impl Display for OwnedFrame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (magic, kind, data) = match self {
            OwnedFrame::Packet { magic, kind, data } => (magic, kind, data),
            OwnedFrame::Line(line) => {
                f.write_str("text ")?;
                return shown(f, line);
            }
            OwnedFrame::Http(response) => return response.fmt(f),
        };
        let packet = Packet {
            magic: *magic,
            kind: *kind,
            data: data.as_slice().into(),
        };
        write!(f, "{kind}")?;
        let Ok(fields) = packet.fields() else {
            f.write_str(" (arguments missing) ")?;
            return shown(f, data);
        };
        for arg in fields.args() {
            f.write_char(' ')?;
            shown(f, arg)?;
        }
        if kind.info().is_none_or(|row| row.body) {
            f.write_char(' ')?;
            shown(f, &fields.body)?;
        }
        Ok(())
    }
}

fn shown(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => {
            write!(f, "\"{}\".. ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => write!(f, "\"{}\"", bytes.escape_ascii()),
    }
}

/// Events that are printed of the beginning of a long trace, and of its end.
const FIRST: usize = 50;
const LAST: usize = 150;

/// Something that happened to one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, since the start of the arm.
    pub at: Duration,
    /// The peer.
    pub peer: String,
    /// What.
    pub event: TraceEvent,
}

/// What happened to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// It connected.
    Connected,
    /// It connected to the HTTP port.
    ConnectedHttp,
    /// It sent these bytes in one write.
    Sent {
        /// The first 64 KiB of them.
        bytes: Vec<u8>,
        /// How many there were.
        size: usize,
    },
    /// It sent these bytes to the HTTP port in one write: the first 64 KiB.
    SentHttp(Vec<u8>),
    /// It received these bytes, which are neither packets nor lines nor a response.
    Unreadable(Vec<u8>),
    /// It sent these bytes without reading.
    Flooded {
        /// The first 64 KiB of them.
        bytes: Vec<u8>,
        /// How many there were.
        size: usize,
        /// How many of them the server took.
        taken: usize,
    },
    /// It received this.
    Received(OwnedFrame),
    /// A barrier of the player was answered: everything before it has been handled.
    Settled,
    /// It ended the connection.
    Ended(Closing),
    /// The server ended the connection.
    ServerClosed,
    /// The server aborted the connection.
    ServerReset,
    /// The process of the server is told this.
    Server(ServerStep),
    /// The process of the server has ended.
    ServerEnded(Ended),
}

/// Everything that happened, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One entry for each event.
    pub entries: Vec<Entry>,
}

impl Trace {
    pub(super) fn push(&mut self, at: Duration, peer: &str, event: TraceEvent) {
        self.entries.push(Entry {
            at,
            peer: peer.to_owned(),
            event,
        });
    }

    /// Notes that `answer` to a barrier of the player was received.
    pub(super) fn settled(&mut self, peer: &str, answer: OwnedFrame) {
        let answer = TraceEvent::Received(answer);
        let mut entries = self.entries.iter_mut().rev();
        if let Some(entry) = entries.find(|entry| entry.peer == peer && entry.event == answer) {
            entry.event = TraceEvent::Settled;
        }
    }
}

impl TraceEvent {
    pub(super) fn sent(bytes: &[u8]) -> Self {
        TraceEvent::Sent {
            bytes: bytes[..bytes.len().min(KEPT)].to_vec(),
            size: bytes.len(),
        }
    }

    pub(super) fn sent_http(bytes: &[u8]) -> Self {
        TraceEvent::SentHttp(bytes[..bytes.len().min(KEPT)].to_vec())
    }

    pub(super) fn unreadable(bytes: &[u8]) -> Self {
        TraceEvent::Unreadable(bytes[..bytes.len().min(KEPT)].to_vec())
    }

    pub(super) fn flooded(bytes: &[u8], taken: usize) -> Self {
        TraceEvent::Flooded {
            bytes: bytes[..bytes.len().min(KEPT)].to_vec(),
            size: bytes.len(),
            taken,
        }
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.entries.iter().map(|entry| entry.peer.len()).max();
        let width = width.unwrap_or_default();
        let left_out = self.entries.len().saturating_sub(FIRST + LAST);
        let (first, rest) = match left_out {
            0 => (self.entries.as_slice(), [].as_slice()),
            _ => self.entries.split_at(FIRST),
        };
        first.iter().try_for_each(|entry| entry.print(f, width))?;
        if left_out > 0 {
            writeln!(f, "{:>10}     ({left_out} events left out)", "...")?;
        }
        let last = rest.get(left_out..).unwrap_or_default();
        last.iter().try_for_each(|entry| entry.print(f, width))
    }
}

impl Entry {
    fn print(&self, f: &mut Formatter<'_>, width: usize) -> fmt::Result {
        let start = format!(
            "{:>10.3} ms  {:width$}",
            self.at.as_secs_f64() * 1e3,
            self.peer
        );
        match &self.event {
            TraceEvent::Connected => writeln!(f, "{start} connects"),
            TraceEvent::ConnectedHttp => writeln!(f, "{start} connects to http"),
            TraceEvent::SentHttp(bytes) => {
                writeln!(f, "{start} > {} bytes", bytes.len())?;
                text(f, width, bytes)
            }
            TraceEvent::Unreadable(bytes) => {
                writeln!(f, "{start} < {} bytes that cannot be read", bytes.len())?;
                text(f, width, bytes)
            }
            TraceEvent::Received(OwnedFrame::Http(response)) => {
                writeln!(f, "{start} < {response}")?;
                text(f, width, &response.head)?;
                text(f, width, &response.body)
            }
            TraceEvent::Settled => writeln!(f, "{start} is answered: all is handled"),
            TraceEvent::Ended(how) => writeln!(f, "{start} {}", how.verb()),
            TraceEvent::ServerClosed => writeln!(f, "{start} is closed"),
            TraceEvent::ServerReset => writeln!(f, "{start} is reset"),
            TraceEvent::Received(frame) => {
                writeln!(f, "{start} < {frame}")?;
                hex(f, width, &frame.to_bytes())
            }
            TraceEvent::Server(step) => writeln!(f, "{start} {}", step.verb()),
            TraceEvent::ServerEnded(ended) => writeln!(f, "{start} has ended: {ended}"),
            TraceEvent::Flooded { bytes, size, taken } => {
                let first = sent_frames(bytes).into_iter().next().unwrap_or_default();
                writeln!(f, "{start} floods {first} ..")?;
                writeln!(
                    f,
                    "{start} floods {size} bytes, of which {taken} were taken"
                )
            }
            TraceEvent::Sent { bytes, size } => {
                for frame in sent_frames(bytes) {
                    writeln!(f, "{start} > {frame}")?;
                }
                if *size > KEPT {
                    writeln!(f, "{start} > ({size} bytes in one write)")?;
                }
                hex(f, width, bytes)
            }
        }
    }
}

/// A write taken apart as far as it can be.
fn sent_frames(bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(Limits {
        packet: u32::MAX,
        line: usize::MAX,
    });
    let (mut frames, mut used) = (Vec::new(), 0);
    let outcome = decoder.feed(bytes, |frame| {
        used += match frame {
            Frame::Packet(packet) => crate::protocol::packet::HEADER + packet.data.len(),
            Frame::Line(line) => line.len() + 1,
        };
        frames.push(match frame {
            Frame::Packet(packet) if packet.magic == Magic::Res => {
                format!("RES {}", OwnedFrame::from(frame))
            }
            _ => OwnedFrame::from(frame).to_string(),
        });
        ControlFlow::Continue(())
    });
    if outcome.is_err() || decoder.mid_frame() {
        frames.push(format!(
            "bytes that are no whole packet ({})",
            bytes.len() - used
        ));
    }
    frames
}

/// Bytes as the text that they most likely are, line by line.
fn text(f: &mut Formatter<'_>, width: usize, bytes: &[u8]) -> fmt::Result {
    let mut lines = bytes.split_inclusive(|&b| b == b'\n');
    for line in lines.by_ref().take(SHOWN_LINES) {
        write!(f, "{:indent$}", "", indent = width + 19)?;
        shown(f, line)?;
        f.write_char('\n')?;
    }
    match lines.next() {
        Some(_) => writeln!(f, "{:indent$}..", "", indent = width + 19),
        None => Ok(()),
    }
}

fn hex(f: &mut Formatter<'_>, width: usize, bytes: &[u8]) -> fmt::Result {
    write!(f, "{:indent$}", "", indent = width + 19)?;
    for byte in bytes.iter().take(SHOWN_HEX) {
        write!(f, "{byte:02x}")?;
    }
    f.write_str(if bytes.len() > SHOWN_HEX {
        "..\n"
    } else {
        "\n"
    })
}
