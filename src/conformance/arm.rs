//! What a script needs of a server.

use std::fmt::{self, Debug, Display, Formatter};
use std::net::SocketAddr;
use std::time::Duration;

/// A connection of the arm, by its number in order of connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub usize);

/// What came of waiting for bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// These; there may be more.
    Bytes(Vec<u8>),
    /// The server has ended the connection, and everything before that was received.
    Closed,
    /// The server has aborted the connection.
    Reset,
    /// Nothing in the given time.
    Nothing,
}

/// A server under test, and the connections to it. An arm only moves bytes: what they mean is the
/// player's business.
pub trait Arm {
    /// Opens a connection.
    fn connect(&mut self) -> Result<PeerId, ArmError>;

    /// Sends all of `bytes`. A connection that the server has ended takes them and drops them;
    /// [`Arm::receive`] tells of the end.
    fn send(&mut self, peer: PeerId, bytes: &[u8]) -> Result<(), ArmError>;

    /// Waits for bytes, but not longer than `wait`.
    fn receive(&mut self, peer: PeerId, wait: Duration) -> Result<Received, ArmError>;

    /// Closes the connection.
    fn close(&mut self, peer: PeerId);

    /// Ends the sending half of the connection.
    fn half_close(&mut self, peer: PeerId);

    /// Aborts the connection.
    fn reset(&mut self, peer: PeerId);

    /// Lets time pass.
    fn advance(&mut self, by: Duration);

    /// Time since the arm was made, by the clock of [`Arm::advance`].
    fn elapsed(&self) -> Duration;

    /// The server's idea of the time, in seconds since 1970.
    fn unix_time(&self) -> u64;

    /// Whether the server has handled whatever was sent when [`Arm::send`] returns, and has
    /// answered. Where it has not, the player asks by ECHO_REQ before another peer acts.
    fn is_synchronous(&self) -> bool;

    /// Sends without waiting long: what the server does not begin to take for `within` is
    /// dropped. Gives the number of bytes that were taken.
    fn flood(&mut self, peer: PeerId, bytes: &[u8], within: Duration) -> Result<usize, ArmError> {
        let _ = within;
        self.send(peer, bytes).map(|()| bytes.len())
    }

    /// Opens a connection to the server's HTTP port.
    fn connect_http(&mut self) -> Result<PeerId, ArmError> {
        Err(ArmError::Unsupported("a server with an HTTP port"))
    }

    /// The process of the server, where the arm has started it.
    fn process(&mut self) -> Option<&mut dyn Process> {
        None
    }
}

/// The process of a server that was started for the tests.
pub trait Process: Debug + Send {
    /// Asks it to end, or ends it, and does not wait.
    fn stop(&mut self, how: Stop) -> Result<(), ArmError>;

    /// How it has ended, or nothing if it still runs after `within`. The answer stays the same
    /// until it is started again.
    fn wait(&mut self, within: Duration) -> Result<Option<Ended>, ArmError>;

    /// Starts it again after it has ended: with the same arguments, at the same addresses. It
    /// accepts connections when this returns.
    fn start(&mut self) -> Result<(), ArmError>;

    /// The address of its HTTP port, if it has one.
    fn http(&self) -> Option<SocketAddr>;
}

/// How a server is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Now, in an orderly way: SIGTERM.
    Terminate,
    /// When nobody is connected any more: SIGUSR1.
    Graceful,
    /// Without being asked: SIGKILL.
    Kill,
}

/// How a server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Display for Ended {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Code(code) => write!(f, "exit code {code}"),
            Ended::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why an arm cannot serve a script.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// No connection could be opened.
    #[error("cannot connect to {target}: {source}")]
    Unreachable {
        /// The server's address.
        target: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server does not take what is sent.
    #[error("the server did not take {size} bytes in {waited:?}")]
    NotTaken {
        /// Bytes to send.
        size: usize,
        /// How long it was tried.
        waited: Duration,
    },
    /// The script needs what this arm does not have.
    #[error("the script needs {0}, which there is not here")]
    Unsupported(&'static str),
    /// The server did not start.
    #[error("the server did not start: {0}")]
    NotStarted(String),
    /// The system failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}
