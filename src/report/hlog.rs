//! The HDR interval log, as HdrHistogram's own tools read it: the responses of each second, and
//! the other stages of each phase, one tag a stage.

use super::{Histogram, Report};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::time::{Duration, UNIX_EPOCH};

/// The tools show the longest of each interval in milliseconds.
const NS_IN_MS: f64 = 1e6;
/// The stage that the log has by the second.
const RESPONSE: &str = "response";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[error("the interval log cannot be written: {0}")]
pub struct Unwritten(String);

/// One line of the log.
struct Entry<'a> {
    at: f64,
    seconds: f64,
    tag: &'a str,
    histogram: &'a Histogram,
}

/// The log, histograms of nanoseconds in it; times are seconds since the run began.
pub fn render(report: &Report) -> Result<String, Unwritten> {
    let unwritten = |error: &dyn std::fmt::Display| Unwritten(error.to_string());
    let since = Duration::from_secs(report.started_unix);
    let started = UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH);
    let (mut text, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("[gearbench {}, nanoseconds]", report.version))
        .with_base_time(started)
        .with_start_time(started)
        .with_max_value_divisor(NS_IN_MS)
        .begin_log_with(&mut text, &mut serializer)
        .map_err(|error| unwritten(&error))?;
    for entry in entries(report) {
        log.write_histogram(
            &entry.histogram.0,
            seconds(entry.at),
            seconds(entry.seconds),
            Tag::new(entry.tag),
        )
        .map_err(|error| unwritten(&error))?;
    }
    String::from_utf8(text).map_err(|error| unwritten(&error))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// All entries by the time at which they begin.
fn entries(report: &Report) -> Vec<Entry<'_>> {
    let intervals = report.intervals.iter().map(|interval| Entry {
        at: interval.at_seconds,
        seconds: interval.seconds,
        tag: RESPONSE,
        histogram: &interval.response,
    });
    let by_the_second = !report.intervals.is_empty();
    let stages = report.phases.iter().flat_map(|phase| {
        let entry = move |stage| (phase, stage);
        phase.stages.iter().map(entry)
    });
    let stages = stages.filter(|(_, stage)| !(by_the_second && stage.name == RESPONSE));
    let stages = stages.map(|(phase, stage)| Entry {
        at: phase.at_seconds,
        seconds: phase.seconds,
        tag: &stage.name,
        histogram: &stage.latency,
    });
    let mut all: Vec<Entry<'_>> = intervals.chain(stages).collect();
    all.sort_by(|a, b| a.at.total_cmp(&b.at));
    all
}
