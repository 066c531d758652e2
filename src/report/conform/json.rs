//! The report as JSON, there and back, and the schema of that JSON.

use super::{Conformance, SCHEMA_VERSION};
use crate::report::document::{self, Document, FileError, ReadError, indented};
use std::path::Path;

/// All of it, indented, with a final line feed.
pub fn json(report: &Conformance) -> Result<String, serde_json::Error> {
    indented(report)
}

/// Reads the file that `gearbench conform --json` wrote.
pub fn read(path: &Path) -> Result<Conformance, FileError> {
    document::text(path).and_then(|text| from_json(&text).map_err(|error| error.of(path)))
}

/// The report that [`json`] wrote.
pub fn from_json(text: &str) -> Result<Conformance, ReadError> {
    document::parse(text, Document::Conformance, SCHEMA_VERSION)
}

/// The JSON Schema of a report.
pub fn schema() -> Result<String, serde_json::Error> {
    document::schema::<Conformance>("Results of gearbench conform")
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
        assert!(error.contains("line 2, column 8"), "{error}");
        assert!(from_json("").is_err());
    }

    #[test]
    fn other_documents_are_refused() {
        let text = json(&examples::report()).unwrap();
        let newer = text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1);
        let error = from_json(&newer).unwrap_err().to_string();
        assert!(error.contains("schema_version: 2,"), "{error}");
        let error = from_json("{\"schema_version\": 1, \"run_id\": \"1\"}").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("expected what `gearbench conform"),
            "{error}"
        );
        let error = from_json("{\"kind\": \"load\\u001b\"}").unwrap_err();
        assert!(
            error.to_string().contains("of kind \"load\\x1b\""),
            "{error}"
        );
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        document::is_published("conformance/result.schema.json", &schema().unwrap());
    }
}
