//! `gearbench mutants`: how good are the tests? Each defect is switched on alone, and some rule has
//! to notice.

mod kill;
mod live;
mod load;
mod memory;
mod outcome;
#[cfg(test)]
mod tests;

use super::conform::write_file;
use super::exit;
use super::signals::Interruption;
use crate::conformance::player::Delivery;
use crate::conformance::suite::Suite;
use crate::mutants::{ALL, At, Info, everywhere};
use anyhow::Context;
use clap::Args;
use kill::{Kill, Passed};
use outcome::{Hunted, Outcome};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  gearbench mutants                                       all of them: some minutes
  gearbench mutants --memory                              those that the engine in memory shows
  gearbench mutants --only last-in-first-out,noop-flood
  gearbench mutants --baseline-runs 50 --json mutants.json";

const EXITS: &str = "\
Exit codes: 0 every defect was noticed, and nothing was without one; 2 usage; 4 a defect was not
noticed; 5 something failed without a defect; 130 and 143 interrupted, with partial results.";

/// Break this program on purpose, one defect at a time, and see which rules notice.
///
/// The conformance cases and generated sessions are played on the engine in memory; what only a
/// running server can show, on servers of this program, with restarts; and the load generator is
/// held against servers that lie, and against what it should have said. First all is played without a
/// defect: what fails then proves nothing.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct MutantsArgs {
    /// Only these defects
    #[arg(long, env = "GEARBENCH_ONLY", value_name = "NAME,..", value_delimiter = ',', value_parser = named)]
    only: Vec<&'static Info>,
    /// How often everything is played without a defect, with other sessions each time
    #[arg(long, env = "GEARBENCH_BASELINE_RUNS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    baseline_runs: u16,
    /// Only what is played on the engine in memory: some seconds
    #[arg(long, env = "GEARBENCH_MEMORY")]
    memory: bool,
    /// Generated sessions for each defect
    #[arg(
        long,
        env = "GEARBENCH_SESSIONS",
        value_name = "N",
        default_value_t = 500
    )]
    sessions: u32,
    /// Write what was found as JSON
    #[arg(long, env = "GEARBENCH_JSON", value_name = "FILE")]
    json: Option<PathBuf>,
}

fn named(name: &str) -> Result<&'static Info, String> {
    Info::named(name).ok_or_else(|| {
        let names: Vec<String> = ALL.iter().map(Info::name).collect();
        format!("no such defect; there are {}", names.join(", "))
    })
}

/// The variable that names the defect of all of a process.
const VARIABLE: &str = "GEARBENCH_MUTANT";

/// Switches on what the environment asks for; the exit code where there is no such defect.
pub(super) fn from_environment() -> Result<(), u8> {
    let Some(name) = std::env::var_os(VARIABLE) else {
        return Ok(());
    };
    let info = named(&name.to_string_lossy()).map_err(|error| {
        say(&format!("gearbench: {VARIABLE}: {error}"));
        exit::USAGE
    })?;
    say(&format!("gearbench: broken on purpose: {}", info.what()));
    everywhere(info.mutant);
    Ok(())
}

/// Breaks the program and looks who notices.
pub(super) fn mutants(args: &MutantsArgs) -> anyhow::Result<u8> {
    let interruption = Interruption::watch()?;
    let suite = Suite::builtin().context("the cases cannot be read")?;
    let program = std::env::current_exe().context("cannot find out where gearbench is")?;
    let mut outcome = Outcome::new(&suite);
    let mut hunt = Hunt {
        memory: memory::Memory::new(&suite, args.sessions, &interruption),
        live: (!args.memory).then(|| live::Live::new(&suite, &program, &interruption)),
        load: load::Load::new(&program),
        passed: Passed::default(),
    };
    for run in 0..args.baseline_runs {
        say(&format!(
            "without a defect, {} of {}",
            run + 1,
            args.baseline_runs
        ));
        let alarms = hunt.baseline(u64::from(run))?;
        if interruption.code().is_some() {
            break;
        }
        outcome.baseline(alarms);
    }
    let all: Vec<&Info> = match args.only.is_empty() {
        true => ALL.iter().filter(|info| hunt.sees(info)).collect(),
        false => args.only.clone(),
    };
    for (number, info) in (1..).zip(&all) {
        if outcome.alarmed() || interruption.code().is_some() {
            break;
        }
        let started = Instant::now();
        let kills = hunt.hunt(info)?;
        if interruption.code().is_some() {
            break;
        }
        let hunted = Hunted::new(info, kills);
        let (verdict, took) = (hunted.verdict(), started.elapsed().as_secs_f64());
        say(&format!(
            "{number} of {}  {}: {verdict} ({took:.1} s)",
            all.len(),
            info.name()
        ));
        outcome.hunted.push(hunted);
    }
    outcome.sum_up(all.len());
    super::print(&outcome.text())?;
    if let Some(path) = &args.json {
        write_file(path, &serde_json::to_string_pretty(&outcome)?)?;
    }
    let codes = outcome.codes().into_iter().chain(interruption.code());
    Ok(exit::precedence(codes))
}

/// Everywhere that a defect is looked for.
struct Hunt<'s> {
    memory: memory::Memory<'s>,
    live: Option<live::Live<'s>>,
    load: load::Load,
    passed: Passed,
}

impl Hunt<'_> {
    /// Plays everything without a defect; what fails.
    fn baseline(&mut self, run: u64) -> anyhow::Result<Vec<String>> {
        let mut alarms = self.memory.baseline(run, &mut self.passed);
        if let Some(live) = &mut self.live {
            alarms.extend(live.baseline()?);
            alarms.extend(self.load.baseline()?);
        }
        Ok(alarms)
    }

    /// Whether the defect can show where it is looked for.
    fn sees(&self, info: &Info) -> bool {
        self.live.is_some() || info.at == At::Packets
    }

    /// Who notices the defect: in memory where it can be seen there, else where it can.
    fn hunt(&self, info: &Info) -> anyhow::Result<Vec<Kill>> {
        if info.unseen().is_some() {
            return Ok(Vec::new());
        }
        let Some(live) = &self.live else {
            return Ok(self.memory.hunt(info, &self.passed));
        };
        Ok(match info.at {
            At::Packets => match self.memory.hunt(info, &self.passed) {
                kills if kills.is_empty() => live.hunt(info)?,
                kills => kills,
            },
            At::Server => live.hunt(info)?,
            At::Store => live.hunt_stored(info)?,
            At::Liar => self.load.hunt_server(info)?,
            At::Generator => self.load.hunt_generator(info)?,
        })
    }
}

/// Says how far it is.
fn say(line: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
