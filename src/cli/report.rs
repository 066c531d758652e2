//! `gearbench report`: results of runs, side by side.

use super::{conform, exit};
use crate::report::conform as results;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench report ours.json gearmand.json                      servers × cases, as Markdown
  gearbench report *.json --format html > matrix.html           the same as a page
  gearbench report last.json --format junit > conform.xml       one result in another form";

const EXITS: &str = "\
Exit codes: 0 rendered; 2 usage, or a file that holds no results.";

/// Render results: several conformance results become a matrix of servers and cases.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ReportArgs {
    /// Results that `gearbench conform --json` wrote
    #[arg(required = true, value_name = "FILE")]
    results: Vec<PathBuf>,
    /// How to render them
    #[arg(long, env = "GEARBENCH_FORMAT", value_enum, default_value = "md")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown: a matrix
    Md,
    /// A page without scripts: a matrix
    Html,
    /// JUnit: of one result
    Junit,
    /// As on the terminal: of one result
    Text,
}

/// Prints results.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<u8> {
    let read = args.results.iter().map(|path| conform::read_report(path));
    let read = match read.collect::<anyhow::Result<Vec<_>>>() {
        Ok(read) => read,
        Err(error) => {
            return Ok(super::complain(
                "report",
                &format!("{error:#}"),
                exit::USAGE,
            ));
        }
    };
    let text = match (args.format, read.as_slice()) {
        (Format::Md, all) => results::matrix_markdown(all),
        (Format::Html, all) => results::matrix_html(all)?,
        (Format::Junit, [one]) => results::junit(one)?,
        (Format::Text, [one]) => results::text(one, results::text::Options::default()),
        (Format::Junit | Format::Text, _) => {
            let problem = "this format is of one result; md and html take several";
            return Ok(super::complain("report", &problem, exit::USAGE));
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}
