//! The request that is answered at once, and only after all that was sent before it.

use crate::conformance::trace::OwnedFrame;
use crate::protocol::{Magic, PacketType, encode};

/// By what the player knows that the server has handled everything that a peer has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Barrier {
    /// By the answer to an ECHO_REQ.
    #[default]
    Echo,
    /// By the answer to a GET_STATUS of a job that nobody has, where ECHO_REQ has no answer.
    Status,
}

impl Barrier {
    /// Appends the request.
    pub(super) fn encode(self, nonce: &[u8], out: &mut Vec<u8>) {
        let (echo, status) = (PacketType::ECHO_REQ, PacketType::GET_STATUS);
        match self {
            Barrier::Echo => encode::packet(out, Magic::Req, echo, &[], Some(nonce)),
            Barrier::Status => encode::packet(out, Magic::Req, status, &[nonce], None),
        }
    }

    /// Whether `frame` is the answer to the request with this nonce.
    pub(super) fn is_answer(self, frame: &OwnedFrame, nonce: &[u8]) -> bool {
        let OwnedFrame::Packet {
            magic: Magic::Res,
            kind,
            data,
        } = frame
        else {
            return false;
        };
        match self {
            Barrier::Echo => *kind == PacketType::ECHO_RES && data == nonce,
            Barrier::Status => {
                let handle = data.split(|&byte| byte == 0).next();
                *kind == PacketType::STATUS_RES && handle == Some(nonce)
            }
        }
    }

    /// What is waited for.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Barrier::Echo => "ECHO_RES, by which it knows that all was handled",
            Barrier::Status => "STATUS_RES, by which it knows that all was handled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: PacketType, data: &[u8]) -> OwnedFrame {
        OwnedFrame::Packet {
            magic: Magic::Res,
            kind,
            data: data.to_vec(),
        }
    }

    #[test]
    fn only_its_own_answer_ends_the_wait() {
        use PacketType as T;
        let nonce = b"settled-1";
        for (barrier, kind, data, ends) in [
            (Barrier::Echo, T::ECHO_RES, &b"settled-1"[..], true),
            (Barrier::Echo, T::ECHO_RES, b"settled-12", false),
            (Barrier::Echo, T::STATUS_RES, b"settled-1", false),
            (
                Barrier::Status,
                T::STATUS_RES,
                b"settled-1\x000\x000\x00\x00",
                true,
            ),
            (
                Barrier::Status,
                T::STATUS_RES,
                b"settled-12\x000\x000\x000\x000",
                false,
            ),
            (Barrier::Status, T::ECHO_RES, b"settled-1", false),
        ] {
            let found = barrier.is_answer(&answer(kind, data), nonce);
            assert_eq!(found, ends, "{barrier:?} {kind:?}");
        }
    }

    #[test]
    fn the_request_carries_the_nonce() {
        let encoded = |barrier: Barrier| {
            let mut out = Vec::new();
            barrier.encode(b"n1", &mut out);
            out
        };
        assert_eq!(encoded(Barrier::Echo), b"\0REQ\0\0\0\x10\0\0\0\x02n1");
        assert_eq!(encoded(Barrier::Status), b"\0REQ\0\0\0\x0f\0\0\0\x02n1");
    }
}
