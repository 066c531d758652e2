//! What a campaign prints: how far it is, and what it found.

use super::super::conform::Prepared;
use super::super::progress::Line;
use super::super::signals::Interruption;
use crate::conformance::fuzz::{self, Finding, Met, Options, Outcome, raw};
use crate::conformance::launch::Memory;
use crate::conformance::profile::Treatment;
use crate::report::quantity::{bytes, count};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Says on stderr how far a campaign is.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    line: Line,
}

impl Watch {
    pub(super) fn new(interruption: &Interruption) -> Self {
        Watch {
            stop: interruption.stop(),
            line: Line::new(),
        }
    }

    /// Takes the line away again.
    pub(super) fn end(&self) {
        self.line.end();
    }

    fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }
}

impl fuzz::Watch for Watch {
    fn stopped(&self) -> bool {
        self.stopped()
    }

    fn progress(&self, outcome: &Outcome, doing: &str) {
        self.line.say(|| {
            format!(
                "{} sessions, {} steps, {} findings  {doing}",
                count(outcome.sessions),
                count(outcome.steps),
                outcome.findings.len()
            )
        });
    }
}

impl raw::Watch for Watch {
    fn stopped(&self) -> bool {
        self.stopped()
    }

    fn progress(&self, outcome: &raw::Outcome, doing: &str) {
        self.line.say(|| {
            format!(
                "{} sessions, {} bytes, {} findings  {doing}",
                count(outcome.sessions),
                count(outcome.bytes),
                outcome.findings.len()
            )
        });
    }
}

/// The report of a campaign.
pub(super) fn render(
    prepared: &Prepared,
    options: &Options,
    outcome: &Outcome,
    took: Duration,
    written: &[PathBuf],
    repeat: &str,
) -> String {
    let mut out = String::new();
    // A string takes every write.
    let _ = writeln!(
        out,
        "gearbench fuzz  {}  profile {}  seed {}\n\n\
         sessions   {} played, {} to their end, {} to something known; {} steps, {} jobs handed out, \
         in {:.1} s",
        prepared.server.target,
        prepared.profile.name,
        options.seed,
        count(outcome.sessions),
        count(outcome.passed),
        count(outcome.known),
        count(outcome.steps),
        count(outcome.jobs),
        took.as_secs_f64()
    );
    if outcome.deaths > 0 {
        let _ = writeln!(out, "deaths     {}", count(outcome.deaths));
    }
    if let Some(memory) = outcome.memory {
        let _ = writeln!(out, "memory     {}", resident(memory));
    }
    if !outcome.met.is_empty() {
        let _ = writeln!(out);
    }
    for met in &outcome.met {
        let _ = writeln!(out, "KNOWN  {}", known(met));
    }
    for (finding, file) in outcome.findings.iter().zip(written) {
        found(&mut out, finding, file, repeat);
    }
    let confirmed = outcome.findings.iter().filter(|it| it.is_confirmed());
    let verdict = match (confirmed.count(), outcome.sessions) {
        (_, 0) => "NOTHING PLAYED".to_owned(),
        (0, _) => {
            "PASSED: nothing that the model does not allow, or the profile does not know".to_owned()
        }
        (1, _) => "FAILED: 1 finding that the profile does not know".to_owned(),
        (new, _) => format!("FAILED: {new} findings that the profile does not know"),
    };
    let _ = writeln!(out, "\nverdict    {verdict}");
    out
}

/// The memory of a launched server, in words.
pub(super) fn resident(memory: Memory) -> String {
    format!(
        "{} at the start, {} at the most, {} at the end",
        bytes(memory.base),
        bytes(memory.peak),
        bytes(memory.end)
    )
}

/// What is known, and how often it was met.
fn known(met: &Met) -> String {
    let times = count(met.times);
    let met_so = match met.known.treatment {
        Treatment::Follow(_) => format!("followed {times} times"),
        Treatment::Avoid(subject) => format!("avoided: no {subject}"),
        Treatment::End(_) => format!("ended {times} sessions"),
    };
    format!("{}, {met_so}: {}", met.known.case, met.known.reason)
}

fn found(out: &mut String, finding: &Finding, file: &Path, repeat: &str) {
    let (rule, times) = (&finding.failing.rule, count(finding.times));
    let settings = match finding.settings.is_empty() {
        true => String::new(),
        false => format!(", with {}", finding.settings),
    };
    let (failed, played) = finding.confirmed;
    let file = file.display();
    let hazardous = if finding.failing.died {
        " --hazardous"
    } else {
        ""
    };
    let kind = match finding.is_confirmed() {
        true => "NEW  ",
        false => "ONCE ",
    };
    // A string takes every write.
    let _ = writeln!(
        out,
        "\n{kind}  {rule}, {times} sessions, the first of seed {}{settings}\n       {}\n       \
         {} steps, failed in {failed} of {played}: gearbench replay {file} {repeat}{hazardous}\n",
        finding.seed,
        finding
            .failing
            .text
            .escape_default()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\""),
        finding.ops.len()
    );
    for line in finding.script.to_string().lines() {
        let _ = writeln!(out, "         {line}");
    }
}
