//! One failure: what was asked for, what came, and how to see it again.

use super::TraceOf;
use super::layout::Page;
use crate::report::conform::group;
use crate::report::conform::{CaseResult, FailureDetail, Verdict};
use crate::report::escape::line;

/// Columns in front of what belongs to a failure.
const INDENT: usize = 2;

/// A case that somebody has to do something about.
pub(super) fn render(page: &mut Page, number: usize, of: usize, case: &CaseResult) {
    page.gap();
    let word = page.verdict(case.verdict, 0);
    let name = page.bold(&line(&group::name(case)));
    page.line(&format!("{word} {name}  ({number} of {of})"));
    let rule = format!("{} ({})", case.rule, case.level.word());
    page.field(INDENT, "rule", &line(&rule));
    requirements(page, case);
    page.field(INDENT, "source", &line(&case.source));
    if let Some(reason) = &case.reason {
        let name = match case.verdict {
            Verdict::Fixed => "was listed",
            _ => "reason",
        };
        page.field(INDENT, name, &line(reason));
    }
    if let Some(failure) = &case.failure {
        detail(page, failure);
    }
    if let Some(repeat) = &case.repeat {
        page.field_lines(INDENT, "repeat", repeat);
    }
}

fn requirements(page: &mut Page, case: &CaseResult) {
    let texts = match &case.failure {
        Some(failure) if !failure.requirement_text.is_empty() => &failure.requirement_text,
        _ => &case.requirements,
    };
    for (index, text) in texts.iter().enumerate() {
        let name = if index == 0 { "shows" } else { "" };
        page.field(INDENT, name, &line(text));
    }
}

fn detail(page: &mut Page, failure: &FailureDetail) {
    let place = match failure.line {
        0 => failure.file.clone(),
        number => format!("{}:{number}", failure.file),
    };
    if !place.is_empty() {
        page.field_lines(INDENT, "at", &line(&place));
    }
    if !failure.step.is_empty() {
        page.field_lines(INDENT, "step", &failure.step);
    }
    match (&failure.expected, &failure.found) {
        (None, None) => page.field(INDENT, "cause", &line(&failure.cause)),
        (expected, found) => {
            page.field_lines(INDENT, "expected", expected.as_deref().unwrap_or("nothing"));
            page.field_lines(INDENT, "found", found.as_deref().unwrap_or("nothing"));
        }
    }
    if let Some(server) = &failure.server {
        page.field_lines(INDENT, "server", server);
    }
    if page.options.trace != TraceOf::None && !failure.trace.is_empty() {
        page.field(
            INDENT,
            "trace",
            "time since the start, who, > sent or < received; hexadecimal",
        );
        page.block(INDENT * 2, &failure.trace);
    }
}
