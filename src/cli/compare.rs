//! `gearbench compare`.

use super::exit;
use crate::report::Report;
use crate::report::compare::{self, Gate, Options, Side};
use crate::report::document::FileError;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  gearbench compare before/result.json after/result.json
  gearbench compare before after --gate response.p99:+10% --gate throughput:-5%
  gearbench compare a1,a2,a3,a4 b1,b2,b3,b4        several runs a side: the best evidence
  gearbench compare before after --format md >> \"$GITHUB_STEP_SUMMARY\"";

const EXITS: &str = "\
Exit codes: 0 compared, all gates hold; 2 usage, unlike runs, or a file that holds no result;
7 a gate is broken; 8 inconclusive.";

/// Compare results of `run`: differences, whether they are more than noise, and gates.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct CompareArgs {
    /// The sides, the baseline first: a result.json, a directory with one or with directories that
    /// have one, or several of these joined by commas
    #[arg(required = true, num_args = 2.., value_name = "SIDE")]
    sides: Vec<String>,
    /// A change that must not be exceeded: response.p99:+10%, throughput:-5%, cpu_us_per_job:+10%,
    /// errors:+0.1% (percentage points); may be given again
    #[arg(
        long,
        env = "GEARBENCH_GATE",
        value_name = "GATE",
        value_delimiter = ';'
    )]
    gate: Vec<Gate>,
    /// Smallest change that counts
    #[arg(long, env = "GEARBENCH_MIN_EFFECT", value_name = "PERCENT", value_parser = crate::load::units::percent, default_value = "5%")]
    min_effect: f64,
    /// Level of all intervals together
    #[arg(long, env = "GEARBENCH_CONFIDENCE", value_name = "PERCENT", value_parser = confidence, default_value = "99%")]
    confidence: f64,
    /// Compare runs of unlike plans, and runs that were no measurement
    #[arg(long, env = "GEARBENCH_ANYWAY")]
    anyway: bool,
    /// What to print
    #[arg(long, env = "GEARBENCH_FORMAT", value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table
    Text,
    /// All of it, as JSON
    Json,
    /// Markdown
    Md,
}

fn confidence(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse();
    match number {
        Ok(level) if (50.0..=99.9999).contains(&level) => Ok(level),
        _ => Err("expected a percentage from 50 to 99.9999".to_owned()),
    }
}

/// Prints how results differ; returns the exit code.
pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<u8> {
    let sides: Result<Vec<Side>, FileError> = args.sides.iter().map(|text| side(text)).collect();
    let sides = match sides {
        Ok(sides) => sides,
        Err(error) => return Ok(super::complain("compare", &error, exit::USAGE)),
    };
    let options = Options {
        confidence: args.confidence,
        least_effect: args.min_effect,
        gates: args.gate.clone(),
        anyway: args.anyway,
    };
    let comparison = match compare::compare(&sides, &options) {
        Ok(comparison) => comparison,
        Err(refusal) => return Ok(super::complain("compare", &refusal, exit::USAGE)),
    };
    let text = match args.format {
        Format::Text => compare::text(&comparison),
        Format::Json => compare::json(&comparison)?,
        Format::Md => compare::markdown(&comparison),
    };
    super::print(&text)?;
    Ok(comparison.verdict.exit_code)
}

fn side(text: &str) -> Result<Side, FileError> {
    let mut runs = Vec::new();
    for part in text.split(',') {
        for file in files(Path::new(part)) {
            runs.push(Report::read(&file)?);
        }
    }
    Ok(Side {
        name: text.to_owned(),
        runs,
    })
}

/// The results that a path stands for: a file, that of a directory, or those of the directories
/// in it, by their names.
fn files(path: &Path) -> Vec<PathBuf> {
    const RESULT: &str = "result.json";
    let own = path.join(RESULT);
    if !path.is_dir() || own.is_file() {
        let file = if path.is_dir() { own } else { path.to_owned() };
        return vec![file];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path().join(RESULT))
        .filter(|file| file.is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        // Reading it says what is missing.
        found.push(own);
    }
    found
}
