//! A small blocking connection for a client or a worker: one peer, every wait bounded or ended by
//! a flag, every answer parsed.
//!
//! Made for command lines, not for load.

use crate::protocol::{Body, DecodeError, Decoder, Frame, Magic, Packet, PacketType};
use crate::protocol::{Request, Response};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often a wait looks whether it was called off.
const LOOK: Duration = Duration::from_millis(100);

/// Why a conversation is over.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection can be made.
    #[error("cannot connect: {0}")]
    Unreachable(io::Error),
    /// The connection broke.
    #[error("the connection is lost: {0}")]
    Lost(io::Error),
    /// The server hung up.
    #[error("the server ended the connection")]
    Closed,
    /// Nothing came in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// What came is not Gearman, or does not belong here.
    #[error("not what a Gearman server says: {0}")]
    Strange(String),
    /// The server refused.
    #[error("refused: {code} {text}")]
    Refused {
        /// Its word for it.
        code: String,
        /// Its sentence.
        text: String,
    },
    /// Somebody set the flag.
    #[error("interrupted")]
    Stopped,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// So long.
    For(Duration),
    /// Until something comes or the flag is set.
    Ever,
}

/// A packet from the server.
#[derive(Clone, Debug)]
pub struct Answer {
    magic: Magic,
    kind: PacketType,
    data: Vec<u8>,
}

impl Answer {
    /// What it says; an ERROR is a [`ClientError::Refused`].
    pub fn response(&self) -> Result<Response<'_>, ClientError> {
        let packet = Packet {
            magic: self.magic,
            kind: self.kind,
            data: Body::new(&self.data),
        };
        match Response::parse(&packet) {
            Ok(Response::Error { code, text }) => Err(ClientError::Refused {
                code: code.escape_ascii().to_string(),
                text: text.escape_ascii().to_string(),
            }),
            Ok(response) => Ok(response),
            Err(error) => Err(ClientError::Strange(error.to_string())),
        }
    }

    /// The error of an answer that does not belong here.
    pub fn unexpected(&self) -> ClientError {
        ClientError::Strange(format!("{} at this point", self.kind))
    }
}

/// A connection to a job server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    /// Received and not asked for yet: at most what one read gives.
    waiting: VecDeque<Answer>,
    stop: Arc<AtomicBool>,
}

impl Connection {
    /// Connects to the first of the addresses that answers, each within `limit`. Setting `stop`
    /// ends every later wait.
    pub fn open(
        addresses: &[SocketAddr],
        limit: Duration,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ClientError> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(address, limit) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(ClientError::Unreachable)?;
                    stream
                        .set_write_timeout(Some(limit))
                        .map_err(ClientError::Unreachable)?;
                    return Ok(Connection {
                        stream,
                        decoder: Decoder::default(),
                        waiting: VecDeque::new(),
                        stop,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(ClientError::Unreachable(last))
    }

    /// Sends a request.
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.stream.write_all(&bytes).map_err(ClientError::Lost)
    }

    /// The next packet of the server.
    pub fn next(&mut self, wait: Wait) -> Result<Answer, ClientError> {
        let deadline = match wait {
            Wait::For(limit) => Some((Instant::now() + limit, limit)),
            Wait::Ever => None,
        };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(answer) = self.waiting.pop_front() {
                return Ok(answer);
            }
            if self.stop.load(Relaxed) {
                return Err(ClientError::Stopped);
            }
            let mut pause = LOOK;
            if let Some((deadline, limit)) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(ClientError::Silent(limit));
                }
                pause = pause.min(left);
            }
            self.stream
                .set_read_timeout(Some(pause))
                .map_err(ClientError::Lost)?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(count) => self.receive(&buffer[..count])?,
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(ClientError::Lost(error)),
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let waiting = &mut self.waiting;
        let mut line = None;
        let fed = self.decoder.feed(bytes, |frame| match frame {
            Frame::Packet(packet) => {
                waiting.push_back(Answer {
                    magic: packet.magic,
                    kind: packet.kind,
                    data: packet.data.to_vec(),
                });
                ControlFlow::Continue(())
            }
            Frame::Line(text) => {
                let start = &text[..text.len().min(60)];
                line = Some(format!("the text \"{}\"", start.escape_ascii()));
                ControlFlow::Break(())
            }
        });
        fed.map_err(|error: DecodeError| ClientError::Strange(error.to_string()))?;
        line.map_or(Ok(()), |line| Err(ClientError::Strange(line)))
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
