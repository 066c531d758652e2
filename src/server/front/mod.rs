//! What stands before the job server: encryption, HTTP, metrics.
//!
//! All of it runs on a thread of its own. A peer that comes through here reaches the owner of the
//! engine as one end of a socket pair, and is a connection like any other: a handshake, a request
//! of HTTP or a scrape of the metrics never keeps the owner from its work.

mod door;
mod http;
mod metrics;
mod tls;
mod web;

pub(super) use door::{Door, Visit, Visitor};
pub use tls::TlsSettings;

use super::accept::{accept_each, log_refused};
use super::listen::Listener;
use crate::protocol::Limits;
use crate::wire;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

/// Visits that wait for the owner at the most.
const VISITS: usize = 1024;
/// Connections of instruments at the most.
const INSTRUMENTS: usize = 64;

/// What the front is asked to serve, each on its own address.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Gearman, encrypted.
    pub(super) tls: Option<(Listener, TlsSettings)>,
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
    _thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Starts the front's tasks. What can be wrong with them (such as a certificate) is found
    /// before this returns.
    pub(super) fn start(tasks: Tasks) -> io::Result<Self> {
        let (phase, seen) = watch::channel(Phase::default());
        let (door, visits) = Door::new(VISITS);
        if tasks.is_empty() {
            return Ok(Front {
                phase,
                visits,
                _thread: None,
            });
        }
        let context = Context { door, phase: seen };
        let thread = std::thread::Builder::new()
            .name("front".to_owned())
            .spawn(move || {
                let run = wire::block_on(run(tasks, context)).flatten();
                if let Err(error) = run {
                    tracing::error!(%error, "HTTP and metrics are not served");
                }
            })?;
        Ok(Front {
            phase,
            visits,
            _thread: Some(thread),
        })
    }
}

/// Serves until the sender of the phase is gone.
async fn run(tasks: Tasks, context: Context) -> io::Result<()> {
    let Tasks {
        http,
        metrics,
        limits,
        max_connections,
        ..
    } = tasks;
    let mut phase = context.phase.clone();
    if let Some(listener) = http {
        let listener = listener.into_tokio()?;
        let jobs = http::Jobs {
            door: context.door.clone(),
            limits,
        };
        let seen = context.phase.clone();
        spawn_local(async move {
            let crowd = Crowd::new(max_connections);
            let mut draining = seen.clone();
            let serve = |stream, address| jobs.clone().serve(stream, address, seen.clone());
            tokio::select! {
                never = crowd.listen(&listener, serve) => match never {},
                _ = draining.wait_for(|phase| phase.draining) => {}
            }
        });
    }
    if let Some(listener) = metrics {
        let listener = listener.into_tokio()?;
        let metrics = metrics::Metrics {
            door: context.door,
            phase: context.phase,
        };
        spawn_local(async move {
            let crowd = Crowd::new(INSTRUMENTS);
            let serve = |stream, _| metrics.clone().serve(stream);
            match crowd.listen(&listener, serve).await {}
        });
    }
    while phase.changed().await.is_ok() {}
    Ok(())
}

/// Connections of one kind, each with a task of its own.
struct Crowd {
    max: usize,
    /// A clone for each that is open.
    open: Rc<()>,
}

impl Crowd {
    fn new(max: usize) -> Self {
        Crowd {
            max,
            open: Rc::default(),
        }
    }

    /// Takes in connections, for ever.
    async fn listen<F>(
        &self,
        listener: &TcpListener,
        serve: impl Fn(TcpStream, SocketAddr) -> F,
    ) -> Infallible
    where
        F: Future<Output = ()> + 'static,
    {
        accept_each(listener, |stream, address| {
            let open = Rc::strong_count(&self.open) - 1;
            if open >= self.max {
                log_refused(address, open);
                return Ok(());
            }
            stream.set_nodelay(true)?;
            let (serving, one) = (serve(stream, address), Rc::clone(&self.open));
            spawn_local(async move {
                serving.await;
                drop(one);
            });
            Ok(())
        })
        .await
    }
}
