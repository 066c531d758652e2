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

pub(super) use options::{Options, with_environment};

use super::exit;
use super::signals::ServeSignals;
use crate::server::{self, Bound, ListenError, Listener, Listeners};
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
    let admin = plan.admin.as_ref().map(bind).transpose()?;
    if let Some(user) = &plan.user {
        user::become_user(user)?;
    }
    let log = Log::start(plan.log.clone(), plan.syslog, plan.verbose)?;
    let _pid_file = plan.pid_file.as_deref().map(PidFile::write).transpose()?;
    warn_twice(&plan);
    let gear = gear.listen(plan.backlog)?;
    let admin = admin.map(|bound| bound.listen(plan.backlog)).transpose()?;
    run(plan, Listeners { gear, admin }, &log)?;
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
        let address = listeners.gear.address()?;
        let admin = listeners
            .admin
            .as_ref()
            .map(Listener::address)
            .transpose()?;
        let encrypted = plan.settings.tls.is_some();
        let ready = || {
            announce(address, admin, plan.daemon);
            tracing::info!(%address, encrypted, "serving");
            warn_of_strangers(address, admin, encrypted);
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
fn announce(gear: SocketAddr, admin: Option<SocketAddr>, daemon: bool) {
    let mut text = format!("listening on {gear}\n");
    if let Some(admin) = admin {
        text += &format!("admin on {admin}\n");
    }
    let mut stdout = std::io::stdout();
    let said = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = said {
        tracing::warn!(%error, "cannot say on stdout where");
    }
    if daemon && let Err(error) = daemon::detach() {
        tracing::warn!("{error:#}");
    }
}

/// Says what is open to whom, where that is more than this machine.
fn warn_of_strangers(gear: SocketAddr, admin: Option<SocketAddr>, encrypted: bool) {
    if !gear.ip().is_loopback() {
        let who = match encrypted {
            true => "reaches this address and has what TLS asks for",
            false => "reaches this address",
        };
        let what = match admin {
            Some(_) => "submit and run jobs, and read their data",
            None => "submit, run and cancel jobs, read their data, and change the queues",
        };
        tracing::warn!(address = %gear, "anyone who {who} may {what}");
    }
    if let Some(address) = admin.filter(|address| !address.ip().is_loopback()) {
        tracing::warn!(%address, "anyone who reaches this admin address may change the queues");
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
