//! `gearbench check`, the default: what an operator wants to know of a server, on one screen.

mod identify;
mod screen;

use super::signals::Interruption;
use super::target::{Ownership, Target, TargetError};
use super::{exit, run};
use crate::conformance::case::Case;
use crate::conformance::player::Delivery;
use crate::conformance::runner::{self, Options, Outcome, Place};
use crate::conformance::suite::Suite;
use crate::load::{self, Arrival, Control, LoadError, Pace, Plan, Probed, RunId};
use crate::report::conform::{CaseResult, Verdict};
use crate::report::{Finding, Kind, Phase, Report};
use crate::server::{Background, Listener};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench                                  check a job server started here, inside gearbench
  gearbench -t 127.0.0.1:4730                check that one: 45 s, harmless
  gearbench check -t queue.lan --budget 20s --no-load";

const EXITS: &str = "\
Exit codes: 0 passed; 2 usage; 3 target unreachable or no Gearman server; 4 a protocol case
failed; 5 a job was lost, made up, run twice or damaged; 8 jobs were refused or not answered, or
cases not played; 130 and 143 interrupted, with a partial screen.";

/// How long the first answers may take.
const PREFLIGHT: Duration = Duration::from_secs(2);
/// Share of the budget that the protocol cases may take.
const CASES_SHARE: f64 = 8.0 / 45.0;
/// What they may take however small the budget is. An idle machine needs a hundredth of it.
const CASES_LEAST: Duration = Duration::from_secs(3);
/// Share of the budget that a job may take before it counts as not answered, and that the last
/// jobs of a load may take; and how long both may take however small the budget is.
const PATIENCE_SHARE: f64 = 0.2;
const PATIENCE_LEAST: Duration = Duration::from_secs(2);
/// Proportions in which the three loads divide what is left of the budget: their seconds in the
/// shortest check that is worth its name.
const IDLE: f64 = 5.0;
const CEILING: f64 = 8.0;
const LOADED: f64 = 15.0;
/// How long each load takes even when the cases have used up the budget.
const LOAD_LEAST: Duration = Duration::from_millis(200);
/// How long the last jobs of a load may take even when the budget is used up.
const DRAIN_LEAST: Duration = Duration::from_secs(1);
/// Share of the budget that connecting, draining and looking for left-overs may take.
const SLACK_SHARE: f64 = 0.1;
/// Share of the ceiling at which latency is measured. A closed loop that keeps everyone busy does
/// more with a job's time than one that lets workers sleep between jobs, so it may not hold: then
/// half of it is tried.
const LOAD: f64 = 0.6;
/// Rates that are tried at the most.
const TRIALS: u32 = 4;
/// Share of the last part that one trial takes.
const TRIAL_SHARE: f64 = 0.12;
/// Share of the offered rate that must be completed for it to hold.
const HOLDS: f64 = 0.97;
/// Clients and workers of the ceiling and of the load below it.
const ACTORS: usize = 8;
/// Jobs that each client has on their way when the ceiling is looked for.
const OUTSTANDING: usize = 8;

/// Check a job server: is it one, which, does it behave, how fast is it? Harmless, about 45 s.
///
/// Plays some 40 protocol cases that any right server passes, measures latency when idle, the
/// highest rate of a closed loop, and latency at 60 % of that rate with every job accounted for.
/// Leaves nothing behind: its jobs are run, and its functions, which nobody else knows, are
/// dropped; it sends no other command that changes the server. Without a target it starts
/// gearbench's own job server and checks that.
#[derive(Args, Clone, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS, allow_negative_numbers = true)]
pub(super) struct CheckArgs {
    /// Job server to check [default: one started inside gearbench]
    #[arg(short, long, value_name = "HOST:PORT", env = "GEARBENCH_TARGET")]
    target: Option<Target>,
    /// Time for everything, from 5s to 24h
    #[arg(long, value_name = "TIME", env = "GEARBENCH_BUDGET", value_parser = budget, default_value = "45s")]
    budget: Duration,
    /// Leave out the load
    #[arg(long, env = "GEARBENCH_NO_LOAD")]
    no_load: bool,
    /// Leave out the protocol cases
    #[arg(long, env = "GEARBENCH_NO_CONFORM")]
    no_conform: bool,
    /// The same seed sends the same jobs; drawn when not given
    #[arg(long, env = "GEARBENCH_SEED")]
    seed: Option<u64>,
    /// Write the result of each load to a directory below this one
    #[arg(long, value_name = "DIR", env = "GEARBENCH_OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ownership: Ownership,
}

fn budget(text: &str) -> Result<Duration, String> {
    super::budget(text, Duration::from_secs(5))
}

/// What is known so far.
struct Findings {
    target: Target,
    identity: identify::Identity,
    seed: u64,
    started: Instant,
    cases: Outcome,
    idle: Option<Report>,
    ceiling: Option<Report>,
    /// Short runs that looked for a rate that holds.
    trials: Vec<Report>,
    loaded: Option<Report>,
    /// Share of the ceiling that `loaded` offered.
    load: f64,
    /// Why there was no load, or no more of it.
    without_load: Option<String>,
    interrupted: Option<u8>,
    /// A load could not be carried out.
    failure: Option<(u8, String)>,
}

