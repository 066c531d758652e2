//! `gearbench run`.

pub(super) mod chosen;
mod dry;
pub(super) mod files;
pub(super) mod flags;
mod live;
pub(super) mod repeat;

use super::exit;
use super::signals::Interruption;
use super::target::{Ownership, Target, TargetError};
use crate::load::{self, Control, LoadError, Plan};
use crate::report::{Report, histogram, json, text};
use anyhow::Context;
use chosen::{ChoiceError, Chosen};
pub(super) use files::write_to;
use flags::Flags;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gearbench run @fifo-throughput -t 127.0.0.1:4730      a scenario that comes with gearbench
  gearbench run my.toml --duration 20s --dry-run        one of yours; flags win over the file
  gearbench run -t 127.0.0.1:4730 --clients 50 --workers 50 --duration 20s
  gearbench run --rate 5k --arrival poisson --clients 1000 --workers 1000 --service exp:5ms
  gearbench run @fifo-throughput --repeat 5              five runs, and how far they are apart
  gearbench run --clients 0 --backlog 200k --workers 4 --prefetch 16     flood, then empty it";

const EXITS: &str = "\
Exit codes: 0 passed; 2 usage; 3 target unreachable or no Gearman server; 5 lost, phantom,
duplicated, wrong body or order; 6 a service level was missed; 8 inconclusive; 130 and 143
interrupted, partial results were written.";

/// Load from thousands of simulated clients and workers, every job accounted for.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS, allow_negative_numbers = true)]
pub struct Args {
    /// A scenario: a file, or @name for one that comes with gearbench (`gearbench list scenarios`)
    #[arg(value_name = "FILE|@NAME")]
    pub scenario: Option<String>,

    /// Job server to drive [default: the scenario's, else 127.0.0.1:4730]
    #[arg(short, long, value_name = "HOST:PORT", env = "GEARBENCH_TARGET")]
    pub(super) target: Option<Target>,
    #[command(flatten)]
    ownership: Ownership,

    /// What describes the run.
    #[command(flatten)]
    pub flags: Flags,

    /// Process of the server: report its CPU time per job and its memory
    #[arg(
        long,
        env = "GEARBENCH_SERVER_PID",
        value_name = "PID",
        help_heading = "Output"
    )]
    pub server_pid: Option<u32>,
    /// Where to write plan.toml, result.json, report.html, events.jsonl, latency.hlog and
    /// response.hgrm; `none` writes nothing
    #[arg(
        long,
        env = "GEARBENCH_OUT",
        value_name = "DIR",
        help_heading = "Output"
    )]
    pub out: Option<PathBuf>,
    /// What to print
    #[arg(
        long,
        env = "GEARBENCH_FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Output"
    )]
    pub format: Format,
    /// Percentiles to show
    #[arg(long, env = "GEARBENCH_PERCENTILES", value_name = "LIST", value_parser = percentile, value_delimiter = ',', default_values_t = histogram::PERCENTILES, help_heading = "Output")]
    pub percentiles: Vec<f64>,

    /// Show the plan and what it needs, and do nothing
    #[arg(long, env = "GEARBENCH_DRY_RUN", help_heading = "Other")]
    pub dry_run: bool,
}

/// What is printed at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One screen.
    Text,
    /// The whole report.
    Json,
    /// Nothing.
    Quiet,
}

fn percentile(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..100.0).contains(&value) => Ok(value),
        _ => Err("expected a percentile such as 50 or 99.9".to_owned()),
    }
}

/// Runs a scenario; returns the exit code.
pub fn run(args: Args) -> anyhow::Result<u8> {
    let Chosen { plan, target } = match args.choose() {
        Ok(chosen) => chosen,
        Err(error) => return Ok(super::complain("run", &error, choice_code(&error))),
    };
    if args.dry_run {
        super::print(&dry::text(&plan)?)?;
        return Ok(exit::OK);
    }
    if let Err(error) = may_load(&target, &args.ownership) {
        return Ok(super::complain("run", &error, target_code(&error)));
    }
    if let Err(error) = make_directory(&args) {
        return Ok(super::complain("run", &super::reason(&error), exit::USAGE));
    }
    let interruption = Interruption::watch()?;
    if plan.repeat > 1 {
        return repeat::repeat(&args, &plan, &interruption);
    }
    let report = match once(plan.clone(), &interruption) {
        Ok(report) => report,
        Err((error, code)) => return Ok(super::complain("run", &error, code)),
    };
    print(&args, &report)?;
    write_files(&args, &plan, &report)?;
    Ok(report.verdict.exit_code)
}

