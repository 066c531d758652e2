//! `gearbench saturate`.

mod found;

use super::exit;
use super::output::{Format, Output};
use super::run::{self, chosen, files, flags::Flags};
use super::signals::Interruption;
use super::target::Driven;
use crate::load::search::{self, Order, Search};
use crate::load::{self, Arrival, Control, LoadError, Metric, Pace, Plan, RunId, Slo, units};
use crate::report::saturation::{self, Level, Saturation, Trial};
use crate::report::{Origin, html};
use anyhow::Context;
use chosen::Chosen;
use std::io::Write as _;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench saturate -t 127.0.0.1:4730                       response.p99 < 20ms, in a minute
  gearbench saturate @fifo-throughput --slo 'response.p99 < 5ms' --budget 5m
  gearbench saturate --clients 200 --workers 50 --service exp:5ms
  gearbench saturate --format json > curve.json";

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
/// The first rate, where nothing else says one.
const FROM: f64 = 1000.0;

/// Search the highest rate that meets the service levels, and confirm it.
///
/// The files are result.json, which holds the curve, and report.html, which shows it.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct SaturateArgs {
    /// A scenario: a file, or @name for one that comes with gearbench (`gearbench list scenarios`);
    /// its rate is where the search begins, its jobs and its duration are left out
    #[arg(value_name = "FILE|@NAME")]
    scenario: Option<String>,
    #[command(flatten)]
    driven: Driven,
    /// Time for all of it, from 5s to 24h
    #[arg(long, env = "GEARBENCH_BUDGET", value_name = "TIME", value_parser = budget, default_value = "60s", help_heading = "Search")]
    budget: Duration,
    /// The first rate [default: the scenario's, else 1k]
    #[arg(long, env = "GEARBENCH_FROM", value_name = "RATE", value_parser = units::rate, help_heading = "Search")]
    from: Option<f64>,
    #[command(flatten)]
    output: Output,
    /// What describes the load; --duration is that of a trial.
    #[command(flatten)]
    flags: Flags,
}

/// Searches; returns the exit code.
pub(super) fn saturate(args: &SaturateArgs) -> anyhow::Result<u8> {
    let complain = |error: &dyn std::fmt::Display, code| super::complain("saturate", error, code);
    let Chosen { plan, target } = match args.choose() {
        Ok(chosen) => chosen,
        Err((error, code)) => return Ok(complain(&error, code)),
    };
    if let Err(error) = target.may_be_driven(&args.driven.ownership) {
        return Ok(complain(&error, error.code()));
    }
    if let Err(error) = args.output.make() {
        return Ok(complain(&super::reason(&error), exit::USAGE));
    }
    let interruption = Interruption::watch()?;
    let json = serde_json::to_value(&plan)?;
    let mut trials = Trials {
        origin: Origin::new("saturate", &plan.target, plan.seed, json),
        longest: args.budget.mul_f64(LONGEST),
        plan,
        interruption: &interruption,
    };
    let search = args.search(&trials.plan);
    let searched = search.run(|order| trials.carry_out(order), Instant::now);
    let curve = match searched {
        Ok(curve) => curve,
        Err(error) => {
            let code = interruption
                .code()
                .unwrap_or_else(|| run::exit_code(&error));
            return Ok(complain(&error, code));
        }
    };
    let (verdict, code) = found::verdict(&curve);
    let code = interruption.code().unwrap_or(code);
    let saturation = Saturation {
        confirmed_rate: curve.confirmed().map(|trial| trial.rate),
        verdict,
        exit_code: code,
        ..Saturation::new(trials.origin, levels(&trials.plan), curve.trials)
    };
    args.show(&saturation)?;
    Ok(code)
}

fn budget(text: &str) -> Result<Duration, String> {
    super::budget(text, Duration::from_secs(5))
}

/// The service levels of a plan.
fn levels(plan: &Plan) -> Vec<Level> {
    let level = |slo: &Slo| Level {
        slo: slo.to_string(),
        response_ns: match slo.metric {
            Metric::Latency {
                stage: "response", ..
            } => Some(slo.limit),
            _ => None,
        },
    };
    plan.slos.iter().map(level).collect()
}

