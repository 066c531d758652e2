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
    #[error("cannot find the address {host:?}")]
    Resolve {
        /// What was asked for.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A socket that has its address and does not listen yet: nobody can connect.
#[derive(Debug)]
pub struct Bound {
    address: SocketAddr,
    socket: Socket,
}

impl Bound {
    /// Takes an address (a name or a number; port 0 is any free one), which must not be in use. A
    /// server that was just stopped leaves the port usable: SO_REUSEADDR.
    pub fn to(host: &str, port: u16) -> Result<Self, ListenError> {
        let resolve = |source| ListenError::Resolve {
            host: host.to_owned(),
            source,
        };
        let mut found = (host, port).to_socket_addrs().map_err(resolve)?;
        let address = found
            .next()
            .ok_or_else(|| resolve(io::ErrorKind::NotFound.into()))?;
        bind(address)
            .map(|socket| Bound { address, socket })
            .map_err(|source| ListenError::Bind { address, source })
    }

    /// Lets up to `backlog` connections wait.
    pub fn listen(self, backlog: i32) -> Result<Listener, ListenError> {
        let Bound { address, socket } = self;
        match socket.listen(backlog) {
            Ok(()) => Ok(Listener(socket.into())),
            Err(source) => Err(ListenError::Bind { address, source }),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

impl Listener {
    /// Listens on an address, as [`Bound::to`] has it.
    pub fn bind(host: &str, port: u16, backlog: i32) -> Result<Self, ListenError> {
        Bound::to(host, port)?.listen(backlog)
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    pub(super) fn into_tokio(self) -> io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.0)
    }
}
