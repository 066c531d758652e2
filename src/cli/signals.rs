//! SIGINT and SIGTERM.

use super::exit;
use crate::conformance::launch;
use crate::server::Command;
use anyhow::Context;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8};
use tokio::sync::mpsc::UnboundedSender;

/// Whether the user wants an end. A second signal ends the process at once.
pub(super) struct Interruption {
    stop: Arc<AtomicBool>,
    code: Arc<AtomicU8>,
}

impl Interruption {
    /// Watches for signals from now on.
    pub(super) fn watch() -> anyhow::Result<Self> {
        let interruption = Interruption {
            stop: Arc::default(),
            code: Arc::default(),
        };
        let (stop, code) = (interruption.stop(), Arc::clone(&interruption.code));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot watch for signals")?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new().context("cannot watch for signals")?
        };
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    let signal = signals.next().await;
                    code.store(signal, SeqCst);
                    if stop.swap(true, SeqCst) {
                        // Whoever holds them has no time to end them.
                        launch::kill_all();
                        std::process::exit(signal.into());
                    }
                }
            });
        });
        Ok(interruption)
    }

    /// A flag that the first signal sets.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// The exit code that tells of the signal, once there was one.
    pub(super) fn code(&self) -> Option<u8> {
        Some(self.code.load(SeqCst)).filter(|&code| code != exit::OK)
    }
}

/// The signals that ask for an end.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes the signals over; called on a runtime.
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; the exit code that tells of it.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => exit::INTERRUPTED,
            _ = self.terminate.recv() => exit::TERMINATED,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    pub(super) async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => exit::INTERRUPTED,
            Err(_) => std::future::pending().await,
        }
    }
}

/// The signals that a job server is told things by.
#[cfg(unix)]
pub(super) struct ServeSignals {
    end: Signals,
    drain: tokio::signal::unix::Signal,
    reload: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl ServeSignals {
    /// Takes the signals over; called on a runtime.
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(ServeSignals {
            end: Signals::new()?,
            drain: signal(SignalKind::user_defined1())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    /// Passes them on, for ever; `reloading` is called first where that is asked for.
    pub(super) async fn command(
        mut self,
        commands: UnboundedSender<Command>,
        reloading: impl Fn(),
    ) -> Infallible {
        loop {
            let (signal, command) = tokio::select! {
                code = self.end.next() => match code {
                    exit::TERMINATED => ("SIGTERM", Command::Stop),
                    _ => ("SIGINT", Command::Stop),
                },
                _ = self.drain.recv() => ("SIGUSR1", Command::Drain),
                _ = self.reload.recv() => ("SIGHUP", Command::Reload),
            };
            if command == Command::Reload {
                reloading();
            }
            tracing::info!(signal, ?command, "told by a signal");
            // A server that has gone needs no commands.
            let _ = commands.send(command);
        }
    }
}
