//! What happened, line by line, for those who look into a failure.

/// Bytes of a line at the most; payloads are long.
const WIDTH: usize = 240;

/// The beginning of a text.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let ends = (0..=most).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(ends.unwrap_or(0));
        text.push('…');
    }
    text
}

/// Lines of what happened; none where nobody looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Option<Vec<String>>);

impl Trace {
    /// A trace that is kept.
    pub(super) fn kept() -> Self {
        Trace(Some(Vec::new()))
    }

    /// Writes down what happened at this time, in microseconds.
    pub(super) fn line(&mut self, now: u64, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            let line = cut(line(), WIDTH);
            lines.push(format!("{:>14.6}  {line}", now as f64 / 1e6));
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}
