//! Scenario files: refused with their place, or a plan that reads back as it is written.

use super::shown::assert_is_place;
use crate::load::RunId;
use crate::load::scenario::file::Written;

const TARGET: &str = "127.0.0.1:4730";

/// The text of a scenario.
pub(super) fn scenario(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let written = match Written::parse("file.toml", text.to_owned()) {
        Ok(written) => written,
        Err(error) => return assert_is_place(&error, text),
    };
    match written.scenario.clone().plan(TARGET, RunId(1), 7) {
        Ok(plan) => {
            let Ok(text) = toml::to_string(&plan) else {
                panic!("the plan cannot be written down: {plan:?}");
            };
            let again = match Written::parse("again.toml", text.clone()) {
                Ok(again) => again.scenario,
                Err(error) => panic!("{error} in what was written:\n{text}"),
            };
            assert_eq!(again.plan("elsewhere:1", RunId(1), 8), Ok(plan), "{text}");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let Some(place) = written.place(&error) {
                assert_is_place(&place, text);
            }
        }
    }
}
