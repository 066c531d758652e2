//! Several runs of one plan as one: histograms are merged, sums added, and unlike plans refused.
//!
//! The runs are taken to have come one after the other: lengths add up, and a rate is all jobs
//! over all the time.

use super::{Phase, Report, ServerUse, Stage, Verdict};
use serde_json::Value;

/// Entries of a plan that tell runs of the same plan apart.
const OWN: [&str; 4] = ["id", "seed", "labels", "server_pid"];

/// Why runs cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// There is nothing to merge.
    #[error("there are no results to merge")]
    Nothing,
    /// Not the same was done, or not to the same.
    #[error(
        "runs {first} and {other} are unlike, so they cannot be merged; they differ in {}",
        fields.join(", ")
    )]
    Fields {
        /// A run.
        first: String,
        /// One that differs from it.
        other: String,
        /// In what, with both values.
        fields: Vec<String>,
    },
    /// The same run is there twice.
    #[error("run {run} is there twice")]
    Twice {
        /// The run.
        run: String,
    },
}

/// One report of them all.
pub fn merge(reports: &[Report]) -> Result<Report, Unlike> {
    let (first, others) = reports.split_first().ok_or(Unlike::Nothing)?;
    let mut sum = first.clone();
    for (index, other) in others.iter().enumerate() {
        if reports[..=index].iter().any(|r| r.run_id == other.run_id) {
            let run = other.run_id.clone();
            return Err(Unlike::Twice { run });
        }
        alike(first, other)?;
        add(&mut sum, other);
    }
    if !others.is_empty() {
        sum.verdict = verdict(reports);
        let ids = reports.iter().map(|report| report.run_id.as_str());
        sum.run_id = ids.collect::<Vec<_>>().join("+");
        // No percentile of several runs follows from those of each.
        let lag = sum.headline().and_then(|phase| phase.stage("schedule_lag"));
        let lag = lag.and_then(|stage| stage.latency.percentile(99.9));
        sum.generator.schedule_lag_p999_ns = lag;
    }
    Ok(sum)
}

/// Names the fields in which two runs differ.
fn alike(first: &Report, other: &Report) -> Result<(), Unlike> {
    let mut fields = Vec::new();
    let version = |report: &Report| report.target.version.clone().unwrap_or_default();
    for (name, one, two) in [
        ("command", first.command.clone(), other.command.clone()),
        (
            "load",
            first.load.word().to_owned(),
            other.load.word().to_owned(),
        ),
        ("target.version", version(first), version(other)),
        ("phases", phase_names(first), phase_names(other)),
    ] {
        if one != two {
            fields.push(format!("{name} ({one:?}, {two:?})"));
        }
    }
    differences("plan", &first.plan, &other.plan, &OWN, &mut fields);
    match fields.is_empty() {
        true => Ok(()),
        false => Err(Unlike::Fields {
            first: first.run_id.clone(),
            other: other.run_id.clone(),
            fields,
        }),
    }
}

/// Names the entries in which two plans differ, but for those that tell runs of one plan apart.
pub fn unlike_entries(one: &Value, two: &Value) -> Vec<String> {
    let mut found = Vec::new();
    differences("plan", one, two, &OWN, &mut found);
    found
}

/// The phases of a run, in order.
pub(super) fn phase_names(report: &Report) -> String {
    let names = report.phases.iter().map(|phase| phase.name.as_str());
    names.collect::<Vec<_>>().join(" ")
}

/// Names the entries of two plans in which they differ, but for those that are each run's own.
pub(super) fn differences(
    path: &str,
    one: &Value,
    two: &Value,
    own: &[&str],
    found: &mut Vec<String>,
) {
    let (Value::Object(a), Value::Object(b)) = (one, two) else {
        if one != two {
            found.push(format!("{path} ({one}, {two})"));
        }
        return;
    };
    let new = b.keys().filter(|key| !a.contains_key(*key));
    for key in a.keys().chain(new) {
        if path == "plan" && own.contains(&key.as_str()) {
            continue;
        }
        let value = |of: &serde_json::Map<String, Value>| of.get(key).cloned().unwrap_or_default();
        differences(&format!("{path}.{key}"), &value(a), &value(b), own, found);
    }
}

