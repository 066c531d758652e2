//! `gearbench mutants`: how good are the tests? Each defect is switched on alone, and some rule has
//! to notice.

mod kill;
mod memory;
mod outcome;
#[cfg(test)]
mod tests;

use super::conform::write_file;
use super::exit;
use super::signals::Interruption;
use crate::conformance::player::Delivery;
use crate::conformance::suite::Suite;
use crate::mutants::{ALL, Info, everywhere};
use anyhow::Context;
use clap::Args;
use kill::{Kill, Passed};
use outcome::{Hunted, Outcome};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  gearbench mutants                                       all of them
  gearbench mutants --only last-in-first-out,noop-flood
  gearbench mutants --baseline-runs 50 --json mutants.json";

const EXITS: &str = "\
Exit codes: 0 every defect was noticed, and nothing was without one; 2 usage; 4 a defect was not
noticed; 5 something failed without a defect; 130 and 143 interrupted, with partial results.";

/// Break this program on purpose, one defect at a time, and see which rules notice.
///
/// The conformance cases and generated sessions are played on the engine in memory. First all is
/// played without a defect: what fails then proves nothing.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct MutantsArgs {
    /// Only these defects
    #[arg(long, env = "GEARBENCH_ONLY", value_name = "NAME,..", value_delimiter = ',', value_parser = named)]
    only: Vec<&'static Info>,
    /// How often everything is played without a defect, with other sessions each time
    #[arg(long, env = "GEARBENCH_BASELINE_RUNS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    baseline_runs: u16,
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
    let mut outcome = Outcome::new(&suite);
    let memory = memory::Memory::new(&suite, args.sessions, &interruption);
    let mut passed = Passed::default();
    for run in 0..args.baseline_runs {
        say(&format!(
            "without a defect, {} of {}",
            run + 1,
            args.baseline_runs
        ));
        let alarms = memory.baseline(u64::from(run), &mut passed);
        if interruption.code().is_some() {
            break;
        }
        outcome.baseline(alarms);
    }
    let all: Vec<&Info> = match args.only.is_empty() {
        true => ALL.iter().collect(),
        false => args.only.clone(),
    };
    let count = all.len();
    for (number, info) in (1..).zip(all) {
        if outcome.alarmed() || interruption.code().is_some() {
            break;
        }
        let started = Instant::now();
        let kills = memory.hunt(info, &passed);
        if interruption.code().is_some() {
            break;
        }
        let hunted = Hunted::new(info, kills);
        let took = started.elapsed().as_secs_f64();
        say(&format!(
            "{number} of {count}  {}: {} ({took:.1} s)",
            info.name(),
            hunted.verdict()
        ));
        outcome.hunted.push(hunted);
    }
    outcome.sum_up(count);
    super::print(&outcome.text())?;
    if let Some(path) = &args.json {
        write_file(path, &serde_json::to_string_pretty(&outcome)?)?;
    }
    let codes = outcome.codes().into_iter().chain(interruption.code());
    Ok(exit::precedence(codes))
}

/// Says how far it is.
fn say(line: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
