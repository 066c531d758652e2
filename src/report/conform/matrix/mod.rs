//! Servers × cases: what several runs found out, side by side.

mod html;
mod markdown;

pub use html::matrix_html;
pub use markdown::matrix_markdown;

use super::group;
use super::{CaseResult, Conformance, Level, Verdict};
use crate::report::escape::line;
use serde::Serialize;

/// What both renderings show.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Matrix {
    servers: Vec<Column>,
    areas: Vec<Area>,
    footnotes: Vec<Footnote>,
}

/// One server.
#[derive(Debug, Serialize)]
struct Column {
    name: String,
    version: String,
    profile: String,
    gearbench: String,
    splits: String,
    must: Share,
    should: Share,
    quirks: Share,
    failing: usize,
    known: usize,
    skipped: usize,
}

/// How many hold of those that were played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Share {
    hold: usize,
    of: usize,
}

/// The cases of one area.
#[derive(Debug, Serialize)]
struct Area {
    name: String,
    shares: Vec<Share>,
    rows: Vec<Row>,
}

/// One case.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    rule: String,
    level: &'static str,
    cells: Vec<Option<Cell>>,
}

/// What came out of a case on one server, all splits together.
#[derive(Debug, Serialize)]
struct Cell {
    #[serde(skip)]
    verdict: Verdict,
    class: String,
    word: &'static str,
    symbol: &'static str,
    reason: String,
    footnote: Option<usize>,
}

/// Why a server does not do what a rule asks for.
#[derive(Debug, Serialize)]
struct Footnote {
    number: usize,
    server: String,
    reason: String,
    cases: Vec<String>,
}

impl Matrix {
    pub(in crate::report) fn of(reports: &[Conformance]) -> Self {
        let mut footnotes = Vec::new();
        let mut areas: Vec<Area> = Vec::new();
        let all = reports.iter().flat_map(|report| &report.cases);
        for (name, cases) in group::by(all, |case| case.area.clone()) {
            let rows = group::by(cases, |case| case.id.clone())
                .into_iter()
                .filter_map(|(id, cases)| Some(row(reports, &id, cases.first()?, &mut footnotes)))
                .collect::<Vec<Row>>();
            let share = |column| share(rows.iter().filter_map(|row| cell(row, column)));
            areas.push(Area {
                name: line(&name),
                shares: (0..reports.len()).map(share).collect(),
                rows,
            });
        }
        let columns = reports.iter().enumerate();
        let servers = columns.map(|(index, report)| column(report, &areas, index));
        Matrix {
            servers: servers.collect(),
            areas,
            footnotes,
        }
    }
}

fn cell(row: &Row, column: usize) -> Option<Verdict> {
    let cell = row.cells.get(column)?.as_ref()?;
    Some(cell.verdict)
}

fn column(report: &Conformance, areas: &[Area], index: usize) -> Column {
    let rows = || areas.iter().flat_map(|area| &area.rows);
    let of = |level: Level| {
        let rows = rows().filter(|row| row.level == level.word());
        share(rows.filter_map(|row| cell(row, index)))
    };
    let count = |wanted: &[Verdict]| {
        let cells = rows().filter_map(|row| cell(row, index));
        cells.filter(|verdict| wanted.contains(verdict)).count()
    };
    Column {
        name: line(&report.server.name),
        version: line(report.server.version.as_deref().unwrap_or_default()),
        profile: line(&report.profile.name),
        gearbench: line(&report.gearbench),
        splits: line(&report.splits.join(", ")),
        must: of(Level::Must),
        should: of(Level::Should),
        quirks: of(Level::Observed),
        failing: count(&[Verdict::Fail, Verdict::Fixed, Verdict::Error]),
        known: count(&[Verdict::Known]),
        skipped: count(&[Verdict::Skip, Verdict::Blocked]),
    }
}

fn share(verdicts: impl Iterator<Item = Verdict>) -> Share {
    let mut share = Share::default();
    for verdict in verdicts {
        match verdict {
            Verdict::Pass | Verdict::Fixed => share.hold += 1,
            Verdict::Fail | Verdict::Known | Verdict::Note => {}
            Verdict::Skip | Verdict::Blocked | Verdict::Error => continue,
        }
        share.of += 1;
    }
    share
}

fn row(
    reports: &[Conformance],
    id: &str,
    first: &CaseResult,
    footnotes: &mut Vec<Footnote>,
) -> Row {
    let cells = reports.iter().map(|report| {
        let results = report.cases.iter().filter(|case| case.id == id);
        merged(report, &results.collect::<Vec<_>>(), footnotes)
    });
    let prefix = format!("{}/", first.area);
    Row {
        id: line(id),
        name: line(id.strip_prefix(&prefix).unwrap_or(id)),
        rule: line(&first.rule),
        level: first.level.word(),
        cells: cells.collect(),
    }
}

/// The results of all splits as one: that which says most against the server.
fn merged(
    report: &Conformance,
    results: &[&CaseResult],
    footnotes: &mut Vec<Footnote>,
) -> Option<Cell> {
    let worst = results.iter().min_by_key(|case| rank(case.verdict))?;
    let verdict = worst.verdict;
    let reason = reason(worst, results);
    let noted = matches!(
        verdict,
        Verdict::Fail | Verdict::Known | Verdict::Fixed | Verdict::Error
    );
    let footnote = noted.then(|| footnote(footnotes, report, &worst.id, &reason));
    Some(Cell {
        verdict,
        class: verdict.word().to_lowercase(),
        word: verdict.word(),
        symbol: symbol(verdict),
        reason,
        footnote,
    })
}

fn reason(worst: &CaseResult, results: &[&CaseResult]) -> String {
    let cause = worst.failure.as_ref().map(|failure| &failure.cause);
    let reason = match worst.verdict {
        Verdict::Pass => None,
        Verdict::Fail | Verdict::Note => cause.or(worst.reason.as_ref()),
        _ => worst.reason.as_ref().or(cause),
    };
    let mut text = line(reason.map(String::as_str).unwrap_or_default());
    let same = |case: &&&CaseResult| case.verdict == worst.verdict;
    if results.iter().all(|case| same(&case)) {
        return text;
    }
    let splits: Vec<&str> = results
        .iter()
        .filter(same)
        .map(|c| c.split.as_str())
        .collect();
    if worst.verdict != Verdict::Pass {
        text.push_str(&line(&format!(" (only with split {})", splits.join(", "))));
    }
    text
}

/// The number of the reason; the same reason of the same server is noted once.
fn footnote(notes: &mut Vec<Footnote>, report: &Conformance, id: &str, reason: &str) -> usize {
    let server = line(&group::server(report));
    let known = |note: &&mut Footnote| note.server == server && note.reason == reason;
    if let Some(note) = notes.iter_mut().find(known) {
        note.cases.push(line(id));
        return note.number;
    }
    let number = notes.len() + 1;
    notes.push(Footnote {
        number,
        server,
        reason: reason.to_owned(),
        cases: vec![line(id)],
    });
    number
}

const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Error => 1,
        Verdict::Fixed => 2,
        Verdict::Known => 3,
        Verdict::Note => 4,
        Verdict::Blocked => 5,
        Verdict::Pass => 6,
        Verdict::Skip => 7,
    }
}

const fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::Known => "△",
        Verdict::Fixed => "▲",
        Verdict::Skip => "–",
        Verdict::Blocked => "⊘",
        Verdict::Error => "!",
        Verdict::Note => "○",
    }
}
