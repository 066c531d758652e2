//! Incremental framing: bytes in any chunks become packets and lines of the text protocol.

use super::packet::{Body, HEADER, Magic, Packet};
use super::table::PacketType;
use crate::mutants::{Mutant, on};
use bytes::{Bytes, BytesMut};
use std::ops::ControlFlow;

/// Data of at least this many bytes is received into a buffer of its own, which the packet then
/// shares instead of being copied. Below it a copy costs less than the bookkeeping.
pub const LARGE: usize = 16 * 1024;

/// First capacity of the buffer of a large packet: 64 KiB and some arguments. It grows by
/// [`GROWTH`] times what has *arrived*; what the header claims reserves nothing.
const FIRST_RESERVE: usize = 68 * 1024;

/// How much of what has arrived a buffer may have as room for more. Each growth copies.
const GROWTH: usize = 3;

/// What a peer may send before the connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Data bytes of one packet.
    pub packet: u32,
    /// Bytes of one line of the text protocol, its LF included.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            packet: 64 * 1024 * 1024,
            line: 8192,
        }
    }
}

/// Why a byte stream stopped being Gearman. The stream cannot be read on: where the next packet
/// would begin is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A NUL began a packet, but what follows is no magic.
    #[error("expected the magic \\0REQ or \\0RES, found {found:02x?}")]
    BadMagic {
        /// The four bytes in its place.
        found: [u8; 4],
    },
    /// The header announces more than the limit.
    #[error("{kind} announces {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The packet's type.
        kind: PacketType,
        /// Data bytes announced.
        size: u32,
        /// Data bytes allowed.
        limit: u32,
    },
    /// A line of the text protocol does not end.
    #[error("a line of the text protocol is longer than {limit} bytes")]
    LineTooLong {
        /// Bytes allowed, LF included.
        limit: usize,
    },
}

/// One unit of the stream: a binary packet, or a line of the text protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A binary packet.
    Packet(Packet<'a>),
    /// A line, without its LF.
    Line(&'a [u8]),
}

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    magic: Magic,
    kind: PacketType,
    size: usize,
}

/// What the front of a buffer holds.
enum Front<'a> {
    /// A whole frame, `used` bytes long.
    Frame(Frame<'a>, usize),
    /// The beginning of a frame.
    Partial(Missing),
}

/// How much of a frame that began is missing.
enum Missing {
    /// The frame, or its header, is whole once there are this many bytes in all.
    Until(usize),
    /// The data of this packet, which is large.
    Large(Header),
    /// The end of a line.
    LineEnd,
}

fn header(bytes: &[u8; HEADER], limits: &Limits) -> Result<Header, DecodeError> {
    let [m0, m1, m2, m3, k0, k1, k2, k3, s0, s1, s2, s3] = *bytes;
    let magic = match &[m0, m1, m2, m3] {
        b"\0REQ" => Magic::Req,
        b"\0RES" => Magic::Res,
        found => return Err(DecodeError::BadMagic { found: *found }),
    };
    let kind = PacketType(u32::from_be_bytes([k0, k1, k2, k3]));
    let s0 = if on(Mutant::SizeOfThreeBytes) { 0 } else { s0 };
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if size > limits.packet {
        return Err(DecodeError::TooLarge {
            kind,
            size,
            limit: limits.packet,
        });
    }
    Ok(Header {
        magic,
        kind,
        size: size as usize,
    })
}

/// Reads what stands at the front of `buffer`, which is not empty.
#[inline]
fn front<'a>(buffer: &'a [u8], limits: &Limits) -> Result<Front<'a>, DecodeError> {
    if buffer.first() != Some(&0) {
        let window = &buffer[..buffer.len().min(limits.line)];
        return match memchr::memchr(b'\n', window) {
            Some(end) => Ok(Front::Frame(Frame::Line(&buffer[..end]), end + 1)),
            None if buffer.len() >= limits.line => {
                Err(DecodeError::LineTooLong { limit: limits.line })
            }
            None => Ok(Front::Partial(Missing::LineEnd)),
        };
    }
    let Some(start) = buffer.first_chunk::<HEADER>() else {
        return Ok(Front::Partial(Missing::Until(HEADER)));
    };
    let header = header(start, limits)?;
    let end = HEADER + header.size;
    match buffer.get(HEADER..end) {
        Some(data) => {
            let packet = Packet {
                magic: header.magic,
                kind: header.kind,
                data: Body::new(data),
            };
            Ok(Front::Frame(Frame::Packet(packet), end))
        }
        None if header.size >= LARGE => Ok(Front::Partial(Missing::Large(header))),
        None => Ok(Front::Partial(Missing::Until(end))),
    }
}

