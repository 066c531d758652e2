//! Conformance scripts and the files of cases they stand in.

use super::shown::{assert_is_place, assert_place};
use crate::conformance::{Script, ScriptError, case};

/// A script is refused with its place, or reads back as it is printed.
pub(super) fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed: Result<Script, ScriptError> = text.parse();
    match parsed {
        Ok(script) => assert_reads_back(&script),
        Err(error) => assert_place(error.line, error.column, text),
    }
}

/// A file of cases is refused with its place, or each of its scripts reads back.
pub(super) fn case(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match case::parse("file.toml", "file", text) {
        Ok(cases) => {
            for case in cases {
                let lines = text.split('\n').count();
                assert!((1..=lines).contains(&case.script_line));
                assert_reads_back(&case.script);
            }
        }
        Err(error) => assert_is_place(&error, text),
    }
}

fn assert_reads_back(script: &Script) {
    let printed = script.to_string();
    let again: Result<Script, ScriptError> = printed.parse();
    match again {
        Ok(again) => assert_eq!(again.to_string(), printed),
        Err(error) => panic!("{error} in what was printed:\n{printed}"),
    }
}
