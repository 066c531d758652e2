//! Encryption by rustls: TLS 1.2 and 1.3.
//!
//! A port that was asked to be encrypted never speaks otherwise: what is no handshake is closed,
//! and a certificate that cannot be used is found before the server answers anybody. Handshakes
//! happen beside each other on the front's thread, and a silent one blocks nobody.

mod files;
mod relay;

pub use files::TlsError;

use super::Context;
use super::crowd::Crowd;
use crate::server::accept::keep_alive;
use crate::server::quiet::Quiet;
use crate::server::settings::Keepalive;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How connections are encrypted. All files are PEM.
///
/// gearmand's `--ssl-certificate`, `--ssl-key`, `--ssl-ca-file`.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// With it, clients must show a certificate signed by one of these.
    pub client_ca: Option<PathBuf>,
}

impl TlsSettings {
    /// Reads the files, to see whether they can be used.
    pub fn check(&self) -> Result<(), TlsError> {
        files::load(self).map(drop)
    }
}

/// What encrypts: the certificates of the moment.
#[derive(Debug)]
pub(super) struct Keeper {
    settings: TlsSettings,
    current: Mutex<Arc<ServerConfig>>,
}

impl Keeper {
    /// Reads the certificates.
    pub(super) fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let current = Mutex::new(files::load(&settings)?);
        Ok(Keeper { settings, current })
    }

    /// Reads them again. What cannot be used changes nothing; open connections keep theirs.
    fn reload(&self) {
        match files::load(&self.settings) {
            Ok(config) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("certificates were read again");
            }
            Err(error) => tracing::error!(%error, "the certificates in use stay: {error}"),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

/// Takes in encrypted connections until the server takes its leave.
pub(super) async fn listen(
    listener: TcpListener,
    keeper: Keeper,
    keepalive: Option<Keepalive>,
    context: Context,
    crowd: Crowd,
) {
    let keeper = Rc::new(keeper);
    let mut phase = context.phase.clone();
    let serve = |stream: TcpStream, address| {
        let (keeper, context) = (Rc::clone(&keeper), context.clone());
        async move {
            let served = match keepalive.map(|values| keep_alive(&stream, values)) {
                Some(Err(error)) => Err(error),
                _ => serve(stream, address, &keeper, &context).await,
            };
            if let Err(error) = served {
                log_failed(address, &error);
            }
        }
    };
    tokio::select! {
        never = crowd.listen(&listener, serve) => match never {},
        never = reload(&keeper, context.phase.clone()) => match never {},
        _ = phase.wait_for(|phase| phase.draining) => {}
    }
}

async fn reload(
    keeper: &Keeper,
    mut phase: tokio::sync::watch::Receiver<super::Phase>,
) -> std::convert::Infallible {
    let mut seen = phase.borrow_and_update().reloads;
    while phase.changed().await.is_ok() {
        let reloads = phase.borrow_and_update().reloads;
        if std::mem::replace(&mut seen, reloads) != reloads {
            keeper.reload();
        }
    }
    std::future::pending().await
}

/// One connection: the handshake, then what the peer and the owner say to each other.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    keeper: &Keeper,
    context: &Context,
) -> io::Result<()> {
    let Ok(accepted) = tokio::time::timeout(HANDSHAKE, handshake(stream, keeper)).await else {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the handshake takes too long",
        ));
    };
    let peer: TlsStream<TcpStream> = accepted?;
    let owner = context.door.enter(peer.get_ref().0, address).await?;
    match relay::relay(peer, owner).await {
        // Many peers just close: no more can be said, and nothing is wrong.
        Err(error) if is_end(&error) => Ok(()),
        other => other,
    }
}

/// The handshake. A peer that begins with something else is told nothing, not even what TLS has
/// for the case: it would be bytes that it cannot read.
async fn handshake(stream: TcpStream, keeper: &Keeper) -> io::Result<TlsStream<TcpStream>> {
    /// What every handshake of TLS begins with.
    const RECORD: u8 = 22;
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if first[0] != RECORD => {
            Err(io::Error::other("the peer does not begin with a handshake"))
        }
        _ => keeper.acceptor().accept(stream).await,
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(
        error.kind(),
        UnexpectedEof | BrokenPipe | ConnectionReset | NotConnected
    )
}

fn log_failed(address: SocketAddr, error: &io::Error) {
    static FAILED: Quiet = Quiet::new();
    if let Some(missed) = FAILED.line() {
        tracing::info!(%address, %error, "encrypted connection closed{missed}");
    }
}
