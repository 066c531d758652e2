//! `gearbench fuzz --raw`: damaged bytes.

use super::super::conform::{self, Prepared};
use super::super::exit;
use super::super::signals::Interruption;
use super::{FuzzArgs, PATIENCE, SESSIONS, screen};
use crate::conformance::fuzz::raw::{self, Finding, Options, Outcome};
use crate::load::RunId;
use crate::report::escape;
use crate::report::quantity::{bytes, count};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Plays damaged sessions.
pub(super) fn fuzz(
    args: &FuzzArgs,
    prepared: &Prepared,
    interruption: &Interruption,
) -> anyhow::Result<u8> {
    let options = Options {
        sessions: args.sessions.unwrap_or(match args.duration {
            Some(_) => u64::MAX,
            None => SESSIONS,
        }),
        steps: args.steps.into(),
        // Half of the range is enough, and is typed more easily.
        seed: args.seed.unwrap_or_else(|| RunId::fresh().0 >> 32),
        duration: args.duration,
        hazardous: args.hazardous,
        known: prepared.profile.divergence.clone(),
        patience: PATIENCE,
    };
    let started = Instant::now();
    let watch = screen::Watch::new(interruption);
    let outcome = raw::campaign(&prepared.place, &options, &watch);
    watch.end();
    let files = write(args, &outcome)?;
    let repeat = prepared.repeat(&args.server().common);
    let took = started.elapsed();
    super::super::print(&render(prepared, &options, &outcome, took, &files, &repeat))?;
    let new = outcome.findings.iter().any(|found| found.known.is_none());
    let found = new.then_some(exit::INVARIANT);
    let mut codes: Vec<u8> = found.into_iter().chain(interruption.code()).collect();
    if let Some(why) = &outcome.gone {
        let code = super::super::complain("fuzz", why, exit::TARGET);
        // A server that was harmed is gone because of what was found.
        codes.extend((!new).then_some(code));
    }
    codes.extend((outcome.sessions == 0).then_some(exit::INCONCLUSIVE));
    Ok(exit::precedence(codes))
}

/// Writes what can be played again; where each is.
fn write(args: &FuzzArgs, outcome: &Outcome) -> anyhow::Result<Vec<Option<PathBuf>>> {
    let files = outcome.findings.iter().map(|finding| {
        if finding.known.is_some() || finding.moves.is_empty() {
            return Ok(None);
        }
        let path = args.out.join(format!("{}.toml", finding.name()));
        conform::write_file(&path, &finding.case())?;
        Ok(Some(path))
    });
    files.collect()
}

fn render(
    prepared: &Prepared,
    options: &Options,
    outcome: &Outcome,
    took: Duration,
    files: &[Option<PathBuf>],
    repeat: &str,
) -> String {
    let mut out = String::new();
    // A string takes every write.
    let _ = writeln!(
        out,
        "gearbench fuzz --raw  {}  profile {}  seed {}\n\n\
         sessions   {} damaged, {} without harm; {} written, in {:.1} s",
        prepared.server.target,
        prepared.profile.name,
        options.seed,
        count(outcome.sessions),
        count(outcome.harmless),
        bytes(outcome.bytes),
        took.as_secs_f64()
    );
    if let Some(memory) = outcome.memory {
        let _ = writeln!(out, "memory     {}", screen::resident(memory));
    }
    for (finding, file) in outcome.findings.iter().zip(files) {
        found(&mut out, finding, file.as_ref(), repeat);
    }
    let new = outcome.findings.iter().filter(|one| one.known.is_none());
    let verdict = match (new.count(), outcome.sessions) {
        (_, 0) => "NOTHING PLAYED".to_owned(),
        (0, _) => "PASSED: it lives, rests and serves others, or the profile knows".to_owned(),
        (new, _) => format!("FAILED: {new} ways to harm it that the profile does not know"),
    };
    let _ = writeln!(out, "\nverdict    {verdict}");
    out
}

fn found(out: &mut String, finding: &Finding, file: Option<&PathBuf>, repeat: &str) {
    let (harm, times) = (finding.wound.harm, count(finding.times));
    // A string takes every write.
    let _ = match &finding.known {
        Some(reason) => writeln!(out, "\nKNOWN  {harm}, {times} sessions: {reason}"),
        None => writeln!(
            out,
            "\nNEW    {harm}, {times} sessions, the first of seed {}\n       {}",
            finding.seed,
            escape::block(&finding.wound.text)
        ),
    };
    match file {
        Some(file) => {
            let tried = match finding.confirmed {
                (_, 0) => "not tried again".to_owned(),
                (failed, played) => format!("did it in {failed} of {played}"),
            };
            let _ = writeln!(
                out,
                "       {} bytes in {} moves, {tried}: gearbench replay {} {repeat} --hazardous\n",
                finding.bytes(),
                finding.moves.len(),
                file.display()
            );
            for line in finding.script().to_string().lines() {
                let _ = writeln!(out, "         {line}");
            }
        }
        None if finding.known.is_none() => {
            let _ = writeln!(out, "       it did not come again on a fresh server");
        }
        None => {}
    }
}
