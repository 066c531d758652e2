//! Where generated sessions are known to part from the model.

use super::known::{symptoms, words};
use crate::conformance::generate::subject;
use crate::diagnose::nearest;
use crate::model::Deviation;
use serde::{Deserialize, Deserializer, de};

/// A known way in which a server parts from the model, and what is done about it in sessions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct KnownDivergence {
    /// The requirement that is not met; or `death` or `silence`. `*` stands for anything.
    pub case: String,
    /// What the server does, and why.
    pub reason: String,
    /// Where that is to be seen.
    pub source: String,
    /// What is done about it.
    pub treatment: Treatment,
}

/// What is done about a known divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The model takes it, and the session goes on.
    Follow(Deviation),
    /// Sessions do not hold what brings it about.
    Avoid(&'static str),
    /// A session that fails so, saying one of these, ends there and is counted.
    End(Vec<String>),
}

impl KnownDivergence {
    /// Whether a failure that breaks `rule` and says `text` is this one.
    pub fn explains(&self, rule: &str, text: &str) -> bool {
        match &self.treatment {
            Treatment::End(symptoms) => {
                let told = symptoms.iter().any(|symptom| text.contains(symptom));
                told && super::known::matches(&self.case, rule)
            }
            _ => false,
        }
    }
}

/// The name of a subject of sessions.
struct Subject(&'static str);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "words")]
    case: String,
    #[serde(deserialize_with = "words")]
    reason: String,
    #[serde(deserialize_with = "words")]
    source: String,
    #[serde(default, deserialize_with = "follow")]
    follow: Option<Deviation>,
    #[serde(default, deserialize_with = "avoid")]
    avoid: Option<Subject>,
    #[serde(default, deserialize_with = "some_symptoms")]
    symptom: Option<Vec<String>>,
}

impl TryFrom<Written> for KnownDivergence {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let treatment = match (written.follow, written.avoid, written.symptom) {
            (Some(deviation), None, None) => Treatment::Follow(deviation),
            (None, Some(Subject(name)), None) => Treatment::Avoid(name),
            (None, None, Some(symptoms)) => Treatment::End(symptoms),
            _ => return Err("a divergence has one of `follow`, `avoid` and `symptom`"),
        };
        Ok(KnownDivergence {
            case: written.case,
            reason: written.reason,
            source: written.source,
            treatment,
        })
    }
}

fn follow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Deviation>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut all = Deviation::ALL.iter();
    let known = all.find(|known| known.name() == name).copied();
    let names = Deviation::ALL.iter().map(|known| known.name());
    known
        .map(Some)
        .ok_or_else(|| unknown(&name, "deviation", names))
}

fn avoid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Subject>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let names = subject::all();
    let known = names.clone().find(|known| *known == name);
    known
        .map(|name| Some(Subject(name)))
        .ok_or_else(|| unknown(&name, "subject of sessions", names))
}

fn some_symptoms<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    symptoms(deserializer).map(Some)
}

fn unknown<E: de::Error>(found: &str, what: &str, names: impl Iterator<Item = &'static str>) -> E {
    let nearest = nearest(found, names).unwrap_or_default();
    E::custom(format!("{found:?} is no {what}; the nearest is {nearest}"))
}
