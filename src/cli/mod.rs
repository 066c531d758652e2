//! The program: one file a subcommand, arguments to a library call to print.

pub mod exit;
mod serve;
mod target;

use crate::engine::Policy;
use crate::protocol::handle::HandlePrefix;
use clap::{Parser, Subcommand};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;

/// Test, benchmark and stress any Gearman job server; or be one.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::ServeArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Serve(args) => serve::serve(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln_error(&error);
            ExitCode::from(exit::INTERNAL)
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where errors reach people"
)]
fn eprintln_error(error: &anyhow::Error) {
    eprintln!("gearbench: {error:#}");
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

/// Allows this process as many descriptors as it may ask for: thousands of connections are the
/// purpose, and the default is often 1024.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where the system refuses, the limit it has is the one that counts.
    let _ = setrlimit(Resource::Nofile, raised);
}
