//! `gearbench run`.

pub(super) mod chosen;
mod dry;
pub(super) mod files;
pub(super) mod flags;
mod live;
pub(super) mod repeat;

use super::exit;
use super::output::{Format, Output};
use super::signals::Interruption;
use super::target::Driven;
use crate::load::{self, Control, LoadError, Plan};
use crate::report::{Report, histogram, json, text};
use anyhow::Context;
use chosen::Chosen;
pub(super) use files::write_to;
use flags::Flags;
use std::io::Write;

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

    #[command(flatten)]
    pub(super) driven: Driven,

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
    /// Where the results go.
    #[command(flatten)]
    pub output: Output,
    /// Percentiles to show
    #[arg(long, env = "GEARBENCH_PERCENTILES", value_name = "LIST", value_parser = percentile, value_delimiter = ',', default_values_t = histogram::PERCENTILES, help_heading = "Output")]
    pub percentiles: Vec<f64>,

    /// Show the plan and what it needs, and do nothing
    #[arg(long, env = "GEARBENCH_DRY_RUN", help_heading = "Other")]
    pub dry_run: bool,
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
        Err(error) => return Ok(super::complain("run", &error, error.code())),
    };
    if args.dry_run {
        super::print(&dry::text(&plan)?)?;
        return Ok(exit::OK);
    }
    if let Err(error) = target.may_be_driven(&args.driven.ownership) {
        return Ok(super::complain("run", &error, error.code()));
    }
    if let Err(error) = args.output.make() {
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
    let text = match args.output.format {
        Format::Text => text::render_within(report, &args.percentiles, super::output::columns()),
        Format::Json => json::render(report)?,
        Format::Quiet => return Ok(()),
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write the report")
}

fn write_files(args: &Args, plan: &Plan, report: &Report) -> anyhow::Result<()> {
    let Some(dir) = args.output.directory(&files::name(report)) else {
        return Ok(());
    };
    files::write_all(&dir, plan, report)?;
    args.output.tell(&dir);
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
