//! How connections come in.

use super::driver::Driver;
use super::figures::FUNCTIONS;
use super::front::{Visit, Visitor};
use super::quiet::Quiet;
use super::settings::Keepalive;
use crate::engine::{Event, PeerInfo};
use crate::wire::{Hub, Socket};
use rustix::process::{Resource, getrlimit};
use socket2::{SockRef, TcpKeepalive};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;

/// How long accepting pauses when the system has no descriptor left: trying again at once would
/// fail again, and burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is let in, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// Connections at the most, over all gates.
    pub(super) max_connections: usize,
    pub(super) keepalive: Option<Keepalive>,
    /// Whoever comes through here may look but not change.
    pub(super) confined: bool,
}

/// Accepts connections, for ever.
pub(super) async fn accept_each(
    listener: &TcpListener,
    mut welcome: impl FnMut(TcpStream, SocketAddr) -> io::Result<()>,
) -> Infallible {
    static FAILED: Quiet = Quiet::new();
    loop {
        let failure = match listener.accept().await {
            Ok((stream, address)) => welcome(stream, address).err(),
            Err(error) => Some(error),
        };
        let Some(error) = failure else { continue };
        // A peer that left before it was accepted is no reason to pause.
        if error.kind() != io::ErrorKind::ConnectionAborted {
            if let Some(missed) = FAILED.line() {
                tracing::warn!(%error, "cannot accept a connection{missed}");
            }
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// A connection of this address is closed at once, since so many are open.
pub(super) fn log_refused(address: SocketAddr, open: usize) {
    static REFUSED: Quiet = Quiet::new();
    if let Some(missed) = REFUSED.line() {
        tracing::warn!(%address, open, "connection closed: no more are taken{missed}");
    }
}

impl Gate {
    /// Takes in connections, for ever.
    pub(super) async fn accept(self, hub: &Hub<Driver>, listener: &TcpListener) -> Infallible {
        accept_each(listener, |stream, address| {
            self.welcome(hub, stream, address)
        })
        .await
    }

    /// Takes in who comes through the front, and answers who asks, until the front is gone. A
    /// server that takes its leave takes nobody in.
    pub(super) async fn receive(self, hub: &Hub<Driver>, visits: &mut mpsc::Receiver<Visit>) {
        while let Some(visit) = visits.recv().await {
            match visit {
                // Dropped, and with it the peer's end is closed.
                Visit::Peer(..) if hub.with(|driver, _| driver.is_draining()) => {}
                Visit::Ask(sender) => {
                    let figures = hub.with(|driver, _| driver.figures(FUNCTIONS));
                    // Who does not wait any more needs no answer.
                    let _ = sender.send(figures);
                }
                Visit::Peer(stream, visitor) => {
                    let adopted = UnixStream::from_std(stream)
                        .and_then(|stream| self.adopt(hub, stream.into(), visitor));
                    if let Err(error) = adopted {
                        tracing::warn!(%error, "cannot take in a connection");
                    }
                }
            }
        }
    }

    fn welcome(self, hub: &Hub<Driver>, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
        if let Some(keepalive) = self.keepalive {
            keep_alive(&stream, keepalive)?;
        }
        let fd = u32::try_from(stream.as_raw_fd()).unwrap_or(0);
        self.adopt(hub, stream.into(), Visitor { address, fd })
    }

    fn adopt(self, hub: &Hub<Driver>, socket: Socket, visitor: Visitor) -> io::Result<()> {
        let Visitor { address, fd } = visitor;
        let open = hub.with(|_, io| io.connections());
        if open >= self.max_connections {
            hub.with(|driver, _| driver.traffic.refused += 1);
            log_refused(address, open);
            return Ok(());
        }
        let conn = hub.adopt(socket)?;
        tracing::debug!(?conn, %address, "connected");
        let info = PeerInfo {
            address: address.ip().to_string().into(),
            fd,
            confined: self.confined,
        };
        hub.with(|driver, io| {
            driver.traffic.accepted += 1;
            driver.handle(Instant::now(), Event::Connected(conn, info), io);
        });
        Ok(())
    }
}

/// Files that stay for the log, the store, the listeners and a connection that is refused.
const RESERVED_FILES: u64 = 32;

/// So many connections, or fewer where the limit of open files leaves less.
pub(super) fn within_files(wanted: usize) -> usize {
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    // Of a very low limit a half is left, or nobody could connect.
    let room = files.saturating_sub(RESERVED_FILES).max(files / 2);
    usize::try_from(room).map_or(wanted, |room| wanted.min(room))
}

/// Has the system look after a silent peer.
pub(super) fn keep_alive(stream: &TcpStream, keepalive: Keepalive) -> io::Result<()> {
    let mut values = TcpKeepalive::new();
    if let Some(idle) = keepalive.idle {
        values = values.with_time(idle);
    }
    if let Some(interval) = keepalive.interval {
        values = values.with_interval(interval);
    }
    if let Some(count) = keepalive.count {
        values = values.with_retries(count);
    }
    let socket = SockRef::from(stream);
    socket.set_keepalive(true)?;
    socket.set_tcp_keepalive(&values)
}
