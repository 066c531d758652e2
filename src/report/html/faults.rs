//! What went wrong on purpose: marks in the pictures over time, and a table of them.

use super::plot::Plot;
use crate::report::Fault;
use crate::report::quantity::{count, duration};
use std::collections::HashMap;

/// About the width of a letter, in CSS pixels.
const LETTER: f64 = 6.4;

/// A line for each fault, and a band until what it hit had recovered. Names stand where there is
/// room for them.
pub(super) fn mark(plot: &mut Plot, faults: &[Fault]) {
    let [_, top, _, bottom] = plot.area();
    let height = bottom - top;
    for fault in faults {
        let at = plot.x_at(fault.at_seconds);
        if let Some(after) = fault.recovered_after_seconds {
            let width = plot.x_at(fault.at_seconds + after) - at;
            plot.put(format_args!(
                "<path class=\"recovery\" d=\"M{at:.1} {top}h{width:.1}v{height}h-{width:.1}z\"/>"
            ));
        }
        plot.put(format_args!(
            "<path class=\"fault\" d=\"M{at:.1} {top}V{bottom}\"/>"
        ));
    }
    names(plot, faults);
}

/// The rarest first: what happens each second needs no name each time.
fn names(plot: &mut Plot, faults: &[Fault]) {
    let [_, _, right, bottom] = plot.area();
    let mut often: HashMap<&str, usize> = HashMap::new();
    for fault in faults {
        *often.entry(&fault.fault).or_default() += 1;
    }
    let mut rarest: Vec<&Fault> = faults.iter().collect();
    rarest.sort_by_key(|fault| often.get(fault.fault.as_str()));
    let mut taken: Vec<[f64; 2]> = Vec::new();
    for fault in rarest {
        let (at, name) = (plot.x_at(fault.at_seconds), name(fault));
        let until = at + 8.0 + LETTER * name.chars().count() as f64;
        let is_free = taken.iter().all(|[from, to]| until < *from || at > *to);
        if is_free && until < right {
            plot.text(at + 4.0, bottom - 6.0, "fault-note", name);
            taken.push([at, until]);
        }
    }
}

/// `kill-worker` of `kill-worker:every=5s`.
fn name(fault: &Fault) -> &str {
    fault.fault.split(':').next().unwrap_or_default()
}

/// A row for each fault.
pub(super) fn rows(faults: &[Fault]) -> Vec<[String; 6]> {
    let row = |fault: &Fault| {
        let recovered = fault.recovered_after_seconds;
        let recovered = recovered.map(|seconds| duration((seconds * 1e9) as u64));
        [
            format!("{:.2} s", fault.at_seconds),
            fault.fault.clone(),
            count(fault.connections),
            count(fault.jobs),
            recovered.unwrap_or_else(|| "not seen".to_owned()),
            fault.note.clone().unwrap_or_default(),
        ]
    };
    faults.iter().map(row).collect()
}
