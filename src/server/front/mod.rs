//! What stands before the job server: encryption, HTTP, metrics.
//!
//! All of it runs on a thread of its own. A peer that comes through here reaches the owner of the
//! engine as one end of a socket pair, and is a connection like any other: a handshake, a request
//! of HTTP or a scrape of the metrics never keeps the owner from its work.

mod crowd;
mod door;
mod http;
mod metrics;
mod tls;
mod web;

use crowd::Crowd;
pub(super) use door::{Door, Visit, Visitor};
pub use tls::{TlsError, TlsSettings};

use super::ServeError;
use super::listen::Listener;
use super::settings::Keepalive;
use crate::protocol::Limits;
use crate::wire;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;
use tls::Keeper;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

/// How long peers may take to take what they were told last.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Visits that wait for the owner at the most.
const VISITS: usize = 1024;

/// What the front is asked to serve, each on its own address.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Gearman, encrypted.
    pub(super) tls: Option<(Listener, TlsSettings)>,
    /// For encrypted connections.
    pub(super) keepalive: Option<Keepalive>,
    /// Jobs by HTTP.
    pub(super) http: Option<Listener>,
    /// What instruments read.
    pub(super) metrics: Option<Listener>,
    /// The bounds of what one peer may send.
    pub(super) limits: Limits,
    /// Connections of each kind at the most.
    pub(super) max_connections: usize,
}

impl Tasks {
    fn is_empty(&self) -> bool {
        self.tls.is_none() && self.http.is_none() && self.metrics.is_none()
    }
}

/// What all tasks of the front share.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// The way to the owner of the engine.
    pub(super) door: Door,
    /// What the owner says of the server's life.
    pub(super) phase: watch::Receiver<Phase>,
}

/// A server's life as far as the front must know. A dropped sender is the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Phase {
    /// No more connections are taken.
    pub(super) draining: bool,
    /// Counts up with each request to read the certificates again.
    pub(super) reloads: u32,
}

/// The front's thread; it ends when the sender of its phase is dropped.
#[derive(Debug)]
pub(super) struct Front {
    /// Says what comes.
    pub(super) phase: watch::Sender<Phase>,
    /// Who knocks.
    pub(super) visits: mpsc::Receiver<Visit>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Ends the front: at once, or where the server has taken its leave, once what its peers were
    /// told is written, with little patience.
    pub(super) fn end(self) {
        drop(self.phase);
        if let Some(thread) = self.thread {
            // What it died of was printed by the thread itself.
            let _ = thread.join();
        }
    }

    /// Starts the front's tasks. What can be wrong with them (such as a certificate) is found
    /// before this returns.
    pub(super) fn start(mut tasks: Tasks) -> Result<Self, ServeError> {
        let (phase, seen) = watch::channel(Phase::default());
        let (door, visits) = Door::new(VISITS);
        if tasks.is_empty() {
            return Ok(Front {
                phase,
                visits,
                thread: None,
            });
        }
        let context = Context { door, phase: seen };
        let tls = match tasks.tls.take() {
            Some((listener, settings)) => Some((listener, Keeper::new(settings)?)),
            None => None,
        };
        let thread = std::thread::Builder::new()
            .name("front".to_owned())
            .spawn(move || {
                let run = wire::block_on(run(tasks, tls, context)).and_then(|run| run);
                if let Err(error) = run {
                    tracing::error!(%error, "encryption, HTTP and metrics are not served");
                }
            })?;
        Ok(Front {
            phase,
            visits,
            thread: Some(thread),
        })
    }
}

/// Serves until the sender of the phase is gone.
async fn run(tasks: Tasks, tls: Option<(Listener, Keeper)>, context: Context) -> io::Result<()> {
    let mut phase = context.phase.clone();
    let web = Crowd::new(tasks.max_connections, tasks.keepalive);
    let encrypted = Crowd::new(tasks.max_connections, None);
    if let Some((listener, keeper)) = tls {
        let (context, crowd) = (context.clone(), encrypted.clone());
        let listener = listener.into_tokio()?;
        spawn_local(tls::listen(
            listener,
            keeper,
            tasks.keepalive,
            context,
            crowd,
        ));
    }
    if let Some(listener) = tasks.http {
        let listener = listener.into_tokio()?;
        let served = http::listen(listener, context.clone(), tasks.limits, web.clone());
        spawn_local(served);
    }
    if let Some(listener) = tasks.metrics {
        spawn_local(metrics::listen(listener.into_tokio()?, context));
    }
    while phase.changed().await.is_ok() {}
    if phase.borrow().draining {
        // What the owner said last is on its way to the clients.
        let all = async { tokio::join!(web.emptied(), encrypted.emptied()) };
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }
    Ok(())
}
