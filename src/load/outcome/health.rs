//! Whether the generator itself was well, or the limit of what was measured.

use super::{Context, measured};
use crate::load::drive::Done;
use crate::load::lateness::Lateness;
use crate::load::machine;
use crate::load::plan::{Pace, Plan};
use crate::load::recorder::{Recorder, Stage};
use crate::load::tally::Tally;
use crate::report::quantity::duration;
use crate::report::{Generator, Kind, Late, Ledger, Verdict};

/// Lateness (p99.9) above which a run says more about the generator than about the target, in
/// nanoseconds.
const LATE_LIMIT: u64 = 100_000_000;
/// What a percentile may be off by and still be called right: this long, in nanoseconds, or this
/// share of it, whichever is more.
const RIGHT_NS: u64 = 1_000_000;
const RIGHT_SHARE: f64 = 0.02;
/// Shares of the jobs, in percent, of which it is looked at how late they were.
const SHARES: [f64; 13] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0,
];
/// What is tolerated of the 99th percentile, which a single absence of the generator moves.
const RIGHT_P99_NS: u64 = 5_000_000;
const RIGHT_P99_SHARE: f64 = 0.5;
/// Schedule lag (p99.9) beyond the generator's own lateness that is worth a note, in nanoseconds.
const BACK_PRESSURE: u64 = 100_000_000;
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
        (cpu + tally.used.cpu_seconds, wall + tally.seconds())
    });
    let measure = measured(tallies);
    let wall_measured = measure.as_ref().map_or(0.0, Tally::seconds).max(1e-9);
    let used = measure.as_ref().map(|tally| tally.used).unwrap_or_default();
    let of_threads = |seconds| 100.0 * seconds / (wall_measured * plan.threads as f64);
    let of_machine = |seconds| 100.0 * seconds / (wall_measured * machine::processors() as f64);
    let recorder = measure.and_then(|tally| tally.recorder);
    Generator {
        threads: plan.threads,
        busy_percent: 100.0 * cpu / (wall * plan.threads as f64).max(1e-9),
        schedule_lag_p999_ns: recorder.and_then(|r| at(&r, Stage::ScheduleLag, 99.9)),
        late: lateness(shards).as_ref().and_then(late_by),
        cpu_wait_percent: used.wait_seconds.map(of_threads),
        stolen_percent: used.stolen_seconds.map(of_machine),
        sheds: books.shed,
        connections_lost: shards.iter().map(|shard| shard.connections_lost).sum(),
        reconnects: shards.iter().map(|shard| shard.reconnects).sum(),
        unexpected_packets: shards.iter().map(|shard| shard.unexpected).sum(),
    }
}

/// How late all threads were, as one.
fn lateness(shards: &[Done]) -> Option<Lateness> {
    let (first, others) = shards.split_first()?;
    let mut all = first.lateness.clone();
    others.iter().for_each(|shard| all.merge(&shard.lateness));
    Some(all)
}

fn late_by(lateness: &Lateness) -> Option<Late> {
    let at = |percentile| lateness.percentile(percentile);
    Some(Late {
        p50_ns: at(50.0)?,
        p90_ns: at(90.0)?,
        p99_ns: at(99.0)?,
        p999_ns: at(99.9)?,
    })
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
    late(verdict, generator, shards, tallies);
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

/// How far a percentile of the response may be above what it would be with a generator that is
/// never late, in nanoseconds.
///
/// A job is sent as late as the generator is, and its answer read as late. Be d such that one end
/// in e/2 is later than that: then of all jobs one in e took more than 2d longer than it should
/// have, and with all of those left out the percentile would lie at most e lower. That holds for
/// every e, so the least that comes out is true.
fn doubt(recorder: &Recorder, lateness: &Lateness, percentile: f64) -> Option<u64> {
    let response = |percentile| at(recorder, Stage::Response, percentile);
    let shares = SHARES.into_iter().filter(|share| *share < percentile);
    let doubts = shares.filter_map(|share| {
        let apart = response(percentile)? - response(percentile - share)?;
        Some(apart + 2 * lateness.percentile(100.0 - share / 2.0)?)
    });
    doubts.min()
}

/// Finds percentiles of the response that the generator's own lateness may have made, and says of
/// which of the last ones more than a little may be its own.
fn late(verdict: &mut Verdict, generator: &Generator, shards: &[Done], tallies: &[Tally]) {
    let recorder = measured(tallies).and_then(|tally| tally.recorder);
    let (Some(lateness), Some(late), Some(recorder)) = (lateness(shards), generator.late, recorder)
    else {
        return;
    };
    if late.p999_ns > LATE_LIMIT {
        let by = duration(late.p999_ns);
        verdict.find(
            Kind::Generator,
            format!("the generator was late: by {by} and more at times (p99.9)"),
        );
    }
    let doubtful = |percentile: f64, ns: u64, share: f64| {
        let response = at(&recorder, Stage::Response, percentile)?;
        let own = doubt(&recorder, &lateness, percentile)?.min(response);
        (own > ns && own as f64 > share * response as f64).then(|| [response, own].map(duration))
    };
    for (percentile, ns, share) in [
        (50.0, RIGHT_NS, RIGHT_SHARE),
        (90.0, RIGHT_NS, RIGHT_SHARE),
        (99.0, RIGHT_P99_NS, RIGHT_P99_SHARE),
    ] {
        if let Some([response, own]) = doubtful(percentile, ns, share) {
            let text = format!(
                "the generator was late: of a response of {response}, {own} may be its own \
                 (p{percentile}){}",
                why(generator)
            );
            return verdict.find(Kind::Generator, text);
        }
    }
    let tails = [99.0, 99.9].into_iter();
    let doubtful = |p| Some((p, doubtful(p, RIGHT_NS, RIGHT_SHARE)?));
    if let Some((percentile, [response, own])) = tails.filter_map(doubtful).next() {
        verdict.notes.push(format!(
            "of the response p{percentile} of {response}, up to {own} may be the generator's own \
             lateness"
        ));
    }
    back_pressure(verdict, late, &recorder);
}

/// Says that the target let submissions wait before it took them.
fn back_pressure(verdict: &mut Verdict, late: Late, recorder: &Recorder) {
    let Some(lag) = at(recorder, Stage::ScheduleLag, 99.9) else {
        return;
    };
    if lag.saturating_sub(late.p999_ns) > BACK_PRESSURE {
        let lag = duration(lag);
        verdict.notes.push(format!(
            "the target let submissions wait: schedule lag p99.9 is {lag}, of which little is the \
             generator's own"
        ));
    }
}

fn at(recorder: &Recorder, stage: Stage, percentile: f64) -> Option<u64> {
    let histogram = recorder.histogram(stage)?;
    (!histogram.is_empty()).then(|| histogram.value_at_percentile(percentile))
}

/// Who may have kept the generator from its work.
fn why(generator: &Generator) -> String {
    let mut reasons = Vec::new();
    if let Some(percent) = generator.cpu_wait_percent.filter(|p| *p >= 1.0) {
        reasons.push(format!(
            "it waited for a processor {percent:.0} % of its time"
        ));
    }
    if let Some(percent) = generator.stolen_percent.filter(|p| *p >= 1.0) {
        reasons.push(format!(
            "{percent:.0} % of the processors were taken by the host"
        ));
    }
    if generator.busy_percent >= BUSY {
        reasons.push(format!(
            "it was {:.0} % busy itself",
            generator.busy_percent
        ));
    }
    match reasons.is_empty() {
        true => String::new(),
        false => format!("; {}", reasons.join(", ")),
    }
}
