//! What people get to see: nothing in it moves their cursor, and places are places of the file.

use crate::diagnose::FileError;
use crate::report::escape;

/// Nothing that a terminal obeys, nor anything that hides.
pub(super) fn assert_harmless(what: &str, shown: &str) {
    let escaped = escape::block(shown);
    assert!(
        escaped == shown,
        "{what} holds a control character:\n{escaped}"
    );
}

/// The place of an error is one of the text, or right behind it.
pub(super) fn assert_is_place(error: &FileError, text: &str) {
    assert_place(error.line, error.column, text);
    assert!(!error.problem.is_empty());
    let _ = error.to_string();
}

/// Line and column, both from 1, are a place of the text, or right behind it.
pub(super) fn assert_place(line: usize, column: usize, text: &str) {
    let place = line
        .checked_sub(1)
        .and_then(|line| text.split('\n').nth(line));
    let Some(place) = place else {
        panic!("line {line} of {:?}", text.escape_debug().to_string());
    };
    let width = place.chars().count();
    assert!(
        (1..=width + 1).contains(&column),
        "column {column} of {width}"
    );
}
