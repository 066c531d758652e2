//! `gearbench versus`: the same runs on two servers in turn, and the ratios of each pair.

mod screen;

use super::exit;
use super::output::{Format, Output};
use super::run::repeat::is_whole;
use super::run::{self, chosen, files, flags::Flags};
use super::signals::Interruption;
use super::target::{Ownership, Target};
use crate::conformance::launch::{LaunchError, Launched, Launcher};
use crate::load::{Plan, RunId, units};
use crate::report::Report;
use std::io::Write as _;

const EXAMPLES: &str = "\
Examples:
  gearbench versus @fifo-throughput --target 127.0.0.1:4730 --against 127.0.0.1:4731
  gearbench versus --launch 'gearmand -p {port} -L 127.0.0.1' --launch 'gearbench serve -p {port}'
  gearbench versus --target old:4730 --launch 'gearbench serve -p {port}' --clients 50 --pairs 9";

const EXITS: &str = "\
Exit codes: 0 compared, all runs passed; 2 usage; 3 a server cannot be reached or launched; 5 lost,
phantom, duplicated, wrong body or order in a run; 6 a run missed a service level; 8 a run was
inconclusive; 130 and 143 interrupted, the pairs until then are printed.

The files of each run are in a/001, b/001, … of --out.";

/// Run the same on two servers in turn, A B A B, and show the ratios B/A of each pair.
///
/// A is --target or the first --launch, B is --against or the last --launch.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS, allow_negative_numbers = true)]
pub(super) struct VersusArgs {
    /// A scenario: a file, or @name for one that comes with gearbench (`gearbench list scenarios`)
    #[arg(value_name = "FILE|@NAME")]
    scenario: Option<String>,
    /// A, a server that runs
    #[arg(short, long, value_name = "HOST:PORT")]
    target: Option<Target>,
    /// B, a server that runs
    #[arg(long, value_name = "HOST:PORT")]
    against: Option<Target>,
    /// A command that starts a server in the foreground on 127.0.0.1, with {port} for its port; given
    /// twice, or beside --target or --against
    #[arg(long, value_name = "COMMAND")]
    launch: Vec<String>,
    #[command(flatten)]
    ownership: Ownership,
    /// Pairs of runs
    #[arg(long, env = "GEARBENCH_PAIRS", value_name = "N", value_parser = units::small_count, default_value = "5")]
    pairs: u32,
    /// Process of --target: its CPU time per job; that of a launched server is known
    #[arg(
        long,
        env = "GEARBENCH_SERVER_PID",
        value_name = "PID",
        requires = "target"
    )]
    server_pid: Option<u32>,
    /// Process of --against
    #[arg(
        long,
        env = "GEARBENCH_AGAINST_PID",
        value_name = "PID",
        requires = "against"
    )]
    against_pid: Option<u32>,
    #[command(flatten)]
    output: Output,
    /// What describes the runs.
    #[command(flatten)]
    flags: Flags,
}

/// A server of the two.
struct Side {
    /// What it is called: its address or its command.
    name: String,
    target: Target,
    pid: Option<u32>,
    /// Kept for as long as the server is to run.
    _launched: Option<Launched>,
}

/// What was run.
#[derive(Default)]
struct Made {
    /// Whole pairs.
    pairs: Vec<[Report; 2]>,
    /// The exit codes of all that was tried.
    codes: Vec<u8>,
}

/// An exit code, and why there is nothing to show.
type Refusal = (String, u8);

/// Runs on both; returns the exit code.
pub(super) fn versus(args: &VersusArgs) -> anyhow::Result<u8> {
    let refuse = |(error, code): Refusal| Ok(super::complain("versus", &error, code));
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(refusal) => return refuse(refusal),
    };
    if let Err(error) = args.output.make() {
        return refuse((super::reason(&error), exit::USAGE));
    }
    let interruption = Interruption::watch()?;
    let sides = match args.sides() {
        Ok(sides) => sides,
        Err(refusal) => return refuse(refusal),
    };
    let made = args.make(&plan, &sides, &interruption)?;
    let code = exit::precedence(made.codes.into_iter().chain(interruption.code()));
    if made.pairs.is_empty() && interruption.code().is_none() {
        // Why there is none has been said.
        return Ok(code);
    }
    // That of A stands for both: a launched server's is not known before.
    let plan = Plan {
        target: sides[0].target.to_string(),
        ..plan
    };
    let names = sides.map(|side| side.name);
    match args.output.format {
        Format::Text => super::print(&screen::text(&plan, &names, &made.pairs, code))?,
        Format::Json => super::print(&screen::json(&plan, &names, &made.pairs, code)?)?,
        Format::Quiet => {}
    }
    Ok(code)
}

