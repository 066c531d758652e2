//! `gearbench run`.

pub(super) mod flags;

use super::exit;
use super::signals::Interruption;
use super::target::{Ownership, Target, TargetError};
use crate::load::{self, Control, LoadError, Pace, Plan, Progress, RunId};
use crate::report::{Report, hgrm, histogram, hlog, html, json, quantity, text};
use anyhow::Context;
use flags::Flags;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  gearbench run -t 127.0.0.1:4730 --clients 50 --workers 50 --duration 20s
  gearbench run --rate 5k --arrival poisson --clients 1000 --workers 1000 --service exp:5ms
  gearbench run --clients 0 --backlog 200k --workers 4 --prefetch 16     flood, then empty it";

const EXITS: &str = "\
Exit codes: 0 passed; 2 usage; 3 target unreachable or no Gearman server; 5 lost, phantom,
duplicated, wrong body or order; 6 a service level was missed; 8 inconclusive; 130 and 143
interrupted, partial results were written.";

/// Load from thousands of simulated clients and workers, every job accounted for.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS, allow_negative_numbers = true)]
pub struct Args {
    /// Job server to drive
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        env = "GEARBENCH_TARGET",
        default_value = "127.0.0.1:4730"
    )]
    pub(super) target: Target,
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
    /// Where to write result.json, report.html, latency.hlog and response.hgrm; `none` writes nothing
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

impl Args {
    fn plan(&self) -> Result<Plan, String> {
        let seed = rand::random::<u32>().into();
        let scenario = self.flags.scenario();
        let mut plan = scenario
            .plan(&self.target.to_string(), RunId::fresh(), seed)
            .map_err(|error| error.to_string())?;
        plan.server_pid = self.server_pid;
        Ok(plan)
    }
}

/// Runs the scenario of the flags; returns the exit code.
pub fn run(args: Args) -> anyhow::Result<u8> {
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(error) => return Ok(super::complain("run", &error, exit::USAGE)),
    };
    if args.dry_run {
        return dry_run(&plan);
    }
    if let Err(error) = may_load(&args) {
        let code = match error {
            TargetError::Unknown { .. } => exit::TARGET,
            TargetError::Public { .. } | TargetError::Malformed(_) => exit::USAGE,
        };
        return Ok(super::complain("run", &error, code));
    }
    let interruption = Interruption::watch()?;
    let control = Control {
        stop: interruption.stop(),
        progress: Some(Box::new(live_line)),
    };
    let mut report = match load::run(plan, control) {
        Ok(outcome) => outcome.report,
        Err(error) => {
            let code = interruption.code().unwrap_or_else(|| exit_code(&error));
            return Ok(super::complain("run", &error, code));
        }
    };
    if let (Some(signal), exit::INTERRUPTED) = (interruption.code(), report.verdict.exit_code) {
        report.verdict.exit_code = signal;
    }
    print(&args, &report)?;
    write_files(&args, &report)?;
    Ok(report.verdict.exit_code)
}

fn may_load(args: &Args) -> Result<(), TargetError> {
    // Any of them may be the one that answers.
    let mut addresses = args.target.resolve()?.into_iter();
    addresses.try_for_each(|address| args.target.may_load(address.ip(), &args.ownership))
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

/// One line a second on stderr: in place on a terminal, one below the other in a file.
fn live_line(progress: &Progress) {
    let sample = &progress.sample;
    let queued = sample
        .queued
        .map_or_else(|| "?".to_owned(), quantity::count);
    let line = format!(
        "{:5.0} s  {:<8} sent {}  completed {}  in flight {}  queued {queued}",
        sample.at_seconds,
        progress.phase,
        quantity::rate(progress.sent_per_second),
        quantity::rate(progress.completed_per_second),
        quantity::count(sample.in_flight),
    );
    let mut err = std::io::stderr();
    let _ = match err.is_terminal() {
        true => write!(err, "\r\x1b[K{line}"),
        false => writeln!(err, "{line}"),
    };
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K");
    }
    let text = match args.format {
        Format::Text => text::render(report, &args.percentiles),
        Format::Json => json::render(report)?,
        Format::Quiet => return Ok(()),
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write the report")
}

fn write_files(args: &Args, report: &Report) -> anyhow::Result<()> {
    let dir = match &args.out {
        Some(dir) if dir.as_os_str() == "none" => return Ok(()),
        Some(dir) => dir.clone(),
        None => PathBuf::from("gearbench-out").join(directory_name(report)),
    };
    write_to(&dir, report)?;
    if args.format == Format::Text {
        let _ = writeln!(std::io::stderr(), "written to {}", dir.display());
    }
    Ok(())
}

/// Writes `result.json`, `report.html`, `latency.hlog` and `response.hgrm` into a directory, which
/// is made.
pub(super) fn write_to(dir: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("result.json", &json::render(report)?)?;
    let response = report.headline().and_then(|phase| phase.stage("response"));
    if let Some(stage) = response {
        write("response.hgrm", &hgrm::render(&stage.latency))?;
    }
    write("latency.hlog", &hlog::render(report)?)?;
    write("report.html", &html::render(report, None)?)
}

/// Sorts by time: `<UTC time>-run-<id>`.
fn directory_name(report: &Report) -> String {
    format!(
        "{}-{}-{}",
        utc(report.started_unix),
        report.command,
        report.run_id
    )
}

/// `20261123T185631Z`.
fn utc(unix: u64) -> String {
    let [year, month, day, hour, minute, second] = quantity::civil(unix);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Prints what would be done, and what it takes.
fn dry_run(plan: &Plan) -> anyhow::Result<u8> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push_str(&format!("\n\nopen files needed: {}\n", plan.files_needed()));
    let connecting = (plan.clients + plan.workers) as f64 / plan.connect_rate;
    text.push_str(&format!("connecting takes at least {connecting:.1} s\n"));
    if let (Pace::Open { rate, .. }, Some(service)) = (plan.pace, plan.service.mean()) {
        // Little's law.
        let busy = rate * service.as_secs_f64();
        let slots = plan.workers * plan.prefetch;
        let verdict = if busy > slots as f64 {
            "they cannot keep up"
        } else {
            "enough"
        };
        text.push_str(&format!(
            "{busy:.1} jobs in service on average (Little's law), workers hold {slots}: {verdict}\n"
        ));
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Arrival;
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
            .plan()
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

    #[test]
    fn directories_sort_by_time() {
        assert_eq!(utc(0), "19700101T000000Z");
        assert_eq!(utc(951_782_400), "20000229T000000Z");
        assert_eq!(utc(1_795_460_191), "20261123T185631Z");
    }
}
