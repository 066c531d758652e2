//! `gearbench serve`: the reference job server.

use super::exit;
use super::signals::ServeSignals;
use crate::engine::Policy;
use crate::protocol::handle::HandlePrefix;
use crate::server::{self, Bound, Listener, Listeners, Settings, StoreSettings};
use crate::wire;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tracing::level_filters::LevelFilter;

const EXAMPLES: &str = "\
Examples:
  gearbench serve                            on 127.0.0.1:4730
  gearbench serve -p 0                       on any free port, which the first line names
  gearbench serve -L 0.0.0.0 -j 3 -l none    open to the network, three attempts for each job
";

const EXITS: &str = "\
Exit codes: 0 ended by SIGTERM or SIGINT; 1 it cannot start, such as on a port in use; 2 usage.";

/// Serve Gearman: a compact job server, started with gearmand's own options.
///
/// Jobs are kept in memory. SIGTERM and SIGINT end the server with exit code 0.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ServeArgs {
    /// Port to listen on; 0 is any free one.
    #[arg(short, long, env = "GEARMAND_PORT", default_value_t = 4730)]
    port: u16,
    /// Address to listen on. There is no password in Gearman: whoever reaches it may use it.
    #[arg(
        short = 'L',
        long,
        env = "GEARBENCH_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    listen: String,
    /// Connections that may wait to be accepted; the system may allow fewer.
    #[arg(short, long, env = "GEARBENCH_BACKLOG", value_name = "N", default_value_t = 4096,
          value_parser = clap::value_parser!(i32).range(1..))]
    backlog: i32,
    /// How often a job may be handed out before it fails: -1 no limit, 0 and 1 once, up to 255.
    #[arg(short, long, env = "GEARBENCH_JOB_RETRIES", value_name = "N", default_value_t = -1, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i16).range(-1..=255))]
    job_retries: i16,
    /// Sleeping workers to wake for a new job; 0 is all of them.
    #[arg(
        short,
        long,
        env = "GEARBENCH_WORKER_WAKEUP",
        value_name = "N",
        default_value_t = 1
    )]
    worker_wakeup: u32,
    /// Another protocol to speak, on a port of its own: jobs by HTTP.
    #[arg(short = 'r', long, env = "GEARBENCH_PROTOCOL", value_name = "NAME")]
    protocol: Option<Protocol>,
    /// Port of HTTP; 0 is any free one.
    #[arg(
        long,
        env = "GEARBENCH_HTTP_PORT",
        value_name = "PORT",
        default_value_t = 8080
    )]
    http_port: u16,
    /// Address to serve `/metrics` and `/healthz` on.
    #[arg(long, env = "GEARBENCH_METRICS", value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Send exceptions to every client, as if it had asked for them.
    #[arg(long, env = "GEARBENCH_EXCEPTIONS")]
    exceptions: bool,
    /// What handles begin with [default: H: and the name of this host].
    #[arg(long, env = "GEARBENCH_JOB_HANDLE_PREFIX", value_name = "TEXT", value_parser = handle_prefix)]
    job_handle_prefix: Option<HandlePrefix>,
    /// Keep background jobs in a file, as sqlite:PATH.
    #[arg(long, env = "GEARBENCH_STORE", value_name = "sqlite:PATH", value_parser = store)]
    store: Option<PathBuf>,
    /// File to write the process id to; it is there before the port answers, and removed at exit.
    #[arg(short = 'P', long, env = "GEARBENCH_PID_FILE", value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Where the log goes: a file, `stderr` or `none`.
    #[arg(
        short,
        long,
        env = "GEARBENCH_LOG_FILE",
        value_name = "FILE",
        default_value = "stderr"
    )]
    log_file: String,
    /// What is logged.
    #[arg(
        long,
        env = "GEARBENCH_VERBOSE",
        value_name = "LEVEL",
        default_value = "NOTICE",
        ignore_case = true
    )]
    verbose: Verbose,
}

fn store(text: &str) -> Result<PathBuf, String> {
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
        _ => Err("expected sqlite:PATH".to_owned()),
    }
}

