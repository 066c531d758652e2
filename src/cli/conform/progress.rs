//! What is seen of a run while it goes on.

use super::super::signals::Interruption;
use crate::conformance::runner::Control;
use crate::report::conform::{CaseResult, Verdict};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a line says so where it stays.
const EVERY: Duration = Duration::from_secs(5);

/// Says how far it is: in place on a terminal, a line now and then elsewhere.
pub(in crate::cli) struct Watch {
    stop: Arc<AtomicBool>,
    all: usize,
    failed: AtomicUsize,
    terminal: bool,
    /// When the last line was written that stays.
    said: Mutex<Instant>,
}

impl Watch {
    pub(in crate::cli) fn new(interruption: &Interruption, all: usize) -> Self {
        Watch {
            stop: interruption.stop(),
            all,
            failed: AtomicUsize::new(0),
            terminal: std::io::stderr().is_terminal(),
            said: Mutex::new(Instant::now()),
        }
    }

    /// Takes the line away again.
    pub(in crate::cli) fn end(&self) {
        if self.terminal {
            self.replace("");
        }
    }

    fn say(&self, line: &str) {
        if self.terminal {
            self.replace(line);
        } else if let Ok(mut said) = self.said.lock()
            && said.elapsed() >= EVERY
        {
            *said = Instant::now();
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn replace(&self, line: &str) {
        // Nobody is left to tell when stderr is gone.
        let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
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
