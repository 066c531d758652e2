//! Every defect that peers of the engine can see is noticed, by a requirement that is expected to.

use super::kill::Passed;
use super::memory::{play, session};
use super::{ALL, At, Delivery, Info, Suite};
use crate::conformance::case::Case;
use crate::conformance::runner::Control;
use crate::mutants::Defect;
use crate::report::conform::CaseResult;
use std::collections::BTreeSet;

/// Sessions for a defect that no case is expected to notice.
const SESSIONS: u64 = 500;

struct All;

impl Control for All {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

/// Whether the defect is noticed by a case of the requirements that are expected to, or by a
/// session where none is.
fn is_noticed(info: &Info, suite: &Suite) -> bool {
    let defect = Defect(Some(info.mutant));
    if info.rules.is_empty() {
        return defect.around(|| (0..SESSIONS).any(|seed| session(seed).is_err()));
    }
    let shows = |case: &&Case| {
        case.shows
            .iter()
            .any(|id| info.rules.contains(&id.as_str()))
    };
    let cases: Vec<&Case> = suite.cases().iter().filter(shows).collect();
    let mut passed = Passed::default();
    assert_eq!(
        passed.learn(&play(&cases, &Delivery::ALL, &All)),
        Vec::<String>::new()
    );
    let results = defect.around(|| play(&cases, &Delivery::ALL, &All));
    !passed.kills("memory", &results).is_empty()
}

#[test]
fn every_defect_of_the_engine_is_noticed_as_expected() {
    let suite = Suite::builtin().unwrap();
    let of_engine = ALL.iter().filter(|info| info.at == At::Packets);
    let unnoticed = of_engine.filter(|info| !is_noticed(info, &suite));
    assert_eq!(
        unnoticed.map(Info::name).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[test]
fn defects_have_names_of_their_own() {
    let names: BTreeSet<String> = ALL.iter().map(Info::name).collect();
    assert_eq!(names.len(), ALL.len());
    for name in names {
        assert_eq!(Info::named(&name).map(Info::name), Some(name));
    }
}
