//! What a script needs, asked before it is played.

use super::{Action, Message, Script, Step};
use std::time::Duration;

impl Script {
    /// Everything that peers send, once for each place.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        let steps = flat(&self.steps).into_iter();
        steps.flat_map(|step| match &step.action {
            Action::Send { messages, .. } | Action::Flood { messages, .. } => messages.as_slice(),
            _ => &[],
        })
    }

    /// How long it waits at least.
    pub fn waits(&self) -> Duration {
        let steps = flat(&self.steps).into_iter();
        let waits = steps.map(|step| match step.action {
            Action::After(time) => time,
            _ => Duration::ZERO,
        });
        waits.sum()
    }

    /// Whether it acts on the server's process, or needs an address of it besides the first.
    pub fn needs_process(&self) -> bool {
        let steps = flat(&self.steps);
        let acts =
            |step: &&Step| matches!(step.action, Action::Server(_) | Action::ConnectHttp { .. });
        steps.iter().any(acts)
    }
}

/// The steps, with those of blocks.
fn flat(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        all.push(step);
        if let Action::Repeat { steps, .. } = &step.action {
            all.extend(flat(steps));
        }
    }
    all
}