/// One run with its line on stderr; or why there is none, with the exit code.
pub(super) fn once(plan: Plan, interruption: &Interruption) -> Result<Report, (LoadError, u8)> {
    let control = Control {
        stop: interruption.stop(),
        progress: Some(live::line()),
    };
    let outcome = load::run(plan, control);
    live::clear();
    let mut report = match outcome {
        Ok(outcome) => outcome.report,
        Err(error) => {
            let code = interruption.code().unwrap_or_else(|| exit_code(&error));
            return Err((error, code));
        }
    };
    if let (Some(signal), exit::INTERRUPTED) = (interruption.code(), report.verdict.exit_code) {
        report.verdict.exit_code = signal;
    }
    Ok(report)
}

/// Refuses load on somebody else's server.
pub(super) fn may_load(target: &Target, ownership: &Ownership) -> Result<(), TargetError> {
    // Any of them may be the one that answers.
    let mut addresses = target.resolve()?.into_iter();
    addresses.try_for_each(|address| target.may_load(address.ip(), ownership))
}

/// The exit code of a target that cannot be used.
pub(super) fn target_code(error: &TargetError) -> u8 {
    match error {
        TargetError::Unknown { .. } => exit::TARGET,
        TargetError::Public { .. } | TargetError::Malformed(_) => exit::USAGE,
    }
}

/// The exit code of a choice that comes to no plan.
pub(super) fn choice_code(error: &ChoiceError) -> u8 {
    match error {
        ChoiceError::Target(error) => target_code(error),
        ChoiceError::Scenario(_) | ChoiceError::Wrong(_) | ChoiceError::Plan(_) => exit::USAGE,
    }
}

/// The exit code of a run that came to nothing.
pub fn exit_code(error: &LoadError) -> u8 {
    match error {
        LoadError::Plan(_) | LoadError::Files { .. } => exit::USAGE,
        LoadError::Unreachable { .. }
        | LoadError::Silent { .. }
        | LoadError::NotGearman { .. }
        | LoadError::HungUp { .. }
        | LoadError::Connect { .. } => exit::TARGET,
        LoadError::Interrupted => exit::INTERRUPTED,
        LoadError::Runtime(_)
        | LoadError::Panicked
        | LoadError::Recorder
        | LoadError::Unbalanced(_)
        | LoadError::Json(_) => exit::INTERNAL,
    }
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    let text = match args.format {
        Format::Text => text::render(report, &args.percentiles),
        Format::Json => json::render(report)?,
        Format::Quiet => return Ok(()),
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write the report")
}

/// Makes the directory that --out names: a run whose results have no place would be in vain.
fn make_directory(args: &Args) -> anyhow::Result<()> {
    match &args.out {
        Some(dir) if dir.as_os_str() != "none" => files::make(dir),
        _ => Ok(()),
    }
}

fn write_files(args: &Args, plan: &Plan, report: &Report) -> anyhow::Result<()> {
    let Some(dir) = files::directory(args.out.as_deref(), report) else {
        return Ok(());
    };
    files::write_all(&dir, plan, report)?;
    if args.format == Format::Text {
        let _ = writeln!(std::io::stderr(), "written to {}", dir.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Arrival, Pace};
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    fn plan(flags: &str) -> Result<Plan, String> {
        let flags = std::iter::once("run").chain(flags.split_whitespace());
        Program::try_parse_from(flags)
            .map_err(|error| error.to_string())?
            .args
            .choose()
            .map(|chosen| chosen.plan)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_rate_opens_the_loop() {
        let plan = plan("--rate 5k --arrival poisson --seed 7 --label a=b").unwrap();
        assert_eq!(
            plan.pace,
            Pace::Open {
                rate: 5000.0,
                arrival: Arrival::Poisson
            }
        );
        assert_eq!(plan.seed, 7);
        assert_eq!(plan.labels["a"], "b");
    }

    #[test]
    fn contradictions_and_nonsense_are_refused() {
        for (flags, words) in [
            ("--mode closed --rate 5", "--rate"),
            ("--mode open", "--rate"),
            ("--rate 5 --outstanding 2", "--outstanding"),
            ("--arrival poisson", "--arrival"),
            ("--rate fast", "5k"),
            ("--payload 3", "24"),
            ("--duration soon", "20s"),
            ("--percentiles 100", "99.9"),
            ("--label x", "key=value"),
        ] {
            let error = plan(flags).unwrap_err();
            assert!(error.contains(words), "{flags}: {error}");
        }
    }
}
