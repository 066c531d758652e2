//! The report on one screen: eighty columns or fewer, the verdict last, where the eye is.

use super::quantity::{bytes, count, duration, rate};
use super::wrap::{fill, wrap};
use super::{
    Balance, Band, Fault, FunctionBalance, Inversions, Ledger, LoopKind, Order, Phase, Polls,
    Report, Stage, escape,
};
use std::fmt::Write;

/// Columns that every line fits into, unless a word is wider.
pub const WIDTH: usize = 80;
/// Columns below which nothing would fit.
const LEAST_WIDTH: usize = 40;
/// Columns of a duration and the gap before it.
const FIGURE: usize = 9;
/// Columns of the names at the left.
const NAMES: usize = 11;

/// The report as text; `percentiles` are the columns of the stage tables.
pub fn render(report: &Report, percentiles: &[f64]) -> String {
    render_within(report, percentiles, WIDTH)
}

/// The same for a terminal that may have fewer columns; its tables leave out what does not fit.
pub fn render_within(report: &Report, percentiles: &[f64], columns: usize) -> String {
    let mut screen = Screen {
        text: String::new(),
        width: columns.clamp(LEAST_WIDTH, WIDTH),
    };
    head(&mut screen, report);
    for phase in &report.phases {
        self::phase(&mut screen, report.load, phase, percentiles);
    }
    screen.gap();
    ledger(&mut screen, &report.ledger);
    if let Some(one) = &report.balance {
        balance(&mut screen, one);
    }
    if let Some(one) = &report.order {
        order(&mut screen, one);
    }
    faults(&mut screen, &report.faults);
    wakeups(&mut screen, report);
    health(&mut screen, report);
    if let Some(one) = &report.polls {
        polls(&mut screen, one);
    }
    levels(&mut screen, report);
    verdict(&mut screen, report);
    screen.text
}

/// Lines under each other, their names at the left.
struct Screen {
    text: String,
    width: usize,
}

impl Screen {
    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn lines(&mut self, name: &str, lines: Vec<String>) {
        let mut name = name;
        for line in lines {
            self.line(&format!("{name:<NAMES$}{line}"));
            name = "";
        }
    }

    /// Figures beside each other, each of which stays whole.
    fn row(&mut self, name: &str, parts: &[String]) {
        self.parts(name, parts, "   ");
    }

    /// A sum, broken before its signs.
    fn sum(&mut self, name: &str, parts: &[String]) {
        self.parts(name, parts, " ");
    }

    /// Parts that stay whole, unless one alone is too long.
    fn parts(&mut self, name: &str, parts: &[String], gap: &str) {
        let room = self.width - NAMES;
        let parts: Vec<String> = parts.iter().flat_map(|part| wrap(part, room)).collect();
        self.lines(name, fill(parts.iter().map(String::as_str), gap, room));
    }

    /// A sentence.
    fn sentence(&mut self, name: &str, text: &str) {
        self.lines(name, wrap(&escape::line(text), self.width - NAMES));
    }
}

fn head(screen: &mut Screen, report: &Report) {
    let kind = match report.load {
        LoopKind::Closed => "closed loop",
        LoopKind::Open => "open loop",
    };
    let outside = escape::line;
    let parts = [
        format!("gearbench {}", outside(&report.command)),
        format!("target {}", outside(&report.target.address)),
        kind.to_owned(),
        format!("seed {}", report.seed),
        format!("run {}", outside(&report.run_id)),
    ];
    for line in fill(parts.iter().map(String::as_str), "  ", screen.width) {
        screen.line(&line);
    }
    let version = report.target.version.as_deref().unwrap_or("unknown");
    screen.gap();
    screen.sentence("server", &format!("version {version}"));
}