/// Adds a run that came after `sum`.
fn add(sum: &mut Report, other: &Report) {
    let until = end(sum);
    sum.started_unix = sum.started_unix.min(other.started_unix);
    for (ours, theirs) in sum.phases.iter_mut().zip(&other.phases) {
        add_phase(ours, theirs);
    }
    sum.ledger.add(&other.ledger);
    sum.wakeups.add(&other.wakeups);
    sum.order = match (sum.order, &other.order) {
        (Some(mut order), Some(other)) => {
            order.add(other);
            Some(order)
        }
        _ => None,
    };
    // Each run was held against them by itself; its findings say what came out.
    sum.slos.clear();
    sum.updates.add(&other.updates);
    sum.faults.extend(other.faults.iter().map(|fault| {
        let mut fault = fault.clone();
        fault.at_seconds += until;
        fault
    }));
    // Workers of one run are not those of another.
    sum.balance = None;
    let (ours, theirs) = (&mut sum.generator, &other.generator);
    ours.busy_percent = ours.busy_percent.max(theirs.busy_percent);
    ours.late = match (ours.late, theirs.late) {
        (Some(ours), Some(theirs)) => Some(ours.max(theirs)),
        (ours, theirs) => ours.or(theirs),
    };
    let most = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(ours.max(theirs)),
        (ours, theirs) => ours.or(theirs),
    };
    ours.cpu_wait_percent = most(ours.cpu_wait_percent, theirs.cpu_wait_percent);
    ours.stolen_percent = most(ours.stolen_percent, theirs.stolen_percent);
    ours.sheds = ours.sheds.saturating_add(theirs.sheds);
    ours.connections_lost = ours
        .connections_lost
        .saturating_add(theirs.connections_lost);
    ours.reconnects = ours.reconnects.saturating_add(theirs.reconnects);
    ours.unexpected_packets = ours
        .unexpected_packets
        .saturating_add(theirs.unexpected_packets);
    let last = sum.series.last().copied().unwrap_or_default();
    sum.series.extend(other.series.iter().map(|sample| {
        let mut sample = *sample;
        sample.at_seconds += until;
        sample.sent = sample.sent.saturating_add(last.sent);
        sample.completed = sample.completed.saturating_add(last.completed);
        sample.errors = sample.errors.saturating_add(last.errors);
        sample.failed = sample.failed.saturating_add(last.failed);
        sample.timeouts = sample.timeouts.saturating_add(last.timeouts);
        sample
    }));
    sum.intervals.extend(other.intervals.iter().map(|interval| {
        let mut interval = interval.clone();
        interval.at_seconds += until;
        interval
    }));
}

/// When the last thing of a run was over.
fn end(report: &Report) -> f64 {
    let phases = report.phases.iter().map(|p| p.at_seconds + p.seconds);
    let intervals = report.intervals.iter().map(|i| i.at_seconds + i.seconds);
    let samples = report.series.iter().map(|sample| sample.at_seconds);
    phases.chain(intervals).chain(samples).fold(0.0, f64::max)
}

fn add_phase(ours: &mut Phase, theirs: &Phase) {
    ours.seconds += theirs.seconds;
    ours.sent = ours.sent.saturating_add(theirs.sent);
    ours.completed = ours.completed.saturating_add(theirs.completed);
    let rate = |jobs: u64| jobs as f64 / ours.seconds.max(1e-9);
    ours.sent_per_second = rate(ours.sent);
    ours.completed_per_second = rate(ours.completed);
    ours.generator_cpu_seconds += theirs.generator_cpu_seconds;
    ours.server = match (ours.server, theirs.server) {
        (Some(one), Some(two)) => {
            let cpu_seconds = one.cpu_seconds + two.cpu_seconds;
            Some(ServerUse {
                cpu_seconds,
                cpu_us_per_job: cpu_seconds * 1e6 / ours.completed.max(1) as f64,
                rss_bytes: one.rss_bytes.max(two.rss_bytes),
            })
        }
        _ => None,
    };
    for stage in &theirs.stages {
        let same = |known: &&mut Stage| known.name == stage.name;
        match ours.stages.iter_mut().find(same) {
            Some(known) => known.latency.merge(&stage.latency),
            None => ours.stages.push(stage.clone()),
        }
    }
}

/// All that the runs found; a note says where each begins to matter.
fn verdict(reports: &[Report]) -> Verdict {
    let mut verdict = Verdict::default();
    for report in reports {
        let of_run = |text: &str| format!("run {}: {text}", report.run_id);
        for finding in &report.verdict.findings {
            verdict.find(finding.kind, of_run(&finding.text));
        }
        let notes = report.verdict.notes.iter().map(|note| of_run(note));
        verdict.notes.extend(notes);
    }
    let runs = reports.len();
    let note =
        format!("{runs} runs merged, one after the other; how evenly workers were used is in each");
    verdict.notes.push(note);
    verdict
}
