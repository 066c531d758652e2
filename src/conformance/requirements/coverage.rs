//! Which requirements the cases show, and which they do not.

use super::{Catalogue, Level, Requirement};
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};

/// The ids of the cases that show a requirement, by the id of the requirement.
struct Shown<'a>(HashMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Shown<'a> {
    fn new(cases: impl Iterator<Item = (&'a str, &'a [String])>) -> Self {
        let mut shown: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for (case, ids) in cases {
            for id in ids {
                shown.entry(id).or_default().insert(case);
            }
        }
        Shown(shown)
    }

    fn has(&self, row: &Requirement) -> bool {
        self.0.contains_key(row.id.as_str())
    }

    /// The cases that show a row, as the content of a cell.
    fn cases(&self, row: &Requirement) -> String {
        let cases = self.0.get(row.id.as_str());
        let quoted = cases.into_iter().flatten().map(|case| format!("`{case}`"));
        quoted.collect::<Vec<_>>().join(", ")
    }
}

impl Catalogue {
    /// A Markdown document: the requirements of each area with the cases that show them, the rows
    /// without a case and why, and the totals. A case is its id and the ids that it shows.
    pub fn coverage<'a>(&self, cases: impl Iterator<Item = (&'a str, &'a [String])>) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&Shown::new(cases), &mut text);
        text
    }

    /// The rows that have neither a case nor a reason for having none.
    pub fn uncovered_without_reason<'a>(
        &self,
        cases: impl Iterator<Item = (&'a str, &'a [String])>,
    ) -> Vec<&Requirement> {
        let shown = Shown::new(cases);
        let neither = |row: &&Requirement| row.uncovered.is_none() && !shown.has(row);
        self.iter().filter(neither).collect()
    }

    /// The rows that have a case although they give a reason for having none.
    pub fn covered_with_reason<'a>(
        &self,
        cases: impl Iterator<Item = (&'a str, &'a [String])>,
    ) -> Vec<&Requirement> {
        let shown = Shown::new(cases);
        let both = |row: &&Requirement| row.uncovered.is_some() && shown.has(row);
        self.iter().filter(both).collect()
    }

    fn write(&self, shown: &Shown<'_>, out: &mut String) -> fmt::Result {
        writeln!(out, "# Requirements and the cases that show them")?;
        for area in self.rows.chunk_by(|a, b| a.area == b.area) {
            write_area(area, shown, out)?;
        }
        writeln!(out, "\n## Without a case\n")?;
        for row in self.iter().filter(|row| !shown.has(row)) {
            let reason = row.uncovered.as_deref().unwrap_or("no case yet");
            write!(out, "- {} ({}): {reason}", row.id, row.level)?;
            if !row.tests.is_empty() {
                let tests: Vec<_> = row.tests.iter().map(|test| format!("`{test}`")).collect();
                write!(out, "; shown on `gearbench serve` by {}", tests.join(", "))?;
            }
            writeln!(out)?;
        }
        self.write_totals(shown, out)
    }

    fn write_totals(&self, shown: &Shown<'_>, out: &mut String) -> fmt::Result {
        writeln!(out, "\n## Totals\n")?;
        writeln!(out, "| level | with a case | all |\n|---|---|---|")?;
        for level in Level::ALL {
            let rows = || self.iter().filter(|row| row.level == level);
            let covered = rows().filter(|row| shown.has(row)).count();
            writeln!(out, "| {level} | {covered} | {} |", rows().count())?;
        }
        Ok(())
    }
}

fn write_area(rows: &[Requirement], shown: &Shown<'_>, out: &mut String) -> fmt::Result {
    let area = rows.first().map_or("", |row| row.area.as_str());
    writeln!(out, "\n## {area}\n")?;
    writeln!(out, "| requirement | level | cases | C gearmand 1.1.20 |")?;
    writeln!(out, "|---|---|---|---|")?;
    for row in rows {
        let (stimulus, expected) = (cell(&row.stimulus), cell(&row.expected));
        let gearmand = cell(row.gearmand.as_deref().unwrap_or("same"));
        let cases = shown.cases(row);
        write!(out, "| **{}** {stimulus} → {expected} ", row.id)?;
        writeln!(out, "| {} | {cases} | {gearmand} |", row.level)?;
    }
    Ok(())
}

/// A bar would end the cell, also between backquotes.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = r#"
        [[requirement]]
        id = "P-X-01"
        level = "must"
        area = "X"
        stimulus = "`a | b`"
        expected = "ERROR"
        gearmand = "close"
        verified = "B"

        [[requirement]]
        id = "P-X-02"
        level = "must"
        area = "X"
        stimulus = "order"
        expected = "any"
        verified = "P"
        uncovered = "promises nothing"

        [[requirement]]
        id = "P-Y-01"
        level = "quirk"
        area = "Y"
        stimulus = "`help`"
        expected = "ERR"
        verified = "D"
    "#;

    fn rows() -> Catalogue {
        Catalogue::parse(ROWS).expect("three rows")
    }

    fn ids(rows: Vec<&Requirement>) -> Vec<&str> {
        rows.into_iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn the_document_has_areas_gaps_and_totals() {
        let shows = ["P-X-01".to_owned()];
        let cases = [("x/b", &shows[..]), ("x/a", &shows[..])];
        let expected = "\
# Requirements and the cases that show them

## X

| requirement | level | cases | C gearmand 1.1.20 |
|---|---|---|---|
| **P-X-01** `a \\| b` → ERROR | must | `x/a`, `x/b` | close |
| **P-X-02** order → any | must |  | same |

## Y

| requirement | level | cases | C gearmand 1.1.20 |
|---|---|---|---|
| **P-Y-01** `help` → ERR | quirk |  | same |

## Without a case

- P-X-02 (must): promises nothing
- P-Y-01 (quirk): no case yet

## Totals

| level | with a case | all |
|---|---|---|
| must | 1 | 2 |
| should | 0 | 0 |
| quirk | 0 | 1 |
";
        assert_eq!(rows().coverage(cases.into_iter()), expected);
    }

    #[test]
    fn a_row_has_either_a_case_or_a_reason() {
        let rows = rows();
        let shows = ["P-X-01".to_owned(), "P-X-02".to_owned()];
        let cases = || [("x/a", &shows[..])].into_iter();
        assert_eq!(ids(rows.uncovered_without_reason(cases())), ["P-Y-01"]);
        assert_eq!(ids(rows.covered_with_reason(cases())), ["P-X-02"]);
    }
}
