//! The final screen.

use super::quantity::{bytes, count, duration, rate};
use super::{Balance, Ledger, LoopKind, Phase, Report, Stage};
use std::fmt::Write;

/// The report as text; `percentiles` are the columns of the stage tables.
pub fn render(report: &Report, percentiles: &[f64]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut out, report);
    for phase in &report.phases {
        let _ = self::phase(&mut out, report.load, phase, percentiles);
    }
    let _ = ledger(&mut out, &report.ledger);
    let _ = spread(&mut out, report);
    let _ = health(&mut out, report);
    let _ = verdict(&mut out, report);
    out
}

type Result = std::fmt::Result;

fn head(out: &mut String, report: &Report) -> Result {
    let kind = match report.load {
        LoopKind::Closed => "closed loop",
        LoopKind::Open => "open loop",
    };
    let version = report.target.version.as_deref().unwrap_or("unknown");
    writeln!(
        out,
        "gearbench {}  target {} (version {version})  {kind}  seed {}  run {}",
        report.command, report.target.address, report.seed, report.run_id
    )
}

fn phase(out: &mut String, kind: LoopKind, phase: &Phase, percentiles: &[f64]) -> Result {
    writeln!(out)?;
    write!(out, "{:<10} {:.2} s", phase.name, phase.seconds)?;
    if let Some(offered) = phase.offered_per_second {
        write!(out, "   offered {}", rate(offered))?;
    }
    writeln!(
        out,
        "   sent {} ({} jobs)   completed {} ({} jobs)",
        rate(phase.sent_per_second),
        count(phase.sent),
        rate(phase.completed_per_second),
        count(phase.completed)
    )?;
    if let Some(server) = &phase.server {
        writeln!(
            out,
            "{:<10} server CPU {:.2} µs/job, {:.0} % of a core, RSS {}",
            "",
            server.cpu_us_per_job,
            100.0 * server.cpu_seconds / phase.seconds.max(1e-9),
            bytes(server.rss_bytes)
        )?;
    }
    stages(out, kind, &phase.stages, percentiles)
}

fn stages(out: &mut String, kind: LoopKind, stages: &[Stage], percentiles: &[f64]) -> Result {
    let shown: Vec<&Stage> = stages.iter().filter(|s| s.latency.count() > 0).collect();
    if shown.is_empty() {
        return Ok(());
    }
    write!(out, "  {:<22} {:>11}", "stage", "samples")?;
    for percentile in percentiles {
        write!(out, " {:>10}", format!("p{percentile}"))?;
    }
    writeln!(out, " {:>10}", "max")?;
    for stage in shown {
        let name = match (kind, stage.name.as_str()) {
            (LoopKind::Closed, "response") => "response (closed loop)",
            (_, name) => name,
        };
        write!(out, "  {name:<22} {:>11}", count(stage.latency.count()))?;
        for &percentile in percentiles {
            let value = stage.latency.percentile(percentile);
            write!(
                out,
                " {:>10}",
                value.map_or_else(|| "-".to_owned(), duration)
            )?;
        }
        writeln!(out, " {:>10}", duration(stage.latency.0.max()))?;
    }
    Ok(())
}

fn ledger(out: &mut String, ledger: &Ledger) -> Result {
    let n = count;
    writeln!(out)?;
    writeln!(
        out,
        "ledger     scheduled {} = sent {} + shed {}   (jobs, warm-up included)",
        n(ledger.scheduled),
        n(ledger.sent),
        n(ledger.shed)
    )?;
    writeln!(
        out,
        "           sent {} = ok {} + failed {} + error {} + timeout {} + in flight {}",
        n(ledger.sent),
        n(ledger.ok),
        n(ledger.failed),
        n(ledger.error),
        n(ledger.timeout),
        n(ledger.in_flight)
    )?;
    writeln!(
        out,
        "           lost {}   phantom {}   duplicated {}   wrong body {}",
        n(ledger.lost),
        n(ledger.phantom),
        n(ledger.duplicated),
        n(ledger.wrong_body)
    )?;
    let rare = [
        ("re-run after a lost worker (legal)", ledger.rerun),
        ("recovered", ledger.recovered),
        ("answered late", ledger.late),
        ("still queued", ledger.still_queued),
    ];
    let rare: Vec<String> = rare
        .iter()
        .filter(|(_, jobs)| *jobs > 0)
        .map(|(name, jobs)| format!("{name} {}", n(*jobs)))
        .collect();
    if !rare.is_empty() {
        writeln!(out, "           {}", rare.join("   "))?;
    }
    Ok(())
}

fn spread(out: &mut String, report: &Report) -> Result {
    if let Some(balance) = &report.balance {
        balance_line(out, balance)?;
    }
    let w = &report.wakeups;
    if w.grabs > 0 {
        writeln!(
            out,
            "wake-ups   {:.3} NOOP/job   {:.1} % of {} GRAB_JOB answered NO_JOB   {} PRE_SLEEP",
            w.noops as f64 / w.assigned.max(1) as f64,
            100.0 * w.no_jobs as f64 / w.grabs as f64,
            count(w.grabs),
            count(w.sleeps)
        )?;
    }
    Ok(())
}

fn balance_line(out: &mut String, b: &Balance) -> Result {
    let ratio = match b.min {
        0 => "inf".to_owned(),
        min => format!("{:.2}", b.max as f64 / min as f64),
    };
    writeln!(
        out,
        "balance    {} workers, {}..{} jobs each   Jain {:.4} (by lot {:.4})   Gini {:.4}   max/min {ratio}   CV {:.4}",
        b.workers, b.min, b.max, b.jain, b.jain_if_random, b.gini, b.cv
    )
}

fn health(out: &mut String, report: &Report) -> Result {
    let g = &report.generator;
    write!(
        out,
        "generator  {} thread{}, {:.0} % busy   shed {} jobs",
        g.threads,
        if g.threads == 1 { "" } else { "s" },
        g.busy_percent,
        g.sheds
    )?;
    if let Some(lag) = g.schedule_lag_p999_ns {
        write!(out, "   schedule lag p99.9 {}", duration(lag))?;
    }
    if g.connections_lost > 0 {
        write!(
            out,
            "   lost {} connections, {} made again",
            g.connections_lost, g.reconnects
        )?;
    }
    if g.unexpected_packets > 0 {
        write!(out, "   {} unexpected packets", g.unexpected_packets)?;
    }
    writeln!(out)
}

fn verdict(out: &mut String, report: &Report) -> Result {
    let verdict = &report.verdict;
    for note in &verdict.notes {
        writeln!(out, "note       {note}")?;
    }
    if verdict.passed() {
        return writeln!(out, "verdict    passed");
    }
    for finding in &verdict.findings {
        writeln!(out, "verdict    {} (exit {})", finding.text, finding.code)?;
    }
    Ok(())
}
