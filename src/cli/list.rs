//! `gearbench list`: what there is to choose from.

use super::{conform, exit};
use crate::conformance::case::Case;
use crate::conformance::profile::Profile;
use crate::conformance::requirements::Catalogue;
use crate::conformance::suite::Suite;
use crate::load::scenario::file::{self as scenario, Written};
use crate::report::metrics;
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench list cases              all conformance cases and the rules they show
  gearbench list requirements       every numbered requirement, and how many cases show it
  gearbench list profiles           the servers whose ways are known
  gearbench list metrics            what the figures of a report mean";

const EXITS: &str = "\
Exit codes: 0 listed; 2 usage, or a wrong case.";

/// List cases, requirements, profiles or metrics.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// Cases of your own: files, or directories of them
    #[arg(long, env = "GEARBENCH_CASES", value_name = "PATH", num_args = 1..)]
    cases: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Conformance cases
    Cases,
    /// Numbered requirements
    Requirements,
    /// Servers whose ways are known
    Profiles,
    /// The figures of a report
    Metrics,
    /// Scenarios of `gearbench run`
    Scenarios,
    /// Requirements and their cases, as Markdown
    Coverage,
}

/// Prints a list.
pub(super) fn list(args: &ListArgs) -> anyhow::Result<u8> {
    let suite = match conform::suite(&args.cases) {
        Ok(suite) => suite,
        Err(error) => return Ok(super::complain("list", &error, exit::USAGE)),
    };
    let text = match args.what {
        What::Cases => cases(&suite.cases().iter().collect::<Vec<_>>()),
        What::Requirements => requirements(&suite)?,
        What::Profiles => profiles()?,
        What::Scenarios => scenarios()?,
        What::Metrics => metrics::list(),
        What::Coverage => coverage(&suite)?,
    };
    super::print(&text)?;
    Ok(exit::OK)
}

/// A line for each case.
pub(super) fn cases(cases: &[&Case]) -> String {
    let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for case in cases {
        let hazard = if case.hazardous { "  (hazardous)" } else { "" };
        let level = case.level.word();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:width$}  {level:8}  {}{hazard}", case.id, case.rule);
    }
    let _ = writeln!(text, "{} cases", cases.len());
    text
}

/// A table of requirements and the cases that show them, as the repository publishes it.
pub(super) fn coverage(suite: &Suite) -> anyhow::Result<String> {
    let shown = suite
        .cases()
        .iter()
        .map(|case| (case.id.as_str(), case.shows.as_slice()));
    Ok(Catalogue::builtin()?.coverage(shown))
}

fn requirements(suite: &Suite) -> anyhow::Result<String> {
    let mut text = String::new();
    for row in Catalogue::builtin()?.iter() {
        let shows = |case: &&Case| case.shows.contains(&row.id);
        let cases = suite.cases().iter().filter(shows).count();
        let _ = writeln!(
            text,
            "{:11} {:7} {cases:3} cases  {}",
            row.id,
            row.level.to_string(),
            row.stimulus
        );
    }
    Ok(text)
}

/// A line for each scenario, with the question that it answers.
fn scenarios() -> anyhow::Result<String> {
    let names: Vec<&str> = scenario::names().collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0) + 1;
    let mut text = String::new();
    for name in names {
        let written = Written::open(&format!("@{name}"))?;
        let question = written.scenario.question.unwrap_or_default();
        let _ = writeln!(text, "@{name:width$} {question}");
    }
    Ok(text)
}

fn profiles() -> anyhow::Result<String> {
    let mut text = String::new();
    for name in Profile::names() {
        let profile = Profile::builtin(name)?;
        let known = profile.known.len();
        let _ = writeln!(text, "{name:20} {} ({known} known failures)", profile.title);
    }
    Ok(text)
}
