//! From the books of all shards to one report and its verdict.

use super::admin::Probed;
use super::drive::Done;
use super::fairness::Shares;
use super::plan::{Invariant, Pace, Plan};
use super::recorder::Stage;
use super::tally::{Phase, Tally};
use super::watch::Watched;
use super::{LoadError, fairness, faults, ledger, machine};
use crate::report::{
    self, Generator, Kind, Ledger, LoopKind, Report, SCHEMA_VERSION, ServerUse, Target, Updates,
    Verdict, Wakeups,
};

/// Schedule lag (p99.9) above which an open loop says more about the generator than about the
/// target, in nanoseconds.
const LAG_LIMIT: u64 = 100_000_000;
/// Share of the response (both p99) above which the same holds of the schedule lag, once it is
/// more than a few ticks.
const LAG_SHARE: f64 = 0.5;
/// Schedule lag (p99) that is no reason to look at its share, in nanoseconds.
const LAG_TOLERATED: u64 = 5_000_000;
/// Share of the offered rate that a target must complete to have kept up.
const KEPT_UP: f64 = 0.97;
/// Share of the offered jobs that must have been sent.
const ACHIEVED: f64 = 0.99;
/// Share of a thread's time, in percent, from which on it may have been the limit.
const BUSY: f64 = 95.0;

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
    let generator = generator(&context.plan, &tallies, shards, &books);
    let mut order = report::Order::default();
    shards.iter().for_each(|shard| order.add(&shard.order));
    let shares: Vec<&Shares> = shards.iter().map(|shard| &shard.shares).collect();
    let balance = fairness::balance(&shares, context.plan.seed);
    let mut verdict = verdict(&context, shards, &books, &generator, &tallies);
    verdict
        .notes
        .extend(balance.as_ref().and_then(fairness::uneven));
    if context.plan.invariants.hold(Invariant::Order) {
        broken_order(&mut verdict, &order);
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
        generator_cpu_seconds: tally.cpu_seconds,
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

fn generator(plan: &Plan, tallies: &[Tally], shards: &[Done], books: &Ledger) -> Generator {
    let recorded = tallies.iter().filter(|t| t.recorder.is_some());
    let (cpu, wall) = recorded.fold((0.0, 0.0), |(cpu, wall), tally| {
        (cpu + tally.cpu_seconds, wall + tally.seconds())
    });
    let recorder = measured(tallies).and_then(|tally| tally.recorder);
    let lag = recorder
        .as_ref()
        .and_then(|recorder| recorder.histogram(Stage::ScheduleLag))
        .filter(|histogram| !histogram.is_empty());
    Generator {
        threads: plan.threads,
        busy_percent: 100.0 * cpu / (wall * plan.threads as f64).max(1e-9),
        schedule_lag_p999_ns: lag.map(|histogram| histogram.value_at_quantile(0.999)),
        sheds: books.shed,
        connections_lost: shards.iter().map(|shard| shard.connections_lost).sum(),
        reconnects: shards.iter().map(|shard| shard.reconnects).sum(),
        unexpected_packets: shards.iter().map(|shard| shard.unexpected).sum(),
    }
}

fn verdict(
    context: &Context,
    shards: &[Done],
    books: &Ledger,
    generator: &Generator,
    tallies: &[Tally],
) -> Verdict {
    let mut verdict = Verdict::default();
    if context.interrupted {
        verdict.find(
            Kind::Interrupted,
            "interrupted: what was measured until then stands",
        );
    }
    let target = &context.plan.target;
    if let Some(why) = shards.iter().find_map(|shard| shard.gone.as_ref()) {
        verdict.find(Kind::Target, format!("{target}: {why}"));
    }
    broken_invariants(&mut verdict, books);
    inconclusive(&mut verdict, context, shards, books);
    generator_was_the_limit(&mut verdict, context, shards, books, generator, tallies);
    did_not_keep_up(&mut verdict, context, tallies);
    left_over(&mut verdict, context);
    unexpected(&mut verdict, generator);
    verdict
}

fn did_not_keep_up(verdict: &mut Verdict, context: &Context, tallies: &[Tally]) {
    let measure = measured(tallies);
    // With a number of jobs the phase lasts until the last one is answered.
    let (Pace::Open { rate, .. }, Some(tally), None) =
        (context.plan.pace, measure, context.plan.jobs)
    else {
        return;
    };
    let completed = tally.completed as f64 / tally.seconds().max(1e-9);
    if completed < KEPT_UP * rate {
        let percent = 100.0 * completed / rate;
        verdict.notes.push(format!(
            "the target did not keep up: {percent:.1} % of what was offered was completed in time"
        ));
    }
}

fn broken_invariants(verdict: &mut Verdict, books: &Ledger) {
    for (count, what) in [
        (
            books.lost,
            "lost: accepted, never ended, and not queued any more",
        ),
        (
            books.phantom,
            "phantom: not submitted by this run, or answered without having run",
        ),
        (
            books.duplicated,
            "duplicated: run or answered twice, and no worker was lost",
        ),
        (
            books.wrong_body,
            "wrong body: payload, result or function of another job, or damaged",
        ),
        (
            books.early,
            "early: run before the time they were submitted for",
        ),
    ] {
        if count > 0 {
            verdict.find(Kind::Invariant, format!("{count} jobs {what}"));
        }
    }
}

/// Finds jobs that were overtaken.
fn broken_order(verdict: &mut Verdict, order: &report::Order) {
    for (found, by) in [
        (&order.fifo, "a later one of the same function and priority"),
        (
            &order.priority,
            "one of a lower priority of the same function",
        ),
    ] {
        if found.jobs > 0 {
            let text = format!(
                "{} jobs overtaken by {by}: {:.2} % of {}, by {:.1} places on average and {} at \
                 most, {} late at most",
                found.jobs,
                order.percent(found),
                order.judged,
                found.places_mean(),
                found.places_max,
                report::quantity::duration(found.late_ns_max)
            );
            verdict.find(Kind::Invariant, text);
        }
    }
}

fn inconclusive(verdict: &mut Verdict, context: &Context, shards: &[Done], books: &Ledger) {
    if books.ok + books.failed_as_told == 0 {
        verdict.find(Kind::Inconclusive, "not a single job ended well");
    }
    let refused = books.error + books.failed;
    let lost_connections: u64 = shards.iter().map(|shard| shard.connections_lost).sum();
    // Our workers fail no job, and a lost worker may.
    let untouched = shards.iter().all(|shard| shard.happened.is_empty());
    if books.failed > 0 && lost_connections == 0 && untouched {
        let text = format!("{} jobs failed, and no worker failed them", books.failed);
        verdict.find(Kind::Invariant, text);
    }
    if refused > 0 {
        let first = shards.iter().find_map(|shard| shard.first_refusal.clone());
        let first = first.map_or_else(String::new, |text| format!("; the first ERROR: {text}"));
        let text = format!(
            "{refused} of {} jobs were refused, failed or lost their client{first}",
            books.sent
        );
        verdict.find(Kind::Inconclusive, text);
    }
    for failure in &context.restart_failures {
        verdict.find(Kind::Inconclusive, failure);
    }
    if books.timeout > 0 {
        let limit = context.plan.timeout.as_secs_f64();
        verdict.find(
            Kind::Inconclusive,
            format!("{} jobs were not answered within {limit} s", books.timeout),
        );
    }
    let unresolved = books
        .in_flight
        .saturating_sub(books.still_queued + books.lost);
    if unresolved > 0 {
        let text = format!("{unresolved} jobs had no end yet when the run ended");
        verdict.find(Kind::Inconclusive, text);
    }
    if books.still_queued > 0 {
        let drain = context.plan.drain.as_secs_f64();
        let text = format!(
            "{} jobs were still queued after a drain of {drain} s",
            books.still_queued
        );
        verdict.find(Kind::Inconclusive, text);
    }
}

fn generator_was_the_limit(
    verdict: &mut Verdict,
    context: &Context,
    shards: &[Done],
    books: &Ledger,
    generator: &Generator,
    tallies: &[Tally],
) {
    let excused: u64 = shards.iter().map(|shard| shard.shed_in_restart).sum();
    let shed = books.shed - excused;
    if excused > 0 {
        verdict.notes.push(format!(
            "{excused} scheduled jobs were not sent: the target was being restarted"
        ));
    }
    if shed > 0 {
        let text = format!(
            "{shed} of {} scheduled jobs were not sent: too many were on their way, or no \
             connection was open",
            books.scheduled
        );
        verdict.find(Kind::Generator, text);
    }
    late(verdict, tallies);
    if let Some(lag) = generator
        .schedule_lag_p999_ns
        .filter(|lag| *lag > LAG_LIMIT)
    {
        let lag = report::quantity::duration(lag);
        verdict.find(
            Kind::Generator,
            format!("the generator was late: schedule lag p99.9 is {lag}"),
        );
    }
    let measure = measured(tallies);
    if let (Pace::Open { rate, .. }, Some(tally), Some(_)) =
        (context.plan.pace, measure, context.plan.duration)
    {
        let share = (tally.sent + excused) as f64 / tally.seconds().max(1e-9) / rate;
        if share < ACHIEVED && !context.interrupted && context.plan.jobs.is_none() {
            let percent = 100.0 * share;
            verdict.find(
                Kind::Generator,
                format!("only {percent:.1} % of the offered rate was sent"),
            );
        }
    }
    if generator.busy_percent > BUSY {
        verdict.notes.push(format!(
            "the generator's thread was {:.0} % busy: the throughput may be its own",
            generator.busy_percent
        ));
    }
}

/// Finds a response that is mostly the generator's own lateness.
fn late(verdict: &mut Verdict, tallies: &[Tally]) {
    let measure = measured(tallies);
    let Some(recorder) = measure.and_then(|tally| tally.recorder) else {
        return;
    };
    let p99 = |stage| {
        let histogram = recorder.histogram(stage)?;
        (!histogram.is_empty()).then(|| histogram.value_at_quantile(0.99))
    };
    let (Some(lag), Some(response)) = (p99(Stage::ScheduleLag), p99(Stage::Response)) else {
        return;
    };
    if lag > LAG_TOLERATED && lag as f64 > LAG_SHARE * response as f64 {
        let [lag, response] = [lag, response].map(report::quantity::duration);
        let text = format!(
            "the generator was late: of a response of {response}, {lag} is its own lag (p99)"
        );
        verdict.find(Kind::Generator, text);
    }
}

fn unexpected(verdict: &mut Verdict, generator: &Generator) {
    if generator.unexpected_packets > 0 {
        verdict.notes.push(format!(
            "{} packets came that their receivers could not expect",
            generator.unexpected_packets
        ));
    }
}

fn left_over(verdict: &mut Verdict, context: &Context) {
    if let Some(jobs) = context.left_over.filter(|jobs| *jobs > 0) {
        verdict.notes.push(format!(
            "left on the target: {jobs} jobs of functions {}*",
            context.plan.id.prefix()
        ));
    }
}