/// Checks a server.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<u8> {
    let (target, _server) = match &args.target {
        Some(target) => (target.clone(), None),
        None => {
            let server = own_server()?;
            (Target::from(server.address()), Some(server))
        }
    };
    let deadline = Instant::now() + args.budget;
    progress(1, &format!("is {target} a Gearman server?"));
    let probed = match load::probe(&target.to_string(), PREFLIGHT) {
        Ok(probed) => probed,
        Err(error) => return Ok(super::complain("check", &error, run::exit_code(&error))),
    };
    let check = Check {
        args,
        id: RunId::fresh(),
        interruption: Interruption::watch()?,
        deadline,
        suite: Suite::builtin()?,
    };
    let findings = check.carry_out(target, &probed);
    let (text, code) = screen::render(&findings);
    std::io::stdout().write_all(text.as_bytes())?;
    if let Some(directory) = &args.out {
        findings.write(directory)?;
    }
    Ok(code)
}

fn own_server() -> anyhow::Result<Background> {
    let listener = Listener::bind("127.0.0.1", 0, 1024)?;
    Ok(Background::start(listener, super::local_policy())?)
}

/// Says on stderr what happens now.
fn progress(part: u8, what: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "[{part}/5] {what}");
}

/// One check on its way.
struct Check<'a> {
    args: &'a CheckArgs,
    id: RunId,
    interruption: Interruption,
    deadline: Instant,
    suite: Suite,
}

/// When no more cases begin.
struct Limits<'a> {
    interruption: &'a Interruption,
    until: Instant,
}

impl runner::Control for Limits<'_> {
    fn stopped(&self) -> Option<&'static str> {
        match self.interruption.code() {
            Some(_) => Some("interrupted"),
            None => (Instant::now() >= self.until).then_some("the time was over"),
        }
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

