//! Is the server still one? An ECHO_REQ on a fresh connection, and a GET_STATUS behind it: not every
//! server answers the first.

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
    #[error("{target} answers neither ECHO_REQ nor GET_STATUS in {waited:?}")]
    Silent {
        /// Its address.
        target: String,
        /// How long it was given.
        waited: Duration,
    },
    /// It answers, but not with what was sent.
    #[error("{target} answers ECHO_REQ and GET_STATUS with something else: no Gearman server")]
    Stranger {
        /// Its address.
        target: String,
    },
}

/// Sent along, and expected back.
const BODY: &[u8] = b"are-you-there?";

/// Asks on a fresh connection and gives the time until the first answer.
pub fn round_trip(target: &str, timeout: Duration) -> Result<Duration, SanityError> {
    let mut arm = TcpArm::new(target, timeout)?;
    let peer = arm.connect()?;
    let (mut request, magic) = (Vec::new(), Magic::Req);
    encode::packet(&mut request, magic, PacketType::ECHO_REQ, &[], Some(BODY));
    encode::packet(&mut request, magic, PacketType::GET_STATUS, &[BODY], None);
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
            answer = Some(fits(&frame));
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

/// Whether this answers one of the requests.
fn fits(frame: &Frame<'_>) -> bool {
    let Frame::Packet(packet) = frame else {
        return false;
    };
    let data = packet.data.bytes();
    match packet.kind {
        _ if packet.magic != Magic::Res => false,
        PacketType::ECHO_RES => data == BODY,
        PacketType::STATUS_RES => data.split(|&byte| byte == 0).next() == Some(BODY),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Asks a server that answers each connection with these bytes.
    fn asked(answer: Vec<u8>) -> Result<Duration, SanityError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 52]).unwrap();
            stream.write_all(&answer).unwrap();
        });
        round_trip(&target, PATIENCE)
    }

    fn packet(kind: PacketType, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode::packet(&mut out, Magic::Res, kind, &[], Some(data));
        out
    }

    #[test]
    fn either_answer_will_do() {
        let status = [BODY, b"\x000\x000\x00\x00"].concat();
        asked(packet(PacketType::ECHO_RES, BODY)).unwrap();
        asked(packet(PacketType::STATUS_RES, &status)).unwrap();
        for wrong in [
            packet(PacketType::ECHO_RES, b"who?"),
            packet(PacketType::STATUS_RES, b"who?\x000\x000\x000\x000"),
            packet(PacketType::NOOP, b""),
            b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
            Vec::new(),
        ] {
            let error = asked(wrong).unwrap_err();
            assert!(matches!(error, SanityError::Stranger { .. }), "{error}");
        }
    }
}