fn phase(screen: &mut Screen, kind: LoopKind, phase: &Phase, percentiles: &[f64]) {
    screen.gap();
    let number = |per_second: f64| rate(per_second).replace(" jobs/s", "");
    let offered = phase.offered_per_second.map(number);
    let offered = offered.map_or_else(String::new, |rate| format!("offered {rate}, "));
    let (sent, completed) = (phase.sent_per_second, phase.completed_per_second);
    let rates = format!(
        "{offered}sent {}, completed {} jobs/s",
        number(sent),
        number(completed)
    );
    let name = escape::line(&phase.name);
    screen.row(
        &format!("{name:<10} "),
        &[format!("{:.2} s", phase.seconds), rates],
    );
    let (sent, completed) = (count(phase.sent), count(phase.completed));
    screen.row("", &[format!("{sent} jobs sent, {completed} completed")]);
    if let Some(server) = &phase.server {
        let share = 100.0 * server.cpu_seconds / phase.seconds.max(1e-9);
        let parts = [
            format!("server CPU {:.2} µs/job", server.cpu_us_per_job),
            format!("{share:.0} % of a core"),
            format!("RSS {}", bytes(server.rss_bytes)),
        ];
        screen.row("", &parts);
    }
    stages(screen, kind, &phase.stages, percentiles);
}

fn stages(screen: &mut Screen, kind: LoopKind, stages: &[Stage], percentiles: &[f64]) {
    let shown: Vec<&Stage> = stages.iter().filter(|s| s.latency.count() > 0).collect();
    if shown.is_empty() {
        return;
    }
    // Where that does not fit: without the samples, and with fewer percentiles.
    let narrow = screen.width < 33 + FIGURE * (percentiles.len() + 1) && screen.width < WIDTH;
    let percentiles = match narrow {
        true => fitting(percentiles, (screen.width - 15) / FIGURE - 1),
        false => percentiles.to_vec(),
    };
    let mut head = match narrow {
        true => format!("  {:<13}", "stage"),
        false => format!("  {:<21} {:>10}", "stage", "samples"),
    };
    // Writing to a String cannot fail.
    for percentile in &percentiles {
        let _ = write!(head, " {:>8}", format!("p{percentile}"));
    }
    screen.gap();
    screen.line(&format!("{head} {:>8}", "max"));
    for stage in shown {
        let name = match (kind, stage.name.as_str()) {
            (LoopKind::Closed, "response") if !narrow => "response (closed loop)".to_owned(),
            (_, name) => escape::line(name),
        };
        let mut row = match narrow {
            true => format!("  {name:<13}"),
            false => format!("  {name:<22}{:>10}", count(stage.latency.count())),
        };
        for &percentile in &percentiles {
            let value = stage.latency.percentile(percentile);
            let _ = write!(
                row,
                " {:>8}",
                value.map_or_else(|| "-".to_owned(), duration)
            );
        }
        screen.line(&format!("{row} {:>8}", duration(stage.latency.0.max())));
    }
}

/// The first of the percentiles and the last ones, so many in all.
fn fitting(percentiles: &[f64], most: usize) -> Vec<f64> {
    let mut kept = percentiles.to_vec();
    while kept.len() > most.max(1) {
        kept.remove(1);
    }
    kept
}

fn ledger(screen: &mut Screen, ledger: &Ledger) {
    let n = count;
    screen.sum(
        "ledger",
        &[
            format!("scheduled {} =", n(ledger.scheduled)),
            format!("sent {}", n(ledger.sent)),
            format!("+ shed {}", n(ledger.shed)),
        ],
    );
    let mut ends = vec![
        format!("sent {} =", n(ledger.sent)),
        format!("ok {}", n(ledger.ok)),
    ];
    let asked_for = [
        ("failed as told", ledger.failed_as_told),
        ("abandoned", ledger.abandoned),
        ("lost in restart", ledger.lost_in_restart),
    ];
    let asked_for = asked_for.iter().filter(|(_, jobs)| *jobs > 0);
    ends.extend(asked_for.map(|(name, jobs)| format!("+ {name} {}", n(*jobs))));
    ends.extend([
        format!("+ failed {}", n(ledger.failed)),
        format!("+ error {}", n(ledger.error)),
        format!("+ timeout {}", n(ledger.timeout)),
        format!("+ in flight {}", n(ledger.in_flight)),
    ]);
    screen.sum("", &ends);
    screen.row(
        "",
        &[
            format!("lost {}", n(ledger.lost)),
            format!("phantom {}", n(ledger.phantom)),
            format!("duplicated {}", n(ledger.duplicated)),
            format!("wrong body {}", n(ledger.wrong_body)),
        ],
    );
    let rare = [
        ("re-run after a lost worker (legal)", ledger.rerun),
        ("recovered", ledger.recovered),
        ("coalesced", ledger.coalesced),
        ("early", ledger.early),
        ("answered late", ledger.late),
        ("still queued", ledger.still_queued),
    ];
    let rare: Vec<String> = rare
        .iter()
        .filter(|(_, jobs)| *jobs > 0)
        .map(|(name, jobs)| format!("{name} {}", n(*jobs)))
        .collect();
    if !rare.is_empty() {
        screen.row("", &rare);
    }
}

