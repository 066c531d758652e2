//! Packets to bytes, appended to a buffer.

use super::packet::{Body, HEADER, Magic};
use super::table::PacketType;

/// Appends the header and the arguments of a packet, and returns the body that the caller sends
/// right behind them.
///
/// Made anew for each number of arguments: this is what a busy server does most.
#[inline]
pub(super) fn put<'a, const N: usize>(
    out: &mut Vec<u8>,
    magic: Magic,
    kind: PacketType,
    args: &[&[u8]; N],
    body: Option<Body<'a>>,
) -> Option<Body<'a>> {
    head(out, magic, kind, args, body.map(|body| body.len()));
    body
}

/// Appends the header and the arguments of a packet. With `body` every argument is ended by NUL
/// and that many bytes of body are announced: the caller appends them, or sends them from where
/// they lie. Without, the last argument reaches to the end of the packet.
#[inline(always)]
fn head(out: &mut Vec<u8>, magic: Magic, kind: PacketType, args: &[&[u8]], body: Option<usize>) {
    let separators = match body {
        Some(_) => args.len(),
        None => args.len().saturating_sub(1),
    };
    let size = args.iter().map(|arg| arg.len()).sum::<usize>() + separators + body.unwrap_or(0);
    out.reserve(HEADER + size - body.unwrap_or(0));
    // A size is bounded by the limits of whoever made the arguments; one that is not would be a
    // lie on the wire, so it saturates and the peer refuses it.
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&magic.bytes());
    header[4..8].copy_from_slice(&kind.0.to_be_bytes());
    header[8..].copy_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&header);
    for (index, arg) in args.iter().enumerate() {
        out.extend_from_slice(arg);
        if index < separators {
            out.push(0);
        }
    }
}

/// Appends a whole packet.
pub fn packet(
    out: &mut Vec<u8>,
    magic: Magic,
    kind: PacketType,
    args: &[&[u8]],
    body: Option<&[u8]>,
) {
    head(out, magic, kind, args, body.map(<[u8]>::len));
    out.extend_from_slice(body.unwrap_or_default());
}
