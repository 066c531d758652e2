//! What an encrypted peer and the owner say to each other.

use socket2::SockRef;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

type Peer = TlsStream<TcpStream>;

/// Bytes that are under way in each direction, beside those in the buffers of the system.
const CHUNK: usize = 8 * 1024;
/// How long a peer that the owner has ended may take to take the last bytes, and then to end its
/// side. The owner knows no more of it, so nobody else would end it.
const LINGER: Duration = Duration::from_secs(5);
/// Between two looks whether the owner has ended while the peer has not read all.
const LOOK: Duration = Duration::from_secs(1);

/// Carries bytes both ways until both sides have ended. A peer that does not read is not read for:
/// all that waits for it is a chunk and the buffers of the system.
pub(super) async fn relay(peer: Peer, owner: UnixStream) -> io::Result<()> {
    let (from_peer, to_peer) = split(peer);
    tokio::select! {
        both = async { tokio::try_join!(hear(from_peer, &owner), tell(&owner, to_peer)) } => {
            both.map(drop)
        }
        () = async { ended(&owner).await; tokio::time::sleep(LINGER).await } => Ok(()),
    }
}

/// From the peer to the owner.
async fn hear(mut peer: ReadHalf<Peer>, owner: &UnixStream) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut listening = true;
    loop {
        let count = match peer.read(&mut buffer).await {
            Ok(count) => count,
            // Without a notice. Packets have lengths, so that nobody gains by cutting them off.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(error),
        };
        if count == 0 {
            break;
        }
        // Of an owner that has ended, the peer still gets the last words: bytes that nobody reads
        // would have the system reset the connection.
        listening = listening && write(owner, &buffer[..count]).await.is_ok();
    }
    match SockRef::from(owner).shutdown(std::net::Shutdown::Write) {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
        _ => Ok(()),
    }
}

async fn write(owner: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        owner.writable().await?;
        match owner.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// From the owner to the peer.
async fn tell(owner: &UnixStream, mut peer: WriteHalf<Peer>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        owner.readable().await?;
        match owner.try_read(&mut buffer) {
            Ok(0) => return peer.shutdown().await,
            Ok(count) => {
                peer.write_all(&buffer[..count]).await?;
                peer.flush().await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the owner has ended, even where its last words are not read yet.
async fn ended(owner: &UnixStream) {
    while let Ok(ready) = owner.ready(Interest::READABLE).await {
        if ready.is_read_closed() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
