//! Is the server still one? An ECHO_REQ on a fresh connection.

use crate::conformance::arm::{Arm, ArmError, Received};
use crate::conformance::tcp::TcpArm;
use crate::protocol::{Decoder, Frame, Magic, PacketType, encode};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Why a server is not taken for one.
#[derive(Debug, thiserror::Error)]
pub enum SanityError {
    /// It cannot be reached.
    #[error(transparent)]
    Arm(#[from] ArmError),
    /// It does not answer.
    #[error("{target} does not answer ECHO_REQ in {waited:?}")]
    Silent {
        /// Its address.
        target: String,
        /// How long it was given.
        waited: Duration,
    },
    /// It answers, but not with what was sent.
    #[error("{target} answers ECHO_REQ with something else than ECHO_RES: no Gearman server")]
    Stranger {
        /// Its address.
        target: String,
    },
}

/// Sends an ECHO_REQ on a fresh connection and gives the time until its answer.
pub fn round_trip(target: &str, timeout: Duration) -> Result<Duration, SanityError> {
    const BODY: &[u8] = b"are you there?";
    let mut arm = TcpArm::new(target, timeout)?;
    let peer = arm.connect()?;
    let mut request = Vec::new();
    encode::packet(
        &mut request,
        Magic::Req,
        PacketType::ECHO_REQ,
        &[],
        Some(BODY),
    );
    let start = Instant::now();
    arm.send(peer, &request)?;
    let (mut decoder, mut answer) = (Decoder::default(), None);
    let stranger = || SanityError::Stranger {
        target: target.to_owned(),
    };
    while let Some(left) = timeout.checked_sub(start.elapsed()) {
        let bytes = match arm.receive(peer, left)? {
            Received::Bytes(bytes) => bytes,
            Received::Nothing => break,
            Received::Closed | Received::Reset => return Err(stranger()),
        };
        let fed = decoder.feed(&bytes, |frame| {
            answer = Some(matches!(
                frame,
                Frame::Packet(packet) if packet.kind == PacketType::ECHO_RES && packet.data.bytes() == BODY
            ));
            ControlFlow::Break(())
        });
        match (answer, fed) {
            (Some(true), _) => return Ok(start.elapsed()),
            (Some(false), _) | (None, Err(_)) => return Err(stranger()),
            (None, Ok(_)) => {}
        }
    }
    Err(SanityError::Silent {
        target: target.to_owned(),
        waited: timeout,
    })
}
