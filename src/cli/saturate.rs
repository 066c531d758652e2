//! `gearbench saturate`.

use super::exit;
use super::run::{self, flags::Flags};
use super::signals::Interruption;
use super::target::{Ownership, Target, TargetError};
use crate::load::search::{Curve, Order, Outcome, Search, Trial};
use crate::load::{self, Arrival, Control, LoadError, Pace, Plan, RunId, Slo, units};
use crate::report::quantity;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench saturate -t 127.0.0.1:4730                       response.p99 < 20ms, in a minute
  gearbench saturate --slo 'response.p99 < 5ms' --clients 200 --workers 50 --budget 5m
  gearbench saturate --service exp:5ms --format json > curve.json";

const EXITS: &str = "\
Exit codes: 0 found and confirmed; 2 usage; 3 target unreachable or no Gearman server; 6 no rate
meets the service levels; 8 inconclusive: the generator was the limit, or nothing could be
confirmed; 130 and 143 interrupted, what was found is printed.";

/// Jobs that a trial is made long enough for: a p99 needs a thousand.
const LEAST_JOBS: f64 = 1500.0;
/// Longest drain of a trial: what fails has a queue that nobody needs to wait for.
const DRAIN: Duration = Duration::from_secs(2);
/// Longest trial for the sake of enough jobs, as a share of the time for all.
const LONGEST: f64 = 0.15;

/// Search the highest rate that meets the service levels, and confirm it.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct SaturateArgs {
    /// Job server to drive
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        env = "GEARBENCH_TARGET",
        default_value = "127.0.0.1:4730"
    )]
    target: Target,
    #[command(flatten)]
    ownership: Ownership,
    /// Time for all of it, from 5s to 24h
    #[arg(long, env = "GEARBENCH_BUDGET", value_name = "TIME", value_parser = budget, default_value = "60s", help_heading = "Search")]
    budget: Duration,
    /// The first rate
    #[arg(long, env = "GEARBENCH_FROM", value_name = "RATE", value_parser = units::rate, default_value = "1k", help_heading = "Search")]
    from: f64,
    /// What to print
    #[arg(long, env = "GEARBENCH_FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// What describes the load; --duration is that of a trial.
    #[command(flatten)]
    flags: Flags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The curve, and what it comes to
    Text,
    /// The same as JSON
    Json,
}

/// Searches; returns the exit code.
pub(super) fn saturate(args: &SaturateArgs) -> anyhow::Result<u8> {
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(error) => return Ok(super::complain("saturate", &error, exit::USAGE)),
    };
    if let Err(error) = args.may_load() {
        let code = match error {
            TargetError::Unknown { .. } => exit::TARGET,
            TargetError::Public { .. } | TargetError::Malformed(_) => exit::USAGE,
        };
        return Ok(super::complain("saturate", &error, code));
    }
    let interruption = Interruption::watch()?;
    let trial = args.flags.duration.unwrap_or(args.budget.mul_f64(0.04));
    let search = Search {
        from: args.from,
        budget: args.budget,
        trial: trial.max(Duration::from_secs(1)),
    };
    let longest = args.budget.mul_f64(LONGEST);
    let mut trial = |order| carry_out(&plan, order, longest, &interruption);
    let searched = search.run(&mut trial, Instant::now);
    let curve = match searched {
        Ok(curve) => curve,
        Err(error) => {
            let code = interruption
                .code()
                .unwrap_or_else(|| run::exit_code(&error));
            return Ok(super::complain("saturate", &error, code));
        }
    };
    let (words, code) = verdict(&curve);
    let code = interruption.code().unwrap_or(code);
    super::print(&match args.format {
        Format::Text => text(&curve, &plan, &words, code),
        Format::Json => json(&curve, &plan, &words, code)?,
    })?;
    Ok(code)
}

fn budget(text: &str) -> Result<Duration, String> {
    super::budget(text, Duration::from_secs(5))
}

impl SaturateArgs {
    fn may_load(&self) -> Result<(), TargetError> {
        // Any of them may be the one that answers.
        let mut addresses = self.target.resolve()?.into_iter();
        addresses.try_for_each(|address| self.target.may_load(address.ip(), &self.ownership))
    }

    fn plan(&self) -> Result<Plan, String> {
        let flags = &self.flags;
        for (given, flag) in [
            (flags.rate.is_some(), "--rate"),
            (flags.phases.is_some(), "--phases"),
            (flags.jobs.is_some(), "--jobs"),
            (flags.backlog.is_some(), "--backlog"),
            (flags.repeat.is_some(), "--repeat"),
        ] {
            if given {
                return Err(format!("{flag} is what the search chooses: leave it out"));
            }
        }
        let mut scenario = flags.scenario();
        // Which rate is a matter of each trial.
        scenario.rate = Some(self.from);
        let seed = rand::random::<u32>().into();
        let mut plan = scenario
            .plan(&self.target.to_string(), RunId::fresh(), seed)
            .map_err(|error| error.to_string())?;
        if plan.slos.is_empty() {
            let slo: Result<Slo, _> = "response.p99 < 20ms".parse();
            plan.slos.push(slo.map_err(|error| error.to_string())?);
        }
        if flags.arrival.is_none() {
            plan.pace = at(&plan, self.from, Arrival::Poisson);
        }
        plan.drain = plan.drain.min(DRAIN);
        Ok(plan)
    }
}

