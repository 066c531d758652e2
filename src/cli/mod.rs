//! The program: one file a subcommand, each from arguments to a library call to print.

pub mod exit;
pub mod run;

use clap::{Parser, Subcommand};

/// Test, benchmark and stress any Gearman job server.
#[derive(Debug, Parser)]
#[command(name = "gearbench", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
}

/// Parses the command line and runs it; returns the exit code.
pub fn main() -> anyhow::Result<u8> {
    match Cli::parse().command {
        Command::Run(args) => run::run(*args),
    }
}
