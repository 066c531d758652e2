//! What the books come to: promises that were broken, runs that prove nothing, notes.

use super::health::generator_was_the_limit;
use super::{Context, measured};
use crate::load::drive::Done;
use crate::load::plan::Pace;
use crate::load::tally::Tally;
use crate::report::{self, Generator, Kind, Ledger, Verdict};

/// Share of the offered rate that a target must complete to have kept up.
const KEPT_UP: f64 = 0.97;

pub(super) fn verdict(
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
pub(super) fn broken_order(verdict: &mut Verdict, order: &report::Order) {
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
