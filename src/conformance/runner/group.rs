//! Which cases are played in which order, and which share a server.

use super::{Options, Place};
use crate::conformance::case::Case;
use crate::conformance::features::{Need, Settings};
use crate::conformance::player::Delivery;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// Cases of a group at the most: a few, so that a server that is silent in many of them costs its
/// silences at the same time.
const AT_MOST: usize = 4;

/// Cases that are played one after the other, on one server where servers are launched.
pub(super) struct Group<'c> {
    pub(super) split: Delivery,
    pub(super) settings: Settings,
    pub(super) cases: Vec<&'c Case>,
}

/// Groups that may be played at the same time.
pub(super) struct Stage<'c> {
    pub(super) groups: Vec<Group<'c>>,
    /// Whether they must be played one after the other all the same.
    pub(super) serial: bool,
}

/// Cases in the order in which they depend on each other.
pub(super) fn stages<'c>(cases: &[&'c Case], place: &Place, options: &Options) -> Vec<Stage<'c>> {
    let depths = depths(cases);
    let deepest = depths.values().copied().max().unwrap_or(0);
    let shared = matches!(place, Place::Target(_));
    let mut stages = Vec::new();
    for depth in 0..=deepest {
        let at_depth = |case: &&&Case| depths.get(case.id.as_str()) == Some(&depth);
        let (wild, tame): (Vec<&Case>, Vec<&Case>) = cases
            .iter()
            .filter(at_depth)
            .partition(|case| shared && case.hazardous);
        stages.push(Stage {
            groups: groups(&tame, options),
            serial: false,
        });
        // On a shared server a death must have one cause too.
        stages.push(Stage {
            groups: groups(&wild, options),
            serial: true,
        });
    }
    stages.retain(|stage| !stage.groups.is_empty());
    stages
}

/// How many cases each has before it. A circle, which a suite does not have, ends at its length.
fn depths<'c>(cases: &[&'c Case]) -> BTreeMap<&'c str, usize> {
    let mut depths: BTreeMap<&str, usize> =
        cases.iter().map(|case| (case.id.as_str(), 0)).collect();
    for _ in 0..cases.len() {
        let mut changed = false;
        for case in cases {
            let before = case.after.iter().filter_map(|id| depths.get(id.as_str()));
            let depth = before.map(|depth| depth + 1).max().unwrap_or(0);
            changed |= depths.insert(&case.id, depth) != Some(depth);
        }
        if !changed {
            break;
        }
    }
    depths
}

/// Splits the cases by what they need of a server: its settings, or one for themselves.
fn groups<'c>(cases: &[&'c Case], options: &Options) -> Vec<Group<'c>> {
    let mut groups = Vec::new();
    for &split in &options.splits {
        let mut shared: BTreeMap<(&str, &Settings), Vec<&Case>> = BTreeMap::new();
        let mut of_split = Vec::new();
        for &case in cases {
            // Who waits would let others wait.
            match needs_own_server(case) || !case.script.waits().is_zero() {
                true => of_split.push(vec![case]),
                false => {
                    let key = (case.area.as_str(), &case.settings);
                    shared.entry(key).or_default().push(case);
                }
            }
        }
        for cases in shared.into_values() {
            of_split.extend(cases.chunks(AT_MOST).map(<[&Case]>::to_vec));
        }
        for cases in of_split {
            let settings = cases.first().map(|case| case.settings.clone());
            groups.push(Group {
                split,
                settings: settings.unwrap_or_default(),
                cases,
            });
        }
    }
    // Those that wait longest begin first, so that the run does not end with them alone.
    groups.sort_by_key(|group| {
        let waits = group.cases.iter().map(|case| case.script.waits());
        Reverse(waits.sum::<Duration>())
    });
    groups
}

fn needs_own_server(case: &Case) -> bool {
    case.alone || case.hazardous || case.script.needs_process()
}

/// Why the case is not for this place, if it is not.
pub(super) fn skip(case: &Case, place: &Place, options: &Options) -> Option<String> {
    let unmet = case
        .needs
        .iter()
        .find(|&&need| !options.profile.meets(need));
    if let Some(need) = unmet {
        let profile = &options.profile.name;
        return Some(match need {
            Need::Feature(feature) => format!("profile {profile} lacks {}", feature.name),
            Need::Choice { choice, .. } => format!(
                "profile {profile} has {}={}",
                choice.name,
                options.profile.choice(choice)
            ),
        });
    }
    let own = (case.alone || case.script.needs_process() || !case.settings.is_empty())
        .then(|| "needs a server of its own: --launch".to_owned());
    match place {
        Place::Memory if case.script.needs_process() => {
            Some("needs a process, which the engine in memory is not".to_owned())
        }
        Place::Memory => super::policy::policy(&case.settings).err(),
        Place::Target(_) => own.or_else(|| hazard(case, options)),
        Place::Launch(_) => {
            let missing = options.profile.arguments(&case.settings).err();
            let missing = missing.map(|setting| {
                let profile = &options.profile.name;
                format!("profile {profile} does not say how to start the server with {setting}")
            });
            missing.or_else(|| hazard(case, options))
        }
    }
}

fn hazard(case: &Case, options: &Options) -> Option<String> {
    let refused = case.hazardous && !options.hazardous;
    refused.then(|| "can kill or wedge a faulty server: --hazardous".to_owned())
}
