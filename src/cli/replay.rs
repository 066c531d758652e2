//! `gearbench replay`: recorded sessions, such as the shortest that `gearbench fuzz` found.

use super::conform::{self, ConformArgs, ServerArgs};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench replay gearbench-found/p-ord-01-grab-7.toml -t 127.0.0.1:4730
  gearbench replay gearbench-found/*.toml --launch '/usr/sbin/gearmand -p {port} -L 127.0.0.1'
  gearbench replay found.toml                        on gearbench's own server";

const EXITS: &str = "\
Exit codes: 0 all went as written; 2 usage, or a file that is no session; 3 the server cannot be
reached, or is gone; 4 it did something else; 8 nothing could be played; 130 and 143 interrupted.";

/// Play recorded sessions again: files of conformance cases.
///
/// The same as `gearbench conform` with `--cases` and nothing but these cases.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ReplayArgs {
    /// Files of cases, as `gearbench fuzz` writes them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Plays the cases of the files.
pub(super) fn replay(args: ReplayArgs) -> anyhow::Result<u8> {
    conform::play_as("replay", &ConformArgs::of_files(args.files, args.server))
}
