//! Results put together for tables and lists.

use super::{CaseResult, Conformance, Verdict};

/// Results under a common heading, in the order of their first ones.
pub(super) type Groups<'a> = Vec<(String, Vec<&'a CaseResult>)>;

/// Results with the same key together.
pub(super) fn by<'a>(
    cases: impl IntoIterator<Item = &'a CaseResult>,
    key: impl Fn(&CaseResult) -> String,
) -> Groups<'a> {
    let mut groups = Groups::new();
    for case in cases {
        let key = key(case);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(case),
            None => groups.push((key, vec![case])),
        }
    }
    groups
}

/// One group for each area.
pub(super) fn areas(report: &Conformance) -> Groups<'_> {
    by(&report.cases, |case| case.area.clone())
}

/// Those with one verdict.
pub(super) fn with(report: &Conformance, verdict: Verdict) -> Vec<&CaseResult> {
    let mut cases: Vec<_> = report.cases.iter().collect();
    cases.retain(|case| case.verdict == verdict);
    cases
}

/// Those with one verdict by reason, the most frequent reason first.
pub(super) fn reasons(report: &Conformance, verdict: Verdict) -> Groups<'_> {
    let reason = |case: &CaseResult| match &case.reason {
        Some(reason) => reason.clone(),
        None => "no reason given".to_owned(),
    };
    let mut groups = by(with(report, verdict), reason);
    groups.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    groups
}

/// Those that somebody has to do something about: the ones that say most about the server first.
pub(super) fn bad(report: &Conformance) -> Vec<&CaseResult> {
    const ORDER: [Verdict; 4] = [
        Verdict::Fail,
        Verdict::Fixed,
        Verdict::Error,
        Verdict::Blocked,
    ];
    let each = ORDER.map(|verdict| with(report, verdict));
    each.concat()
}

/// The id, and the split where it is not the plain one.
pub(super) fn name(case: &CaseResult) -> String {
    match case.split.as_str() {
        "none" | "" => case.id.clone(),
        split => format!("{} (split {split})", case.id),
    }
}

/// `gearmand 1.1.20`.
pub(super) fn server(report: &Conformance) -> String {
    match &report.server.version {
        Some(version) => format!("{} {version}", report.server.name),
        None => report.server.name.clone(),
    }
}
