//! Servers that are started for the tests: each on a free loopback port, in a directory and a
//! process group of its own, and gone with all its children when nobody holds it any more.
//!
//! A command such as `gearmand --port {port} --listen 127.0.0.1` is split into words like a shell
//! does and run directly; what needs a shell is written `sh -c '…'`. Placeholders are `{port}`,
//! which has to be there, `{http-port}`, `{dir}`, an empty directory that is removed at the end, and
//! `{tls-certificate}` and `{tls-key}`, PEM files in it made for the purpose. The server has to stay in the foreground and to listen on 127.0.0.1.

mod certificate;
mod command;
mod group;
mod launched;
mod log;
mod memory;
mod pause;
mod ports;
mod ready;

pub use group::kill_all;
pub use launched::Launched;
pub use memory::{Memory, MemoryWatch};

use super::arm::Ended;
use command::Command;
use std::io;
use std::time::Duration;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often another port is tried when another process has taken the first.
const ATTEMPTS: usize = 3;
/// Lines of the log that an error shows.
const SHOWN_LINES: usize = 10;

/// Starts servers by one command.
#[derive(Clone, Debug)]
pub struct Launcher {
    command: Command,
    patience: Duration,
    only_accepts: bool,
}

impl Launcher {
    /// The launcher of `command`.
    pub fn new(command: &str) -> Result<Self, LaunchError> {
        Ok(Launcher {
            command: Command::new(command)?,
            patience: PATIENCE,
            only_accepts: false,
        })
    }

    /// The same with another limit for the time until a server answers.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same for servers that do not answer to plain text, being encrypted: one that accepts a
    /// connection is ready.
    pub fn only_accepting(mut self) -> Self {
        self.only_accepts = true;
        self
    }

    /// Starts a server with more arguments, in which placeholders stand for the same, and waits
    /// until it answers.
    pub fn start(&self, extra: &[String]) -> Result<Launched, LaunchError> {
        let command = self.command.with(extra);
        let mut tried = Vec::new();
        loop {
            match Launched::start(&command, self) {
                Err(LaunchError::Taken {
                    mut ports,
                    log,
                    command,
                }) => {
                    tried.append(&mut ports);
                    if tried.len() >= ATTEMPTS {
                        let ports = tried;
                        return Err(LaunchError::Taken {
                            ports,
                            log,
                            command,
                        });
                    }
                }
                other => return other,
            }
        }
    }
}

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The command cannot be split into words.
    #[error("the command to launch {0}")]
    Command(&'static str),
    /// There is no free port, or no directory for the server.
    #[error("cannot prepare the launch of a server: {0}")]
    Prepare(io::Error),
    /// The program does not run at all.
    #[error("cannot run `{command}`: {source}")]
    Spawn {
        /// What was run.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended instead of answering.
    #[error("`{command}` ended with {ended} before it answered{log}")]
    Ended {
        /// What was run.
        command: String,
        /// How it ended.
        ended: Ended,
        /// The end of its log, on lines of their own.
        log: String,
    },
    /// It went on in the background.
    #[error(
        "`{command}` put itself into the background, where it cannot be watched: leave out the \
         option for that (such as -d or --daemon), or add the one against it{log}"
    )]
    Daemon {
        /// What was run.
        command: String,
        /// The end of its log, on lines of their own.
        log: String,
    },
    /// It runs and does not answer.
    #[error(
        "`{command}` did not answer on 127.0.0.1:{port} within {waited:?}: neither ECHO_REQ nor \
         GET_STATUS{log}"
    )]
    Silent {
        /// What was run.
        command: String,
        /// The port that was asked.
        port: u16,
        /// How long it was asked.
        waited: Duration,
        /// The end of its log, on lines of their own.
        log: String,
    },
    /// Other processes were faster on every port.
    #[error("`{command}` found its port in use, as on each of {ports:?}{log}")]
    Taken {
        /// What was run last.
        command: String,
        /// All ports that were tried.
        ports: Vec<u16>,
        /// The end of its log, on lines of their own.
        log: String,
    },
    /// It cannot be started again before it has ended.
    #[error("the server still runs")]
    Running,
    /// The system failed.
    #[error("cannot watch the server: {0}")]
    Watch(#[from] io::Error),
}

#[cfg(test)]
mod tests;
