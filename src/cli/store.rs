//! `gearbench store`: the file of a job server's background jobs.

use super::exit;
use crate::server::store::{Database, StoreError, import};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench store check jobs.db                       is the file whole, and what is in it?
  gearbench store import gearmand.db --into jobs.db   take the jobs of a stopped gearmand along
  gearbench serve --store sqlite:jobs.db              be the job server that has them";

const EXITS: &str = "\
Exit codes: 0 the file is whole, or all jobs came over; 2 no such file, no store, or a server holds
it; 5 the file is damaged: nothing came over.";

/// Look at a store of background jobs, or fill one from gearmand's.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy the jobs that gearmand keeps in SQLite; its file is only read
    Import {
        /// gearmand's file, which no gearmand uses
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// The store of `gearbench serve`, made if there is none; no server may hold it
        #[arg(long, env = "GEARBENCH_INTO", value_name = "PATH")]
        into: PathBuf,
        /// gearmand's table
        #[arg(
            long,
            env = "GEARBENCH_TABLE",
            value_name = "TABLE",
            default_value = "gearman_queue"
        )]
        table: String,
    },
    /// Look at every page and every job of a store; nothing is changed
    Check {
        /// The store of `gearbench serve`
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

/// Imports or checks.
pub(super) fn store(args: &StoreArgs) -> anyhow::Result<u8> {
    let done = match &args.command {
        Command::Import { from, into, table } => {
            import(from, table, into).map(|imported| listing(&imported.functions, "came over"))
        }
        Command::Check { path } => check(path),
    };
    match done {
        Ok(text) => {
            super::print(&text)?;
            Ok(exit::OK)
        }
        Err(error) => Ok(super::complain("store", &error, code_of(&error))),
    }
}

fn code_of(error: &StoreError) -> u8 {
    match error {
        StoreError::Damaged { .. } => exit::INVARIANT,
        _ => exit::USAGE,
    }
}

fn check(path: &std::path::Path) -> Result<String, StoreError> {
    let database = Database::open_to_read(path)?;
    let problems = database.integrity()?;
    if !problems.is_empty() {
        let (path, what) = (path.to_owned(), problems.join("; "));
        return Err(StoreError::Damaged { path, what });
    }
    let mut functions = BTreeMap::new();
    for row in database.rows()? {
        *functions.entry(row.function).or_default() += 1;
    }
    Ok(listing(&functions, "are stored"))
}

/// Jobs by function, and all of them.
fn listing(functions: &BTreeMap<Box<[u8]>, u64>, what: &str) -> String {
    let mut text = String::new();
    for (function, jobs) in functions {
        // A string takes every write.
        let _ = writeln!(text, "{jobs:>10}  {}", function.escape_ascii());
    }
    let total: u64 = functions.values().sum();
    let _ = writeln!(text, "{total:>10}  jobs {what}");
    text
}