impl SaturateArgs {
    /// The plan of all trials, whose rate is the first one; or why there is none, and the exit code.
    fn choose(&self) -> Result<Chosen, (String, u8)> {
        let flags = &self.flags;
        for (given, flag) in [
            (flags.rate.is_some(), "--rate"),
            (flags.phases.is_some(), "--phases"),
            (flags.jobs.is_some(), "--jobs"),
            (flags.backlog.is_some(), "--backlog"),
            (flags.repeat.is_some(), "--repeat"),
            (flags.outstanding.is_some(), "--outstanding"),
        ] {
            if given {
                let why = format!("{flag} is what the search chooses: leave it out");
                return Err((why, exit::USAGE));
            }
        }
        let scenario = self.scenario.as_deref();
        let target = self.driven.target.as_ref();
        let refuse = |error: chosen::ChoiceError| (error.to_string(), error.code());
        // The scenario alone has a rate, or it has none.
        let alone = chosen::choose(scenario, load::Scenario::default(), target).map_err(refuse)?;
        let (own, arrival) = match alone.plan.pace {
            Pace::Open { rate, arrival } => (Some(rate), flags.arrival.unwrap_or(arrival)),
            Pace::Closed { .. } => (None, flags.arrival.unwrap_or(Arrival::Poisson)),
        };
        let mut over = flags.scenario();
        let rate = self.from.or(own).unwrap_or(FROM);
        (over.rate, over.arrival) = (Some(rate), Some(arrival));
        let mut chosen = chosen::choose(scenario, over, target).map_err(refuse)?;
        let plan = &mut chosen.plan;
        (plan.jobs, plan.backlog, plan.repeat) = (None, 0, 1);
        plan.warmup = flags.warmup.unwrap_or_default();
        plan.drain = plan.drain.min(DRAIN);
        if plan.slos.is_empty() {
            let slo: Result<Slo, _> = "response.p99 < 20ms".parse();
            let slo = slo.map_err(|error| (error.to_string(), exit::INTERNAL))?;
            plan.slos.push(slo);
        }
        Ok(chosen)
    }

    fn search(&self, plan: &Plan) -> Search {
        let trial = self.flags.duration.unwrap_or(self.budget.mul_f64(0.04));
        Search {
            from: match plan.pace {
                Pace::Open { rate, .. } => rate,
                Pace::Closed { .. } => FROM,
            },
            budget: self.budget,
            trial: trial.max(Duration::from_secs(1)),
        }
    }

    /// Prints what was found, and writes it.
    fn show(&self, saturation: &Saturation) -> anyhow::Result<()> {
        match self.output.format {
            Format::Text => super::print(&saturation::text(saturation))?,
            Format::Json => super::print(&saturation::json(saturation)?)?,
            Format::Quiet => {}
        }
        let dir = self.output.directory(&saturation.origin.directory());
        let Some(dir) = dir.filter(|_| !saturation.trials.is_empty()) else {
            return Ok(());
        };
        files::make(&dir)?;
        files::write(&dir, "result.json", &saturation::json(saturation)?)?;
        let page = html::saturation(saturation).context("cannot render the page")?;
        files::write(&dir, "report.html", &page)?;
        self.output.tell(&dir);
        Ok(())
    }
}

/// Makes trials.
struct Trials<'a> {
    plan: Plan,
    origin: Origin,
    longest: Duration,
    interruption: &'a Interruption,
}

impl Trials<'_> {
    /// One trial, in functions of its own; `None` once the user has had enough.
    fn carry_out(&mut self, order: Order) -> Result<Option<Trial>, LoadError> {
        if self.interruption.code().is_some() {
            return Ok(None);
        }
        let needed = Duration::from_secs_f64(LEAST_JOBS / order.rate).min(self.longest);
        let duration = order.duration.max(needed);
        let arrival = match self.plan.pace {
            Pace::Open { arrival, .. } => arrival,
            Pace::Closed { .. } => Arrival::Poisson,
        };
        let plan = Plan {
            id: RunId::fresh(),
            pace: Pace::Open {
                rate: order.rate,
                arrival,
            },
            duration: Some(duration),
            warmup: self.plan.warmup.max(duration.mul_f64(0.2)),
            ..self.plan.clone()
        };
        let control = Control {
            stop: self.interruption.stop(),
            progress: None,
        };
        let report = match load::run(plan, control) {
            Ok(outcome) => outcome.report,
            Err(LoadError::Interrupted) => return Ok(None),
            Err(error) => return Err(error),
        };
        if self.interruption.code().is_some() {
            return Ok(None);
        }
        self.origin.learn(&report);
        let trial = search::trial(&report, order.rate, order.confirms);
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(std::io::stderr(), "{}", trial.row());
        Ok(Some(trial))
    }
}
