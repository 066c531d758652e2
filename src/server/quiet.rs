//! A log that strangers cannot flood, and that holds none of their bytes raw.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lines of one kind in each [`WINDOW`] at the most.
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts the lines of one kind, and says when there are too many.
///
/// ```text
/// static REFUSED: Quiet = Quiet::new();
/// if let Some(missed) = REFUSED.line() {
///     tracing::warn!(%address, "connection refused{missed}");
/// }
/// ```
#[derive(Debug)]
pub(super) struct Quiet(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When the window began.
    since: Option<Instant>,
    /// Lines in it.
    lines: u32,
    /// Lines that were left out since the last one that was not.
    missed: u64,
}

/// Lines that were left out before this one; prints itself as the end of a sentence, or not at
/// all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missed(u64);

impl Quiet {
    pub(super) const fn new() -> Self {
        Quiet(Mutex::new(State {
            since: None,
            lines: 0,
            missed: 0,
        }))
    }

    /// Whether there is room for a line now.
    pub(super) fn line(&self) -> Option<Missed> {
        self.line_at(Instant::now())
    }

    fn line_at(&self, now: Instant) -> Option<Missed> {
        // Nobody panics while holding it; if somebody did, the count is as good as before.
        let mut state = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        let is_over = |since| now.saturating_duration_since(since) >= WINDOW;
        if state.since.is_none_or(is_over) {
            state.since = Some(now);
            state.lines = 0;
        }
        if state.lines >= LINES {
            state.missed += 1;
            return None;
        }
        state.lines += 1;
        Some(Missed(std::mem::take(&mut state.missed)))
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            missed => write!(f, " ({missed} more of this kind were not logged)"),
        }
    }
}

/// Bytes of a peer, in visible characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visible<'a>(pub(super) &'a [u8]);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_and_then_the_count_of_the_others() {
        let quiet = Quiet::new();
        let start = Instant::now();
        let line = |ms| {
            let missed = quiet.line_at(start + Duration::from_millis(ms));
            missed.map(|missed| missed.to_string())
        };
        for ms in 0..10 {
            assert_eq!(line(ms).as_deref(), Some(""));
        }
        for ms in 10..1000 {
            assert_eq!(line(ms), None);
        }
        let told = " (990 more of this kind were not logged)";
        assert_eq!(line(1000).as_deref(), Some(told));
        assert_eq!(line(1001).as_deref(), Some(""));
        assert_eq!(line(9000).as_deref(), Some(""));
    }

    #[test]
    fn no_byte_of_a_peer_is_raw() {
        let all: Vec<u8> = (0..=255).collect();
        let text = Visible(&all).to_string();
        assert!(text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{text}");
        assert_eq!(Visible(b"a\x1b[2J\n\"").to_string(), r#"a\x1b[2J\n\""#);
    }
}
