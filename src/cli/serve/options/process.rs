//! The process: its file, its user, its end.

use clap::Args;
use clap::builder::BoolishValueParser;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(next_help_heading = "Process")]
pub(in crate::cli::serve) struct Process {
    /// Run in the background; the command ends when the port answers.
    #[arg(short, long, env = "GEARBENCH_DAEMON", value_parser = BoolishValueParser::new())]
    pub(in crate::cli::serve) daemon: bool,
    /// File to write the process id to; it is there before the port answers, and removed at exit.
    #[arg(short = 'P', long, env = "GEARBENCH_PID_FILE", value_name = "FILE")]
    pub(in crate::cli::serve) pid_file: Option<PathBuf>,
    /// Become this user once the ports are bound; only root can.
    ///
    /// The log file and the pid file are written, and the store and certificates read, as this
    /// user.
    #[arg(short, long, env = "GEARBENCH_USER", value_name = "NAME")]
    pub(in crate::cli::serve) user: Option<String>,
    /// Files and connections that the process may have open [default: all the system allows].
    #[arg(short, long, env = "GEARBENCH_FILE_DESCRIPTORS", value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli::serve) file_descriptors: Option<u64>,
    /// Seconds that running jobs may take to end after SIGUSR1.
    #[arg(long, env = "GEARBENCH_DRAIN", value_name = "SECONDS", default_value = "30", value_parser = drain)]
    pub(in crate::cli::serve) drain: Duration,
    /// More options, as on the command line, which is stronger [default: /etc/gearmand.conf, if any].
    ///
    /// Words between spaces and line ends; `#` begins a comment.
    #[arg(long, env = "GEARBENCH_CONFIG_FILE", value_name = "FILE")]
    pub(in crate::cli::serve) config_file: Option<PathBuf>,
    /// Check all options and the configuration file, start nothing.
    #[arg(long, env = "GEARBENCH_CHECK_ARGS", value_parser = BoolishValueParser::new())]
    pub(in crate::cli::serve) check_args: bool,
}

/// At most a day.
fn drain(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected 0 to 86400 seconds".to_owned()),
    }
}
