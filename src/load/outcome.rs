//! From the books of all shards to one report and its verdict.

mod health;
mod verdict;

use super::admin::Probed;
use super::drive::Done;
use super::fairness::Shares;
use super::plan::{Invariant, Pace, Plan};
use super::tally::{Phase, Tally};
use super::watch::Watched;
use super::{LoadError, fairness, faults, ledger, machine};
use crate::report::{
    self, Ledger, LoopKind, Report, SCHEMA_VERSION, ServerUse, Target, Updates, Wakeups,
};

/// What is known besides the books.
pub(crate) struct Context {
    pub(crate) plan: Plan,
    pub(crate) probed: Probed,
    pub(crate) started_unix: u64,
    pub(crate) watched: Watched,
    pub(crate) interrupted: bool,
    /// Jobs of this run that the target holds after all connections were closed.
    pub(crate) left_over: Option<u64>,
    /// How restarts of the target failed.
    pub(crate) restart_failures: Vec<String>,
}

/// Merges the shards. No report unless the sums hold.
pub(crate) fn report(context: Context, shards: &[Done]) -> Result<Report, LoadError> {
    let mut books = Ledger::default();
    for shard in shards {
        books.add(&shard.ledger);
    }
    ledger::check(&books)?;
    let tallies = merge_tallies(shards);
    let open = matches!(context.plan.pace, Pace::Open { .. });
    let generator = health::generator(&context.plan, &tallies, shards, &books);
    let mut order = report::Order::default();
    shards.iter().for_each(|shard| order.add(&shard.order));
    let shares: Vec<&Shares> = shards.iter().map(|shard| &shard.shares).collect();
    let balance = fairness::balance(&shares, context.plan.seed);
    let mut verdict = verdict::verdict(&context, shards, &books, &generator, &tallies);
    verdict
        .notes
        .extend(balance.as_ref().and_then(fairness::uneven));
    if context.plan.invariants.hold(Invariant::Order) {
        verdict::broken_order(&mut verdict, &order);
    }
    Ok(Report {
        schema_version: SCHEMA_VERSION,
        kind: report::LoadDocument::default(),
        command: "run".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: context.plan.id.to_string(),
        seed: context.plan.seed,
        started_unix: context.started_unix,
        target: Target {
            address: context.plan.target.clone(),
            version: context.probed.version.clone(),
        },
        labels: context.plan.labels.clone(),
        plan: serde_json::to_value(&context.plan).map_err(LoadError::Json)?,
        environment: machine::environment(),
        load: if open {
            LoopKind::Open
        } else {
            LoopKind::Closed
        },
        verdict,
        slos: Vec::new(),
        phases: tallies
            .iter()
            .filter(|tally| tally.phase.reported())
            .map(|tally| phase(tally, &context.plan))
            .collect(),
        ledger: books,
        balance,
        order: Some(order),
        polls: None,
        wakeups: wakeups(shards),
        updates: updates(shards),
        faults: faults::report(shards.iter().map(|shard| shard.happened.clone())),
        generator,
        series: context.watched.series,
        intervals: context.watched.intervals,
    })
}

/// The same phase of all shards is one phase.
fn merge_tallies(shards: &[Done]) -> Vec<Tally> {
    let mut merged: Vec<Tally> = Vec::new();
    for tally in shards.iter().flat_map(|shard| &shard.tallies) {
        let is_same = |known: &&mut Tally| (known.phase, known.step) == (tally.phase, tally.step);
        match merged.iter_mut().find(is_same) {
            Some(known) => known.merge(tally),
            None => merged.push(tally.clone()),
        }
    }
    merged
}

/// All measured phases as one.
fn measured(tallies: &[Tally]) -> Option<Tally> {
    let mut measured = tallies.iter().filter(|tally| tally.phase == Phase::Measure);
    let mut all = measured.next()?.clone();
    measured.for_each(|tally| all.merge(tally));
    Some(all)
}

fn phase(tally: &Tally, plan: &Plan) -> report::Phase {
    let seconds = tally.seconds();
    let rate = |count: u64| count as f64 / seconds.max(1e-9);
    let own = match tally.phase {
        Phase::Measure => plan.phases.0.get(tally.step),
        _ => None,
    };
    let offered = match (plan.pace, tally.phase) {
        (Pace::Open { rate, .. }, Phase::Warmup | Phase::Measure) => {
            Some(own.map_or(rate, |own| own.rate.mean()))
        }
        _ => None,
    };
    report::Phase {
        name: own.map_or(tally.phase.name(), |own| &own.name).to_owned(),
        at_seconds: tally.started as f64 / 1e9,
        seconds,
        sent: tally.sent,
        completed: tally.completed,
        offered_per_second: offered,
        sent_per_second: rate(tally.sent),
        completed_per_second: rate(tally.completed),
        server: server_use(tally),
        generator_cpu_seconds: tally.used.cpu_seconds,
        stages: tally
            .recorder
            .as_ref()
            .map(|r| r.report())
            .unwrap_or_default(),
    }
}

fn server_use(tally: &Tally) -> Option<ServerUse> {
    let (start, end) = (tally.server_start?, tally.server_end?);
    let cpu_seconds = end.cpu_seconds - start.cpu_seconds;
    let jobs = tally.completed.max(1) as f64;
    Some(ServerUse {
        cpu_seconds,
        cpu_us_per_job: cpu_seconds * 1e6 / jobs,
        rss_bytes: end.rss_bytes,
    })
}

fn updates(shards: &[Done]) -> Updates {
    let mut sum = Updates::default();
    for shard in shards {
        sum.add(&shard.updates);
    }
    sum
}

fn wakeups(shards: &[Done]) -> Wakeups {
    let mut sum = Wakeups::default();
    for shard in shards {
        sum.add(&shard.wakeups);
    }
    sum
}