fn handle_prefix(text: &str) -> Result<HandlePrefix, String> {
    HandlePrefix::new(text.as_bytes()).map_err(|error| error.to_string())
}

/// What is spoken besides Gearman.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    Http,
}

/// gearmand's log levels.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Verbose {
    Fatal,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Verbose {
    fn filter(self) -> LevelFilter {
        match self {
            Verbose::Fatal | Verbose::Alert | Verbose::Critical | Verbose::Error => {
                LevelFilter::ERROR
            }
            Verbose::Warning => LevelFilter::WARN,
            Verbose::Notice | Verbose::Info => LevelFilter::INFO,
            Verbose::Debug => LevelFilter::DEBUG,
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// A file with our process id, as long as this lives.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: &Path) -> anyhow::Result<Self> {
        fs::write(path, format!("{}\n", std::process::id()))
            .with_context(|| format!("cannot write the pid file {}", path.display()))?;
        Ok(PidFile(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl ServeArgs {
    fn policy(&self) -> Policy {
        let local = super::local_policy();
        Policy {
            job_retries: u8::try_from(self.job_retries).ok(),
            worker_wakeup: NonZeroU32::new(self.worker_wakeup),
            exceptions: self.exceptions,
            handle_prefix: self
                .job_handle_prefix
                .clone()
                .unwrap_or(local.handle_prefix),
            verbose: self.verbose.name(),
            ..local
        }
    }

    fn start_log(&self) -> anyhow::Result<()> {
        let log = tracing_subscriber::fmt()
            .with_max_level(self.verbose.filter())
            // A log that cannot be written is no reason to stop serving.
            .log_internal_errors(false);
        match self.log_file.as_str() {
            "none" => {}
            "stderr" => {
                let colour = std::io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                log.with_ansi(colour).with_writer(std::io::stderr).init();
            }
            path => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .with_context(|| format!("cannot write the log file {path}"))?;
                log.with_ansi(false).with_writer(file).init();
            }
        }
        Ok(())
    }
}

/// Serves until SIGTERM or SIGINT.
pub(super) fn serve(args: &ServeArgs) -> anyhow::Result<u8> {
    args.start_log()?;
    let policy = args.policy();
    wire::raise_file_limit();
    // The pid file of a server that has the port already is not ours to touch; whoever can connect
    // may read ours.
    let bound = Bound::to(&args.listen, args.port)?;
    let _pid_file = args.pid_file.as_deref().map(PidFile::write).transpose()?;
    let listener = bound.listen(args.backlog)?;
    let address = listener.address()?;
    let listen = |host: &str, port| Listener::bind(host, port, args.backlog);
    let listeners = Listeners {
        http: args
            .protocol
            .map(|Protocol::Http| listen(&args.listen, args.http_port))
            .transpose()?,
        metrics: args
            .metrics
            .map(|at| listen(&at.ip().to_string(), at.port()))
            .transpose()?,
        ..listener.into()
    };
    let others = [("HTTP", &listeners.http), ("metrics", &listeners.metrics)];
    for (what, listener) in others {
        if let Some(listener) = listener {
            tracing::info!(address = %listener.address()?, "serving {what}");
        }
    }
    let store = args.store.clone();
    let (sender, commands) = mpsc::unbounded_channel();
    wire::block_on(async {
        let signals = ServeSignals::new()?;
        // Whoever started us reads where, and may connect from then on.
        let mut stdout = std::io::stdout();
        writeln!(stdout, "listening on {address}").and_then(|()| stdout.flush())?;
        tracing::info!(%address, "serving");
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "anyone who reaches this address may submit, run and cancel jobs"
            );
        }
        let settings = Settings {
            policy,
            store: store.map(|path| StoreSettings {
                path,
                take_over: None,
                max_bytes: None,
            }),
            ..Settings::default()
        };
        tokio::select! {
            result = server::serve(listeners, settings, commands, || {}) => result?,
            never = signals.command(sender) => match never {},
        }
        tracing::info!("stopped");
        Ok(exit::OK)
    })?
}
