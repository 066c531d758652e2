//! The screen at the end: what was found, in the order in which one asks.

use super::{ACTORS, Findings, LOAD, OUTSTANDING};
use crate::report::conform::{CaseResult, Verdict};
use crate::report::quantity::{count, duration, rate};
use crate::report::{Kind, Ledger, Report};
use std::fmt::Write;

/// The screen, and the exit code it stands for.
pub(super) fn render(findings: &Findings) -> (String, u8) {
    let code = findings.code();
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = lines(&mut out, findings, code);
    (out, code)
}

fn lines(out: &mut String, findings: &Findings, code: u8) -> std::fmt::Result {
    writeln!(
        out,
        "gearbench check  target {}  seed {}  {:.0} s\n",
        findings.target,
        findings.seed,
        findings.started.elapsed().as_secs_f64()
    )?;
    row(out, "server", &findings.identity.name)?;
    row(out, "", &findings.identity.evidence)?;
    if !findings.cases.results.is_empty() {
        row(out, "protocol", &protocol(findings))?;
    }
    if let Some(report) = &findings.idle {
        row(out, "idle", &latency(report))?;
        row(
            out,
            "",
            "1 client, 1 worker, one job at a time: closed loop",
        )?;
    }
    if let Some(report) = &findings.ceiling {
        row(out, "ceiling", &throughput(report))?;
        let how = format!(
            "{ACTORS} clients with {OUTSTANDING} jobs each on their way, {ACTORS} workers: closed loop"
        );
        row(out, "", &how)?;
        for note in &report.verdict.notes {
            row(out, "", note)?;
        }
    }
    if let Some(report) = &findings.loaded {
        let name = format!("at {:.0} %", findings.load * 100.0);
        row(out, &name, &latency(report))?;
        row(out, "", &open_loop(report))?;
        if findings.load < LOAD {
            let least = findings.load * 200.0;
            row(
                out,
                "",
                &format!("{least:.0} % did not hold when workers may sleep between jobs"),
            )?;
        }
    }
    if let Some(reason) = &findings.without_load {
        row(out, "load", &format!("none: {reason}"))?;
    }
    if findings.reports().next().is_some() {
        row(out, "promises", &promises(findings))?;
    }
    if let Some(reason) = busy(findings) {
        row(out, "machine", &format!("busy: {reason}"))?;
    }
    details(out, findings)?;
    writeln!(out)?;
    row(out, "verdict", &verdict(findings, code))
}

fn row(out: &mut String, name: &str, text: &str) -> std::fmt::Result {
    writeln!(out, "{name:<10} {text}")
}

fn protocol(findings: &Findings) -> String {
    let results = &findings.cases.results;
    let with = |verdict| {
        results
            .iter()
            .filter(move |case| case.verdict == verdict)
            .count()
    };
    let took: f64 = results.iter().map(|case| case.took_ms / 1e3).sum();
    let (passed, total) = (with(Verdict::Pass), results.len() - with(Verdict::Skip));
    let mut text = format!("{passed} of {total} cases passed in {took:.1} s");
    for (count, what) in [
        (with(Verdict::Known), "fail as its kind is known to"),
        (findings.unplayed_cases().count(), "were not played"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// The response times.
fn latency(report: &Report) -> String {
    let stage = report
        .headline()
        .and_then(|phase| phase.stage("response"))
        .map(|stage| &stage.latency)
        .filter(|latency| latency.count() > 0);
    let Some(latency) = stage else {
        return "no job was completed".to_owned();
    };
    let mut text = "response".to_owned();
    for percentile in [50.0, 90.0, 99.0, 99.9] {
        if let Some(value) = latency.percentile(percentile) {
            let _ = write!(text, " p{percentile} {}  ", duration(value));
        }
    }
    let _ = write!(text, " max {}", duration(latency.0.max()));
    text
}

fn throughput(report: &Report) -> String {
    let phase = report.headline();
    rate(phase.map_or(0.0, |phase| phase.completed_per_second))
}

fn open_loop(report: &Report) -> String {
    let Some(phase) = report.headline() else {
        return String::new();
    };
    format!(
        "offered {}, completed {}, Poisson: open loop, from the intended start",
        rate(phase.offered_per_second.unwrap_or_default()),
        rate(phase.completed_per_second)
    )
}

/// All books together.
fn promises(findings: &Findings) -> String {
    let mut sum = Ledger::default();
    for report in findings.reports() {
        let books = &report.ledger;
        sum.sent += books.sent;
        sum.ok += books.ok;
        sum.lost += books.lost;
        sum.phantom += books.phantom;
        sum.duplicated += books.duplicated;
        sum.wrong_body += books.wrong_body;
        sum.still_queued += books.still_queued;
    }
    format!(
        "{} jobs sent, {} ended well; {} lost, {} made up, {} run twice, {} damaged, {} left behind",
        count(sum.sent),
        count(sum.ok),
        sum.lost,
        sum.phantom,
        sum.duplicated,
        sum.wrong_body,
        sum.still_queued
    )
}

/// What failed, with all that is needed to understand it.
fn details(out: &mut String, findings: &Findings) -> std::fmt::Result {
    for case in findings.failed_cases() {
        failed(out, case)?;
    }
    for finding in findings.against_target() {
        writeln!(out, "\nFOUND {}", finding.text)?;
    }
    Ok(())
}

fn failed(out: &mut String, case: &CaseResult) -> std::fmt::Result {
    let requirements = case.requirements.join(", ");
    writeln!(out, "\nFAILED {} ({requirements}): {}", case.id, case.rule)?;
    let Some(failure) = &case.failure else {
        return writeln!(out, "  {}", case.reason.as_deref().unwrap_or_default());
    };
    let place = format!("{}:{}: {}", failure.file, failure.line, failure.step);
    let server = failure.server.as_deref().unwrap_or_default();
    let told = [&place, &failure.cause, server, &failure.trace];
    for line in told.into_iter().flat_map(str::lines) {
        writeln!(out, "  {line}")?;
    }
    let repeat = case.repeat.as_deref().unwrap_or_default();
    writeln!(out, "  {repeat}")
}

fn verdict(findings: &Findings, code: u8) -> String {
    let mut text = match (code, &findings.failure) {
        (0, _) if findings.reports().next().is_none() => "PASSED, without load".to_owned(),
        (0, _) => "PASSED: a Gearman server that kept its promises".to_owned(),
        (130 | 143, _) => format!("INTERRUPTED: what is above stands (exit {code})"),
        (_, Some((_, why))) => format!("FAILED: {why} (exit {code})"),
        (3, _) => format!("FAILED: the target went away, see above (exit {code})"),
        (4, _) => format!("FAILED: breaks the protocol, see above (exit {code})"),
        (5, _) => format!("FAILED: broke a promise, see above (exit {code})"),
        (8, _) => format!("INCONCLUSIVE: not everything could be checked, see above (exit {code})"),
        _ => format!("FAILED, see above (exit {code})"),
    };
    if busy(findings).is_some() {
        text += "; this machine was too busy to measure well: take latencies as upper bounds";
    }
    text
}

/// Why the figures are this machine's as much as the server's. Trials do not count: they are to
/// find out what is too much.
fn busy(findings: &Findings) -> Option<&str> {
    let mut found = findings.loads().flat_map(|report| &report.verdict.findings);
    let finding = found.find(|finding| finding.kind == Kind::Generator)?;
    Some(&finding.text)
}
