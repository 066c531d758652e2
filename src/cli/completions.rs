//! `gearbench completions` and `gearbench man`: what a shell and a reader need of the program.

use super::{Cli, exit};
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench completions bash > ~/.local/share/bash-completion/completions/gearbench
  gearbench completions zsh > \"${fpath[1]}/_gearbench\"
  gearbench completions fish > ~/.config/fish/completions/gearbench.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  gearbench man | man -l -                               the program
  gearbench man run | man -l -                           one of its commands
  gearbench man --out ~/.local/share/man/man1            all of them, as files";

const EXITS: &str = "\
Exit codes: 0 printed; 2 usage.";

/// Print what makes a shell complete the commands and flags.
#[derive(clap::Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual, as roff.
#[derive(clap::Args, Debug)]
#[command(before_help = MAN_EXAMPLES, after_help = EXITS)]
pub(super) struct ManArgs {
    /// The page of this command
    command: Option<String>,
    /// Write all pages into this directory, which is made
    #[arg(
        long,
        env = "GEARBENCH_OUT",
        value_name = "DIR",
        conflicts_with = "command"
    )]
    out: Option<PathBuf>,
}

/// Prints completions.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gearbench", &mut text);
    super::print(&String::from_utf8(text).context("completions are text")?)?;
    Ok(exit::OK)
}

/// Prints a page of the manual, or writes all.
pub(super) fn man(args: &ManArgs) -> anyhow::Result<u8> {
    let mut program = Cli::command();
    if let Some(directory) = &args.out {
        let place = directory.display();
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {place}"))?;
        clap_mangen::generate_to(program, directory)
            .with_context(|| format!("cannot write into {place}"))?;
        return Ok(exit::OK);
    }
    // Names such as gearbench-run come with building.
    program.build();
    let page = match &args.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let error = format!("there is no command {name:?}; see `gearbench --help`");
                return Ok(super::complain("man", &error, exit::USAGE));
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    super::print(&String::from_utf8(text).context("a page is text")?)?;
    Ok(exit::OK)
}
