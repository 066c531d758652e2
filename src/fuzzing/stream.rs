//! Bytes to frames: the decoder against itself, cut in any way, and against a naive one.

use crate::protocol::packet::{HEADER, Magic};
use crate::protocol::{DecodeError, Decoder, Frame, Limits, PacketType};
use std::ops::ControlFlow;

/// How much more than what has arrived a buffer may have room for: a growth, and the first
/// reserve of a large packet.
const ROOM: (usize, usize) = (5, 256 * 1024);

/// A frame that outlives its buffer.
#[derive(Debug, PartialEq, Eq)]
enum Unit {
    Packet(Magic, PacketType, Vec<u8>),
    Line(Vec<u8>),
}

impl From<Frame<'_>> for Unit {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Packet(packet) => Unit::Packet(packet.magic, packet.kind, packet.data.to_vec()),
            Frame::Line(line) => Unit::Line(line.to_vec()),
        }
    }
}

/// What a stream is: its frames, and why it ended early.
type Read = (Vec<Unit>, Option<DecodeError>);

/// Limits by a byte: those of a server, or ones that short streams reach.
fn limits(choice: u8) -> Limits {
    match choice % 4 {
        0 | 1 => Limits::default(),
        2 => Limits {
            packet: 40,
            line: 24,
        },
        _ => Limits {
            packet: 20_000,
            line: 12,
        },
    }
}

/// The stream in one piece.
fn whole(stream: &[u8], limits: Limits) -> Read {
    let mut units = Vec::new();
    let fed = Decoder::new(limits).feed(stream, |frame| {
        units.push(Unit::from(frame));
        ControlFlow::Continue(())
    });
    (units, fed.err())
}

/// The stream in pieces of `cut` bytes and `other` bytes by turns; large packets are also put
/// where they belong, as a reader does, and the sink breaks off where `breaks` says so.
fn in_pieces(stream: &[u8], limits: Limits, cuts: [usize; 2], breaks: bool) -> Read {
    let mut decoder = Decoder::new(limits);
    let mut units = Vec::new();
    let mut rest = stream;
    for cut in cuts.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut piece, later) = rest.split_at(cut.clamp(1, rest.len()));
        rest = later;
        while !piece.is_empty() {
            let mut sink = |frame: Frame<'_>| {
                units.push(Unit::from(frame));
                match breaks {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            if let Some((buffer, missing)) = decoder.large_buffer().filter(|_| breaks) {
                let arrived = buffer.len();
                assert!(buffer.capacity() <= arrived * ROOM.0 + ROOM.1);
                let take = piece.len().min(missing);
                buffer.extend_from_slice(&piece[..take]);
                let _ = decoder.finish_large(&mut sink);
                piece = &piece[take..];
                continue;
            }
            match decoder.feed(piece, &mut sink) {
                Ok(used) => {
                    assert!(used > 0 && used <= piece.len());
                    assert!(breaks || used == piece.len());
                    piece = &piece[used..];
                }
                Err(error) => return (units, Some(error)),
            }
        }
        assert!(decoder.mid_frame() || !decoder.mid_header());
    }
    (units, None)
}

/// Any way of cutting a stream gives the same frames, and the same error at its end. The first
/// three bytes say how it is cut.
pub(super) fn decode(data: &[u8]) {
    let Some((&[how, cut, other], stream)) = data.split_first_chunk() else {
        return;
    };
    let limits = limits(how);
    // Small cuts most often, and such as large packets need.
    let size = |byte: u8| match byte {
        0..=127 => usize::from(byte),
        _ => usize::from(byte) * 97,
    };
    let expected = whole(stream, limits);
    for breaks in [false, true] {
        let found = in_pieces(stream, limits, [cut, other].map(size), breaks);
        assert_eq!(found, expected);
    }
}

/// The decoder finds what a naive one finds. The first byte says which limits hold.
pub(super) fn naive(data: &[u8]) {
    let Some((&how, stream)) = data.split_first() else {
        return;
    };
    let limits = limits(how);
    assert_eq!(whole(stream, limits), naively(stream, limits));
}

/// Frames by the letter of PROTOCOL, with everything at hand and nothing spared.
fn naively(stream: &[u8], limits: Limits) -> Read {
    let mut units = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        if stream[at] != 0 {
            let end = (at..stream.len()).find(|&index| stream[index] == b'\n');
            let length = end.map_or(stream.len() - at, |end| end + 1 - at);
            if length > limits.line || (end.is_none() && length == limits.line) {
                let limit = limits.line;
                return (units, Some(DecodeError::LineTooLong { limit }));
            }
            let Some(end) = end else { break };
            units.push(Unit::Line(stream[at..end].to_vec()));
            at = end + 1;
            continue;
        }
        if stream.len() - at < HEADER {
            break;
        }
        let word = |from: usize| [0, 1, 2, 3].map(|index| stream[at + from + index]);
        let (magic, kind, size) = (word(0), word(4), u32::from_be_bytes(word(8)));
        let kind = PacketType(u32::from_be_bytes(kind));
        let magic = match magic {
            [0, b'R', b'E', b'Q'] => Magic::Req,
            [0, b'R', b'E', b'S'] => Magic::Res,
            found => return (units, Some(DecodeError::BadMagic { found })),
        };
        if size > limits.packet {
            let limit = limits.packet;
            return (units, Some(DecodeError::TooLarge { kind, size, limit }));
        }
        let start = at + HEADER;
        let end = start + size as usize;
        if end > stream.len() {
            break;
        }
        units.push(Unit::Packet(magic, kind, stream[start..end].to_vec()));
        at = end;
    }
    (units, None)
}
