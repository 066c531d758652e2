//! The listening socket.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// A socket that listens; connections wait in its backlog until it is served.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The name of the address is not known.
    #[error("cannot find the address {host:?}: {source}")]
    Resolve {
        /// What was asked for.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// The system refuses.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Listener {
    /// Listens on an address (a name or a number; port 0 is any free one). A server that was
    /// just stopped leaves the port usable: SO_REUSEADDR.
    pub fn bind(host: &str, port: u16, backlog: i32) -> Result<Self, ListenError> {
        let resolve = |source| ListenError::Resolve {
            host: host.to_owned(),
            source,
        };
        let mut found = (host, port).to_socket_addrs().map_err(resolve)?;
        let address = found
            .next()
            .ok_or_else(|| resolve(io::ErrorKind::NotFound.into()))?;
        Self::bind_to(address, backlog).map_err(|source| ListenError::Bind { address, source })
    }

    fn bind_to(address: SocketAddr, backlog: i32) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Ok(Listener(socket.into()))
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    pub(super) fn into_tokio(self) -> io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.0)
    }
}
