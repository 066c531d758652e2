//! `--dry-run`: what would be done, what it takes, and what cannot work.

use crate::load::{Arrival, Pace, Plan};
use crate::report::quantity;
use std::fmt::Write;

/// Bytes of a connection's buffers and of what is known of its actor.
const PER_CONNECTION: u64 = 16 * 1024;
/// Bytes of what is known of a job on its way, besides its body.
const PER_JOB: u64 = 256;
/// Bytes that a run without actors takes.
const BASE: u64 = 24 << 20;
/// Share of the workers' time above which queues grow long, in percent.
const CROWDED: f64 = 90.0;

/// The plan as a scenario, then what it takes.
pub(super) fn text(plan: &Plan) -> anyhow::Result<String> {
    let mut out = toml::to_string(plan)?;
    let mut say = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {line}");
    };
    say("");
    files(plan, &mut say);
    say(&format!(
        "connecting: {} peers at {}/s take at least {:.1} s",
        plan.clients + plan.workers,
        plan.connect_rate,
        (plan.clients + plan.workers) as f64 / plan.connect_rate
    ));
    memory(plan, &mut say);
    match plan.pace {
        Pace::Closed { outstanding } => closed(plan, outstanding, &mut say),
        Pace::Open { rate, arrival } => open(plan, rate, arrival, &mut say),
    }
    Ok(out)
}

fn files(plan: &Plan, say: &mut impl FnMut(&str)) {
    let (needed, limit) = (plan.files_needed(), crate::wire::raise_file_limit());
    say(&format!(
        "open files: {needed} are needed, {limit} are allowed"
    ));
    if needed > limit {
        say("CANNOT WORK: too many open files; raise the hard limit with `ulimit -Hn`");
    }
}

fn memory(plan: &Plan, say: &mut impl FnMut(&str)) {
    let connections = (plan.clients + plan.workers) as u64;
    let waiting = match plan.pace {
        Pace::Closed { outstanding } => plan.clients.saturating_mul(outstanding) as u64,
        Pace::Open { rate, .. } => {
            let service = plan.service.mean().unwrap_or_default();
            (rate * service.as_secs_f64()) as u64
        }
    };
    let jobs = waiting.max(plan.backlog);
    let body = u64::from(plan.payload.largest()) + PER_JOB;
    let bytes = BASE
        .saturating_add(connections.saturating_mul(PER_CONNECTION))
        .saturating_add(jobs.saturating_mul(PER_JOB))
        .saturating_add(waiting.min(connections).saturating_mul(body));
    say(&format!("memory: about {}", quantity::bytes(bytes)));
}

fn closed(plan: &Plan, outstanding: usize, say: &mut impl FnMut(&str)) {
    let under_way = plan.clients.saturating_mul(outstanding);
    say(&format!(
        "closed loop: at most {} jobs are on their way",
        quantity::count(under_way as u64)
    ));
    if let Some(service) = plan.service.mean().filter(|service| !service.is_zero()) {
        let serving = plan.workers.min(under_way) as f64;
        say(&format!(
            "service times alone allow {} at most (Little's law)",
            quantity::rate(serving / service.as_secs_f64())
        ));
    }
}

fn open(plan: &Plan, rate: f64, arrival: Arrival, say: &mut impl FnMut(&str)) {
    let mut rates: Vec<(String, f64)> = plan
        .phases
        .0
        .iter()
        .map(|phase| (format!("phase {}: ", phase.name), phase.rate.highest()))
        .collect();
    if rates.is_empty() {
        rates.push((String::new(), rate));
    }
    if let Arrival::Burst(size) = arrival {
        say(&format!(
            "bursts: {size} jobs every {:.3} s",
            f64::from(size) / rate
        ));
    }
    let Some(service) = plan.service.mean().filter(|service| !service.is_zero()) else {
        return say("workers answer at once: the server and this machine are the limit");
    };
    for (phase, rate) in rates {
        let busy = rate * service.as_secs_f64();
        let percent = 100.0 * busy / (plan.workers.max(1) as f64);
        say(&format!(
            "{phase}{} of {service:?} each keep {busy:.1} of {} workers busy, {percent:.0} % \
             (Little's law)",
            quantity::rate(rate),
            plan.workers
        ));
        if percent > 100.0 {
            say(&format!(
                "CANNOT WORK: {phase}the workers cannot keep up; the queue grows by {}",
                quantity::rate(rate - plan.workers as f64 / service.as_secs_f64())
            ));
        } else if percent > CROWDED {
            say(&format!(
                "{phase}so busy, jobs wait for long: expect a queue"
            ));
        }
    }
}