impl VersusArgs {
    fn plan(&self) -> Result<Plan, Refusal> {
        let usage = |text: &str| Err((text.to_owned(), exit::USAGE));
        if self.pairs == 0 {
            return usage("--pairs 0 compares nothing: give 1 or more");
        }
        if self.flags.repeat.is_some() {
            return usage("--pairs says how often both are run: leave --repeat out");
        }
        let named = usize::from(self.target.is_some()) + usize::from(self.against.is_some());
        if named + self.launch.len() != 2 {
            return usage(
                "two servers are compared: name them by --target and --against, or start them by \
                 --launch",
            );
        }
        let chosen = chosen::choose(
            self.scenario.as_deref(),
            self.flags.scenario(),
            self.target.as_ref().or(self.against.as_ref()),
        );
        let mut plan = chosen
            .map_err(|error| (error.to_string(), error.code()))?
            .plan;
        plan.repeat = 1;
        Ok(plan)
    }

    fn sides(&self) -> Result<[Side; 2], Refusal> {
        let mut launch = self.launch.iter();
        let mut side = |target: &Option<Target>, pid| match target {
            Some(target) => self.running(target, pid),
            None => match launch.next() {
                Some(command) => launched(command),
                None => Err(("a server is missing".to_owned(), exit::USAGE)),
            },
        };
        Ok([
            side(&self.target, self.server_pid)?,
            side(&self.against, self.against_pid)?,
        ])
    }

    fn running(&self, target: &Target, pid: Option<u32>) -> Result<Side, Refusal> {
        target
            .may_be_driven(&self.ownership)
            .map_err(|error| (error.to_string(), error.code()))?;
        Ok(Side {
            name: target.to_string(),
            target: target.clone(),
            pid,
            _launched: None,
        })
    }

    /// Makes the pairs, until one of the servers is gone or the user has had enough.
    fn make(
        &self,
        plan: &Plan,
        sides: &[Side; 2],
        interruption: &Interruption,
    ) -> anyhow::Result<Made> {
        let mut made = Made::default();
        let mut out = None;
        for number in 1..=self.pairs {
            let mut pair = Vec::new();
            for (side, letter) in sides.iter().zip(["a", "b"]) {
                if interruption.code().is_some() {
                    return Ok(made);
                }
                let plan = Plan {
                    id: RunId::fresh(),
                    target: side.target.to_string(),
                    server_pid: side.pid,
                    ..plan.clone()
                };
                let report = match run::once(plan.clone(), interruption) {
                    Ok(report) => report,
                    Err((error, code)) => {
                        made.codes.push(super::complain("versus", &error, code));
                        return Ok(made);
                    }
                };
                made.codes.push(report.verdict.exit_code);
                out = out.or_else(|| self.output.directory(&files::name(&report)));
                if let Some(dir) = &out {
                    let dir = dir.join(letter).join(format!("{number:03}"));
                    files::write_all(&dir, &plan, &report)?;
                }
                // Nobody is left to tell when stderr is gone.
                let row = screen::row(letter, number, &report);
                let _ = writeln!(std::io::stderr(), "{row}");
                pair.push(report);
            }
            if let Ok(pair) = <[Report; 2]>::try_from(pair)
                && pair.iter().all(is_whole)
            {
                made.pairs.push(pair);
            }
        }
        Ok(made)
    }
}

fn launched(command: &str) -> Result<Side, Refusal> {
    let launcher =
        Launcher::new(command).map_err(|error: LaunchError| (error.to_string(), exit::USAGE))?;
    let launched = launcher
        .start(&[])
        .map_err(|error| (error.to_string(), exit::TARGET))?;
    Ok(Side {
        name: command.to_owned(),
        target: launched.address().into(),
        pid: Some(launched.pid()),
        _launched: Some(launched),
    })
}
