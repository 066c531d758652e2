//! `--repeat N`: the same run several times over, and how far the runs are apart.

use super::{Args, Format, files, once};
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::signals::Interruption;
use crate::load::{Plan, RunId};
use crate::report::Report;
use crate::report::compare::headline::{self, Headline, Spread};
use crate::report::series::Repetition;
use std::io::Write;
use std::path::PathBuf;

/// Runs it as often as the plan says; returns the exit code. An interruption or a target that is
/// gone ends it, and what there is until then is shown.
pub(super) fn repeat(args: &Args, plan: &Plan, interruption: &Interruption) -> anyhow::Result<u8> {
    let (mut runs, mut codes) = (Vec::new(), Vec::new());
    for number in 1..=plan.repeat {
        if interruption.code().is_some() {
            break;
        }
        let plan = Plan {
            id: RunId::fresh(),
            repeat: 1,
            ..plan.clone()
        };
        let report = match once(plan.clone(), interruption) {
            Ok(report) => report,
            Err((error, code)) => {
                codes.push(crate::cli::complain("run", &error, code));
                break;
            }
        };
        let name = format!("{number:03}");
        if let Some(dir) = directory(&args.output, &name, &report) {
            files::write_all(&dir, &plan, &report)?;
            let _ = writeln!(std::io::stderr(), "{name}: written to {}", dir.display());
        }
        codes.push(report.verdict.exit_code);
        runs.push(report);
    }
    let code = exit::precedence(codes.into_iter().chain(interruption.code()));
    if runs.is_empty() {
        // Why there is none has been said.
        return Ok(code);
    }
    let whole: Vec<Report> = runs.iter().filter(|run| is_whole(run)).cloned().collect();
    let spread = headline::spread(&whole);
    match args.output.format {
        Format::Text => crate::cli::print(&text(plan, &runs, &spread, code))?,
        Format::Json => {
            let plan = serde_json::to_value(plan)?;
            crate::cli::print(&Repetition::new(plan, &runs, spread, code).json()?)?;
        }
        Format::Quiet => {}
    }
    Ok(code)
}

/// Where the files of one of the runs go: below what was named, or in a directory of its own.
fn directory(output: &Output, number: &str, report: &Report) -> Option<PathBuf> {
    let dir = output.directory(&files::name(report))?;
    Some(match output.out {
        Some(_) => dir.join(number),
        None => dir,
    })
}

/// Whether a run came to its end: the figures of another are not those of its plan.
pub(in crate::cli) fn is_whole(run: &Report) -> bool {
    ![exit::INTERRUPTED, exit::TERMINATED].contains(&run.verdict.exit_code)
}

fn text(plan: &Plan, runs: &[Report], spread: &[Spread], code: u8) -> String {
    let mut out = format!(
        "gearbench run  target {}  seed {}  {} of {} runs\n\n{}\n",
        plan.target,
        plan.seed,
        runs.len(),
        plan.repeat,
        headline::heads()
    );
    for (number, run) in (1..).zip(runs) {
        out += &Headline::of(run).row(&format!("{number:03}"));
        out.push('\n');
    }
    if !spread.is_empty() {
        out.push('\n');
        out += &headline::spread_rows(spread);
    }
    out += &format!("\nexit code  {code}\n");
    out
}
