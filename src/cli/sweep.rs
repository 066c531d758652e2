//! `gearbench sweep`: one load over the values of some of its parameters.

mod points;
mod vary;

use super::exit;
use super::output::{Format, Output};
use super::run::repeat::is_whole;
use super::run::{self, files, flags::Flags};
use super::signals::Interruption;
use super::target::Driven;
use crate::load::{Plan, RunId};
use crate::report::compare::headline::Headline;
use crate::report::sweep::{self as document, Point, Sweep, Varied};
use crate::report::{Origin, Report, html, quantity};
use anyhow::Context;
use points::{Planned, Refusal, Sought};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use vary::Vary;

const EXAMPLES: &str = "\
Examples:
  gearbench sweep --vary payload=64,1k,16k -t 127.0.0.1:4730
  gearbench sweep @fifo-throughput --vary clients=1..64x2 --duration 5s --repeat 3
  gearbench sweep --vary workers=1..16x2 --vary prefetch=1,16     a line for each prefetch
  gearbench sweep --vary rate=1k..5k+1k --duration 10s --slo 'response.p99 < 20ms'
  gearbench sweep --vary payload=64,1k,16k --out DIR --resume     what DIR lacks";

const EXITS: &str = "\
Exit codes: 0 all runs passed; 2 usage; 3 target unreachable or no Gearman server; 5 lost, phantom,
duplicated, wrong body or order in a run; 6 a run missed a service level; 8 a run was inconclusive;
130 and 143 interrupted, what was run until then is printed and written.";

/// Run one load with each value of a parameter, or each combination of several.
///
/// With --repeat, all values take their turn before any is run again, so that what drifts on the
/// machine meets all of them. The files are result.json (the table), report.html (the curves), and
/// those of each run in a directory of its own.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS, allow_negative_numbers = true)]
pub(super) struct SweepArgs {
    /// A scenario: a file, or @name for one that comes with gearbench (`gearbench list scenarios`)
    #[arg(value_name = "FILE|@NAME")]
    scenario: Option<String>,
    #[command(flatten)]
    driven: Driven,
    /// A parameter and its values: payload=64,1k,16k, clients=1..64x2 (times 2), rate=1k..5k+1k (1k
    /// more each time); values that hold a comma are parted by `;`. May be given again: the first
    /// goes along the axis, each combination of the others is a line
    #[arg(
        long,
        env = "GEARBENCH_VARY",
        value_name = "KEY=VALUES",
        required = true,
        value_delimiter = ' ',
        help_heading = "Sweep"
    )]
    vary: Vec<Vary>,
    /// Process of the server: its CPU time per job, and its memory
    #[arg(
        long,
        env = "GEARBENCH_SERVER_PID",
        value_name = "PID",
        help_heading = "Output"
    )]
    server_pid: Option<u32>,
    /// Take over the runs that --out holds already, and make those that it lacks
    #[arg(
        long,
        env = "GEARBENCH_RESUME",
        requires = "out",
        help_heading = "Sweep"
    )]
    resume: bool,
    /// Show which runs would be made, and how long they take at least, and do nothing
    #[arg(long, env = "GEARBENCH_DRY_RUN", help_heading = "Sweep")]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
    /// What describes the load.
    #[command(flatten)]
    flags: Flags,
}

/// Runs all of it; returns the exit code.
pub(super) fn sweep(args: &SweepArgs) -> anyhow::Result<u8> {
    let refuse = |(error, code): Refusal| Ok(super::complain("sweep", &error, code));
    let planned = match args.plan() {
        Ok(planned) => planned,
        Err(refusal) => return refuse(refusal),
    };
    if args.dry_run {
        super::print(&dry(&planned))?;
        return Ok(exit::OK);
    }
    if let Err(error) = planned.target.may_be_driven(&args.driven.ownership) {
        return refuse((error.to_string(), error.code()));
    }
    if let Err(error) = args.output.make() {
        return refuse((super::reason(&error), exit::USAGE));
    }
    let held = match args.resumed(&planned) {
        Ok(held) => held,
        Err(refusal) => return refuse(refusal),
    };
    let interruption = Interruption::watch()?;
    let made = args.make(&planned, held, &interruption)?;
    let code = exit::precedence(made.codes.iter().copied().chain(interruption.code()));
    if made.runs.iter().all(Vec::is_empty) && interruption.code().is_none() {
        // Why there is none has been said.
        return Ok(code);
    }
    args.show(planned, made, code)?;
    Ok(code)
}

