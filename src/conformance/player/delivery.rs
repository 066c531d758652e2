//! How the bytes of a script are cut into writes. A server answers the same however they are cut.

use crate::protocol::packet::HEADER;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Bytes that go out one by one.
const ONE_BY_ONE: usize = 1024;
/// Packets and lines of one write that are cut.
const MAX_CUT: usize = 1000;

/// How the bytes of a write are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivery {
    /// Not at all: `none`.
    #[default]
    Whole,
    /// Into single bytes, the first 1024 of a write: `byte`.
    Byte,
    /// In the middle of each header and behind it, and in the middle of each line: `header`.
    Header,
    /// Not at all, and requests go out before the answers to those before them are read:
    /// `pipeline`.
    Pipeline,
}

impl Delivery {
    /// All of them.
    pub const ALL: [Delivery; 4] = [
        Delivery::Whole,
        Delivery::Byte,
        Delivery::Header,
        Delivery::Pipeline,
    ];

    /// The writes that `bytes` become; `inside` where they go on with a packet or line that an
    /// earlier write began.
    pub(super) fn writes(self, bytes: &[u8], inside: bool) -> Vec<&[u8]> {
        match self {
            Delivery::Whole | Delivery::Pipeline => vec![bytes],
            Delivery::Byte => {
                let (first, rest) = bytes.split_at(bytes.len().min(ONE_BY_ONE));
                let rest = Some(rest).filter(|rest| !rest.is_empty());
                first.chunks(1).chain(rest).collect()
            }
            Delivery::Header => {
                let cuts = match inside {
                    true => vec![bytes.len() / 2],
                    false => cuts(bytes),
                };
                pieces(bytes, &cuts)
            }
        }
    }
}

/// Where the packets and lines of a write are cut.
fn cuts(bytes: &[u8]) -> Vec<usize> {
    let (mut cuts, mut start) = (Vec::new(), 0);
    for _ in 0..MAX_CUT {
        let rest = bytes.get(start..).unwrap_or_default();
        let size = match (rest.first(), rest.get(8..HEADER)) {
            (None, _) => break,
            (Some(0), Some(&[a, b, c, d])) => {
                cuts.extend([start + HEADER / 2, start + HEADER]);
                let size = usize::try_from(u32::from_be_bytes([a, b, c, d]));
                HEADER.saturating_add(size.unwrap_or(usize::MAX))
            }
            (Some(0), _) => rest.len(),
            _ => memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1),
        };
        let size = size.min(rest.len());
        if rest.first() != Some(&0) || rest.len() < HEADER {
            cuts.push(start + size / 2);
        }
        start += size;
    }
    cuts
}

fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    for &end in cuts.iter().chain([&bytes.len()]) {
        pieces.extend(bytes.get(start..end).filter(|piece| !piece.is_empty()));
        start = end;
    }
    pieces
}

impl Display for Delivery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delivery::Whole => "none",
            Delivery::Byte => "byte",
            Delivery::Header => "header",
            Delivery::Pipeline => "pipeline",
        })
    }
}

/// No delivery bears this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected none, byte, header or pipeline, found {0}")]
pub struct UnknownDelivery(String);

impl FromStr for Delivery {
    type Err = UnknownDelivery;

    fn from_str(name: &str) -> Result<Self, UnknownDelivery> {
        let mut all = Delivery::ALL.into_iter();
        all.find(|delivery| delivery.to_string() == name)
            .ok_or_else(|| UnknownDelivery(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(delivery: Delivery, bytes: &[u8], inside: bool) -> Vec<usize> {
        let writes = delivery.writes(bytes, inside);
        assert_eq!(writes.concat(), bytes);
        writes.into_iter().map(<[u8]>::len).collect()
    }

    #[test]
    fn every_packet_and_line_is_cut() {
        let echo = b"\0REQ\0\0\0\x10\0\0\0\x05hello";
        let empty = b"\0REQ\0\0\0\x09\0\0\0\0";
        for (bytes, pieces) in [
            (echo.to_vec(), vec![6, 6, 5]),
            (empty.to_vec(), vec![6, 6]),
            (
                [&echo[..], empty, echo].concat(),
                vec![6, 6, 11, 6, 6, 6, 5],
            ),
            ([b"status\n", &echo[..]].concat(), vec![3, 10, 6, 5]),
            (b"status".to_vec(), vec![3, 3]),
            (b"\0REQ".to_vec(), vec![2, 2]),
            (b"\0REQ\0\0\0\x10\xff\xff\xff\xffx".to_vec(), vec![6, 6, 1]),
            (b"\n".to_vec(), vec![1]),
        ] {
            // What stands between two cuts goes out as one write.
            let found = sizes(Delivery::Header, &bytes, false);
            assert_eq!(found, pieces, "{}", bytes.escape_ascii());
        }
        assert_eq!(sizes(Delivery::Header, b"llo\0REQ\0", true), [4, 4]);
    }

    #[test]
    fn the_first_bytes_go_out_one_by_one() {
        assert_eq!(sizes(Delivery::Byte, b"abc", false), [1, 1, 1]);
        let long = sizes(Delivery::Byte, &[7; 3000], false);
        assert_eq!((long.len(), long.last()), (1025, Some(&1976)));
        assert_eq!(sizes(Delivery::Whole, &[7; 3000], false), [3000]);
    }

    #[test]
    fn deliveries_have_names() {
        for delivery in Delivery::ALL {
            assert_eq!(delivery.to_string().parse(), Ok(delivery));
        }
        let error = "bytes".parse::<Delivery>().unwrap_err();
        let message = "expected none, byte, header or pipeline, found bytes";
        assert_eq!(error.to_string(), message);
    }
}
