//! What went wrong on purpose: marks in the pictures over time, and a table of them.

use super::plot::Plot;
use crate::report::Fault;
use crate::report::quantity::{count, duration};

/// Room that a name takes beside its mark, in CSS pixels.
const NAME: f64 = 76.0;

/// A line for each fault, and a band until what it hit had recovered. Names stand where there is
/// room for them.
pub(super) fn mark(plot: &mut Plot, faults: &[Fault]) {
    let [_, top, right, bottom] = plot.area();
    let height = bottom - top;
    let mut named_until = f64::NEG_INFINITY;
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
        if at > named_until && at + NAME < right {
            plot.text(at + 4.0, bottom - 6.0, "fault-note", name(fault));
            named_until = at + NAME;
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
