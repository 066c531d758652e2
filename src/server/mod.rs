//! The reference job server: the engine, driven by the wire.
//!
//! One thread owns the engine and all connections. A frame goes from the read buffer through the
//! engine into the buffers of its recipients; nothing is queued between. The only other tasks
//! accept connections and wait for the engine's next deadline.

mod accept;
mod driver;
mod figures;
mod front;
mod listen;
mod memory;
mod quiet;
mod settings;
pub mod store;

pub use front::{TlsError, TlsSettings};
pub use listen::{Bound, ListenError, Listener};
pub use settings::{Command, Keepalive, Settings};
pub use store::{StoreError, StoreSettings};

use crate::engine::{JobServer, Policy};
use crate::wire::{self, Hub};
use accept::Gate;
use driver::Driver;
use front::Front;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Opened, Store};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// How long peers may take to take what they were sent, when the server takes its leave.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where a server listens, each address with what it speaks.
#[derive(Debug)]
pub struct Listeners {
    /// Gearman.
    pub gear: Listener,
    /// Gearman, for those who may change the server. With it, nobody else may.
    pub admin: Option<Listener>,
    /// Jobs by HTTP; gearmand's `-r http --http-port`.
    pub http: Option<Listener>,
    /// What instruments read: `/metrics` and `/healthz`.
    pub metrics: Option<Listener>,
}

impl From<Listener> for Listeners {
    fn from(gear: Listener) -> Self {
        Listeners {
            gear,
            admin: None,
            http: None,
            metrics: None,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system refuses something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Connections cannot be encrypted.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Serves until a command ends it: [`Command::Stop`], or [`Command::Drain`] and what it waits for.
/// The connections end with it, and what was given to the store is on disk. A sender of commands
/// that was dropped stops it too. `ready` is called once everything that can be refused was not.
pub async fn serve(
    listeners: Listeners,
    settings: Settings,
    mut commands: mpsc::UnboundedReceiver<Command>,
    ready: impl FnOnce(),
) -> Result<(), ServeError> {
    let mut tasks = front::Tasks {
        http: listeners.http,
        metrics: listeners.metrics,
        limits: settings.wire.limits,
        max_connections: settings.max_connections,
        keepalive: settings.keepalive,
        ..front::Tasks::default()
    };
    let gear = match settings.tls {
        Some(tls) => {
            tasks.tls = Some((listeners.gear, tls));
            None
        }
        None => Some(listeners.gear.into_tokio()?),
    };
    let admin = listeners.admin.map(Listener::into_tokio).transpose()?;
    let gate = Gate {
        max_connections: accept::within_files(settings.max_connections),
        keepalive: settings.keepalive,
        confined: admin.is_some(),
    };
    let admins = Gate {
        confined: false,
        ..gate
    };
    let driver = open(settings.policy, settings.store.as_ref())?;
    let mut front = Front::start(tasks)?;
    let hub = Hub::new(driver, settings.wire);
    let timely = async {
        tokio::join!(
            driver::keep_deadlines(&hub),
            driver::keep_stored(&hub),
            memory::give_back(&hub)
        )
        .0
    };
    tokio::pin!(timely);
    ready();

    // What listens ends with this block.
    let end = {
        let accepting = async {
            tokio::join!(
                accept(gate, &hub, gear),
                accept(admins, &hub, admin),
                gate.receive(&hub, &mut front.visits),
            );
            std::future::pending().await
        };
        tokio::select! {
            end = told_to_end(&mut commands, &front.phase) => end,
            never = accepting => match never {},
            never = &mut timely => match never {},
        }
    };
    if end == End::Gracefully {
        front.phase.send_modify(|phase| phase.draining = true);
        tokio::select! {
            () = take_leave(&hub, settings.drain) => {}
            // Nobody is taken in any more, but who asks is answered.
            () = until_stopped(gate.receive(&hub, &mut front.visits)) => {}
            _ = told_to_end(&mut commands, &front.phase) => {}
            never = &mut timely => match never {},
        }
    }
    hub.with(|driver, _| driver.close_store());
    front.end();
    Ok(())
}

/// The engine, with the jobs of the store if there is one.
fn open(policy: Policy, store: Option<&StoreSettings>) -> Result<Driver, StoreError> {
    let policy = Policy {
        hold_grabs: true,
        ..policy
    };
    let Some(settings) = store else {
        return Ok(Driver::new(JobServer::new(policy), None));
    };
    let Opened {
        store,
        rows,
        first_number,
    } = Store::open(settings)?;
    let mut engine = JobServer::new(Policy {
        durable: true,
        first_number,
        ..policy
    });
    let doubles = store::replay(&mut engine, driver::now(), &rows);
    doubles.iter().for_each(|&number| store.delete(number));
    tracing::info!(
        jobs = rows.len() - doubles.len(),
        doubles = doubles.len(),
        "jobs came back from the store"
    );
    Ok(Driver::new(engine, Some(store)))
}

#[derive(PartialEq, Eq)]
enum End {
    AtOnce,
    Gracefully,
}

/// Carries out the operator's commands until one of them ends the server.
async fn told_to_end(
    commands: &mut mpsc::UnboundedReceiver<Command>,
    phase: &watch::Sender<front::Phase>,
) -> End {
    loop {
        match commands.recv().await {
            Some(Command::Reload) => phase.send_modify(|phase| phase.reloads += 1),
            Some(Command::Drain) => return End::Gracefully,
            Some(Command::Stop) | None => return End::AtOnce,
        }
    }
}

/// Lets the running jobs end, for so long, and the clients hear of it.
async fn take_leave(hub: &Hub<Driver>, patience: Duration) {
    let drained = hub.with(|driver, _| driver.drain());
    tracing::info!("shutting down: no new connections and jobs; running jobs may end");
    if tokio::time::timeout(patience, drained.notified())
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = patience.as_secs(),
            "jobs are still running; ending all the same"
        );
    }
    let _ = tokio::time::timeout(LAST_WORDS, hub.close_all()).await;
}

/// What may end by itself, but is no reason to end.
async fn until_stopped(task: impl Future<Output = ()>) {
    task.await;
    std::future::pending().await
}

async fn accept(gate: Gate, hub: &Hub<Driver>, listener: Option<TcpListener>) {
    if let Some(listener) = listener {
        match gate.accept(hub, &listener).await {}
    }
}

/// A job server on a thread of its own, for as long as this lives.
#[derive(Debug)]
pub struct Background {
    address: SocketAddr,
    commands: Option<mpsc::UnboundedSender<Command>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Background {
    /// Starts it.
    pub fn start(listener: Listener, policy: Policy) -> io::Result<Self> {
        let address = listener.address()?;
        let (sender, commands) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("job server".to_owned())
            .spawn(move || {
                let settings = Settings {
                    policy,
                    ..Settings::default()
                };
                wire::block_on(serve(listener.into(), settings, commands, || {}))?
            })?;
        Ok(Background {
            address,
            commands: Some(sender),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            // What it died of was printed by the thread itself.
            let _ = thread.join();
        }
    }
}
