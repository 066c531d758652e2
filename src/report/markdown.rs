//! Runs as Markdown, for the summary of a CI job or an issue.

use super::escape::{markdown as safe, markdown_code as code};
use super::quantity::{count, duration, rate};
use super::{LoopKind, Report, histogram};
use std::fmt::Write;

/// One run in full, or several side by side.
pub fn render(reports: &[Report]) -> String {
    match reports {
        [one] => single(one),
        several => beside(several),
    }
}

fn single(report: &Report) -> String {
    let mut text = format!(
        "# {}: gearbench {} on {}\n\n",
        report.verdict.word(),
        safe(&report.command),
        code(&report.target.address)
    );
    // Writing to a string cannot fail.
    for finding in &report.verdict.findings {
        let _ = writeln!(text, "- **{}**", safe(&finding.text));
    }
    for note in &report.verdict.notes {
        let _ = writeln!(text, "- {}", safe(note));
    }
    let version = report.target.version.as_deref().unwrap_or("unknown");
    let _ = writeln!(
        text,
        "\nServer version {}, {}, seed {}, run {}\n",
        code(version),
        loop_in_words(report.load),
        report.seed,
        code(&report.run_id)
    );
    levels(&mut text, report);
    phases(&mut text, report);
    stages(&mut text, report);
    ledger(&mut text, report);
    text
}

fn loop_in_words(kind: LoopKind) -> &'static str {
    match kind {
        LoopKind::Open => "open loop: response counts from the intended start",
        LoopKind::Closed => "closed loop: response counts from the submission",
    }
}

fn levels(text: &mut String, report: &Report) {
    if report.slos.is_empty() {
        return;
    }
    text.push_str("| service level | found | |\n|---|---:|---|\n");
    for level in &report.slos {
        let word = match level.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "unknown",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {word} |",
            code(&level.slo),
            level.shown()
        );
    }
    text.push('\n');
}

fn phases(text: &mut String, report: &Report) {
    text.push_str("| phase | length | offered | sent | completed | server CPU/job |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    for phase in &report.phases {
        let offered = phase.offered_per_second.map_or("–".to_owned(), rate);
        let cpu = phase.server.as_ref();
        let cpu = cpu.map_or("–".to_owned(), |s| format!("{:.2} µs", s.cpu_us_per_job));
        let _ = writeln!(
            text,
            "| {} | {:.2} s | {offered} | {} | {} | {cpu} |",
            safe(&phase.name),
            phase.seconds,
            rate(phase.sent_per_second),
            rate(phase.completed_per_second)
        );
    }
}

fn stages(text: &mut String, report: &Report) {
    let Some(phase) = report.headline() else {
        return;
    };
    let heads = histogram::PERCENTILES.map(|p| format!("p{p} | "));
    let _ = write!(
        text,
        "\n| stage | samples | {}max |\n|---|---:|{}---:|\n",
        heads.concat(),
        "---:|".repeat(heads.len())
    );
    for stage in phase.stages.iter().filter(|s| s.latency.count() > 0) {
        let percentile = |p| stage.latency.percentile(p).map_or("–".to_owned(), duration);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            code(&stage.name),
            count(stage.latency.count()),
            histogram::PERCENTILES.map(percentile).join(" | "),
            duration(stage.latency.0.max())
        );
    }
}

fn ledger(text: &mut String, report: &Report) {
    let books = &report.ledger;
    let row = |names: &[(&str, u64)]| -> String {
        let names = names
            .iter()
            .map(|(name, jobs)| format!("{name} {}", count(*jobs)));
        names.collect::<Vec<_>>().join(", ")
    };
    let ends = row(&[
        ("ok", books.ok),
        ("failed", books.failed),
        ("error", books.error),
        ("timeout", books.timeout),
        ("in flight", books.in_flight),
    ]);
    let broken = row(&[
        ("lost", books.lost),
        ("phantom", books.phantom),
        ("duplicated", books.duplicated),
        ("wrong body", books.wrong_body),
    ]);
    let (sent, shed) = (count(books.sent), count(books.shed));
    let _ = writeln!(text, "\n{sent} jobs sent, {shed} shed: {ends}\n\n{broken}");
}

/// A column for each run.
fn beside(reports: &[Report]) -> String {
    let mut text = String::from("| |");
    for report in reports {
        let _ = write!(text, " {} |", code(&report.target.address));
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(reports.len()));
    let mut row = |name: &str, cell: &dyn Fn(&Report) -> String| {
        let cells = reports.iter().map(|report| format!(" {} |", cell(report)));
        let _ = writeln!(text, "| {name} |{}", cells.collect::<String>());
    };
    let missing = || "–".to_owned();
    row("verdict", &|r| r.verdict.word().to_owned());
    row("server version", &|r| {
        r.target.version.as_deref().map_or_else(missing, safe)
    });
    row("loop", &|r| r.load.word().to_owned());
    row("completed", &|r| {
        let phase = r.headline();
        phase.map_or_else(missing, |phase| rate(phase.completed_per_second))
    });
    for percentile in histogram::PERCENTILES {
        row(&format!("response p{percentile}"), &|r| {
            let stage = r.headline().and_then(|phase| phase.stage("response"));
            let value = stage.and_then(|stage| stage.latency.percentile(percentile));
            value.map_or_else(missing, duration)
        });
    }
    row("server CPU/job", &|r| {
        let server = r.headline().and_then(|phase| phase.server.as_ref());
        server.map_or_else(missing, |s| format!("{:.2} µs", s.cpu_us_per_job))
    });
    row("jobs ended well", &|r| count(r.ledger.ok));
    row("lost, phantom, duplicated, wrong", &|r| {
        let b = &r.ledger;
        let broken = [b.lost, b.phantom, b.duplicated, b.wrong_body];
        count(broken.into_iter().fold(0, u64::saturating_add))
    });
    row("run", &|r| code(&r.run_id));
    text
}
