//! The table of areas.

use super::layout::{Page, colour, duration};
use crate::report::conform::{Conformance, Counts, Verdict, group};
use crate::report::escape::line;

/// Columns of a time.
const TIME: usize = 8;

/// One line for each area: cases by verdict, and time. Verdicts that no case has get no column.
pub(super) fn areas(page: &mut Page, report: &Conformance) {
    page.gap();
    let verdicts: Vec<Verdict> = Verdict::ALL
        .into_iter()
        .filter(|verdict| {
            matches!(verdict, Verdict::Pass | Verdict::Fail) || report.counts.get(*verdict) > 0
        })
        .collect();
    let groups = group::areas(report);
    let names = groups.iter().map(|(area, _)| line(area).chars().count());
    let width = names.max().unwrap_or_default().max(5);
    let columns = verdicts.iter().map(|v| format!("{:>7}", v.word()));
    let columns: String = columns.collect();
    let head = format!("{:<width$} {columns}  {:>TIME$}", "area", "time");
    let head = page.bold(&head);
    page.line(&head);
    for (area, cases) in groups {
        let took: f64 = cases.iter().map(|case| case.took_ms).sum();
        let counts = cells(page, &verdicts, Counts::of(cases));
        let area = line(&area);
        page.line(&format!(
            "{area:<width$} {counts}  {:>TIME$}",
            duration(took)
        ));
    }
    let counts = cells(page, &verdicts, report.counts);
    let took = duration(report.took_ms);
    page.line(&format!("{:<width$} {counts}  {took:>TIME$}", "all"));
}

fn cells(page: &Page, verdicts: &[Verdict], counts: Counts) -> String {
    let cell = |verdict: &Verdict| match counts.get(*verdict) {
        0 => format!("{:>7}", "·"),
        count => page.coloured(colour(*verdict), &format!("{count:>7}")),
    };
    verdicts.iter().map(cell).collect()
}
