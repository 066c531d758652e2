//! Where background jobs are kept.

use crate::server::StoreSettings;
use anyhow::{anyhow, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use std::path::PathBuf;

/// What there is, for those who asked for something else.
const KINDS: &str = "there is `--store sqlite:PATH` (or `-q libsqlite3 --libsqlite3-db PATH`), and \
                     `-q builtin`, which is memory only";

#[derive(Args, Debug)]
#[command(next_help_heading = "Store")]
pub(in crate::cli::serve) struct Storing {
    /// Keep background jobs in a file, so that they outlive the server: `sqlite:PATH`.
    #[arg(long, env = "GEARBENCH_STORE", value_name = "KIND:PATH")]
    store: Option<String>,
    /// Bytes that the file may have at the most; background jobs are refused beyond.
    #[arg(long, env = "GEARBENCH_STORE_LIMIT", value_name = "SIZE", value_parser = super::limits::size)]
    store_limit: Option<usize>,
    /// The same in gearmand's words: `builtin` is memory, `libsqlite3` is a file.
    #[arg(short, long, env = "GEARBENCH_QUEUE_TYPE", value_name = "NAME")]
    queue_type: Option<String>,
    /// The file of `-q libsqlite3`.
    #[arg(long, env = "GEARBENCH_LIBSQLITE3_DB", value_name = "PATH")]
    libsqlite3_db: Option<PathBuf>,
    /// Table of gearmand's own in that file, whose jobs are taken over at the start.
    #[arg(
        long,
        env = "GEARBENCH_LIBSQLITE3_TABLE",
        value_name = "TABLE",
        default_value = "gearman_queue"
    )]
    libsqlite3_table: String,
    /// Accepted: a job is stored before it is acknowledged, not at the end.
    #[arg(long, env = "GEARBENCH_STORE_QUEUE_ON_SHUTDOWN", value_parser = BoolishValueParser::new())]
    store_queue_on_shutdown: bool,
}

impl Storing {
    /// The store; `None` is memory only.
    pub(in crate::cli::serve) fn settings(&self) -> anyhow::Result<Option<StoreSettings>> {
        let path = super::super::plan::absolute("--store", self.file()?)?;
        // A file of ours alone has no table of gearmand's.
        let gearmands = self.store.is_none();
        Ok(path.map(|path| StoreSettings {
            path,
            take_over: gearmands.then(|| self.libsqlite3_table.clone()),
            max_bytes: self.store_limit.map(|bytes| bytes as u64),
        }))
    }

    /// The SQLite file.
    fn file(&self) -> anyhow::Result<Option<PathBuf>> {
        let gearmands = self.gearmands_file()?;
        let Some(store) = &self.store else {
            return Ok(gearmands);
        };
        if self.queue_type.is_some() {
            bail!("--store and --queue-type say the same in two ways: use one of them");
        }
        match store.split_once(':') {
            Some(("sqlite", "")) => bail!("--store sqlite: names no file: `sqlite:PATH`"),
            Some(("sqlite", path)) => Ok(Some(path.into())),
            _ => bail!("--store {store:?} is not known here: {KINDS}"),
        }
    }

    fn gearmands_file(&self) -> anyhow::Result<Option<PathBuf>> {
        let Some(name) = &self.queue_type else {
            return Ok(None);
        };
        match name.to_ascii_lowercase().as_str() {
            "builtin" => Ok(None),
            "libsqlite3" => {
                let file = self.libsqlite3_db.clone().ok_or_else(|| {
                    anyhow!("--queue-type libsqlite3 needs a file: --libsqlite3-db PATH")
                })?;
                Ok(Some(file))
            }
            _ => bail!(
                "--queue-type {name:?} is not known here, and without it jobs would not be kept: \
                 {KINDS}"
            ),
        }
    }

    /// What was asked for in vain.
    pub(in crate::cli::serve) fn warnings(&self) -> Vec<String> {
        let stores = matches!(self.file(), Ok(Some(_)));
        let mut warnings = Vec::new();
        let mut warn = |given: bool, text: &str| {
            if given {
                warnings.push(text.to_owned());
            }
        };
        warn(
            self.libsqlite3_db.is_some() && !stores,
            "--libsqlite3-db without -q libsqlite3 is not used: jobs are kept in memory only",
        );
        warn(
            self.store_limit.is_some() && !stores,
            "--store-limit without a store is not used: jobs are kept in memory only",
        );
        warn(
            self.store_queue_on_shutdown,
            "--store-queue-on-shutdown has no meaning here: a store is written before jobs are \
             acknowledged",
        );
        warnings
    }
}
