//! The way from the front to the owner of the engine.

use crate::server::figures::Figures;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream as Pair;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

/// Something the front wants of the owner.
#[derive(Debug)]
pub(in crate::server) enum Visit {
    /// A peer to be taken in.
    Peer(Pair, Visitor),
    /// The server in numbers.
    Ask(oneshot::Sender<Figures>),
}

/// What is known of a peer that comes through the front.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Visitor {
    /// Its own address.
    pub(in crate::server) address: SocketAddr,
    /// The number of its own socket.
    pub(in crate::server) fd: u32,
}

/// Hands peers to the owner; cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::server) struct Door(mpsc::Sender<Visit>);

impl Door {
    /// A door and where it leads.
    pub(super) fn new(waiting: usize) -> (Self, mpsc::Receiver<Visit>) {
        let (sender, visits) = mpsc::channel(waiting);
        (Door(sender), visits)
    }

    /// Has the owner take a peer in; what the peer says is to be written to the returned end,
    /// and what it is told is read from there. The owner that takes nobody in any more closes it.
    pub(super) async fn enter(
        &self,
        socket: &impl AsRawFd,
        address: SocketAddr,
    ) -> io::Result<UnixStream> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let fd = u32::try_from(socket.as_raw_fd()).unwrap_or(0);
        let visit = Visit::Peer(theirs, Visitor { address, fd });
        let gone = |_| io::Error::from(io::ErrorKind::NotConnected);
        self.0.send(visit).await.map_err(gone)?;
        UnixStream::from_std(ours)
    }

    /// The server in numbers; `None` once the owner is gone.
    pub(super) async fn ask(&self) -> Option<Figures> {
        let (sender, figures) = oneshot::channel();
        self.0.send(Visit::Ask(sender)).await.ok()?;
        figures.await.ok()
    }
}
