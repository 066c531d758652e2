//! One connection, as the player sees it.

use super::http::HttpStream;
use crate::conformance::arm::PeerId;
use crate::conformance::trace::OwnedFrame;
use crate::protocol::{DecodeError, Decoder, Limits, Magic, PacketType};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Whether the server may still be busy with what a peer has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    No,
    /// With one request, whose answer will say that it is done.
    OneAnswer,
    /// Perhaps: the last request has no answer of its own.
    Unknown,
}

/// One connection, as the player sees it.
pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) incoming: Decoder,
    pub(super) inbox: VecDeque<OwnedFrame>,
    /// Follows what the peer sends, to know whether it stands inside a packet.
    pub(super) outgoing: Decoder,
    pub(super) out_of_step: bool,
    pub(super) pending: Pending,
    pub(super) can_send: bool,
    pub(super) ended: bool,
    pub(super) garbage: Option<DecodeError>,
    /// Where it is connected to the HTTP port.
    pub(super) http: Option<HttpStream>,
}

impl Peer {
    pub(super) fn new(id: PeerId) -> Self {
        let limits = Limits {
            packet: 256 * 1024 * 1024,
            line: 1024 * 1024,
        };
        Peer {
            id,
            incoming: Decoder::new(limits),
            inbox: VecDeque::new(),
            outgoing: Decoder::new(Limits {
                packet: u32::MAX,
                ..Limits::default()
            }),
            out_of_step: false,
            pending: Pending::No,
            can_send: true,
            ended: false,
            garbage: None,
            http: None,
        }
    }

    pub(super) fn of_http(id: PeerId) -> Self {
        Peer {
            http: Some(HttpStream::default()),
            ..Peer::new(id)
        }
    }

    /// Whether an ECHO_REQ sent now would be read as one.
    pub(super) fn can_ask(&self) -> bool {
        let gearman = self.http.is_none();
        gearman && self.can_send && !self.ended && !self.out_of_step && !self.outgoing.mid_frame()
    }

    pub(super) fn note_sent(&mut self, bytes: &[u8]) {
        if let Some(http) = &mut self.http {
            return http.note_sent(bytes);
        }
        let mut kinds = Vec::new();
        let fed = self.outgoing.feed(bytes, |frame| {
            kinds.push(match OwnedFrame::from(frame) {
                OwnedFrame::Packet {
                    magic: Magic::Req,
                    kind,
                    ..
                } => Some(kind),
                _ => None,
            });
            ControlFlow::Continue(())
        });
        self.out_of_step |= fed.is_err();
        self.pending = match (self.pending, kinds.as_slice()) {
            (pending, []) => pending,
            (Pending::No, [Some(kind)]) if has_answer(*kind) => Pending::OneAnswer,
            _ => Pending::Unknown,
        };
    }

    /// Puts frames that were taken too early in front of those that came after them.
    pub(super) fn put_back(
        &mut self,
        frames: impl IntoIterator<Item = OwnedFrame, IntoIter: DoubleEndedIterator>,
    ) {
        for frame in frames.into_iter().rev() {
            self.inbox.push_front(frame);
        }
    }

    pub(super) fn note_received(&mut self, frame: &OwnedFrame) {
        if let (Pending::OneAnswer, OwnedFrame::Packet { kind, .. }) = (self.pending, frame)
            && is_answer(*kind)
        {
            self.pending = Pending::No;
        }
    }
}

/// Whether exactly one packet answers this request.
fn has_answer(kind: PacketType) -> bool {
    use PacketType as T;
    let grabs = [T::GRAB_JOB, T::GRAB_JOB_UNIQ, T::GRAB_JOB_ALL];
    let asks = [
        T::GET_STATUS,
        T::GET_STATUS_UNIQUE,
        T::ECHO_REQ,
        T::OPTION_REQ,
    ];
    let submits = kind
        .info()
        .is_some_and(|row| row.name.starts_with("SUBMIT_"));
    grabs.contains(&kind) || asks.contains(&kind) || submits
}

/// Whether the packet answers a request of its receiver, and is not news of a job.
pub(super) fn is_answer(kind: PacketType) -> bool {
    let news = kind.info().is_some_and(|row| row.name.starts_with("WORK_"));
    kind != PacketType::NOOP && !news
}
