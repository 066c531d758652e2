//! Ten thousand clients and workers in one process.

use crate::Result;
use crate::server::{Anchor, Recipe, Server};
use crate::table::print_alone;
use gearbench::load::{self, Arrival, Control, Pace, Plan, RunId};
use gearbench::report::Report;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ACTORS: usize = 10_000;
/// Bytes that one of them may take.
const PER_ACTOR: f64 = 3_000.0;
/// How long they stay, unless GENERATOR_SECONDS says otherwise.
const STAY: Duration = Duration::from_secs(60);
const KIB: f64 = 1024.0;

/// A load that leaves most of them idle most of the time.
fn plan(server: &Server, actors: usize, rate: f64, stay: Duration) -> Plan {
    let mut plan = Plan::new(server.address(), RunId::fresh(), 1);
    (plan.clients, plan.workers) = (actors / 2, actors - actors / 2);
    let arrival = Arrival::Poisson;
    plan.pace = Pace::Open { rate, arrival };
    plan.connect_rate = 4_000.0;
    (plan.warmup, plan.duration) = (Duration::from_secs(2), Some(stay));
    plan.server_pid = Some(server.pid());
    plan
}

fn own_rss() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() * KIB
}

/// Runs a plan, and looks at our own memory once a second: seconds, bytes.
fn watched(plan: Plan) -> Result<(Report, Vec<(f64, f64)>)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let look = move |progress: &load::Progress| {
        if let (Ok(mut seen), "measure") = (to.lock(), progress.phase) {
            seen.push((progress.sample.at_seconds, own_rss()));
        }
    };
    let control = Control {
        progress: Some(Box::new(look)),
        ..Control::default()
    };
    let report = load::run(plan, control)?.report;
    let seen = seen.lock().map_err(|_| "a thread panicked")?.clone();
    Ok((report, seen))
}

/// Growth a minute, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let up: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let along: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    60.0 * up / along.max(1e-9)
}

pub(crate) fn memory() -> Result<()> {
    let server = Recipe::ours().with(&["--backlog", "1024"]).start()?;
    let stay = Duration::from_secs(3);
    let last = |seen: Vec<(f64, f64)>| seen.last().map_or(0.0, |(_, bytes)| *bytes);
    let few = last(watched(plan(&server, 2, 100.0, stay))?.1);
    let many = last(watched(plan(&server, ACTORS - 100, 100.0, stay))?.1);
    let each = (many - few) / (ACTORS - 102) as f64;
    let found = format!("{each:.0}");
    print_alone(
        "memory",
        "RSS of an actor, bytes",
        &found,
        "≤ 3000",
        each <= PER_ACTOR,
    );
    Ok(())
}

pub(crate) fn measure() -> Result<()> {
    let stay = std::env::var("GENERATOR_SECONDS").ok();
    let stay = stay.and_then(|text| text.parse().ok());
    let stay = stay.map_or(STAY, Duration::from_secs);
    let ours = Recipe::ours().with(&["--backlog", "1024", "--max-connections", "11000"]);
    on("serve", &ours.start()?, stay)?;
    on(
        "gearmand tuned",
        &Recipe::gearmand(Anchor::Tuned).start()?,
        stay,
    )
}

fn on(name: &str, server: &Server, stay: Duration) -> Result<()> {
    let (report, own) = watched(plan(server, ACTORS, 5_000.0, stay))?;
    let what = format!("{ACTORS} actors, {name}, {} s", stay.as_secs());
    let (books, verdict) = (&report.ledger, &report.verdict);
    let found = format!(
        "{} of {} jobs, {} lost, {} connections lost: {}",
        books.ok,
        books.sent,
        books.lost,
        report.generator.connections_lost,
        verdict
            .findings
            .first()
            .map_or("passed", |found| &found.text)
    );
    let kept = books.lost == 0 && books.ok == books.sent;
    print_alone(&what, "ended well", &found, "all, 0 lost", kept);
    let memory = report
        .series
        .iter()
        .filter_map(|sample| Some((sample.at_seconds, sample.server_rss_bytes? as f64)));
    let theirs: Vec<(f64, f64)> = memory.collect();
    for (whose, points) in [("the generator", own), ("the server", theirs)] {
        // Of the second half: what is made at first is kept.
        let half = &points[points.len() / 2..];
        let (grown, last) = (slope(half) / KIB, points.last().map_or(0.0, |p| p.1));
        let figure = format!("RSS of {whose}, growth");
        let found = format!("{grown:+.0} KiB/min at {:.1} MiB", last / KIB / KIB);
        print_alone(&what, &figure, &found, "≤ 1 MiB/min", grown <= KIB);
    }
    Ok(())
}
