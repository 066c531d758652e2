//! `gearbench schema`: the JSON Schema of what gearbench writes.

use super::exit;
use crate::report::series::{Repetition, Versus};
use crate::report::{compare, conform, json, saturation, sweep};
use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  gearbench schema conform      the schema of what `gearbench conform --json` writes
  gearbench schema run          the schema of the result.json that `gearbench run` writes";

const EXITS: &str = "\
Exit codes: 0 printed; 2 usage.";

/// Print the JSON Schema of a result.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct SchemaArgs {
    /// Which result
    #[arg(value_enum, default_value = "conform")]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// What `gearbench conform --json` writes
    Conform,
    /// What `gearbench run` writes
    Run,
    /// What `gearbench run --repeat` prints as JSON
    Repeat,
    /// What `gearbench saturate` writes
    Saturate,
    /// What `gearbench sweep` writes
    Sweep,
    /// What `gearbench versus` prints as JSON
    Versus,
    /// What `gearbench compare` prints as JSON
    Compare,
}

/// Prints a schema.
pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<u8> {
    let text = match args.of {
        Of::Conform => conform::schema()?,
        Of::Run => json::schema()?,
        Of::Repeat => Repetition::schema()?,
        Of::Saturate => saturation::schema()?,
        Of::Sweep => sweep::schema()?,
        Of::Versus => Versus::schema()?,
        Of::Compare => compare::schema()?,
    };
    super::print(&text)?;
    Ok(exit::OK)
}
