//! The matrix as Markdown.

use super::{Cell, Matrix, Share};
use crate::report::conform::Conformance;
use crate::report::escape::{markdown as safe, markdown_code as code};

/// Servers × cases as Markdown tables, the reasons as notes below.
pub fn matrix_markdown(reports: &[Conformance]) -> String {
    let matrix = Matrix::of(reports);
    let mut out = String::from("# Conformance of Gearman job servers\n\n");
    summary(&mut out, &matrix);
    out.push_str(
        "\nOf the cases that were played, so many hold. ✓ PASS: holds. ✗ FAIL: does not. △ KNOWN: \
         does not, as the server's profile says. ▲ FIXED: holds, though the profile says \
         otherwise. ○ NOTE: differs from the C server where it may. – SKIP: not played.\n",
    );
    for area in &matrix.areas {
        out.push_str(&format!("\n## {}\n\n", safe(&area.name)));
        header(&mut out, &matrix, "case");
        row(&mut out, "_holds_", area.shares.iter().map(share));
        for case in &area.rows {
            let name = format!(
                "{} ({})<br>{}",
                code(&case.name),
                case.level,
                safe(&case.rule)
            );
            row(&mut out, &name, case.cells.iter().map(cell));
        }
    }
    notes(&mut out, &matrix);
    out
}

fn summary(out: &mut String, matrix: &Matrix) {
    header(out, matrix, "");
    let servers = || matrix.servers.iter();
    row(
        out,
        "profile",
        servers().map(|server| safe(&server.profile)),
    );
    row(out, "must", servers().map(|server| share(&server.must)));
    row(out, "should", servers().map(|server| share(&server.should)));
    row(
        out,
        "quirks shared",
        servers().map(|server| share(&server.quirks)),
    );
    row(
        out,
        "known failures",
        servers().map(|server| server.known.to_string()),
    );
    row(
        out,
        "unexpected",
        servers().map(|server| server.failing.to_string()),
    );
    row(
        out,
        "not played",
        servers().map(|server| server.skipped.to_string()),
    );
}

fn header(out: &mut String, matrix: &Matrix, first: &str) {
    let names = matrix.servers.iter();
    let names = names.map(|server| safe(&format!("{} {}", server.name, server.version)));
    row(out, first, names);
    out.push_str(&format!("|---|{}\n", "---|".repeat(matrix.servers.len())));
}

fn row(out: &mut String, first: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!(" {} |", cell.trim())).collect();
    out.push_str(&format!("| {first} |{cells}\n"));
}

fn share(share: &Share) -> String {
    match share.of {
        0 => "–".to_owned(),
        of => format!("{}/{of}", share.hold),
    }
}

fn cell(cell: &Option<Cell>) -> String {
    let Some(cell) = cell else {
        return "not in this run".to_owned();
    };
    let note = cell
        .footnote
        .map(|number| format!(" <sup>[{number}](#note-{number})</sup>"));
    format!("{} {}{}", cell.symbol, cell.word, note.unwrap_or_default())
}

fn notes(out: &mut String, matrix: &Matrix) {
    if matrix.footnotes.is_empty() {
        return;
    }
    out.push_str("\n## Reasons\n\n");
    for note in &matrix.footnotes {
        let cases: Vec<String> = note.cases.iter().map(|id| code(id)).collect();
        out.push_str(&format!(
            "- <a id=\"note-{0}\"></a>{0}: {1}, {2}: {3}\n",
            note.number,
            safe(&note.server),
            cases.join(", "),
            safe(&note.reason)
        ));
    }
}
