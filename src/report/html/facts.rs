//! The words and figures of the page.

use super::{faults, workers};
use crate::report::metrics::{STAGES, STAMPS};
use crate::report::quantity::{bytes, count, duration, rate, utc};
use crate::report::{
    Balance, Ledger, LoopKind, Order, Phase, Report, ServerUse, ServiceLevel, histogram,
};
use serde::Serialize;

/// Everything on the page but the pictures.
#[derive(Serialize)]
pub(super) struct Facts {
    title: String,
    band: Band,
    tiles: Vec<Tile>,
    slos: Vec<Level>,
    open: bool,
    phases: Vec<Vec<String>>,
    faults: Vec<[String; 6]>,
    fault_notes: bool,
    stages: Option<Table>,
    ledger: Books,
    balance: Vec<Fact>,
    order: Vec<Fact>,
    wakeups: Vec<Fact>,
    health: Vec<Fact>,
    method: Vec<Fact>,
    plan: Vec<Fact>,
    stamps: Vec<Fact>,
    definitions: Vec<[&'static str; 3]>,
    version: String,
}

/// What the run comes to.
#[derive(Serialize)]
struct Band {
    class: &'static str,
    word: &'static str,
    sentence: String,
    more: Vec<String>,
    notes: Vec<String>,
    code: u8,
}

/// A headline figure.
#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    unit: String,
    note: String,
}

/// A service level that was asked for.
#[derive(Serialize)]
struct Level {
    class: &'static str,
    word: &'static str,
    slo: String,
    found: String,
}

/// A name and what belongs to it.
#[derive(Serialize)]
pub(super) struct Fact {
    name: String,
    value: String,
}

/// Rows under a head.
#[derive(Serialize)]
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The ledger as sums that can be checked by eye.
#[derive(Serialize)]
struct Books {
    scheduled: [String; 3],
    ends: Vec<Fact>,
    sent: String,
    broken: Vec<Entry>,
    rare: Vec<Fact>,
}

/// A count that should be zero.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    what: &'static str,
    value: String,
    bad: bool,
}

pub(super) fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact {
        name: name.to_owned(),
        value: value.into(),
    }
}

impl Facts {
    pub(super) fn of(report: &Report) -> Self {
        let headline = report.headline();
        Facts {
            title: format!("gearbench {} {}", report.command, report.target.address),
            band: band(report),
            tiles: tiles(report),
            slos: report.slos.iter().map(level).collect(),
            open: report.load == LoopKind::Open,
            phases: report.phases.iter().map(phase).collect(),
            faults: faults::rows(&report.faults),
            fault_notes: report.faults.iter().any(|fault| fault.note.is_some()),
            stages: headline.and_then(stages),
            ledger: books(&report.ledger),
            balance: report.balance.as_ref().map(balance).unwrap_or_default(),
            order: report.order.as_ref().map(order).unwrap_or_default(),
            wakeups: wakeups(report),
            health: health(report),
            method: method(report),
            plan: plan(&report.plan),
            stamps: STAMPS.map(|(name, what)| fact(name, what)).into(),
            definitions: STAGES.map(|s| [s.name, s.stamps, s.question]).into(),
            version: report.version.clone(),
        }
    }
}

fn band(report: &Report) -> Band {
    let verdict = &report.verdict;
    let class = match verdict.findings.first() {
        None => "passed",
        Some(first) if first.kind.is_failure() => "failed",
        Some(_) => "unclear",
    };
    let mut texts = verdict.findings.iter().map(|finding| finding.text.clone());
    let sentence = texts.next().unwrap_or_else(|| {
        let jobs = count(report.ledger.ok);
        format!("{jobs} jobs ended well; none lost, made up, run twice or damaged")
    });
    Band {
        class,
        word: verdict.word(),
        sentence,
        more: texts.collect(),
        notes: verdict.notes.clone(),
        code: verdict.exit_code,
    }
}

fn tiles(report: &Report) -> Vec<Tile> {
    let mut tiles = Vec::new();
    // The last word is the unit, if it is no number.
    let mut tile = |name, value: String, note: String| {
        let split = value.rsplit_once(' ');
        let split = split.filter(|(_, unit)| !unit.starts_with(|c: char| c.is_ascii_digit()));
        let (value, unit) = split.unwrap_or((&value, ""));
        tiles.push(Tile {
            name,
            value: value.to_owned(),
            unit: unit.to_owned(),
            note,
        });
    };
    let Some(phase) = report.headline() else {
        return tiles;
    };
    let offered = match phase.offered_per_second {
        Some(offered) => format!("of {} offered", rate(offered)),
        None => "closed loop".to_owned(),
    };
    tile("completed", rate(phase.completed_per_second), offered);
    if let Some(stage) = phase.stage("response") {
        let kind = match report.load {
            LoopKind::Open => "response",
            LoopKind::Closed => "response, closed loop",
        };
        for (name, percentile) in [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)] {
            if let Some(ns) = stage.latency.percentile(percentile) {
                tile(name, duration(ns), kind.to_owned());
            }
        }
    }
    let books = &report.ledger;
    let bad = [books.failed, books.error, books.timeout, books.lost];
    let badly = bad.into_iter().fold(0, u64::saturating_add);
    let share = 100.0 * badly as f64 / books.sent.max(1) as f64;
    let sent = count(books.sent);
    let note = match badly {
        0 => format!("of {sent} sent"),
        _ => format!("{share:.3} % of {sent} sent"),
    };
    tile("not ended well", count(badly), note);
    if let Some(server) = &phase.server {
        let value = format!("{:.1} µs", server.cpu_us_per_job);
        tile("server CPU", value, "per job".to_owned());
    }
    tiles
}

