//! `gearbench serve`: the reference job server, in gearmand's place.
//!
//! From options to a plan, which is checked as a whole; then in this order: leave the terminal,
//! bind, become another user, open the log, write the pid file, listen, serve. Until the log is
//! open there is one thread.

mod config_file;
mod daemon;
mod files;
mod log;
mod options;
mod pid_file;
mod plan;
mod user;

pub(crate) use config_file::check_text as check_config;
pub(super) use options::{Options, with_environment};

use super::exit;
use super::signals::ServeSignals;
use crate::server::{self, Bound, ListenError, Listeners, Settings, StoreSettings, TlsSettings};
use crate::wire;
use log::Log;
use pid_file::PidFile;
use plan::{Address, Plan};
use std::io::Write;
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// Serves until a signal ends it; the exit code. What keeps it from starting is an error, and so
/// are arguments that are wrong.
pub(super) fn serve(options: Options) -> anyhow::Result<u8> {
    let options = config_file::complete(options)?;
    let plan = Plan::new(&options, super::local_policy())?;
    if options.process.check_args {
        files::check(plan.file_descriptors)?;
        let Settings { store, tls, .. } = &plan.settings;
        store.as_ref().map_or(Ok(()), StoreSettings::check)?;
        tls.as_ref().map_or(Ok(()), TlsSettings::check)?;
        warn(&plan.warnings);
        return Ok(exit::OK);
    }
    if plan.daemon && !daemon::is_child() {
        return daemon::start();
    }
    if plan.daemon {
        daemon::leave()?;
    }
    files::limit(plan.file_descriptors)?;
    // The pid file of a server that has the port already is not ours to touch; whoever can connect
    // may read ours.
    let gear = bind(&plan.gear)?;
    let [admin, http, metrics] = [&plan.admin, &plan.http, &plan.metrics];
    let other = |address: &Option<Address>| address.as_ref().map(bind).transpose();
    let others = [other(admin)?, other(http)?, other(metrics)?];
    if let Some(user) = &plan.user {
        user::become_user(user)?;
    }
    let log = Log::start(plan.log.clone(), plan.syslog, plan.verbose)?;
    let _pid_file = plan.pid_file.as_deref().map(PidFile::write).transpose()?;
    warn_twice(&plan);
    let gear = gear.listen(plan.backlog)?;
    let [admin, http, metrics] = others.map(|bound| bound.map(|bound| bound.listen(plan.backlog)));
    let listeners = Listeners {
        gear,
        admin: admin.transpose()?,
        http: http.transpose()?,
        metrics: metrics.transpose()?,
    };
    run(plan, listeners, &log)?;
    tracing::info!("stopped");
    Ok(exit::OK)
}

fn bind((host, port): &Address) -> Result<Bound, ListenError> {
    Bound::to(host, *port)
}

fn run(plan: Plan, listeners: Listeners, log: &Log) -> anyhow::Result<()> {
    let (sender, commands) = mpsc::unbounded_channel();
    wire::block_on(async {
        let signals = ServeSignals::new()?;
        let gear = listeners.gear.address()?;
        let mut places = vec![("listening", gear)];
        let others = [
            ("admin", &listeners.admin),
            ("http", &listeners.http),
            ("metrics", &listeners.metrics),
        ];
        for (what, listener) in others {
            if let Some(listener) = listener {
                places.push((what, listener.address()?));
            }
        }
        let encrypted = plan.settings.tls.is_some();
        let ready = || {
            announce(&places, plan.daemon);
            warn_of_strangers(&places, encrypted);
        };
        tokio::select! {
            result = server::serve(listeners, plan.settings, commands, ready) => result?,
            never = signals.command(sender, || log.reopen()) => match never {},
        }
        Ok(())
    })?
}

/// Whoever started us reads where we listen, and may connect from then on. If nobody reads, we
/// serve all the same.
fn announce(places: &[(&str, SocketAddr)], daemon: bool) {
    let mut text = String::new();
    for (what, address) in places {
        text += &format!("{what} on {address}\n");
        let name = match *what {
            "listening" => "Gearman",
            "http" => "HTTP",
            other => other,
        };
        tracing::info!(%address, "serving {name}");
    }
    let mut stdout = std::io::stdout();
    let said = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = said {
        tracing::warn!(%error, "cannot say on stdout where");
    }
    if daemon && let Err(error) = daemon::detach() {
        tracing::warn!("{}", super::reason(&error));
    }
}

/// Says what is open to whom, where that is more than this machine.
fn warn_of_strangers(places: &[(&str, SocketAddr)], encrypted: bool) {
    let confined = places.iter().any(|&(what, _)| what == "admin");
    let open = places
        .iter()
        .filter(|(_, address)| !address.ip().is_loopback());
    for (what, address) in open {
        let who = match *what == "listening" && encrypted {
            true => "reaches this address and has what TLS asks for",
            false => "reaches this address",
        };
        let may = match *what {
            "admin" => "change the queues, and submit and run jobs",
            "http" => "submit jobs",
            "metrics" => "read the names of functions and how much they are used",
            _ if confined => "submit and run jobs, and read their data",
            _ => "submit, run and cancel jobs, read their data, and change the queues",
        };
        tracing::warn!(%address, "anyone who {who} may {may}");
    }
}

/// Each line once on stderr and once in the log, which may be the same.
fn warn_twice(plan: &Plan) {
    if plan.log != options::Place::Stderr {
        warn(&plan.warnings);
    }
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
}

fn warn(warnings: &[String]) {
    let mut stderr = std::io::stderr();
    for warning in warnings {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(stderr, "gearbench serve: warning: {warning}");
    }
}
