//! The report as JSON, there and back, and the schema of that JSON.

use super::{Conformance, SCHEMA_VERSION};
use serde::Deserialize;

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No JSON, or JSON in which something is missing, unknown or of another type.
    #[error("no conformance results: {0}")]
    Form(#[from] serde_json::Error),
    /// JSON of something else.
    #[error(
        "no conformance results: the document {}; expected \"kind\": \"conformance\", as \
         `gearbench conform --json FILE` writes it",
        match .found { Some(kind) => format!("is of kind {kind:?}"), None => "has no kind".into() }
    )]
    Kind {
        /// What it says it is.
        found: Option<String>,
    },
    /// Results of a gearbench that means something else by them.
    #[error(
        "conformance results of schema version {found}; this gearbench reads version {expected}",
        expected = SCHEMA_VERSION
    )]
    Version {
        /// The version it says it has.
        found: u64,
    },
}

/// As much of a document as tells what it is.
#[derive(Deserialize)]
struct Head {
    kind: Option<serde_json::Value>,
    schema_version: Option<u64>,
}

/// All of it, indented, with a final line feed.
pub fn json(report: &Conformance) -> Result<String, serde_json::Error> {
    indented(report)
}

/// The report that [`json`] wrote.
pub fn from_json(text: &str) -> Result<Conformance, ReadError> {
    let head: Head = serde_json::from_str(text)?;
    let found = head.kind.map(|kind| match kind {
        serde_json::Value::String(kind) => kind,
        other => other.to_string(),
    });
    if found.as_deref() != Some("conformance") {
        return Err(ReadError::Kind { found });
    }
    match head.schema_version {
        Some(found) if found != u64::from(SCHEMA_VERSION) => Err(ReadError::Version { found }),
        _ => Ok(serde_json::from_str(text)?),
    }
}

/// The JSON Schema of a report.
pub fn schema() -> Result<String, serde_json::Error> {
    let mut schema = schemars::schema_for!(Conformance);
    schema.insert("title".to_owned(), "Results of gearbench conform".into());
    indented(&schema)
}

fn indented(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let report = examples::report();
        assert_eq!(from_json(&json(&report).unwrap()).unwrap(), report);
    }

    #[test]
    fn errors_name_the_place() {
        let text = json(&examples::report()).unwrap();
        let broken = text.replacen("\"pass\": ", "\"passed\": ", 1);
        let error = from_json(&broken).unwrap_err().to_string();
        assert!(error.contains("unknown field `passed`"), "{error}");
        assert!(error.contains("line "), "{error}");
        let error = from_json("{\n  \"kind\"").unwrap_err().to_string();
        assert!(error.contains("line 2 column 8"), "{error}");
        assert!(from_json("").is_err());
    }

    #[test]
    fn other_documents_are_refused() {
        let text = json(&examples::report()).unwrap();
        let newer = text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1);
        let error = from_json(&newer).unwrap_err().to_string();
        assert!(error.contains("schema version 2;"), "{error}");
        let error = from_json("{\"schema_version\": 1, \"command\": \"run\"}").unwrap_err();
        assert!(error.to_string().contains("has no kind"), "{error}");
        let error = from_json("{\"kind\": \"load\\u001b\"}").unwrap_err();
        assert!(
            error.to_string().contains("is of kind \"load\\u{1b}\""),
            "{error}"
        );
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/conformance/result.schema.json"
        );
        let schema = schema().unwrap();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap();
        assert!(
            published == schema,
            "conformance/result.schema.json is out of date: run this test with UPDATE=1"
        );
    }
}
