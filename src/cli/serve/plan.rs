//! From options to what is to be done: everything is checked before anything is begun.

use super::options::{Options, Place, Verbose};
use super::user;
use crate::engine::Policy;
use crate::server::Settings;
use crate::wire;
use anyhow::Context;
use nix::unistd::User;
use std::path::PathBuf;

/// A host and a port.
pub(super) type Address = (String, u16);

/// What `serve` is to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) gear: Address,
    pub(super) admin: Option<Address>,
    pub(super) http: Option<Address>,
    pub(super) metrics: Option<Address>,
    pub(super) backlog: i32,
    pub(super) settings: Settings,
    pub(super) log: Place,
    pub(super) syslog: bool,
    pub(super) verbose: Verbose,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) user: Option<User>,
    pub(super) file_descriptors: Option<u64>,
    pub(super) daemon: bool,
    /// What was asked for in vain.
    pub(super) warnings: Vec<String>,
}

impl Plan {
    /// Paths become absolute here: a daemon changes its directory.
    pub(super) fn new(options: &Options, local: Policy) -> anyhow::Result<Self> {
        let Options {
            network,
            jobs,
            store,
            security,
            http,
            logging,
            limits,
            process,
            foreign,
        } = options;
        let policy = Policy {
            verbose: logging.verbose.name(),
            max_jobs: limits.max_jobs,
            max_bytes: limits.max_bytes as u64,
            ..jobs.policy(local)
        };
        let settings = Settings {
            policy,
            wire: limits.wire(wire::Config::default()),
            max_connections: limits.max_connections,
            keepalive: network.keepalive(),
            drain: process.drain,
            store: store.settings()?,
            tls: security.tls()?,
        };
        let mut warnings = foreign.warnings();
        warnings.extend(store.warnings());
        warnings.extend(security.warnings());
        warnings.extend(http.warnings());
        let log = logging.place().context("--log-file: no such place")?;
        if process.daemon && log == Place::Stderr {
            warnings.push("--daemon without --log-file FILE or --syslog: there is no log".into());
        }
        let beside = |port| (network.listen.clone(), port);
        Ok(Plan {
            gear: beside(network.port),
            admin: network.admin_listen.clone(),
            http: http.port()?.map(beside),
            metrics: http.metrics.clone(),
            backlog: network.backlog,
            settings,
            log,
            syslog: logging.syslog,
            verbose: logging.verbose,
            pid_file: absolute("--pid-file", process.pid_file.clone())?,
            user: process.user.as_deref().map(user::find).transpose()?,
            file_descriptors: process.file_descriptors,
            daemon: process.daemon,
            warnings,
        })
    }
}

pub(super) fn absolute(option: &str, path: Option<PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    let absolute = path.map(std::path::absolute).transpose();
    absolute.with_context(|| format!("{option}: cannot tell which directory it is below"))
}