fn level(level: &ServiceLevel) -> Level {
    let (class, word) = match level.met {
        Some(true) => ("good", "met"),
        Some(false) => ("bad", "missed"),
        None => ("dim", "unknown"),
    };
    Level {
        class,
        word,
        slo: level.slo.clone(),
        found: level.shown(),
    }
}

fn phase(phase: &Phase) -> Vec<String> {
    let offered = phase.offered_per_second.map(rate);
    let server = |f: fn(&ServerUse) -> String| phase.server.as_ref().map(f);
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    vec![
        phase.name.clone(),
        format!("{:.2} s", phase.seconds),
        or_none(offered),
        rate(phase.sent_per_second),
        rate(phase.completed_per_second),
        count(phase.completed),
        or_none(server(|s| format!("{:.2} µs", s.cpu_us_per_job))),
        or_none(server(|s| bytes(s.rss_bytes))),
    ]
}

fn stages(phase: &Phase) -> Option<Table> {
    let shown = phase.stages.iter().filter(|s| s.latency.count() > 0);
    let rows: Vec<Vec<String>> = shown
        .map(|stage| {
            let latency = &stage.latency;
            let percentile = |p: f64| latency.percentile(p).map_or("–".to_owned(), duration);
            let figures = histogram::PERCENTILES.into_iter().map(percentile);
            [stage.name.clone(), count(latency.count())]
                .into_iter()
                .chain(figures)
                .chain([duration(latency.0.max())])
                .collect()
        })
        .collect();
    let percentiles = histogram::PERCENTILES.map(|p| format!("p{p}"));
    let head = ["stage", "samples"].map(str::to_owned).into_iter();
    let head = head.chain(percentiles).chain(["max".to_owned()]).collect();
    (!rows.is_empty()).then_some(Table { head, rows })
}

/// Ends that only a plan which asks for them brings about.
const RARE_ENDS: [&str; 3] = ["failed as told", "abandoned", "lost in restart"];

fn books(books: &Ledger) -> Books {
    let entry = |name, what, value: u64| Entry {
        name,
        what,
        value: count(value),
        bad: value > 0,
    };
    let counted = |(name, value): (&str, u64)| fact(name, count(value));
    let rare = [
        ("run again after a lost worker (legal)", books.rerun),
        ("recovered", books.recovered),
        ("coalesced", books.coalesced),
        ("answered late", books.late),
        ("still queued at the end", books.still_queued),
    ];
    Books {
        scheduled: [books.scheduled, books.sent, books.shed].map(count),
        sent: count(books.sent),
        ends: [
            ("ok", books.ok),
            ("failed as told", books.failed_as_told),
            ("failed", books.failed),
            ("error", books.error),
            ("timeout", books.timeout),
            ("abandoned", books.abandoned),
            ("lost in restart", books.lost_in_restart),
            ("in flight", books.in_flight),
        ]
        .into_iter()
        .filter(|(name, value)| *value > 0 || !RARE_ENDS.contains(name))
        .map(counted)
        .collect(),
        broken: vec![
            entry(
                "lost",
                "accepted, never ended, and not queued any more",
                books.lost,
            ),
            entry(
                "phantom",
                "submitted by nobody, or answered without having run",
                books.phantom,
            ),
            entry(
                "duplicated",
                "run or answered twice, and no worker was lost",
                books.duplicated,
            ),
            entry("wrong body", "of another job, or damaged", books.wrong_body),
            entry("early", "run before their time", books.early),
        ],
        rare: rare
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(counted)
            .collect(),
    }
}

