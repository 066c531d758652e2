//! Two runs held against each other.

use super::exit::cases;
use super::{Conformance, Verdict};
use crate::report::escape;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What changed between two runs, as case and split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// They do not hold now, and did before or were not there.
    pub newly_failing: Vec<Case>,
    /// They hold now, and did not before.
    pub newly_passing: Vec<Case>,
    /// They gave a result before, and give none now: left out, skipped or blocked.
    pub vanished: Vec<Case>,
    /// They give a result now, and gave none before.
    pub added: Vec<Case>,
}

/// A case with one split.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The id of the case.
    pub id: String,
    /// How the bytes were handed over.
    pub split: String,
}

/// The changes from `before` to `now`.
///
/// Whether a rule holds is what counts: a failure that went into the profile in between is no
/// change.
pub fn compare_baseline(now: &Conformance, before: &Conformance) -> Baseline {
    let (now, before) = (outcomes(now), outcomes(before));
    let mut baseline = Baseline::default();
    let all: BTreeSet<&Case> = now.keys().chain(before.keys()).collect();
    for case in all {
        let (list, also) = match (before.get(case), now.get(case)) {
            (Some(true), Some(false)) => (&mut baseline.newly_failing, None),
            (Some(false), Some(true)) => (&mut baseline.newly_passing, None),
            (None, Some(false)) => (&mut baseline.newly_failing, Some(&mut baseline.added)),
            (None, Some(true)) => (&mut baseline.added, None),
            (Some(_), None) => (&mut baseline.vanished, None),
            _ => continue,
        };
        list.push(case.clone());
        if let Some(list) = also {
            list.push(case.clone());
        }
    }
    baseline
}

/// Whether each case that gave a result holds. A quirk that is not shared is no failure.
fn outcomes(report: &Conformance) -> BTreeMap<Case, bool> {
    let outcome = |verdict| match verdict {
        Verdict::Pass | Verdict::Fixed | Verdict::Note => Some(true),
        Verdict::Fail | Verdict::Known => Some(false),
        Verdict::Skip | Verdict::Blocked | Verdict::Error => None,
    };
    let each = report.cases.iter().filter_map(|case| {
        let name = Case {
            id: case.id.clone(),
            split: case.split.clone(),
        };
        Some((name, outcome(case.verdict)?))
    });
    each.collect()
}

impl Baseline {
    /// Whether anything got worse: a rule that does not hold any more, or a result that is missing.
    pub fn is_worse(&self) -> bool {
        !self.newly_failing.is_empty() || !self.vanished.is_empty()
    }

    /// The changes as text.
    pub fn text(&self) -> String {
        let lists = [
            ("newly failing", &self.newly_failing),
            ("vanished", &self.vanished),
            ("newly passing", &self.newly_passing),
            ("added", &self.added),
        ];
        let mut out = String::from("against the baseline\n");
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name}: {}", cases(list.len()));
            for case in list {
                let (id, split) = (escape::line(&case.id), escape::line(&case.split));
                let _ = writeln!(out, "    {id} (split {split})");
            }
        }
        if lists.iter().all(|(_, list)| list.is_empty()) {
            out.push_str("  nothing changed\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    fn run(verdicts: &[(&str, &str, Verdict)]) -> Conformance {
        let cases = verdicts.iter().map(|(id, split, verdict)| {
            let mut case = examples::case(id, *verdict);
            case.split = (*split).to_owned();
            case
        });
        examples::with_cases(cases.collect())
    }

    #[test]
    fn changes_go_by_case_and_split() {
        let before = run(&[
            ("a/stays", "none", Verdict::Pass),
            ("a/breaks", "none", Verdict::Pass),
            ("a/breaks", "byte", Verdict::Fail),
            ("a/heals", "none", Verdict::Known),
            ("a/goes", "none", Verdict::Pass),
            ("a/listed", "none", Verdict::Fail),
            ("a/skipped", "none", Verdict::Skip),
        ]);
        let now = run(&[
            ("a/stays", "none", Verdict::Pass),
            ("a/breaks", "none", Verdict::Fail),
            ("a/breaks", "byte", Verdict::Fail),
            ("a/heals", "none", Verdict::Fixed),
            ("a/goes", "none", Verdict::Blocked),
            ("a/listed", "none", Verdict::Known),
            ("a/skipped", "none", Verdict::Pass),
            ("a/new-and-failing", "none", Verdict::Fail),
        ]);
        let changes = compare_baseline(&now, &before);
        let ids = |list: &[Case]| list.iter().map(|case| case.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            ids(&changes.newly_failing),
            ["a/breaks", "a/new-and-failing"]
        );
        assert_eq!(changes.newly_failing[0].split, "none");
        assert_eq!(ids(&changes.newly_passing), ["a/heals"]);
        assert_eq!(ids(&changes.vanished), ["a/goes"]);
        assert_eq!(ids(&changes.added), ["a/new-and-failing", "a/skipped"]);
        assert!(changes.is_worse());
        let text = changes.text();
        assert!(
            text.contains("  vanished: 1 case\n    a/goes (split none)\n"),
            "{text}"
        );
    }

    #[test]
    fn the_same_run_changes_nothing() {
        let report = examples::report();
        let changes = compare_baseline(&report, &report);
        assert_eq!(changes, Baseline::default());
        assert!(!changes.is_worse());
        assert_eq!(changes.text(), "against the baseline\n  nothing changed\n");
    }
}
