//! Whether the generator itself was well, or the limit of what was measured.

use super::{Context, measured};
use crate::load::drive::Done;
use crate::load::plan::{Pace, Plan};
use crate::load::recorder::Stage;
use crate::load::tally::Tally;
use crate::report::{self, Generator, Kind, Ledger, Verdict};

/// Schedule lag (p99.9) above which an open loop says more about the generator than about the
/// target, in nanoseconds.
const LAG_LIMIT: u64 = 100_000_000;
/// Share of the response (both p99) above which the same holds of the schedule lag, once it is
/// more than a few ticks.
const LAG_SHARE: f64 = 0.5;
/// Schedule lag (p99) that is no reason to look at its share, in nanoseconds.
const LAG_TOLERATED: u64 = 5_000_000;
/// Share of the offered jobs that must have been sent.
const ACHIEVED: f64 = 0.99;
/// Share of a thread's time, in percent, from which on it may have been the limit.
const BUSY: f64 = 95.0;

pub(super) fn generator(
    plan: &Plan,
    tallies: &[Tally],
    shards: &[Done],
    books: &Ledger,
) -> Generator {
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

pub(super) fn generator_was_the_limit(
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