/// What was run.
struct Made {
    /// The whole runs of each point.
    runs: Vec<Vec<Report>>,
    /// The exit codes of all that was tried.
    codes: Vec<u8>,
    /// Where the files go, once that is known.
    dir: Option<PathBuf>,
}

impl SweepArgs {
    /// The runs that --out holds.
    fn resumed(&self, planned: &Planned) -> Result<Vec<Vec<Option<Report>>>, Refusal> {
        match &self.output.out {
            Some(dir) if self.resume => planned.held(dir),
            _ => Ok(planned.nothing()),
        }
    }

    /// Makes the runs in turn, until the target is gone or the user has had enough.
    fn make(
        &self,
        planned: &Planned,
        mut held: Vec<Vec<Option<Report>>>,
        interruption: &Interruption,
    ) -> anyhow::Result<Made> {
        let width = planned.width();
        let mut made = Made {
            runs: vec![Vec::new(); planned.points.len()],
            codes: Vec::new(),
            dir: self
                .output
                .out
                .as_ref()
                .and_then(|_| self.output.directory("")),
        };
        for Sought { round, point } in planned.turns() {
            if interruption.code().is_some() {
                return Ok(made);
            }
            let known = held[point].get_mut(round).and_then(Option::take);
            let (word, report) = match known {
                Some(report) => ("held", report),
                None => {
                    let plan = Plan {
                        id: RunId::fresh(),
                        repeat: 1,
                        ..planned.points[point].plan.clone()
                    };
                    let report = match run::once(plan.clone(), interruption) {
                        Ok(report) => report,
                        Err((error, code)) => {
                            made.codes.push(super::complain("sweep", &error, code));
                            return Ok(made);
                        }
                    };
                    let name = files::name(&report).replace("-run-", "-sweep-");
                    made.dir = made.dir.or_else(|| self.output.directory(&name));
                    if let Some(dir) = &made.dir {
                        files::write_all(&planned.directory(dir, point, round), &plan, &report)?;
                    }
                    ("run", report)
                }
            };
            made.codes.push(report.verdict.exit_code);
            let name = planned.points[point].name(&planned.varied);
            let row = Headline::of(&report).row(&format!("{word:<4} {name:<width$}"));
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "{row}");
            if is_whole(&report) {
                made.runs[point].push(report);
            }
        }
        Ok(made)
    }

    /// Prints what was run, and writes it.
    fn show(&self, planned: Planned, made: Made, code: u8) -> anyhow::Result<()> {
        let Some(first) = planned.points.first().map(|point| &point.plan) else {
            return Ok(());
        };
        let plan = serde_json::to_value(first)?;
        let mut origin = Origin::new("sweep", &first.target, first.seed, plan);
        if let Some(report) = made.runs.iter().flatten().next() {
            origin.learn(report);
        }
        let points = planned.points.iter().zip(&made.runs);
        let points = points.map(|(point, runs)| Point::new(point.values.clone()).with(runs));
        let sweep = Sweep {
            exit_code: code,
            ..Sweep::new(origin, planned.varied, planned.repeat, points.collect())
        };
        match self.output.format {
            Format::Text => super::print(&document::text(&sweep))?,
            Format::Json => super::print(&document::json(&sweep)?)?,
            Format::Quiet => {}
        }
        let Some(dir) = made.dir.filter(|_| sweep.made() > 0) else {
            return Ok(());
        };
        files::make(&dir)?;
        files::write(&dir, "result.json", &document::json(&sweep)?)?;
        let page = html::sweep(&sweep).context("cannot render the page")?;
        files::write(&dir, "report.html", &page)?;
        self.output.tell(&dir);
        Ok(())
    }
}

/// The runs that would be made, and how long they take at least.
fn dry(planned: &Planned) -> String {
    let runs = planned.points.len() * planned.repeat as usize;
    let plans = planned.points.iter().map(|point| &point.plan);
    let least = plans.map(|plan| plan.warmup + plan.duration.unwrap_or_default());
    let least = least.sum::<std::time::Duration>() * planned.repeat;
    let mut out = format!(
        "# {runs} runs, {} of each, which take {} at least\n",
        planned.repeat,
        quantity::duration(u64::try_from(least.as_nanos()).unwrap_or(u64::MAX))
    );
    for point in &planned.points {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", point.name(&planned.varied));
    }
    out
}

/// The parameters that are varied.
fn varied(vary: &[Vary]) -> Vec<Varied> {
    vary.iter().map(|Vary(varied)| varied.clone()).collect()
}
