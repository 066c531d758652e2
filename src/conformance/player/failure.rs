//! Why a script did not play to its end.

use crate::conformance::arm::{ArmError, Ended};
use crate::conformance::pattern::Unbound;
use crate::conformance::trace::Trace;
use crate::protocol::DecodeError;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Why a script did not play to its end.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}: {step}\n  {cause}\n\n{trace}", InRound(*round))]
pub struct Failure {
    /// Line of the script.
    pub line: usize,
    /// What stands there.
    pub step: String,
    /// In which round, from 1, where the step is played again and again.
    pub round: Option<usize>,
    /// What went wrong.
    #[source]
    pub cause: Cause,
    /// Everything that happened until then.
    pub trace: Trace,
}

struct InRound(Option<usize>);

impl Display for InRound {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(round) => write!(f, " (round {round})"),
            None => Ok(()),
        }
    }
}

/// What went wrong in one step.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// Something else was received.
    #[error("{peer} expected {expected}, found {found}")]
    Unexpected {
        /// The peer.
        peer: String,
        /// The legal outcomes.
        expected: String,
        /// What was received.
        found: String,
    },
    /// Nothing was received.
    #[error("{peer} expected {expected}, found nothing in {waited:?}")]
    NoAnswer {
        /// The peer.
        peer: String,
        /// The legal outcomes.
        expected: String,
        /// How long it waited.
        waited: Duration,
    },
    /// Of several peers not enough received something.
    #[error("expected {count} peers or more to receive something, found {received}; not: {lack}")]
    TooFew {
        /// How many should have.
        count: usize,
        /// How many have.
        received: usize,
        /// The lines of the others.
        lack: String,
    },
    /// What the server sends is no Gearman.
    #[error("{peer} received what is no packet: {error}")]
    Garbage {
        /// The peer.
        peer: String,
        /// Why not.
        error: DecodeError,
    },
    /// The server ended the connection inside a packet.
    #[error("{peer} received a part of a packet before the connection ended")]
    HalfPacket {
        /// The peer.
        peer: String,
    },
    /// What the HTTP port sends is no response.
    #[error("{peer} received what is no HTTP response: {error}")]
    NotHttp {
        /// The peer.
        peer: String,
        /// Why not.
        error: httparse::Error,
    },
    /// The server ended the connection inside a response.
    #[error("{peer} received a part of a response before the connection ended")]
    HalfResponse {
        /// The peer.
        peer: String,
    },
    /// The server still runs.
    #[error("server did not end in {waited:?}")]
    NotEnded {
        /// How long it had.
        waited: Duration,
    },
    /// The server has not ended as it should.
    #[error("server ended with {ended}, expected exit code 0")]
    BadEnd {
        /// How it has ended.
        ended: Ended,
    },
    /// The script uses a name that stands for nothing.
    #[error(transparent)]
    Unbound(#[from] Unbound),
    /// The script lets a peer act that is not connected.
    #[error("{peer} is not connected")]
    NotConnected {
        /// The peer.
        peer: String,
    },
    /// The server did not survive.
    #[error("the server was expected to go on, and did not")]
    ServerLost,
    /// The arm failed.
    #[error(transparent)]
    Arm(#[from] ArmError),
}

impl Cause {
    /// What the script says that should be, with all alternatives.
    pub fn expected(&self) -> Option<String> {
        match self {
            Cause::Unexpected { expected, .. } | Cause::NoAnswer { expected, .. } => {
                Some(expected.clone())
            }
            Cause::TooFew { count, .. } => Some(format!("{count} peers or more that receive")),
            Cause::Garbage { .. } => Some("a packet or a line".to_owned()),
            Cause::HalfPacket { .. } => Some("the rest of the packet".to_owned()),
            Cause::NotHttp { .. } => Some("an HTTP response".to_owned()),
            Cause::HalfResponse { .. } => Some("the rest of the response".to_owned()),
            Cause::NotEnded { waited } => Some(format!("the end of the server in {waited:?}")),
            Cause::BadEnd { .. } => Some(Ended::Code(0).to_string()),
            Cause::ServerLost => Some("a server that goes on".to_owned()),
            Cause::Unbound(_) | Cause::NotConnected { .. } | Cause::Arm(_) => None,
        }
    }

    /// What was there instead.
    pub fn found(&self) -> Option<String> {
        match self {
            Cause::Unexpected { found, .. } => Some(found.clone()),
            Cause::NoAnswer { waited, .. } => Some(format!("nothing in {waited:?}")),
            Cause::TooFew { received, lack, .. } => Some(format!("{received}; not: {lack}")),
            Cause::Garbage { error, .. } => Some(error.to_string()),
            Cause::NotHttp { error, .. } => Some(error.to_string()),
            Cause::HalfPacket { .. } | Cause::HalfResponse { .. } => {
                Some("the end of the connection".to_owned())
            }
            Cause::NotEnded { .. } => Some("a server that runs".to_owned()),
            Cause::BadEnd { ended } => Some(ended.to_string()),
            Cause::ServerLost => Some("its end".to_owned()),
            Cause::Unbound(_) | Cause::NotConnected { .. } | Cause::Arm(_) => None,
        }
    }
}
