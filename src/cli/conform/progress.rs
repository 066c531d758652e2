//! What is seen of a run while it goes on.

use super::super::signals::Interruption;
use crate::conformance::runner::Control;
use crate::report::conform::{CaseResult, Verdict};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Says on a terminal how far it is.
pub(in crate::cli) struct Watch {
    stop: Arc<AtomicBool>,
    all: usize,
    failed: AtomicUsize,
    terminal: bool,
}

impl Watch {
    pub(in crate::cli) fn new(interruption: &Interruption, all: usize) -> Self {
        Watch {
            stop: interruption.stop(),
            all,
            failed: AtomicUsize::new(0),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Takes the line away again.
    pub(in crate::cli) fn end(&self) {
        self.say("");
    }

    fn say(&self, line: &str) {
        if self.terminal {
            // Nobody is left to tell when stderr is gone.
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        }
    }
}

impl Control for Watch {
    fn stopped(&self) -> Option<&'static str> {
        self.stop.load(Relaxed).then_some("interrupted")
    }

    fn played(&self, result: &CaseResult, left: usize) {
        let failed = matches!(
            result.verdict,
            Verdict::Fail | Verdict::Fixed | Verdict::Error
        );
        let before = self.failed.fetch_add(usize::from(failed), Relaxed);
        let (failed, done) = (before + usize::from(failed), self.all - left);
        self.say(&format!(
            "{done} of {} cases, {failed} failed  {}",
            self.all, result.id
        ));
    }
}