fn balance(b: &Balance) -> Vec<Fact> {
    let ratio = match b.min {
        0 => "∞".to_owned(),
        min => format!("{:.2}", b.max as f64 / min as f64),
    };
    let (mean, spread) = workers::band(b);
    let low = (mean - spread).max(0.0);
    vec![
        fact("workers", count(b.workers as u64)),
        fact("jobs each", format!("{} to {}", count(b.min), count(b.max))),
        fact(
            "fair by lot",
            format!("{low:.0} to {:.0} for 19 workers of 20", mean + spread),
        ),
        fact(
            "Jain's index",
            format!("{:.4}; by lot {:.4}", b.jain, b.jain_if_random),
        ),
        fact("Gini coefficient", format!("{:.4}", b.gini)),
        fact("most over fewest", ratio),
        fact("coefficient of variation", format!("{:.4}", b.cv)),
    ]
}

fn order(order: &Order) -> Vec<Fact> {
    let mut facts = vec![fact("jobs judged", count(order.judged))];
    for (name, found) in [
        ("first in, first out", &order.fifo),
        ("priority", &order.priority),
    ] {
        if found.jobs == 0 {
            facts.push(fact(name, "kept"));
            continue;
        }
        let (jobs, percent) = (count(found.jobs), order.percent(found));
        facts.push(fact(name, format!("{jobs} jobs overtaken, {percent:.3} %")));
        let places = format!(
            "{:.1} on average, {} at most",
            found.places_mean(),
            count(found.places_max)
        );
        facts.push(fact("by how many places", places));
        let (mean, most) = (duration(found.late_ns_mean()), duration(found.late_ns_max));
        facts.push(fact(
            "how late",
            format!("{mean} on average, {most} at most"),
        ));
    }
    if order.unproven > 0 {
        facts.push(fact(
            "overtaken, but a worker was lost",
            count(order.unproven),
        ));
    }
    facts
}

fn wakeups(report: &Report) -> Vec<Fact> {
    let w = &report.wakeups;
    if w.grabs == 0 {
        return Vec::new();
    }
    let vain = 100.0 * w.no_jobs as f64 / w.grabs as f64;
    let per_job = w.noops as f64 / w.assigned.max(1) as f64;
    vec![
        fact("NOOP per job", format!("{per_job:.3}")),
        fact("NOOP to a worker that was awake", count(w.noops_awake)),
        fact(
            "GRAB_JOB answered NO_JOB",
            format!("{vain:.1} % of {}", count(w.grabs)),
        ),
        fact("PRE_SLEEP sent", count(w.sleeps)),
    ]
}

fn health(report: &Report) -> Vec<Fact> {
    let g = &report.generator;
    let mut facts = vec![
        fact("threads", g.threads.to_string()),
        fact("busy", format!("{:.0} % of their time", g.busy_percent)),
        fact("shed", format!("{} jobs", count(g.sheds))),
    ];
    if let Some(lag) = g.schedule_lag_p999_ns {
        facts.push(fact("schedule lag p99.9", duration(lag)));
    }
    if let Some(late) = g.late {
        let [p50, p90, p99, p999] =
            [late.p50_ns, late.p90_ns, late.p99_ns, late.p999_ns].map(duration);
        let row = format!("p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}");
        facts.push(fact("late by", row));
    }
    if let Some(percent) = g.cpu_wait_percent {
        facts.push(fact("waited for a processor", format!("{percent:.1} %")));
    }
    if let Some(percent) = g.stolen_percent {
        facts.push(fact("taken by the host", format!("{percent:.1} %")));
    }
    let lost = format!(
        "{}, {} made again",
        count(g.connections_lost),
        count(g.reconnects)
    );
    facts.push(fact("connections lost", lost));
    facts.push(fact("unexpected packets", count(g.unexpected_packets)));
    facts
}

fn method(report: &Report) -> Vec<Fact> {
    let e = &report.environment;
    let kind = match report.load {
        LoopKind::Open => "open: jobs start by the schedule, whatever the server does",
        LoopKind::Closed => "closed: the next job waits for an answer",
    };
    let mut facts = vec![
        fact("target", &*report.target.address),
        fact(
            "its version",
            report.target.version.as_deref().unwrap_or("unknown"),
        ),
        fact("load", kind),
        fact("began", utc(report.started_unix)),
        fact("seed", report.seed.to_string()),
        fact("run", &*report.run_id),
        fact(
            "machine",
            format!("{}, {} processors, {} {}", e.cpu, e.cpus, e.os, e.kernel),
        ),
        fact("gearbench", &*report.version),
    ];
    for (key, value) in &report.labels {
        facts.push(fact(key, &**value));
    }
    facts
}

/// The resolved plan, a line for each entry.
pub(super) fn plan(plan: &serde_json::Value) -> Vec<Fact> {
    let Some(entries) = plan.as_object() else {
        return Vec::new();
    };
    let entry = |(key, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(fact(key, &**text)),
        serde_json::Value::Object(inner) if inner.is_empty() => None,
        serde_json::Value::Array(inner) if inner.is_empty() => None,
        other => Some(fact(key, other.to_string())),
    };
    entries.iter().filter_map(entry).collect()
}