/// The state of one byte stream between two chunks. Any way of cutting a stream into chunks gives
/// the same frames; while no frame is cut, it holds no memory.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The beginning of a small frame.
    Partial(Vec<u8>),
    /// A large packet, whose data goes into a buffer of its own.
    Large(Header, BytesMut),
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Decoder {
            limits,
            state: State::Idle,
        }
    }

    /// Whether the stream stands inside a frame.
    pub fn mid_frame(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Whether the stream stands inside the header of a packet, or inside a line.
    #[inline]
    pub fn mid_header(&self) -> bool {
        match &self.state {
            State::Partial(bytes) => bytes.first() != Some(&0) || bytes.len() < HEADER,
            State::Idle | State::Large(..) => false,
        }
    }

    /// Takes the next bytes of the stream and gives each frame that is now whole to `sink`, which
    /// may break off after any. Returns how many bytes were used: all of `chunk`, or those up to
    /// the end of the frame that `sink` broke off after.
    #[inline]
    pub fn feed(
        &mut self,
        mut chunk: &[u8],
        mut sink: impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> Result<usize, DecodeError> {
        let given = chunk.len();
        while !chunk.is_empty() {
            if self.mid_frame() {
                let (rest, flow) = self.resume(chunk, &mut sink)?;
                chunk = rest;
                if flow.is_break() {
                    break;
                }
                continue;
            }
            match front(chunk, &self.limits)? {
                Front::Frame(frame, used) => {
                    chunk = &chunk[used..];
                    if sink(frame).is_break() {
                        break;
                    }
                    if on(Mutant::SecondPacketIgnored) {
                        return Ok(given);
                    }
                }
                Front::Partial(Missing::Large(header)) => {
                    self.begin_large(header, &chunk[HEADER..]);
                    return Ok(given);
                }
                Front::Partial(_) => {
                    self.state = State::Partial(chunk.to_vec());
                    return Ok(given);
                }
            }
        }
        Ok(given - chunk.len())
    }

    fn begin_large(&mut self, header: Header, arrived: &[u8]) {
        let mut data = BytesMut::with_capacity(header.size.min(FIRST_RESERVE));
        data.extend_from_slice(arrived);
        self.state = State::Large(header, data);
    }

    /// Completes the frame that was cut with as much of `chunk` as it needs.
    fn resume<'c>(
        &mut self,
        chunk: &'c [u8],
        sink: &mut impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> Result<(&'c [u8], ControlFlow<()>), DecodeError> {
        match &mut self.state {
            State::Idle => Ok((chunk, ControlFlow::Continue(()))),
            State::Large(header, data) => {
                let take = chunk.len().min(header.size - data.len());
                data.extend_from_slice(&chunk[..take]);
                let flow = self.finish_large(sink);
                Ok((&chunk[take..], flow))
            }
            State::Partial(held) => {
                let take = match front(held, &self.limits)? {
                    Front::Partial(Missing::LineEnd) => {
                        // Only the new bytes can hold the LF.
                        let room = self.limits.line.saturating_sub(held.len());
                        let window = &chunk[..chunk.len().min(room)];
                        memchr::memchr(b'\n', window).map_or(window.len(), |end| end + 1)
                    }
                    Front::Partial(Missing::Until(total)) => {
                        chunk.len().min(total.saturating_sub(held.len()))
                    }
                    Front::Partial(Missing::Large(_)) | Front::Frame(..) => 0,
                };
                match on(Mutant::OneByteFragmentLost) && take == 1 && held.len() == HEADER {
                    true => held.push(0),
                    false => held.extend_from_slice(&chunk[..take]),
                }
                let mut flow = ControlFlow::Continue(());
                match front(held, &self.limits)? {
                    Front::Frame(frame, _) => {
                        flow = sink(frame);
                        self.state = State::Idle;
                    }
                    Front::Partial(Missing::Large(header)) => self.begin_large(header, &[]),
                    Front::Partial(_) => {}
                }
                Ok((&chunk[take..], flow))
            }
        }
    }

    /// Where the bytes of a large packet belong, and how many of them are still to come: a reader
    /// may put them there itself, at most so many, and then call [`Decoder::finish_large`].
    pub fn large_buffer(&mut self) -> Option<(&mut BytesMut, usize)> {
        match &mut self.state {
            State::Large(header, data) => {
                let missing = header.size - data.len();
                if data.len() == data.capacity() {
                    data.reserve(missing.min(GROWTH * data.len().max(FIRST_RESERVE)));
                }
                Some((data, missing))
            }
            _ => None,
        }
    }

    /// Gives the large packet to `sink` if all of it has arrived.
    pub fn finish_large(
        &mut self,
        mut sink: impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let State::Large(header, data) = &mut self.state else {
            return ControlFlow::Continue(());
        };
        if data.len() < header.size {
            return ControlFlow::Continue(());
        }
        let header = *header;
        let data: Bytes = std::mem::take(data).freeze();
        self.state = State::Idle;
        sink(Frame::Packet(Packet {
            magic: header.magic,
            kind: header.kind,
            data: Body::shared(&data),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All frames of a stream cut into chunks of `size` bytes, printed.
    fn frames(stream: &[u8], size: usize) -> Result<Vec<String>, DecodeError> {
        let mut decoder = Decoder::default();
        let mut seen = Vec::new();
        for chunk in stream.chunks(size) {
            let _ = decoder.feed(chunk, |frame| {
                seen.push(format!("{frame:?}"));
                ControlFlow::Continue(())
            })?;
        }
        Ok(seen)
    }

    fn packet(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\0REQ".to_vec();
        bytes.extend(kind.to_be_bytes());
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn any_chunking_gives_the_same_frames() {
        let large: Vec<u8> = (0..3 * LARGE).map(|n| (n % 251) as u8).collect();
        let mut stream = packet(16, b"hello\0wor\0ld");
        stream.extend(b"status\r\n\nversion\n");
        stream.extend(packet(7, b"f\0u\0data"));
        stream.extend(packet(16, &large));
        stream.extend(packet(0xffff_ffff, b""));
        stream.extend(b"workers\n");
        let whole = frames(&stream, stream.len()).unwrap();
        assert_eq!(whole.len(), 8);
        for size in [1, 2, 3, 7, 11, 12, 13, 100, 4096, LARGE] {
            assert_eq!(frames(&stream, size).unwrap(), whole, "chunks of {size}");
        }
    }

    #[test]
    fn a_stream_goes_on_where_the_sink_broke_off() {
        let stream = [packet(16, b"one"), b"two\n".to_vec(), packet(16, b"three")].concat();
        for size in [1, 5, stream.len()] {
            let mut decoder = Decoder::default();
            let mut seen = 0;
            for mut chunk in stream.chunks(size) {
                while !chunk.is_empty() {
                    let before = seen;
                    let used = decoder.feed(chunk, |_| {
                        seen += 1;
                        ControlFlow::Break(())
                    });
                    chunk = &chunk[used.unwrap()..];
                    assert!(seen <= before + 1);
                }
            }
            assert_eq!(seen, 3, "chunks of {size}");
        }
    }

    #[test]
    fn a_claimed_size_reserves_nothing() {
        let mut decoder = Decoder::new(Limits {
            packet: u32::MAX,
            ..Limits::default()
        });
        let claim = [b"\0REQ".as_slice(), &[0, 0, 0, 16], &[0xff; 4], b"x"].concat();
        let _ = decoder
            .feed(&claim, |_| panic!("no packet is whole"))
            .unwrap();
        let (buffer, missing) = decoder.large_buffer().unwrap();
        assert!(buffer.capacity() <= 2 * FIRST_RESERVE);
        assert_eq!(missing, 0xffff_fffe);
    }

    #[test]
    fn a_large_packet_shares_the_buffer_it_was_read_into() {
        let mut decoder = Decoder::default();
        let stream = packet(16, &[7; LARGE]);
        let mut shared = None;
        for part in [&stream[..100], &stream[100..]] {
            let _ = decoder
                .feed(part, |frame| {
                    if let Frame::Packet(packet) = frame {
                        shared = packet.data.to_shared();
                    }
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        assert_eq!(shared.unwrap(), vec![7; LARGE]);
    }

    #[test]
    fn bad_streams_are_named() {
        assert_eq!(
            frames(&[0; 12], 12),
            Err(DecodeError::BadMagic { found: [0; 4] })
        );
        assert_eq!(
            frames(b"\0req\0\0\0\x10\0\0\0\0", 1),
            Err(DecodeError::BadMagic { found: *b"\0req" })
        );
        assert!(matches!(
            frames(&[b"\0REQ\0\0\0\x10".as_slice(), &[0xff; 4]].concat(), 5),
            Err(DecodeError::TooLarge { size: u32::MAX, .. })
        ));
    }

    #[test]
    fn lines_end_at_the_limit() {
        let mut line = vec![b'a'; 8191];
        assert_eq!(frames(&line, 8191), Ok(vec![]));
        line.push(b'\n');
        assert_eq!(frames(&line, 100).unwrap().len(), 1);
        assert_eq!(
            frames(&[b'a'; 8192], 100),
            Err(DecodeError::LineTooLong { limit: 8192 })
        );
    }
}
