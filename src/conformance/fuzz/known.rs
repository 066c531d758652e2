//! What is known of a server beforehand, and how often sessions met it.

use super::finding::Failing;
use crate::conformance::features::{Choice, FEATURES};
use crate::conformance::generate::{Played, Subjects, subject};
use crate::conformance::profile::{KnownDivergence, Profile, Treatment};
use crate::model::{Deviation, Deviations, Rules};

/// What the profile of a server says about sessions on it.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    divergences: Vec<KnownDivergence>,
    without: Subjects,
    lost_jobs_fail: bool,
    deviations: Deviations,
}

impl Knowledge {
    /// What `profile` says.
    pub fn new(profile: &Profile) -> Self {
        let all = profile.divergence.iter();
        let avoided = all.clone().filter_map(|known| match known.treatment {
            Treatment::Avoid(subject) => Some(subject),
            _ => None,
        });
        let lacking = |subject: &&str| {
            let feature = FEATURES.iter().find(|feature| feature.name == *subject);
            feature.is_some_and(|feature| !profile.has(feature))
        };
        let followed = all.filter_map(|known| match known.treatment {
            Treatment::Follow(deviation) => Some(deviation),
            _ => None,
        });
        let without: Subjects = avoided.chain(subject::all().filter(lacking)).collect();
        let cannot_drop = without.has("drop-function");
        let cannot_drop = cannot_drop.then_some(Deviation::DropIsNoCommand);
        let fails = Choice::find("worker-lost-foreground")
            .is_ok_and(|choice| profile.choice(choice) == "fail");
        Knowledge {
            lost_jobs_fail: fails,
            deviations: followed.chain(cannot_drop).collect(),
            divergences: profile.divergence.clone(),
            without,
        }
    }

    /// Subjects that sessions leave out.
    pub(super) fn without(&self) -> Subjects {
        self.without
    }

    /// The rules of the model, with what it has to know besides.
    pub(super) fn rules(&self, rules: Rules) -> Rules {
        Rules {
            lost_jobs_fail: self.lost_jobs_fail,
            deviations: self.deviations,
            ..rules
        }
    }

    /// The number of the divergence that the failure is, if it is known.
    pub(super) fn explains(&self, failing: &Failing) -> Option<usize> {
        let mut all = self.divergences.iter();
        all.position(|known| known.explains(&failing.rule, &failing.text))
    }
}

/// What is known of the server, and how often it was met.
#[derive(Clone, Debug)]
pub struct Met {
    /// What is known.
    pub known: KnownDivergence,
    /// Times that the model followed it, or sessions that ended with it.
    pub times: u64,
}

impl Met {
    /// Everything that is known, not met yet.
    pub(super) fn all(knowledge: &Knowledge) -> Vec<Met> {
        let all = knowledge.divergences.iter().cloned();
        all.map(|known| Met { known, times: 0 }).collect()
    }

    /// Counts what the model followed in a session.
    pub(super) fn count(all: &mut [Met], played: &Played) {
        for met in all {
            if let Treatment::Follow(deviation) = met.known.treatment {
                met.times += played.met.get(&deviation).copied().unwrap_or_default();
            }
        }
    }
}
