//! One line on stderr that says how far a command is.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two lines of progress, on a terminal and elsewhere.
const PERIODS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// The line: written over on a terminal, one below the other elsewhere.
pub(super) struct Line {
    terminal: bool,
    said_at: Cell<Instant>,
}

impl Line {
    pub(super) fn new() -> Self {
        Line {
            terminal: std::io::stderr().is_terminal(),
            said_at: Cell::new(Instant::now()),
        }
    }

    /// Says it, unless it was said a moment ago.
    pub(super) fn say(&self, line: impl FnOnce() -> String) {
        let [often, seldom] = PERIODS;
        let period = if self.terminal { often } else { seldom };
        if self.said_at.get().elapsed() < period {
            return;
        }
        self.said_at.set(Instant::now());
        let mut err = std::io::stderr();
        // Nobody is left to tell when stderr is gone.
        let _ = match self.terminal {
            true => write!(err, "\r\x1b[K{}", line()),
            false => writeln!(err, "{}", line()),
        };
    }

    /// Takes the line away again.
    pub(super) fn end(&self) {
        if self.terminal {
            // Nobody is left to tell when stderr is gone.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