fn polls(screen: &mut Screen, polls: &Polls) {
    let mut parts = vec![format!("{} asked", count(polls.asked))];
    if polls.failed > 0 {
        parts.push(format!("{} not answered", count(polls.failed)));
    }
    for percentile in [50.0, 99.0] {
        if let Some(ns) = polls.latency.percentile(percentile) {
            parts.push(format!("p{percentile} {}", duration(ns)));
        }
    }
    screen.row("status", &parts);
}

fn balance(screen: &mut Screen, b: &Balance) {
    let ratio = match b.min {
        0 => "inf".to_owned(),
        min => format!("{:.2}", b.max as f64 / min as f64),
    };
    let parts = [
        format!(
            "{} workers, {}..{} jobs each",
            b.workers,
            count(b.min),
            count(b.max)
        ),
        format!("Jain {:.4}", b.jain),
        format!("Gini {:.4}", b.gini),
        format!("max/min {ratio}"),
        format!("CV {:.4}", b.cv),
    ];
    screen.row("balance", &parts);
    for (name, bands) in [("by lot", &b.by_lot), ("in turn", &b.in_turn)] {
        if let Some(bands) = bands {
            let between = |name: &str, band: &Band| match band.low == band.high {
                true => format!("{name} {:.4}", band.low),
                false => format!("{name} {:.4}..{:.4}", band.low, band.high),
            };
            let parts = [
                format!("{name} it would be"),
                between("Jain", &bands.jain),
                between("Gini", &bands.gini),
                between("CV", &bands.cv),
            ];
            screen.row("", &parts);
        }
    }
    if let Some(busy) = &b.busy {
        let parts = [
            format!("busy {:.2}..{:.2} s each", busy.min, busy.max),
            format!("Jain {:.4}", busy.jain),
            format!("Gini {:.4}", busy.gini),
            format!("CV {:.4}", busy.cv),
        ];
        screen.row("", &parts);
    }
    // With few jobs for each worker chance makes all of them uneven.
    let enough = |function: &&FunctionBalance| function.jobs >= 10 * b.workers as u64;
    let least_even = b.functions.iter().filter(enough).min_by(|one, other| {
        let jain = |function: &FunctionBalance| function.spread.jain;
        jain(one).total_cmp(&jain(other))
    });
    if let Some(function) = least_even {
        let parts = [
            format!(
                "least even of functions: {}",
                escape::line(&function.function)
            ),
            format!("Jain {:.4}", function.spread.jain),
        ];
        screen.row("", &parts);
    }
}

fn order(screen: &mut Screen, order: &Order) {
    let found = |name: &str, inversions: &Inversions| match inversions.jobs {
        0 => format!("{name} kept"),
        jobs => format!(
            "{name} broken for {} ({:.2} %)",
            count(jobs),
            order.percent(inversions)
        ),
    };
    let mut parts = vec![
        found("first in, first out", &order.fifo),
        found("priority", &order.priority),
        format!("{} jobs judged", count(order.judged)),
    ];
    if order.unproven > 0 {
        parts.push(format!("{} unproven", count(order.unproven)));
    }
    screen.row("order", &parts);
}

/// `1 job`, `2 jobs`
fn several(number: u64, name: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {name}{s}", count(number))
}

/// Faults above which the screen has no row for each.
const ROWS: usize = 8;

