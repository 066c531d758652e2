//! `gearbench report`: results of runs and of conformance cases, in other forms.

use super::exit;
use crate::report::conform::{self as cases, Conformance};
use crate::report::document::{self, Document, FileError, Head};
use crate::report::merge::merge;
use crate::report::saturation::{self, Saturation};
use crate::report::sweep::{self, Sweep};
use crate::report::{Report, csv, hgrm, histogram, hlog, html, json, junit, markdown, text};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  gearbench report result.json --format html > report.html      a run as a page
  gearbench report result.json conform.json --format html       with the conformance of its server
  gearbench report a/result.json b/result.json                  runs side by side, as Markdown
  gearbench report --merge 1.json 2.json 3.json --format json   runs of one plan as one
  gearbench report result.json --format hlog > latency.hlog     for HdrHistogram's tools
  gearbench report ours.json gearmand.json                      conformance: servers × cases";

const EXITS: &str = "\
Exit codes: 0 rendered; 2 usage, or a file that holds no results.";

/// Render results of `run`, `conform`, `saturate` and `sweep`; runs side by side, or merged.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ReportArgs {
    /// Results: the result.json of `gearbench run`, `saturate` or `sweep`, or what `gearbench
    /// conform --json` wrote
    #[arg(required = true, value_name = "RESULT")]
    results: Vec<PathBuf>,
    /// How to render them
    #[arg(long, env = "GEARBENCH_FORMAT", value_enum, default_value = "md")]
    format: Format,
    /// Make one result of several runs of the same plan
    #[arg(long, env = "GEARBENCH_MERGE")]
    merge: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown
    Md,
    /// A page that needs nothing else; of conformance results a matrix
    Html,
    /// As on the terminal
    Text,
    /// The result itself, as JSON
    Json,
    /// JUnit
    Junit,
    /// Stages of runs as CSV, in nanoseconds
    Csv,
    /// The seconds of a run as CSV
    Series,
    /// Percentiles of a run's response, for HdrHistogram's plotter
    Hgrm,
    /// HDR interval log of a run
    Hlog,
}

/// Prints results.
pub(super) fn report(args: &ReportArgs) -> anyhow::Result<u8> {
    let read: Result<Vec<Results>, FileError> = args.results.iter().map(|p| read(p)).collect();
    let (mut runs, mut conforms) = (Vec::new(), Vec::new());
    match read {
        Ok(read) => {
            let several = read.len() > 1;
            for results in read {
                match results {
                    Results::Run(run) => runs.push(*run),
                    Results::Conform(conform) => conforms.push(*conform),
                    Results::Search(_) if several || args.merge => {
                        let why = "results of saturate and of sweep are rendered one at a time";
                        return Ok(super::complain("report", &why, exit::USAGE));
                    }
                    Results::Search(search) => return search_alone(args.format, &search),
                }
            }
        }
        Err(error) => return Ok(super::complain("report", &error, exit::USAGE)),
    }
    if args.merge {
        match merge(&runs) {
            Ok(one) => runs = vec![one],
            Err(error) => return Ok(super::complain("report", &error, exit::USAGE)),
        }
    }
    match render(args.format, &runs, &conforms)? {
        Ok(text) => super::print(&text)?,
        Err(problem) => return Ok(super::complain("report", &problem, exit::USAGE)),
    }
    Ok(exit::OK)
}

/// What a file holds.
enum Results {
    Run(Box<Report>),
    Conform(Box<Conformance>),
    Search(Box<Search>),
}

/// Results of many runs.
enum Search {
    Saturation(Saturation),
    Sweep(Sweep),
}

fn read(path: &Path) -> Result<Results, FileError> {
    let text = document::text(path)?;
    let results = || {
        Ok(match Head::of(&text)?.kind()? {
            Document::Load => Results::Run(Box::new(Report::from_json(&text)?)),
            Document::Conformance => Results::Conform(Box::new(cases::from_json(&text)?)),
            Document::Saturation => {
                let one = Saturation::from_json(&text)?;
                Results::Search(Box::new(Search::Saturation(one)))
            }
            Document::Sweep => Results::Search(Box::new(Search::Sweep(Sweep::from_json(&text)?))),
        })
    };
    results().map_err(|error: document::ReadError| error.of(path))
}

/// Prints a search or a sweep.
fn search_alone(format: Format, search: &Search) -> anyhow::Result<u8> {
    let text = match (format, search) {
        (Format::Html, Search::Saturation(one)) => html::saturation(one)?,
        (Format::Html, Search::Sweep(one)) => html::sweep(one)?,
        (Format::Text, Search::Saturation(one)) => saturation::text(one),
        (Format::Text, Search::Sweep(one)) => sweep::text(one),
        (Format::Json, Search::Saturation(one)) => saturation::json(one)?,
        (Format::Json, Search::Sweep(one)) => sweep::json(one)?,
        _ => {
            let why = "results of saturate and of sweep have the formats html, text and json";
            return Ok(super::complain("report", &why, exit::USAGE));
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}

/// The text of a format, or why these results have none.
fn render(
    format: Format,
    runs: &[Report],
    conforms: &[Conformance],
) -> anyhow::Result<Result<String, &'static str>> {
    const ONE: &str = "this format is of one result; md and html of conformance results, and md \
                       and csv of runs, take several, and --merge makes one run of several";
    Ok(Ok(match (format, runs, conforms) {
        (Format::Html, [run], []) => html::render(run, None)?,
        (Format::Html, [run], [conform]) => html::render(run, Some(conform))?,
        (_, [], conforms) => match (format, conforms) {
            (Format::Md, all) => cases::matrix_markdown(all),
            (Format::Html, all) => cases::matrix_html(all)?,
            (Format::Junit, [one]) => cases::junit(one)?,
            (Format::Text, [one]) => cases::text(one, cases::text::Options::default()),
            (Format::Json, [one]) => cases::json(one)?,
            (Format::Junit | Format::Text | Format::Json, _) => return Ok(Err(ONE)),
            _ => return Ok(Err("this format is of runs, not of conformance results")),
        },
        (_, runs, []) => match (format, runs) {
            (Format::Md, all) => markdown::render(all),
            (Format::Csv, all) => csv::stages(all),
            (Format::Text, [one]) => {
                text::render_within(one, &histogram::PERCENTILES, super::output::columns())
            }
            (Format::Json, [one]) => json::render(one)?,
            (Format::Junit, [one]) => junit::render(one)?,
            (Format::Series, [one]) => csv::series(one),
            (Format::Hlog, [one]) => hlog::render(one)?,
            (Format::Hgrm, [one]) => match one.headline().and_then(|p| p.stage("response")) {
                Some(stage) => hgrm::render(&stage.latency),
                None => return Ok(Err("no job of this run was answered: it has no response")),
            },
            _ => return Ok(Err(ONE)),
        },
        _ => {
            let problem = "runs and conformance results go together only as html, one of each";
            return Ok(Err(problem));
        }
    }))
}
