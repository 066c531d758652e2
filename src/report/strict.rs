//! Reads JSON that somebody may have edited, cut or made up: every error names its place, and
//! nothing is overlooked, not even a key that stands there twice.

use super::escape;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Why a text is not what was expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 where the place is a field alone.
    pub line: usize,
    /// Column of that line, from 1.
    pub column: usize,
    /// The field, as `phases[0].seconds`; `.` is the whole document.
    pub field: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if !matches!(self.field.as_str(), "" | ".") {
            write!(f, "{}: ", escape::line(&self.field))?;
        }
        f.write_str(&escape::line(&self.what))
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// A field that contradicts another.
    pub fn of(field: impl Into<String>, what: impl Into<String>) -> Self {
        Problem {
            line: 0,
            column: 0,
            field: field.into(),
            what: what.into(),
        }
    }

    fn at(field: String, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        Problem {
            line,
            column,
            field,
            what: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
        }
    }
}

/// The value that a JSON text holds, and nothing but it.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    read::<OnlyOnce>(text)?;
    read(text)
}

/// The same of a text in which no key stands twice.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Problem::at(error.path().to_string(), error.inner()))?;
    let end = json.end();
    end.map_err(|error| Problem::at(String::new(), &error))?;
    Ok(value)
}

/// Any JSON in which no object has the same key twice.
struct OnlyOnce;

impl<'de> de::Deserialize<'de> for OnlyOnce {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnlyOnce)
    }
}

impl<'de> DeserializeSeed<'de> for OnlyOnce {
    type Value = OnlyOnce;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnlyOnce)
    }
}

impl<'de> Visitor<'de> for OnlyOnce {
    type Value = OnlyOnce;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<OnlyOnce>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(de::Error::custom(format!("the key {key:?} is there twice")));
            }
            entries.next_value::<OnlyOnce>()?;
            seen.insert(key);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sheet {
        #[allow(dead_code, reason = "only its form matters")]
        rows: Vec<BTreeMap<String, f64>>,
    }

    #[test]
    fn every_error_names_its_place() {
        for (text, place, words) in [
            ("", "line 1, column 0", "EOF"),
            (
                "{\"rows\": [\n{\"a\": NaN}]}",
                "line 2, column 7",
                "rows[0].a",
            ),
            (
                "{\"rows\": [\n{\"a\": 1e999}]}",
                "line 2, column 11",
                "out of range",
            ),
            (
                "{\"rows\": [{\"a\": \"1\"}]}",
                "line 1",
                "rows[0].a: invalid type: string",
            ),
            (
                "{\"rows\": [{\"a\": 1, \"a\": 2}]}",
                "line 1",
                "rows[0]: the key \"a\"",
            ),
            (
                "{\"rows\": [], \"rows\": []}",
                "line 1",
                "the key \"rows\" is there twice",
            ),
            ("{\"rows\": []} x", "line 1, column 14", "trailing"),
            ("{\"rows\": [", "line 1, column 10", "EOF"),
            (
                "{\"rows\": [], \"\\u001b[2J\": 1}",
                "line 1",
                "unknown field `\\x1b[2J`",
            ),
            ("{\"rows\": null}", "line 1", "rows: invalid type: null"),
            ("{}", "line 1", "missing field `rows`"),
        ] {
            let error = parse::<Sheet>(text).unwrap_err().to_string();
            assert!(
                error.contains(place) && error.contains(words),
                "{text}: {error}"
            );
        }
        assert!(parse::<Sheet>("{\"rows\": [{\"a\": 1, \"b\": 1}, {\"a\": 1}]}").is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"rows\": {}", "[".repeat(100_000));
        let error = parse::<Sheet>(&deep).unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}