impl Check<'_> {
    fn carry_out(&self, target: Target, probed: &Probed) -> Findings {
        let mut findings = Findings {
            target,
            identity: identify::identify(probed),
            seed: self
                .args
                .seed
                .unwrap_or_else(|| rand::random::<u32>().into()),
            started: Instant::now(),
            cases: Outcome::default(),
            idle: None,
            ceiling: None,
            trials: Vec::new(),
            loaded: None,
            load: LOAD,
            without_load: None,
            interrupted: None,
            failure: None,
        };
        if !self.args.no_conform {
            findings.cases = self.play_cases(&findings);
        }
        if let Err(reason) = self.may_load(&findings.target, probed) {
            findings.without_load = Some(reason);
        } else if let Err(error) = self.load(&mut findings) {
            findings.failure = Some((run::exit_code(&error), error.to_string()));
        }
        findings.interrupted = self.interruption.code();
        findings
    }

    fn play_cases(&self, findings: &Findings) -> Outcome {
        let limit = self.args.budget.mul_f64(CASES_SHARE).max(CASES_LEAST);
        let cases: Vec<&Case> = self
            .suite
            .cases()
            .iter()
            .filter(|case| case.check)
            .collect();
        progress(
            2,
            &format!("{} protocol cases, at most {limit:.0?}", cases.len()),
        );
        let options = Options {
            profile: findings.identity.profile.clone(),
            splits: vec![Delivery::Whole],
            hazardous: false,
            timeout: PREFLIGHT,
            // One after the other: the server has other work.
            parallel: 1,
            namespace: format!("{}case-", self.id.prefix()),
            repeat: format!("--target {}", findings.target),
            keep_traces: false,
        };
        let limits = Limits {
            interruption: &self.interruption,
            until: Instant::now() + limit,
        };
        let place = Place::Target(findings.target.to_string());
        runner::run(&cases, &place, &options, &limits)
    }

    fn patience(&self) -> Duration {
        self.args.budget.mul_f64(PATIENCE_SHARE).max(PATIENCE_LEAST)
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn may_load(&self, target: &Target, probed: &Probed) -> Result<(), String> {
        if self.args.no_load {
            return Err("left out, as asked".to_owned());
        }
        target
            .may_load(probed.address.ip(), &self.args.ownership)
            .map_err(|error: TargetError| error.to_string())
    }

    /// The three loads; each needs the one before.
    fn load(&self, findings: &mut Findings) -> Result<(), LoadError> {
        let slack = self.args.budget.mul_f64(SLACK_SHARE);
        let rest = self.left().saturating_sub(slack);
        let part = |seconds: f64| {
            rest.mul_f64(seconds / (IDLE + CEILING + LOADED))
                .max(LOAD_LEAST)
        };
        let plan = |pace, actors, duration: Duration| Plan {
            pace,
            duration: Some(duration.mul_f64(0.95)),
            warmup: duration.mul_f64(0.05),
            timeout: self.patience(),
            connect_timeout: PREFLIGHT,
            clients: actors,
            workers: actors,
            ..Plan::new(findings.target.to_string(), RunId::fresh(), findings.seed)
        };
        let closed = |outstanding| Pace::Closed { outstanding };

        let (idle, ceiling, loaded) = (part(IDLE), part(CEILING), part(LOADED));
        let idle_plan = plan(closed(1), 1, idle);
        let ceiling_plan = plan(closed(OUTSTANDING), ACTORS, ceiling);
        let open = |rate, duration| {
            let arrival = Arrival::Poisson;
            plan(Pace::Open { rate, arrival }, ACTORS, duration)
        };

        progress(3, &format!("latency when idle, {idle:.1?}"));
        findings.idle = self.run(idle_plan)?;
        if completed_per_second(findings.idle.as_ref()) <= 0.0 {
            findings.without_load = Some("no job was completed".to_owned());
            return Ok(());
        }
        progress(4, &format!("the highest rate, {ceiling:.1?}"));
        findings.ceiling = self.run(ceiling_plan)?;
        let highest = completed_per_second(findings.ceiling.as_ref());
        if highest <= 0.0 {
            findings.without_load = Some("no job was completed".to_owned());
            return Ok(());
        }
        let mut left = loaded;
        let mut load = LOAD;
        for _ in 0..TRIALS {
            let trial = loaded.mul_f64(TRIAL_SHARE);
            left -= trial;
            progress(
                5,
                &format!("does it hold {:.0} jobs/s? {trial:.1?}", load * highest),
            );
            let Some(report) = self.run(open(load * highest, trial))? else {
                return Ok(());
            };
            let kept_up = report.headline().is_some_and(keeps_up);
            findings.trials.push(report);
            if kept_up {
                break;
            }
            load /= 2.0;
        }
        progress(
            5,
            &format!("latency at {:.0} jobs/s, {left:.1?}", load * highest),
        );
        findings.load = load;
        findings.loaded = self.run(open(load * highest, left))?;
        Ok(())
    }

    /// One load; nothing once the user has had enough.
    fn run(&self, mut plan: Plan) -> Result<Option<Report>, LoadError> {
        if self.interruption.code().is_some() {
            return Ok(None);
        }
        // A target that swallows jobs costs each load its drain: not beyond the budget.
        plan.drain = self.patience().min(self.left()).max(DRAIN_LEAST);
        let control = Control {
            stop: self.interruption.stop(),
            progress: None,
        };
        match load::run(plan, control) {
            Ok(outcome) => Ok(Some(outcome.report)),
            Err(LoadError::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn completed_per_second(report: Option<&Report>) -> f64 {
    let phase = report.and_then(Report::headline);
    phase.map_or(0.0, |phase| phase.completed_per_second)
}

/// Whether the server kept up with what was offered.
fn keeps_up(phase: &Phase) -> bool {
    let offered = phase.offered_per_second.unwrap_or_default();
    phase.completed_per_second >= HOLDS * offered
}

impl Findings {
    fn reports(&self) -> impl Iterator<Item = &Report> {
        self.loads().chain(&self.trials)
    }

    fn loads(&self) -> impl Iterator<Item = &Report> {
        let parts = [&self.idle, &self.ceiling, &self.loaded];
        parts.into_iter().flatten()
    }

    /// What speaks against the target. A trial is to find out what is too much, so of it only
    /// broken promises count.
    fn against_target(&self) -> impl Iterator<Item = &Finding> {
        let loads = self.loads().flat_map(|report| &report.verdict.findings);
        let trials = self
            .trials
            .iter()
            .flat_map(|report| &report.verdict.findings);
        let broken = |finding: &&Finding| matches!(finding.kind, Kind::Invariant | Kind::Target);
        loads
            .filter(|finding| finding.kind != Kind::Generator)
            .chain(trials.filter(broken))
    }

    fn failed_cases(&self) -> impl Iterator<Item = &CaseResult> {
        let failed = |case: &&CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Fixed);
        self.cases.results.iter().filter(failed)
    }

    /// Cases that should have been played and were not.
    fn unplayed_cases(&self) -> impl Iterator<Item = &CaseResult> {
        let unplayed =
            |case: &&CaseResult| matches!(case.verdict, Verdict::Blocked | Verdict::Error);
        self.cases.results.iter().filter(unplayed)
    }

    /// The exit code. That this machine was busy says nothing about the server and is no failure.
    fn code(&self) -> u8 {
        let cases = self.failed_cases().next().map(|_| exit::CONFORMANCE);
        let found = self.against_target().map(|finding| finding.code);
        let failure = self.failure.as_ref().map(|(code, _)| *code);
        let lost = self.cases.gone.then_some(exit::TARGET);
        let unplayed = self.unplayed_cases().next().map(|_| exit::INCONCLUSIVE);
        let others = failure.into_iter().chain(lost).chain(unplayed);
        let others = others.chain(self.interrupted);
        exit::precedence(found.chain(cases).chain(others))
    }

    /// Writes each load's files.
    fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let parts = [
            ("idle", &self.idle),
            ("ceiling", &self.ceiling),
            ("loaded", &self.loaded),
        ];
        for (name, report) in parts {
            if let Some(report) = report {
                run::write_to(&directory.join(name), report)?;
            }
        }
        Ok(())
    }
}
