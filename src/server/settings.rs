//! All that an operator decides about the server, beyond the rules of its jobs.

use super::front::TlsSettings;
use super::store::StoreSettings;
use crate::engine::Policy;
use crate::wire;
use std::time::Duration;

/// How a job server runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules of its jobs.
    pub policy: Policy,
    /// The bounds of one connection.
    pub wire: wire::Config,
    /// Connections at the most; more are closed at once.
    pub max_connections: usize,
    /// TCP keep-alive on accepted connections, if it is on.
    pub keepalive: Option<Keepalive>,
    /// How long running jobs may take to end once [`Command::Drain`] was given.
    pub drain: Duration,
    /// Where background jobs are kept; `None` is in memory.
    pub store: Option<StoreSettings>,
    /// Encryption of the Gearman port; `None` is plain text.
    pub tls: Option<TlsSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            policy: Policy::default(),
            wire: wire::Config::default(),
            max_connections: 10_000,
            keepalive: None,
            drain: Duration::from_secs(30),
            store: None,
            tls: None,
        }
    }
}

/// TCP keep-alive, where `None` is the system's own value.
///
/// gearmand's `--keepalive`, `--keepalive-idle`, `--keepalive-interval`, `--keepalive-count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe.
    pub idle: Option<Duration>,
    /// Between two probes.
    pub interval: Option<Duration>,
    /// Probes without an answer before the connection is given up.
    pub count: Option<u32>,
}

/// What the operator tells a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End at once.
    Stop,
    /// Take no more connections and jobs, and end when the running jobs have ended. A second one
    /// is [`Command::Stop`].
    Drain,
    /// Read the certificates again.
    Reload,
}
