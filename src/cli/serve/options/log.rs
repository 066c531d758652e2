//! What is logged, and where.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

#[derive(Args, Debug)]
#[command(next_help_heading = "Logging")]
pub(in crate::cli::serve) struct Logging {
    /// Where the log goes: a file, `stderr` or `none` [default: stderr, or none with --syslog].
    #[arg(short, long, env = "GEARBENCH_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Log to the system's log too.
    #[arg(long, env = "GEARBENCH_SYSLOG", value_parser = BoolishValueParser::new())]
    pub(in crate::cli::serve) syslog: bool,
    /// What is logged.
    #[arg(
        long,
        env = "GEARBENCH_VERBOSE",
        value_name = "LEVEL",
        default_value = "NOTICE",
        ignore_case = true
    )]
    pub(in crate::cli::serve) verbose: Verbose,
}

/// Where the log goes, beside the system's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::serve) enum Place {
    Nowhere,
    Stderr,
    File(PathBuf),
}

impl Logging {
    pub(in crate::cli::serve) fn place(&self) -> std::io::Result<Place> {
        Ok(match &self.log_file {
            None if self.syslog => Place::Nowhere,
            None => Place::Stderr,
            Some(word) if word.as_os_str() == "none" => Place::Nowhere,
            Some(word) if word.as_os_str() == "stderr" => Place::Stderr,
            Some(path) => Place::File(std::path::absolute(path)?),
        })
    }
}

/// gearmand's log levels.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(in crate::cli::serve) enum Verbose {
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
    pub(in crate::cli::serve) fn filter(self) -> LevelFilter {
        match self {
            Verbose::Fatal | Verbose::Alert | Verbose::Critical | Verbose::Error => {
                LevelFilter::ERROR
            }
            Verbose::Warning => LevelFilter::WARN,
            Verbose::Notice | Verbose::Info => LevelFilter::INFO,
            Verbose::Debug => LevelFilter::DEBUG,
        }
    }

    pub(in crate::cli::serve) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}