/// The plan's pace at another rate.
fn at(plan: &Plan, rate: f64, otherwise: Arrival) -> Pace {
    let arrival = match plan.pace {
        Pace::Open { arrival, .. } => arrival,
        Pace::Closed { .. } => otherwise,
    };
    Pace::Open { rate, arrival }
}

/// One trial, in functions of its own; `None` once the user has had enough.
fn carry_out(
    plan: &Plan,
    order: Order,
    longest: Duration,
    interruption: &Interruption,
) -> Result<Option<Trial>, LoadError> {
    if interruption.code().is_some() {
        return Ok(None);
    }
    let needed = Duration::from_secs_f64(LEAST_JOBS / order.rate).min(longest);
    let duration = order.duration.max(needed);
    let plan = Plan {
        id: RunId::fresh(),
        pace: at(plan, order.rate, Arrival::Poisson),
        duration: Some(duration),
        warmup: plan.warmup.max(duration.mul_f64(0.2)),
        ..plan.clone()
    };
    let control = Control {
        stop: interruption.stop(),
        progress: None,
    };
    let report = match load::run(plan, control) {
        Ok(outcome) => outcome.report,
        Err(LoadError::Interrupted) => return Ok(None),
        Err(error) => return Err(error),
    };
    if interruption.code().is_some() {
        return Ok(None);
    }
    let trial = Trial::of(&report, order.rate, order.confirms);
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{}", row(&trial));
    Ok(Some(trial))
}

/// What it comes to, and the exit code.
fn verdict(curve: &Curve) -> (String, u8) {
    let because = |trial: &Trial| match &trial.outcome {
        Outcome::Holds => String::new(),
        Outcome::Fails(why) => format!("fails at {} because {why}", quantity::rate(trial.rate)),
        Outcome::Generator(why) => {
            format!("no measurement at {}: {why}", quantity::rate(trial.rate))
        }
    };
    if let Some(trial) = curve.confirmed() {
        let holds = format!("holds at {}", quantity::rate(trial.rate));
        return match curve.failed_above(trial.rate) {
            Some(above) => {
                let measured = matches!(above.outcome, Outcome::Fails(_));
                let code = if measured {
                    exit::OK
                } else {
                    exit::INCONCLUSIVE
                };
                (format!("{holds}, {}", because(above)), code)
            }
            None => (
                format!("{holds}; no rate above it was tried"),
                exit::INCONCLUSIVE,
            ),
        };
    }
    if curve.held().is_some() {
        let last = curve.trials.last().map(because);
        let why = last.filter(|why| !why.is_empty());
        let why = why.unwrap_or_else(|| "the search was over before".to_owned());
        return (format!("not confirmed: {why}"), exit::INCONCLUSIVE);
    }
    let failed = |t: &&Trial| matches!(t.outcome, Outcome::Fails(_));
    match curve.trials.iter().rfind(failed) {
        Some(trial) => (format!("no rate holds: {}", because(trial)), exit::SLO),
        None => {
            let last = curve.trials.last().map(because).unwrap_or_default();
            (format!("nothing was measured; {last}"), exit::INCONCLUSIVE)
        }
    }
}

fn row(trial: &Trial) -> String {
    let shown = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), quantity::duration);
    let word = match (&trial.outcome, trial.confirms) {
        (Outcome::Holds, true) => "holds, confirmed",
        (Outcome::Holds, false) => "holds",
        (Outcome::Fails(why) | Outcome::Generator(why), _) => why,
    };
    format!(
        "{:>14} {:>14} {:>9} {:>9}  {}",
        quantity::rate(trial.rate),
        quantity::rate(trial.achieved),
        shown(trial.p50_ns),
        shown(trial.p99_ns),
        word
    )
}

fn slos(plan: &Plan) -> Vec<String> {
    plan.slos.iter().map(ToString::to_string).collect()
}

fn text(curve: &Curve, plan: &Plan, words: &str, code: u8) -> String {
    let mut out = format!(
        "gearbench saturate  target {}  seed {}\nasked for  {}\n\n",
        plan.target,
        plan.seed,
        slos(plan).join(", ")
    );
    let _ = writeln!(
        out,
        "{:>14} {:>14} {:>9} {:>9}",
        "offered", "completed", "p50", "p99"
    );
    for trial in &curve.trials {
        let _ = writeln!(out, "{}", row(trial));
    }
    let exit = if code == exit::OK {
        String::new()
    } else {
        format!(" (exit {code})")
    };
    let _ = writeln!(out, "\nverdict    {words}{exit}");
    out
}

fn json(curve: &Curve, plan: &Plan, words: &str, code: u8) -> anyhow::Result<String> {
    let value = serde_json::json!({
        "kind": "saturation",
        "schema_version": 1,
        "plan": plan,
        "trials": curve.trials,
        "confirmed_rate": curve.confirmed().map(|trial| trial.rate),
        "verdict": words,
        "exit_code": code,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}
