//! What is wrong in a file, with its place and a picture of it.

use super::nearest;
use annotate_snippets::{AnnotationKind, Level as Severity, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// What is wrong in a file that somebody wrote, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// The place as a picture: the line, and a mark below it.
    picture: String,
}

impl FileError {
    /// An error about the bytes `span` of `text`.
    pub(crate) fn new(
        file: &str,
        text: &str,
        span: Range<usize>,
        problem: impl Into<String>,
    ) -> Self {
        let problem = problem.into();
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        // One line of it: what goes on beyond says nothing more about the place.
        let mut end = span.end.clamp(start, line_end);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let snippet = Snippet::source(text)
            .path(file)
            .annotation(AnnotationKind::Primary.span(start..end));
        let report = [Severity::ERROR
            .primary_title(problem.as_str())
            .element(snippet)];
        FileError {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            picture: below_title(&Renderer::plain().render(&report)),
            problem,
        }
    }
}

impl FileError {
    /// What is wrong with the TOML of a file. An unknown key is answered with the nearest one.
    pub(crate) fn toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim_end();
        let span = error.span().unwrap_or_default();
        match unknown_key(message) {
            Some(problem) => FileError::new(file, text, span, problem),
            None => FileError::new(file, text, span, message),
        }
    }
}

/// "unknown field `ratee`, expected one of `rate`, ...", in fewer words.
fn unknown_key(message: &str) -> Option<String> {
    let mut quoted = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let found = quoted.next()?;
    let nearest = nearest(found, quoted)?;
    Some(format!("unknown key {found}; the nearest is {nearest}"))
}

/// A rendering without its title and its place, which the error tells itself.
fn below_title(rendering: &str) -> String {
    let is_place = |line: &&str| line.trim_start().starts_with("--> ");
    let lines = rendering.lines().skip_while(|line| !is_place(line));
    lines.skip(1).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileError {
            file, line, column, ..
        } = self;
        write!(
            f,
            "{file}:{line}:{column}: {}\n{}",
            self.problem, self.picture
        )
    }
}

impl std::error::Error for FileError {}
