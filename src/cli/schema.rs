//! `gearbench schema`: the JSON Schema of what gearbench writes.

use super::exit;
use crate::report::conform;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Print the JSON Schema of a result.
#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// Which result
    #[arg(value_enum, default_value = "conform")]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// What `gearbench conform --json` writes
    Conform,
}

/// Prints a schema.
pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<u8> {
    let text = match args.of {
        Of::Conform => conform::schema()?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(exit::OK)
}
