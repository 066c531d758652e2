//! A failure that is known.

use serde::{Deserialize, Deserializer, de};

/// How packets may be cut on the way to the server.
const SPLITS: [&str; 4] = ["none", "byte", "header", "pipeline"];

/// A failure that is known, why it happens, and how one sees that it is that one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The id of a case; `*` stands for anything.
    #[serde(deserialize_with = "words")]
    pub case: String,
    /// What the server does, and why.
    #[serde(deserialize_with = "words")]
    pub reason: String,
    /// Where that is to be seen: a source file, an issue, a version that was tried.
    #[serde(deserialize_with = "words")]
    pub source: String,
    /// One of these is in what the failure says; any other failure of the case is a new one.
    #[serde(deserialize_with = "symptoms")]
    pub symptom: Vec<String>,
    /// The deliveries with which it fails; without them it is all.
    #[serde(default, deserialize_with = "splits")]
    pub splits: Option<Vec<String>>,
    /// Whether it fails in some runs only, as by a race in the server: then passing is no surprise.
    #[serde(default)]
    pub sometimes: bool,
}

impl Known {
    /// Whether it is about this case, delivered in this way.
    pub fn covers(&self, case: &str, split: &str) -> bool {
        let splits = self.splits.as_ref();
        let delivered = splits.is_none_or(|splits| splits.iter().any(|known| known == split));
        delivered && self.is_about(case)
    }

    /// Whether it is about this case in some delivery.
    pub fn is_about(&self, case: &str) -> bool {
        matches(&self.case, case)
    }

    /// Whether a failure that says this is the known one.
    pub fn explains(&self, cause: &str) -> bool {
        self.symptom.iter().any(|symptom| cause.contains(symptom))
    }
}

/// Whether `text` is what `pattern` says: `*` stands for anything, `#` for a digit.
pub(in crate::conformance) fn matches(pattern: &str, text: &str) -> bool {
    let mut text_left = text;
    let mut pattern_left = pattern;
    // Where to go on when what follows the last `*` does not fit here.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let mut rest = pattern_left.chars();
        let mut from = text_left.chars();
        match (rest.next(), from.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                pattern_left = rest.as_str();
                retry = Some((pattern_left, text_left));
            }
            (Some('#'), Some(digit)) if digit.is_ascii_digit() => {
                (pattern_left, text_left) = (rest.as_str(), from.as_str());
            }
            (Some(wanted), Some(found)) if wanted == found => {
                (pattern_left, text_left) = (rest.as_str(), from.as_str());
            }
            _ => {
                let Some((after, start)) = retry else {
                    return false;
                };
                let mut further = start.chars();
                if further.next().is_none() {
                    return false;
                }
                pattern_left = after;
                text_left = further.as_str();
                retry = Some((after, text_left));
            }
        }
    }
}

pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(de::Error::custom("expected some words"));
    }
    Ok(text)
}

pub(super) fn symptoms<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let symptoms = Vec::<String>::deserialize(deserializer)?;
    if symptoms.is_empty() || symptoms.iter().any(|symptom| symptom.trim().is_empty()) {
        return Err(de::Error::custom(
            "expected what the failure says: an empty symptom would excuse any failure",
        ));
    }
    Ok(symptoms)
}

fn splits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let splits = Vec::<String>::deserialize(deserializer)?;
    match splits
        .iter()
        .find(|split| !SPLITS.contains(&split.as_str()))
    {
        Some(split) => Err(de::Error::custom(format!(
            "{split:?} is no delivery; they are {}",
            SPLITS.join(", ")
        ))),
        None => Ok(Some(splits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_what_they_say() {
        for (pattern, text) in [
            ("submit/long", "submit/long"),
            ("submit/*", "submit/long"),
            ("*", ""),
            ("*/unique-*-bytes", "submit/unique-65-bytes"),
            ("*a*b", "aab-ab"),
            ("#.#.*", "1.1.20"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("submit/long", "submit/longer"),
            ("submit/*", "options/long"),
            ("*a", "ab"),
            ("#*", "v1"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn another_failure_of_the_same_case_is_not_known() {
        let known: Known = toml::from_str(
            r#"
            case = "submit/*"
            reason = "It forgets."
            source = "job.cc"
            symptom = ["no answer", "the end of the connection"]
            splits = ["byte"]
            "#,
        )
        .unwrap();
        assert!(known.covers("submit/a", "byte"));
        assert!(!known.covers("submit/a", "none"));
        assert!(!known.covers("wake/a", "byte"));
        assert!(known.explains("expected NOOP, no answer in 1 s"));
        assert!(!known.explains("expected NOOP, found ERROR"));
    }
}
