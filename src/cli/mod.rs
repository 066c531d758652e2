//! The program: one file a subcommand, each from arguments to a library call to print.

mod check;
mod compare;
mod completions;
mod conform;
mod diff;
mod doctor;
pub mod exit;
mod explain;
mod fuzz;
mod list;
#[cfg(any(test, feature = "mutants"))]
mod mutants;
pub mod output;
mod progress;
mod replay;
mod report;
pub mod run;
mod saturate;
mod schema;
mod serve;
mod signals;
mod simulate;
mod store;
mod submit;
mod sweep;
mod target;
mod versus;
mod work;

pub(crate) use serve::check_config;

use crate::engine::Policy;
use crate::load::units;
use crate::protocol::handle::HandlePrefix;
use crate::report::escape;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::time::{Duration, SystemTime};

const EXAMPLES: &str = "\
Examples:
  gearbench                                  check a job server started here, inside gearbench
  gearbench -t 127.0.0.1:4730                check that one: 45 s, harmless
  gearbench conform -t 127.0.0.1:4730        which rules of the protocol does it keep?
  gearbench run -t 127.0.0.1:4730 --clients 1000 --workers 1000 --duration 20s
  gearbench serve -p 4730                    be a job server";

/// Test, benchmark and stress any Gearman job server; or be one.
///
/// Without a command: check.
#[derive(Debug, Parser)]
#[command(name = "gearbench", version, max_term_width = 100, before_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::CheckArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Run(Box<run::Args>),
    Saturate(Box<saturate::SaturateArgs>),
    Compare(compare::CompareArgs),
    Conform(Box<conform::ConformArgs>),
    Diff(Box<diff::DiffArgs>),
    Doctor(doctor::DoctorArgs),
    Explain(explain::ExplainArgs),
    Fuzz(Box<fuzz::FuzzArgs>),
    List(list::ListArgs),
    #[cfg(any(test, feature = "mutants"))]
    Mutants(mutants::MutantsArgs),
    Replay(Box<replay::ReplayArgs>),
    Report(report::ReportArgs),
    Schema(schema::SchemaArgs),
    Serve(Box<serve::Options>),
    Simulate(simulate::SimulateArgs),
    Store(store::StoreArgs),
    Submit(submit::SubmitArgs),
    Sweep(Box<sweep::SweepArgs>),
    Versus(Box<versus::VersusArgs>),
    Work(work::WorkArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Parses the command line and runs it; returns the exit code.
pub fn main() -> anyhow::Result<u8> {
    #[cfg(any(test, feature = "mutants"))]
    if let Err(code) = mutants::from_environment() {
        return Ok(code);
    }
    let mut command = Cli::command().mut_subcommand("serve", serve::with_environment);
    let parsed = command
        .try_get_matches_from_mut(std::env::args_os())
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| error.format(&mut command));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return Ok(refuse(&error)),
    };
    match cli.command.unwrap_or(Command::Check(cli.check)) {
        Command::Check(args) => check::check(&args),
        Command::Run(args) => run::run(*args),
        Command::Saturate(args) => saturate::saturate(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Conform(args) => conform::conform(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Fuzz(args) => fuzz::fuzz(&args),
        Command::List(args) => list::list(&args),
        #[cfg(any(test, feature = "mutants"))]
        Command::Mutants(args) => mutants::mutants(&args),
        Command::Replay(args) => replay::replay(*args),
        Command::Report(args) => report::report(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Serve(args) => serve::serve(*args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Store(args) => store::store(&args),
        Command::Submit(args) => submit::submit(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Versus(args) => versus::versus(&args),
        Command::Work(args) => work::work(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
    }
}

/// Prints why there is nothing to run, or the help that was asked for; returns the code.
///
/// A job server that cannot start ends with the code of gearmand, whatever the reason is.
fn refuse(error: &clap::Error) -> u8 {
    // Nobody is left to tell when the streams are gone.
    let _ = error.print();
    let serve = std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "serve");
    match error.use_stderr() {
        true if serve => exit::INTERNAL,
        true => exit::USAGE,
        false => exit::OK,
    }
}

/// The name of this host.
fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The settings of a job server on this host.
fn local_policy() -> Policy {
    Policy {
        handle_prefix: HandlePrefix::for_host(&host_name()),
        pid: std::process::id(),
        hash_seed: RandomState::new().build_hasher().finish(),
        first_number: first_number(),
        ..Policy::default()
    }
}

/// The first number of a life without a store: by the clock, so that a handle of an earlier life
/// names no job of this one.
fn first_number() -> u64 {
    /// No server takes in so many jobs in a microsecond, so an earlier life never came so far.
    const PER_MICROSECOND: u64 = 8;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(0);
    micros.saturating_mul(PER_MICROSECOND) + 1
}

/// An error with its causes, each of them once: many messages contain their cause already. What
/// came from a file or a server in it is harmless to a terminal.
pub fn reason(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    escape::block(&text)
}

/// Reads the time that a command may take in all: `least`, a day, or anything between.
fn budget(text: &str, least: Duration) -> Result<Duration, String> {
    let budget = units::duration(text).map_err(|error| error.to_string())?;
    match (least..=Duration::from_secs(24 * 3600)).contains(&budget) {
        true => Ok(budget),
        false => Err(format!(
            "the budget must be at least {}s and at most 24h",
            least.as_secs()
        )),
    }
}

/// Says why there is no report; returns the code.
fn complain(command: &str, error: &dyn std::fmt::Display, code: u8) -> u8 {
    let mut err = std::io::stderr();
    // What files and servers say is repeated here.
    let error = escape::block(&error.to_string());
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(err, "gearbench {command}: {error}");
    if code == exit::TARGET {
        let _ = writeln!(
            err,
            "Is it running, and is this its port? `-t HOST:PORT` names another."
        );
    }
    code
}

/// Writes a report to stdout. A reader that has seen enough, such as `head`, is no failure.
fn print(text: &str) -> std::io::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