fn faults(screen: &mut Screen, faults: &[Fault]) {
    let mut name = "faults";
    for fault in faults.iter().take(ROWS) {
        let recovered = fault.recovered_after_seconds;
        let mut parts = vec![
            format!("{:.1} s {}", fault.at_seconds, escape::line(&fault.fault)),
            several(fault.connections, "connection"),
            several(fault.jobs, "job"),
            match recovered {
                Some(seconds) => format!("over after {}", duration((seconds * 1e9) as u64)),
                None => "not over".to_owned(),
            },
        ];
        parts.extend(fault.note.as_deref().map(escape::line));
        screen.row(name, &parts);
        name = "";
    }
    if let Some(more) = faults.len().checked_sub(ROWS).filter(|more| *more > 0) {
        screen.row("", &[format!("and {more} more")]);
    }
}

fn wakeups(screen: &mut Screen, report: &Report) {
    let w = &report.wakeups;
    if w.grabs == 0 {
        return;
    }
    let vain = 100.0 * w.no_jobs as f64 / w.grabs as f64;
    let parts = [
        format!("{:.3} NOOP/job", w.noops as f64 / w.assigned.max(1) as f64),
        format!("{vain:.1} % of {} GRAB_JOB answered NO_JOB", count(w.grabs)),
        format!("{} PRE_SLEEP", count(w.sleeps)),
    ];
    screen.row("wake-ups", &parts);
}

/// Lateness of the generator (p99) that the screen has room for, in nanoseconds.
const WORTH_TELLING_NS: u64 = 1_000_000;
/// The same of what kept it waiting.
const WORTH_TELLING_PERCENT: f64 = 5.0;

fn health(screen: &mut Screen, report: &Report) {
    let g = &report.generator;
    let plural = if g.threads == 1 { "" } else { "s" };
    let mut parts = vec![
        format!("{} thread{plural}, {:.0} % busy", g.threads, g.busy_percent),
        format!("shed {} jobs", count(g.sheds)),
    ];
    if let Some(lag) = g.schedule_lag_p999_ns {
        parts.push(format!("schedule lag p99.9 {}", duration(lag)));
    }
    if let Some(late) = g.late.filter(|late| late.p99_ns > WORTH_TELLING_NS) {
        let [p50, p99] = [late.p50_ns, late.p99_ns].map(duration);
        parts.push(format!("late p50 {p50}, p99 {p99}"));
    }
    for (percent, what) in [
        (g.cpu_wait_percent, "waited for a processor"),
        (g.stolen_percent, "processors taken by the host"),
    ] {
        if let Some(percent) = percent.filter(|percent| *percent > WORTH_TELLING_PERCENT) {
            parts.push(format!("{what} {percent:.0} %"));
        }
    }
    if g.connections_lost > 0 {
        let (lost, again) = (count(g.connections_lost), count(g.reconnects));
        parts.push(format!("lost {lost} connections, {again} made again"));
    }
    if g.unexpected_packets > 0 {
        parts.push(format!(
            "{} unexpected packets",
            count(g.unexpected_packets)
        ));
    }
    screen.row("generator", &parts);
}

fn levels(screen: &mut Screen, report: &Report) {
    let mut name = "levels";
    for level in &report.slos {
        let word = match level.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        let found = format!("found {}", level.shown());
        screen.row(name, &[escape::line(&level.slo), found, word.to_owned()]);
        name = "";
    }
}

fn verdict(screen: &mut Screen, report: &Report) {
    let verdict = &report.verdict;
    for note in &verdict.notes {
        screen.sentence("note", note);
    }
    screen.gap();
    if verdict.passed() {
        let jobs = count(report.ledger.sent);
        let text = format!("PASSED: {jobs} jobs, none lost, made up, run twice or damaged");
        return screen.sentence("verdict", &text);
    }
    for (index, finding) in verdict.findings.iter().enumerate() {
        // A signal may have given the whole another code.
        let (name, code) = match index {
            0 => ("verdict", verdict.exit_code),
            _ => ("", finding.code),
        };
        let word = finding.kind.word();
        screen.sentence(name, &format!("{word} (exit {code}): {}", finding.text));
    }
}
