//! Where results go, and in which form they are printed.

use crate::report::text;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Columns of the terminal that stdout is; of what is none, as many as a text may have.
pub(super) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { text::WIDTH } else { columns }
}

/// What is printed at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// What a person decides by.
    #[default]
    Text,
    /// All of it.
    Json,
    /// Nothing.
    Quiet,
}

/// The flags for that.
#[derive(Args, Clone, Debug, Default)]
pub struct Output {
    /// Directory for the results: result.json, report.html, and what a run leaves (plan.toml,
    /// events.jsonl, latency.hlog, response.hgrm); `none` writes nothing [default:
    /// gearbench-out/TIME-COMMAND-ID]
    #[arg(
        long,
        env = "GEARBENCH_OUT",
        value_name = "DIR",
        help_heading = "Output"
    )]
    pub out: Option<PathBuf>,
    /// What to print
    #[arg(
        long,
        env = "GEARBENCH_FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Output"
    )]
    pub format: Format,
}

impl Output {
    /// The directory; `None` where nothing is to be written. `name` is that of one below
    /// `gearbench-out`, where none was given.
    pub fn directory(&self, name: &str) -> Option<PathBuf> {
        match &self.out {
            Some(dir) if dir.as_os_str() == "none" => None,
            Some(dir) => Some(dir.to_owned()),
            None => Some(Path::new("gearbench-out").join(name)),
        }
    }

    /// Says where the results are, beside a text.
    pub fn tell(&self, dir: &Path) {
        if self.format == Format::Text {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "written to {}", dir.display());
        }
    }

    /// Makes the directory that was named: results that have no place would be in vain.
    pub fn make(&self) -> anyhow::Result<()> {
        match &self.out {
            Some(dir) if dir.as_os_str() != "none" => super::run::files::make(dir),
            _ => Ok(()),
        }
    }
}
