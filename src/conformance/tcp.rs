//! The arm of any server that listens at an address: plain blocking sockets with a limit on
//! every wait.

use super::arm::{Arm, ArmError, PeerId, Process, Received};
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The shortest wait: the system takes a limit of zero for none.
const SHORTEST: Duration = Duration::from_millis(1);
/// How long the server may take to notice that a peer closed.
const LINGER: Duration = Duration::from_millis(500);
/// How long a flood may last where the server takes it in sips.
const MAX_FLOOD: Duration = Duration::from_secs(30);
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Connections to one server over TCP.
#[derive(Debug)]
pub struct TcpArm {
    target: String,
    address: SocketAddr,
    patience: Duration,
    started: Instant,
    peers: Vec<Option<TcpStream>>,
    process: Option<Box<dyn Process>>,
}

impl TcpArm {
    /// The arm of the server at `target`, as `host:port`; `patience` is how long it may take to
    /// accept a connection or to take what is sent.
    pub fn new(target: &str, patience: Duration) -> Result<Self, ArmError> {
        let unreachable = |source| ArmError::Unreachable {
            target: target.to_owned(),
            source,
        };
        let mut addresses = target.to_socket_addrs().map_err(unreachable)?;
        let address = addresses.next();
        let address = address.ok_or_else(|| unreachable(ErrorKind::AddrNotAvailable.into()))?;
        Ok(TcpArm {
            target: target.to_owned(),
            address,
            patience: patience.max(SHORTEST),
            started: Instant::now(),
            peers: Vec::new(),
            process: None,
        })
    }

    /// The same arm, of a server whose process the script may end and start.
    pub fn with_process(mut self, process: Box<dyn Process>) -> Self {
        self.process = Some(process);
        self
    }

    /// Gives the process back, for the next arm of the same server.
    pub fn into_process(self) -> Option<Box<dyn Process>> {
        self.process
    }

    fn stream(&self, peer: PeerId) -> Option<&TcpStream> {
        self.peers.get(peer.0)?.as_ref()
    }

    fn take(&mut self, peer: PeerId) -> Option<TcpStream> {
        self.peers.get_mut(peer.0)?.take()
    }

    fn open(&mut self, address: SocketAddr) -> std::io::Result<PeerId> {
        let stream = TcpStream::connect_timeout(&address, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(self.patience))?;
        self.peers.push(Some(stream));
        Ok(PeerId(self.peers.len() - 1))
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Whether the error says that the other side is gone.
fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    )
}

/// Reads until the server closes too, so that it has noticed when this returns.
fn linger(mut stream: &TcpStream) {
    let until = Instant::now() + LINGER;
    let mut buffer = [0; 4096];
    let _ = stream.shutdown(Shutdown::Write);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let limited = stream.set_read_timeout(Some(left.max(SHORTEST)));
        if limited.is_err() || !matches!(stream.read(&mut buffer), Ok(1..)) {
            return;
        }
    }
}

impl Arm for TcpArm {
    fn connect(&mut self) -> Result<PeerId, ArmError> {
        self.open(self.address)
            .map_err(|source| ArmError::Unreachable {
                target: self.target.clone(),
                source,
            })
    }

    fn connect_http(&mut self) -> Result<PeerId, ArmError> {
        let http = self.process.as_ref().and_then(|process| process.http());
        let address = http.ok_or(ArmError::Unsupported("a server with an HTTP port"))?;
        self.open(address).map_err(|source| ArmError::Unreachable {
            target: address.to_string(),
            source,
        })
    }

    fn process(&mut self) -> Option<&mut dyn Process> {
        match &mut self.process {
            Some(process) => Some(&mut **process),
            None => None,
        }
    }

    /// Stops where nothing was taken for `within`; a server that takes slowly has more time.
    fn flood(&mut self, peer: PeerId, bytes: &[u8], within: Duration) -> Result<usize, ArmError> {
        let Some(mut stream) = self.stream(peer) else {
            return Ok(0);
        };
        let until = Instant::now() + MAX_FLOOD;
        let mut taken = 0;
        stream.set_write_timeout(Some(within.max(SHORTEST)))?;
        while let Some(rest @ [_, ..]) = bytes.get(taken..) {
            match stream.write(rest) {
                Ok(size) => taken += size,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(error.kind()) || is_end(error.kind()) => break,
                Err(error) => return Err(error.into()),
            }
            if Instant::now() > until {
                break;
            }
        }
        stream.set_write_timeout(Some(self.patience))?;
        Ok(taken)
    }

    fn send(&mut self, peer: PeerId, bytes: &[u8]) -> Result<(), ArmError> {
        let Some(mut stream) = self.stream(peer) else {
            return Ok(());
        };
        match stream.write_all(bytes) {
            Err(error) if is_timeout(error.kind()) => Err(ArmError::NotTaken {
                size: bytes.len(),
                waited: self.patience,
            }),
            // The end of the connection is what `receive` will tell.
            Err(error) if is_end(error.kind()) => Ok(()),
            other => Ok(other?),
        }
    }

    fn receive(&mut self, peer: PeerId, wait: Duration) -> Result<Received, ArmError> {
        let Some(mut stream) = self.stream(peer) else {
            return Ok(Received::Closed);
        };
        stream.set_read_timeout(Some(wait.max(SHORTEST)))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            return match stream.read(&mut buffer) {
                Ok(0) => Ok(Received::Closed),
                Ok(size) => {
                    buffer.truncate(size);
                    Ok(Received::Bytes(buffer))
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_timeout(error.kind()) => Ok(Received::Nothing),
                Err(error) if is_end(error.kind()) => Ok(Received::Reset),
                Err(error) => Err(error.into()),
            };
        }
    }

    fn close(&mut self, peer: PeerId) {
        if let Some(stream) = self.take(peer) {
            linger(&stream);
        }
    }

    fn half_close(&mut self, peer: PeerId) {
        if let Some(stream) = self.stream(peer) {
            // It fails only where there is no connection left to end.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn reset(&mut self, peer: PeerId) {
        if let Some(stream) = self.take(peer) {
            // Without the option dropping the stream still closes it.
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }

    fn advance(&mut self, by: Duration) {
        std::thread::sleep(by);
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn unix_time(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    fn is_synchronous(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
