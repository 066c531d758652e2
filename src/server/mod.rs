//! The reference job server: the engine, driven by the wire.
//!
//! One thread owns the engine and all connections. A frame goes from the read buffer through the
//! engine into the buffers of its recipients; nothing is queued between. The only other tasks
//! accept connections and wait for the engine's next deadline.

mod driver;
mod listen;

pub use listen::{Bound, ListenError, Listener};

use crate::engine::{JobServer, Policy};
use crate::wire::{self, Hub};
use driver::Driver;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Serves on `listener` until `stop` is ready; the connections end with it.
pub async fn serve<R>(
    listener: Listener,
    policy: Policy,
    config: wire::Config,
    stop: impl Future<Output = R>,
) -> io::Result<R> {
    let listener = listener.into_tokio()?;
    let hub = Hub::new(Driver::new(JobServer::new(policy)), config);
    tokio::select! {
        result = stop => Ok(result),
        never = driver::accept(&hub, &listener) => match never {},
        never = driver::keep_deadlines(&hub) => match never {},
    }
}

/// A job server on a thread of its own, for as long as this lives.
#[derive(Debug)]
pub struct Background {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Background {
    /// Starts it.
    pub fn start(listener: Listener, policy: Policy) -> io::Result<Self> {
        let address = listener.address()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("job server".to_owned())
            .spawn(move || {
                let config = wire::Config::default();
                wire::block_on(serve(listener, policy, config, async {
                    // A sender that was dropped stops the server too.
                    let _ = stopped.await;
                }))?
            })?;
        Ok(Background {
            address,
            stop: Some(stop),
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
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it died of was printed by the thread itself.
            let _ = thread.join();
        }
    }
}
