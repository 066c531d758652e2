//! What `tests/README.md` says is shown by a test is shown by one.

use crate::support::test_exists;
use gearbench::conformance::suite::Suite;
use std::path::Path;

/// What stands between backquotes, in order.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether `it::interop` has a file.
fn module_exists(path: &str) -> bool {
    let Some(path) = path.strip_prefix("it::") else {
        return false;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(path.replace("::", "/"));
    file.with_extension("rs").is_file() || file.join("mod.rs").is_file()
}

#[test]
fn what_is_named_exists() {
    let text = include_str!("../README.md");
    let suite = Suite::builtin().expect("a suite");
    let (mut tests, mut cases) = (0, 0);
    for name in quoted(text) {
        if name.contains("::") {
            assert!(
                test_exists(name) || module_exists(name),
                "there is no {name}"
            );
            tests += 1;
        } else if let Some(file) = name.strip_suffix("/*") {
            let of_file = |id: &str| id.split_once('/').is_some_and(|(of, _)| of == file);
            let exists = suite.cases().iter().any(|case| of_file(&case.id));
            assert!(exists, "there is no case {name}");
            cases += 1;
        }
    }
    assert!(tests > 0 && cases > 0, "nothing is named any more");
}
