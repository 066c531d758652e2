//! `gearbench explain`: a case, a requirement, a figure, latency or the exit codes, in full.

use super::{conform, exit};
use crate::conformance::case::Case;
use crate::conformance::case::Level;
use crate::conformance::profile::Profile;
use crate::conformance::requirements::{Catalogue, Requirement};
use crate::conformance::suite::{Selection, Suite};
use crate::report::metrics;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench explain submit/unique-of-65-bytes  a case: its rule, its source and its transcript
  gearbench explain P-SUB-12                   a requirement, and the cases that show it
  gearbench explain latency                    the stages of a job, on one page
  gearbench explain metric response            a figure of a report
  gearbench explain exit                       the exit codes";

const EXITS: &str = "\
Exit codes: 0 explained; 2 there is no such topic.";

/// Explain a case, a requirement, a figure, latency or the exit codes.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ExplainArgs {
    /// Id of a case or a requirement, `metric NAME`, `latency`, or `exit`
    #[arg(required = true, num_args = 1..=2, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Cases of your own: files, or directories of them
    #[arg(long, env = "GEARBENCH_CASES", value_name = "PATH", num_args = 1..)]
    cases: Vec<PathBuf>,
}

/// Prints an explanation.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let suite = match conform::suite(&args.cases) {
        Ok(suite) => suite,
        Err(error) => return Ok(super::complain("explain", &error, exit::USAGE)),
    };
    let catalogue = Catalogue::builtin()?;
    let topic = match args.topic.as_slice() {
        [topic] => topic.as_str(),
        [kind, name] if kind == "metric" => return metric(name),
        words => {
            let error = format!(
                "{:?} is no topic; expected one word, or `metric NAME`",
                words.join(" ")
            );
            return Ok(super::complain("explain", &error, exit::USAGE));
        }
    };
    let text = if topic == "exit" {
        exit::markdown()
    } else if topic == "latency" {
        metrics::latency()
    } else if let Some(text) = metrics::explain(topic) {
        text
    } else if let Some(case) = suite.get(topic) {
        case_in_full(case, catalogue)?
    } else if let Some(row) = catalogue.get(&topic.to_uppercase()) {
        requirement_in_full(row, &suite)
    } else {
        let error = format!(
            "{topic:?} is no case, no requirement, no figure, and neither `latency` nor `exit`; the \
             nearest requirement is {}, and `gearbench list cases` and `gearbench list metrics` show \
             the others",
            catalogue.nearest(topic).unwrap_or_default()
        );
        return Ok(super::complain("explain", &error, exit::USAGE));
    };
    super::print(&text)?;
    Ok(exit::OK)
}

fn metric(name: &str) -> anyhow::Result<u8> {
    match metrics::explain(name) {
        Some(text) => super::print(&text)?,
        None => {
            let error = format!("there is no figure {name:?}; `gearbench list metrics` shows all");
            return Ok(super::complain("explain", &error, exit::USAGE));
        }
    }
    Ok(exit::OK)
}

fn case_in_full(case: &Case, catalogue: &Catalogue) -> anyhow::Result<String> {
    let mut text = format!("{}\n\n{}\n\n", case.id, case.rule);
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:10} {value}");
        }
    };
    fact("level", case.level.word());
    fact("source", &case.source);
    let needs: Vec<String> = case.needs.iter().map(ToString::to_string).collect();
    fact("needs", &needs.join(", "));
    fact("settings", &case.settings.to_string());
    fact("after", &case.after.join(", "));
    fact(
        "hazardous",
        if case.hazardous {
            "it can kill or wedge a faulty server"
        } else {
            ""
        },
    );
    fact(
        "alone",
        if case.alone {
            "on a fresh server of its own"
        } else {
            ""
        },
    );
    fact("file", &format!("{}:{}", case.file, case.script_line));
    for row in case.shows.iter().filter_map(|id| catalogue.get(id)) {
        let _ = write!(text, "\n{}", requirement(row));
    }
    for name in Profile::names() {
        let profile = Profile::builtin(name)?;
        for known in profile
            .known
            .iter()
            .filter(|known| known.is_about(&case.id))
        {
            let _ = writeln!(
                text,
                "\n{} is known to fail: {} ({})",
                profile.title, known.reason, known.source
            );
        }
    }
    let _ = write!(text, "\n{}", case.script);
    Ok(text)
}

fn requirement_in_full(row: &Requirement, suite: &Suite) -> String {
    let mut text = requirement(row);
    let selection = Selection {
        patterns: vec![row.id.clone()],
        skip: Vec::new(),
        level: Level::Observed,
    };
    let cases: Vec<&Case> = suite
        .cases()
        .iter()
        .filter(|case| selection.takes(case))
        .collect();
    match (&row.uncovered, cases.is_empty()) {
        (Some(reason), _) => {
            let _ = writeln!(text, "\nNo case: {reason}");
        }
        (None, true) => text.push_str("\nNo case.\n"),
        (None, false) => {
            text.push('\n');
            for case in cases {
                let _ = writeln!(text, "{}  {}", case.id, case.rule);
            }
        }
    }
    text
}

fn requirement(row: &Requirement) -> String {
    let mut text = format!(
        "{} ({}, {})\n  {}\n  -> {}\n",
        row.id, row.level, row.area, row.stimulus, row.expected
    );
    if let Some(gearmand) = &row.gearmand {
        let _ = writeln!(text, "  C gearmand 1.1.20: {gearmand}");
    }
    text
}
