//! The program: one file a subcommand, each from arguments to a library call to print.

pub mod exit;
pub mod run;
mod serve;
mod signals;
mod target;

use crate::engine::Policy;
use crate::protocol::handle::HandlePrefix;
use clap::{Parser, Subcommand};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Test, benchmark and stress any Gearman job server; or be one.
#[derive(Debug, Parser)]
#[command(name = "gearbench", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Serve(serve::ServeArgs),
}

/// Parses the command line and runs it; returns the exit code.
pub fn main() -> anyhow::Result<u8> {
    match Cli::parse().command {
        Command::Run(args) => run::run(*args),
        Command::Serve(args) => serve::serve(&args),
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
        ..Policy::default()
    }
}
