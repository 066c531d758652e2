//! Pauses between looks at something that tells nobody when it changes.

use std::thread;
use std::time::{Duration, Instant};

/// The longest pause.
const LONGEST: Duration = Duration::from_millis(20);

/// The next pause; each is longer than the one before, up to a limit.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) fn new() -> Self {
        Pause(Duration::from_millis(1))
    }

    /// Pauses, but not beyond `deadline`.
    pub(super) fn take(&mut self, deadline: Option<Instant>) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        thread::sleep(left.map_or(self.0, |left| left.min(self.0)));
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
