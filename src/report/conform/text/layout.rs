//! Lines, indents, wrapping and colours.

use super::Options;
use crate::report::conform::Verdict;
use crate::report::escape;
use crate::report::wrap::wrap;

/// Columns of the names in front of fields.
const NAME: usize = 12;
/// Sentences are not squeezed into less.
const NARROWEST: usize = 24;

/// A text that grows.
pub(super) struct Page {
    pub(super) options: Options,
    text: String,
}

impl Page {
    pub(super) fn new(options: Options) -> Self {
        Page {
            options,
            text: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// The start of a section about one verdict.
    pub(super) fn heading(&mut self, verdict: Verdict, title: &str) {
        self.gap();
        let word = self.verdict(verdict, 0);
        self.line(&format!("{word}: {title}"));
    }

    /// A named sentence; an empty name goes on with the last.
    pub(super) fn field(&mut self, indent: usize, name: &str, text: &str) {
        let start = format!("{:indent$}{name:<NAME$}", "");
        self.wrapped(&start, text);
    }

    /// A named text of several lines, as they are.
    pub(super) fn field_lines(&mut self, indent: usize, name: &str, text: &str) {
        let text = escape::block(text);
        for (index, line) in text.lines().enumerate() {
            let name = if index == 0 { name } else { "" };
            self.line(&format!("{:indent$}{name:<NAME$}{line}", ""));
        }
    }

    /// Several lines, as they are but for what a terminal would obey.
    pub(super) fn block(&mut self, indent: usize, text: &str) {
        for line in escape::block(text).lines() {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    /// A sentence, wrapped under itself.
    pub(super) fn wrapped(&mut self, start: &str, text: &str) {
        let indent = start.chars().count();
        let room = match self.options.width {
            0 => usize::MAX,
            width => width.saturating_sub(indent).max(NARROWEST),
        };
        let mut start = start.to_owned();
        for part in wrap(text, room) {
            self.line(&format!("{start}{part}"));
            start = " ".repeat(indent);
        }
    }

    /// The word of a verdict, padded, in its colour.
    pub(super) fn verdict(&self, verdict: Verdict, width: usize) -> String {
        let word = format!("{:<width$}", verdict.word());
        self.coloured(colour(verdict), &word)
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.coloured("1", text)
    }

    pub(super) fn coloured(&self, code: &str, text: &str) -> String {
        match self.options.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// The SGR code of a verdict.
pub(super) fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "32",
        Verdict::Fail | Verdict::Error => "1;31",
        Verdict::Fixed => "1;35",
        Verdict::Blocked => "31",
        Verdict::Known => "33",
        Verdict::Skip => "36",
        Verdict::Note => "34",
    }
}

/// Milliseconds with the unit that fits.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 => format!("{ms:.1} ms"),
        _ if ms < 1e3 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}
