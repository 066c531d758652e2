//! What connections run over.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// A connected stream, before it is taken over.
#[derive(Debug)]
pub enum Socket {
    /// From outside.
    Tcp(TcpStream),
    /// From another thread of this process, which speaks to the peer.
    Unix(UnixStream),
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Socket::Tcp(stream)
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Socket::Unix(stream)
    }
}

impl Socket {
    pub(crate) fn into_split(self) -> io::Result<(ReadHalf, WriteHalf)> {
        Ok(match self {
            Socket::Tcp(stream) => {
                stream.set_nodelay(true)?;
                let (read, write) = stream.into_split();
                (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
            }
            Socket::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Unix(read), WriteHalf::Unix(write))
            }
        })
    }
}

/// The receiving direction.
pub(crate) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

impl AsyncRead for ReadHalf {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
            ReadHalf::Unix(half) => Pin::new(half).poll_read(cx, buffer),
        }
    }
}

/// The sending direction. Dropping it shuts it.
#[derive(Debug)]
pub(crate) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl WriteHalf {
    #[inline]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            WriteHalf::Tcp(half) => half.try_write(bytes),
            WriteHalf::Unix(half) => half.try_write(bytes),
        }
    }

    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            WriteHalf::Tcp(half) => half.try_write_vectored(slices),
            WriteHalf::Unix(half) => half.try_write_vectored(slices),
        }
    }

    /// Tells the peer that nothing more comes; what it sends can still be read.
    pub(crate) fn shut(&self) {
        // A connection that is gone is shut already.
        let _ = match self {
            WriteHalf::Tcp(half) => socket2::SockRef::from(half.as_ref()).shutdown(Shutdown::Write),
            WriteHalf::Unix(half) => {
                socket2::SockRef::from(half.as_ref()).shutdown(Shutdown::Write)
            }
        };
    }

    /// Has the connection end by a reset, without another word, once the receiving direction is
    /// dropped as well.
    pub(crate) fn reset(self) {
        match self {
            WriteHalf::Tcp(half) => {
                let _ = socket2::SockRef::from(half.as_ref()).set_linger(Some(Duration::ZERO));
                half.forget();
            }
            WriteHalf::Unix(half) => half.forget(),
        }
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            WriteHalf::Tcp(half) => half.writable().await,
            WriteHalf::Unix(half) => half.writable().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Without it a peer that writes a request in two pieces waits 40 ms for each answer.
    #[test]
    fn small_packets_leave_at_once() {
        let checked = crate::wire::block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let stream = TcpStream::connect(address).await.unwrap();
            assert!(!stream.nodelay().unwrap());
            let (_read, write) = Socket::from(stream).into_split().unwrap();
            let WriteHalf::Tcp(half) = write else {
                panic!("a TCP stream stays one");
            };
            assert!(half.as_ref().nodelay().unwrap());
        });
        checked.unwrap();
    }
}
