//! The load generator: what it says of a server that lies, and what it says when it lies itself.

use super::kill::Kill;
use super::live::launcher;
use super::{Info, VARIABLE};
use crate::conformance::arm::Stop;
use crate::report::{Histogram, Kind, Report};
use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Where it is played.
const ARM: &str = "load";
/// How long a server may take to end.
const AT_THE_END: Duration = Duration::from_secs(5);
/// When the generator is stopped, and for how long.
const STANDSTILL: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(1500)];

/// Foreground and background jobs of all priorities, with a queue.
const MIXED: &str = "--clients 64 --workers 4 --jobs 20k --background 30% --timeout 3s --drain 5s \
    --priority high=1,normal=8,low=1";
/// A schedule, over more time than there is from one standstill of the server to the next.
const STEADY: &str = "--clients 8 --workers 8 --rate 100 --duration 12s --slo";
/// More than one worker can run in time.
const TOO_MUCH: &str =
    "--clients 4 --workers 1 --jobs 12 --service fixed:300ms --timeout 500ms --drain 3s";
/// A schedule that the generator cannot keep when it is stopped.
const SCHEDULED: &str = "--clients 4 --workers 4 --rate 200 --duration 4s";

/// What is to be seen in a report, by the name of the check.
type Check = (&'static str, fn(&Bench<'_>) -> anyhow::Result<Vec<Kill>>);

const CHECKS: [Check; 4] = [
    ("books", books),
    ("service level", service_level),
    ("timeouts", timeouts),
    ("schedule", schedule),
];

/// A program whose server and generator may be broken.
pub(super) struct Load {
    program: PathBuf,
}

/// A running server, and a generator.
struct Bench<'a> {
    program: &'a Path,
    target: String,
    generator: Option<&'a Info>,
}

impl Load {
    pub(super) fn new(program: &Path) -> Self {
        Load {
            program: program.to_owned(),
        }
    }

    /// What is seen without a defect.
    pub(super) fn baseline(&self) -> anyhow::Result<Vec<String>> {
        let kills = self.checks(None, None)?;
        Ok(kills.into_iter().map(|kill| kill.by).collect())
    }

    /// Who notices that the server lies.
    pub(super) fn hunt_server(&self, info: &Info) -> anyhow::Result<Vec<Kill>> {
        self.checks(Some(info), None)
    }

    /// Who notices that the generator does.
    pub(super) fn hunt_generator(&self, info: &Info) -> anyhow::Result<Vec<Kill>> {
        self.checks(None, Some(info))
    }

    /// All checks where nothing is broken, else until one notices.
    fn checks(&self, server: Option<&Info>, generator: Option<&Info>) -> anyhow::Result<Vec<Kill>> {
        let mut kills = Vec::new();
        for (name, check) in CHECKS {
            let launched = launcher(&self.program.to_string_lossy(), server, "")?.start(&[])?;
            let bench = Bench {
                program: &self.program,
                target: launched.address().to_string(),
                generator,
            };
            kills.extend(check(&bench).with_context(|| format!("the check of {name}"))?);
            launched.stop(Stop::Terminate, AT_THE_END)?;
            let broken = server.or(generator).is_some();
            if broken && !kills.is_empty() {
                break;
            }
        }
        Ok(kills)
    }
}

impl Bench<'_> {
    fn start(&self, args: &str, more: &[&str]) -> anyhow::Result<Child> {
        let mut command = Command::new(self.program);
        command
            .args(["run", "--target", &self.target, "--format", "json"])
            .args(["--out", "none", "--seed", "1"])
            .args(args.split_whitespace())
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(info) = self.generator {
            command.env(VARIABLE, info.name());
        }
        command.spawn().context("cannot start the generator")
    }

    fn end(child: Child) -> anyhow::Result<Report> {
        let output = child.wait_with_output().context("the generator is lost")?;
        let [text, log] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let report = Report::from_json(&text);
        report.with_context(|| format!("no report, {}: {log}", output.status))
    }

    fn run(&self, args: &str, more: &[&str]) -> anyhow::Result<Report> {
        Self::end(self.start(args, more)?)
    }
}

fn kill(by: String, rule: &str) -> Kill {
    Kill {
        arm: ARM,
        by,
        rules: vec![rule.to_owned()],
    }
}

/// Every job is in the books, once and unharmed and in its turn.
fn books(bench: &Bench<'_>) -> anyhow::Result<Vec<Kill>> {
    let report = bench.run(MIXED, &[])?;
    let words = ["lost", "phantom", "duplicated", "wrong body", "overtaken"];
    let broken = report.verdict.findings.iter();
    let broken = broken.filter(|finding| finding.kind == Kind::Invariant);
    let kills = broken.map(|finding| {
        let word = words
            .iter()
            .find(|word| finding.text.contains(&format!("jobs {word}")));
        kill(format!("run: {}", finding.text), word.unwrap_or(&"books"))
    });
    Ok(kills.collect())
}

/// A service level that is missed is told.
fn service_level(bench: &Bench<'_>) -> anyhow::Result<Vec<Kill>> {
    let report = bench.run(STEADY, &["response.p99 < 500ms"])?;
    let missed = report.verdict.findings.iter();
    let missed = missed.filter(|finding| finding.kind == Kind::Slo);
    Ok(missed
        .map(|finding| kill(format!("run: {}", finding.text), "service level"))
        .collect())
}

/// Jobs that nobody answers are among the responses: leaving them out would flatter the server.
fn timeouts(bench: &Bench<'_>) -> anyhow::Result<Vec<Kill>> {
    let report = bench.run(TOO_MUCH, &[])?;
    ensure!(report.ledger.timeout > 0, "no job timed out");
    let counted = stage(&report, "response").map_or(0, |responses| responses.count());
    let missing = (report.ledger.ok + report.ledger.timeout).saturating_sub(counted);
    let text = format!("run: {missing} jobs are not among the responses");
    Ok((missing > 0)
        .then(|| kill(text, "timeouts"))
        .into_iter()
        .collect())
}

/// What the generator itself was late is part of the response, which counts from the schedule.
fn schedule(bench: &Bench<'_>) -> anyhow::Result<Vec<Kill>> {
    let child = bench.start(SCHEDULED, &[])?;
    let [after, time] = STANDSTILL;
    sleep(after);
    signal(&child, Signal::STOP)?;
    sleep(time);
    signal(&child, Signal::CONT)?;
    let report = Bench::end(child)?;
    let limit = time.as_nanos() as u64 / 2;
    let late =
        |name| stage(&report, name).map_or(0, |stage| stage.0.count_between(limit, u64::MAX));
    let (sent_late, answered_late) = (late("schedule_lag"), late("response"));
    ensure!(sent_late > 0, "the generator was not late");
    let missing = sent_late.saturating_sub(answered_late);
    let text =
        format!("run: {missing} of {sent_late} jobs that were sent late are not answered late");
    Ok((missing > 0)
        .then(|| kill(text, "schedule"))
        .into_iter()
        .collect())
}

fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        bail!("the generator has no process");
    };
    kill_process(pid, signal).context("cannot stop the generator")
}

/// The latency of that name in the phase that was measured.
fn stage<'r>(report: &'r Report, name: &str) -> Option<&'r Histogram> {
    let measured = report.phases.iter().find(|phase| phase.name == "measure")?;
    let stage = measured.stages.iter().find(|stage| stage.name == name)?;
    Some(&stage.latency)
}
