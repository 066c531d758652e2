//! How far a run is, on stderr: in place on a terminal, a line each few seconds elsewhere.

use crate::load::{FaultKind, OnProgress, Progress};
use crate::report::quantity;
use std::io::{IsTerminal, Write};

/// Seconds between two lines where they stay.
const EVERY: f64 = 5.0;
/// Columns of a terminal that does not say.
const COLUMNS: usize = 80;

/// Whoever writes the line.
pub(super) fn line() -> OnProgress {
    let terminal = std::io::stderr().is_terminal();
    let mut next = 0.0;
    Box::new(move |progress| {
        let mut err = std::io::stderr();
        // Nobody is left to tell when stderr is gone.
        if terminal {
            let line = shorten(&figures(progress), columns());
            let _ = write!(err, "\r\x1b[K{line}");
        } else if progress.sample.at_seconds >= next {
            next = progress.sample.at_seconds + EVERY - 0.5;
            let _ = writeln!(err, "{}", figures(progress).join("  "));
        }
    })
}

/// Takes the line away again.
pub(super) fn clear() {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K");
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map_or(COLUMNS, |size| usize::from(size.ws_col)).max(1)
}

/// The figures, the most telling first: a narrow terminal shows fewer of them.
fn figures(progress: &Progress) -> Vec<String> {
    let sample = &progress.sample;
    let latency =
        |name: &str, ns: Option<u64>| ns.map(|ns| format!("{name} {}", quantity::duration(ns)));
    let offered = progress
        .offered_per_second
        .map(|offered| format!("offered {}", quantity::rate(offered)));
    let errors = sample.errors + sample.failed + sample.timeouts;
    let queued = sample
        .queued
        .map_or_else(|| "?".to_owned(), quantity::count);
    let figures = [
        Some(format!("{:4.0} s", sample.at_seconds)),
        Some(progress.phase.to_owned()),
        offered,
        Some(format!(
            "done {}",
            quantity::rate(progress.completed_per_second)
        )),
        (!progress.faults.is_empty()).then(|| faults(&progress.faults)),
        latency("p50", sample.response_p50_ns),
        latency("p99", sample.response_p99_ns),
        Some(format!("out {}", quantity::count(sample.in_flight))),
        Some(format!("queued {queued}")),
        (errors > 0).then(|| format!("errors {}", quantity::count(errors))),
    ];
    figures.into_iter().flatten().collect()
}

/// `fault kill-worker+churn`
fn faults(kinds: &[FaultKind]) -> String {
    let words: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    format!("fault {}", words.join("+"))
}

/// As many of them as fit.
fn shorten(figures: &[String], columns: usize) -> String {
    let mut line = String::new();
    for figure in figures {
        let gap = if line.is_empty() { "" } else { "  " };
        // The last column stays free: a cursor behind it would begin a new line.
        if line.chars().count() + gap.len() + figure.chars().count() >= columns {
            break;
        }
        line = line + gap + figure;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_their_kinds() {
        let kinds = [FaultKind::KillWorker, FaultKind::Churn];
        assert_eq!(faults(&kinds), "fault kill-worker+churn");
    }

    #[test]
    fn narrow_terminals_show_less() {
        let figures = ["  12 s", "measure", "done 5 k/s"].map(str::to_owned);
        assert_eq!(shorten(&figures, 80), "  12 s  measure  done 5 k/s");
        assert_eq!(shorten(&figures, 20), "  12 s  measure");
        assert_eq!(shorten(&figures, 15), "  12 s");
        assert_eq!(shorten(&figures, 1), "");
    }
}
