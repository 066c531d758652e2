//! The report for a terminal: readable by somebody who has never seen the cases.

mod failure;
mod layout;
mod table;

use super::exit::{self, cases};
use super::group;
use super::{Conformance, Verdict};
use crate::report::escape::line;
use layout::Page;

/// How the text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether words are coloured by ANSI sequences.
    pub colour: bool,
    /// Columns at which sentences are wrapped; 0 never wraps.
    pub width: usize,
    /// Whose traces are shown.
    pub trace: TraceOf,
    /// Whether each case has a line, passed ones too.
    pub verbose: bool,
}

/// Whose traces are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceOf {
    /// Those of unexpected failures.
    #[default]
    Failed,
    /// Those of known failures and notes too.
    All,
    /// None.
    None,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            colour: false,
            width: 100,
            trace: TraceOf::default(),
            verbose: false,
        }
    }
}

/// The report as text: what was tested, a table of areas, what was not played and why, what is
/// known, what failed, and last what it comes to.
pub fn text(report: &Conformance, options: Options) -> String {
    let mut page = Page::new(options);
    head(&mut page, report);
    table::areas(&mut page, report);
    if options.verbose {
        every_case(&mut page, report);
    }
    skipped(&mut page, report);
    explained(&mut page, report, Verdict::Known);
    explained(&mut page, report, Verdict::Note);
    failures(&mut page, report);
    verdict(&mut page, report);
    page.finish()
}

fn head(page: &mut Page, report: &Conformance) {
    let hazardous = match report.hazardous {
        true => "hazardous cases included",
        false => "without hazardous cases",
    };
    let (server, target) = (group::server(report), &report.server.target);
    // A command has blanks, an address has none.
    let server = match target.contains(' ') {
        true => format!("{server}, launched as `{target}`"),
        false => format!("{server} at {target}"),
    };
    let asked = format!(
        "level {}; split {}; {hazardous}; an answer has {} ms",
        report.level,
        report.splits.join(", "),
        report.timeout_ms
    );
    page.field(0, "server", &line(&server));
    let profile = match report.profile.evidence.is_empty() {
        true => report.profile.name.clone(),
        false => {
            let evidence = report.profile.evidence.join("; ");
            format!("{}, because: {evidence}", report.profile.name)
        }
    };
    page.field(0, "profile", &line(&profile));
    page.field(0, "cases", &line(&asked));
    let names = format!("names on the server begin with {}", report.namespace);
    page.field(
        0,
        "run",
        &line(&format!("gearbench {}; {names}", report.gearbench)),
    );
    for note in &report.notes {
        page.field(0, "note", &line(note));
    }
}

fn every_case(page: &mut Page, report: &Conformance) {
    page.gap();
    for case in &report.cases {
        let word = page.verdict(case.verdict, 7);
        let took = layout::duration(case.took_ms);
        page.line(&format!("{word} {took:>8}  {}", line(&group::name(case))));
    }
}

fn skipped(page: &mut Page, report: &Conformance) {
    let count = report.counts.skip;
    if count == 0 {
        return;
    }
    page.heading(Verdict::Skip, &format!("{} not played", cases(count)));
    for (reason, members) in group::reasons(report, Verdict::Skip) {
        page.wrapped(&format!("{:>6}  ", members.len()), &line(&reason));
    }
}

fn explained(page: &mut Page, report: &Conformance, verdict: Verdict) {
    let members = group::with(report, verdict);
    if members.is_empty() {
        return;
    }
    let meaning = match verdict {
        Verdict::Known => "as the profile says; no failure",
        _ => "different from the C server, where servers may differ; no failure",
    };
    page.heading(verdict, &format!("{} {meaning}", cases(members.len())));
    for case in members {
        let cause = case.failure.as_ref().map(|failure| &failure.cause);
        let why = case.reason.as_ref().or(cause).unwrap_or(&case.rule);
        page.wrapped("  ", &line(&format!("{}: {why}", group::name(case))));
        if let (TraceOf::All, Some(detail)) = (page.options.trace, &case.failure) {
            page.block(4, &detail.trace);
        }
    }
}

fn failures(page: &mut Page, report: &Conformance) {
    let bad = group::bad(report);
    let (blocked, bad): (Vec<_>, Vec<_>) = bad
        .into_iter()
        .partition(|case| case.verdict == Verdict::Blocked && case.failure.is_none());
    for (index, case) in bad.iter().enumerate() {
        failure::render(page, index + 1, bad.len(), case);
    }
    if blocked.is_empty() {
        return;
    }
    let title = format!("{} could not be played", cases(blocked.len()));
    page.heading(Verdict::Blocked, &title);
    for (reason, members) in group::by(blocked, |case| case.reason.clone().unwrap_or_default()) {
        page.wrapped("  ", &line(&reason));
        for case in members {
            page.line(&format!("    {}", line(&group::name(case))));
        }
    }
}

fn verdict(page: &mut Page, report: &Conformance) {
    page.gap();
    let counts = Verdict::ALL
        .into_iter()
        .map(|verdict| (verdict, report.counts.get(verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", page.verdict(verdict, 0)));
    let counts: Vec<String> = counts.collect();
    let took = layout::duration(report.took_ms);
    page.line(&format!(
        "{}: {} in {took}",
        cases(report.cases.len()),
        counts.join(", ")
    ));
    let also: Vec<String> = report
        .exit_codes
        .iter()
        .filter(|code| **code != report.exit_code && **code != 0)
        .map(u8::to_string)
        .collect();
    let also = match also.is_empty() {
        true => String::new(),
        false => format!(" (also applies: {})", also.join(", ")),
    };
    let sentence = exit::sentence(report);
    page.wrapped("", &format!("exit {}: {sentence}{also}", report.exit_code));
}
