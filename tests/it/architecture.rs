//! The picture in `lib.rs`, held against the sources: who may import whom, and what the pure
//! layers keep away from.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What each top-level module may import from the others.
const MAY_IMPORT: &[(&str, Imports)] = &[
    // Defects to be switched on, in any layer: it stands below all of them.
    ("mutants", Imports::Only(&[])),
    ("protocol", Imports::Only(&["mutants"])),
    ("engine", Imports::Only(&["protocol", "mutants"])),
    ("model", Imports::Only(&["protocol"])),
    ("wire", Imports::Only(&["protocol", "mutants"])),
    ("client", Imports::Only(&["protocol"])),
    (
        "server",
        Imports::Only(&["protocol", "engine", "wire", "process", "mutants"]),
    ),
    ("report", Imports::Only(&[])),
    ("diagnose", Imports::Only(&[])),
    ("process", Imports::Only(&[])),
    (
        "load",
        Imports::Only(&[
            "protocol", "wire", "report", "diagnose", "process", "mutants",
        ]),
    ),
    (
        "conformance",
        Imports::Only(&[
            "protocol", "engine", "model", "report", "diagnose", "process", "mutants",
        ]),
    ),
    // It hands bytes to whatever reads any.
    (
        "fuzzing",
        Imports::Only(&[
            "protocol",
            "engine",
            "conformance",
            "load",
            "report",
            "diagnose",
            "cli",
        ]),
    ),
    (
        "simulation",
        Imports::Only(&[
            "protocol",
            "engine",
            "model",
            "conformance",
            "server",
            "wire",
        ]),
    ),
    ("cli", Imports::Everything),
    ("main", Imports::Only(&["cli"])),
    ("lib", Imports::Everything),
];

/// No runtime, no sockets, no clock, no randomness.
const PURE: &[&str] = &["protocol", "engine", "model"];

/// Paths that a pure layer does not contain, in any spelling of `use`.
const IMPURE: &[&str] = &[
    "tokio",
    "rand",
    "rand_chacha",
    "rand_distr",
    "std::net",
    "std::thread",
    "std::fs",
    "std::process",
    "Instant::now",
    "SystemTime",
];

#[derive(Clone, Copy)]
enum Imports {
    Only(&'static [&'static str]),
    Everything,
}

#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

#[test]
fn imports_follow_the_picture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    assert!(!files.is_empty());
    let mut violations = Vec::new();
    for path in files {
        let name = path.strip_prefix(root).expect("below the root");
        let name = name.to_str().expect("a name in UTF-8");
        let text = fs::read_to_string(&path).expect("a source file");
        violations.extend(check(name, &text));
    }
    let lines: Vec<_> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn planted_violations_are_caught() {
    for (message, text) in [
        (
            "src/load/mod.rs:1: load may not import server",
            "use crate::server::Server;",
        ),
        (
            "src/wire.rs:2: wire may not import engine",
            "fn f() {\n    crate::engine::f()\n}",
        ),
        (
            "src/engine/a.rs:3: engine may not import wire",
            "use crate::{\n    protocol,\n    wire::Wire,\n};",
        ),
        (
            "src/engine/a.rs:1: engine may not import cli",
            "use crate::{protocol::{self, table}, cli};",
        ),
        (
            "src/engine/mod.rs:1: engine may not import wire",
            "use super::wire;",
        ),
        (
            "src/engine/a.rs:1: engine may not import wire",
            "use super::super::wire;",
        ),
        (
            "src/engine/a.rs:1: engine may not import *",
            "use crate::*;",
        ),
        (
            "src/main.rs:1: main may not import server",
            "use gearbench::server;",
        ),
        (
            "src/gadget.rs:1: gadget is no module of the table: add it to the table",
            "",
        ),
        (
            "src/engine/a.rs:2: engine is pure: no Instant::now",
            "use std::time::Instant;\nlet now = Instant::now();",
        ),
        (
            "src/engine/a.rs:1: engine is pure: no std::net",
            "use std::{fmt, net::IpAddr};",
        ),
        (
            "src/protocol/a.rs:1: protocol is pure: no tokio",
            "use tokio::net;",
        ),
        (
            "src/protocol/a.rs:1: protocol is pure: no rand",
            "let r = ::rand::rng();",
        ),
        (
            "src/protocol/a.rs:1: protocol is pure: no SystemTime",
            "use std::time::{Duration, SystemTime};",
        ),
        // What looks like the end of the code is not always one.
        (
            "src/wire.rs:2: wire may not import cli",
            "let s = \"/*\"; let c = '\"';\nuse crate::cli;",
        ),
        (
            "src/wire.rs:1: wire may not import cli",
            "let s = r#\"\"//\"#; use crate::cli;",
        ),
        (
            "src/wire.rs:3: wire may not import cli",
            "#[cfg(test)]\nmod tests;\nuse crate::cli;",
        ),
    ] {
        let file = message.split(':').next().unwrap_or_default();
        let found = check(file, text);
        let [violation] = &found[..] else {
            panic!("{text:?}: expected one violation, found {found:?}");
        };
        let told = violation.to_string();
        assert!(told.starts_with(message), "{text:?}: {told}");
    }
}

#[test]
fn what_is_allowed_passes() {
    for (file, text) in [
        (
            "src/server/mod.rs",
            "use crate::{engine::JobServer, protocol, wire};\nuse super::engine;",
        ),
        (
            "src/cli/run.rs",
            "use crate::{load, server};\nuse tokio::net;",
        ),
        (
            "src/wire/a.rs",
            "pub(crate) use super::engine::Engine; use crate::wire::b;",
        ),
        (
            "src/engine/a.rs",
            "//! Not [`crate::wire`], /* nor */ tokio::net.\nlet s = \"std::fs\";",
        ),
        (
            "src/engine/a.rs",
            "/* crate::wire /* nested */ crate::cli */ let rand = 1; x.rand();",
        ),
        (
            "src/engine/a.rs",
            "fn f<'a>(c: &'a str) { let c = '\\''; }\n// crate::wire",
        ),
        (
            "src/engine/a.rs",
            "macro_rules! m { () => { $crate::protocol::f() } }",
        ),
        (
            "src/engine/a.rs",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::wire;\n}",
        ),
        ("src/engine/tests.rs", "use crate::wire;"),
        ("src/engine/tests/a.rs", "use std::fs;"),
        ("src/main.rs", "fn main() { gearbench::cli::main() }"),
        (
            "src/lib.rs",
            "pub mod protocol; pub use crate::protocol::Packet;",
        ),
    ] {
        assert_eq!(check(file, text), [], "{file}: {text:?}");
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Holds one source file, named from the root of the package, against the rules.
fn check(file: &str, text: &str) -> Vec<Violation> {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut modules: Vec<&str> = inner.split('/').collect();
    if modules.contains(&"tests") {
        return Vec::new();
    }
    if modules.len() > 1 && modules.last() == Some(&"mod") {
        modules.pop();
    }
    let own = modules[0];
    let violation = |line, rule| Violation {
        file: file.to_owned(),
        line,
        rule,
    };
    let Some((_, imports)) = MAY_IMPORT.iter().find(|(name, _)| *name == own) else {
        let rule = format!("{own} is no module of the table: add it to the table");
        return vec![violation(1, rule)];
    };

    let mut violations = Vec::new();
    for path in paths(&tokens(text)) {
        if let (Imports::Only(allowed), Some(other)) = (imports, path.import(own, modules.len()))
            && other != own
            && !allowed.contains(&other)
        {
            let allowed = match allowed {
                [] => "nothing".to_owned(),
                some => some.join(", "),
            };
            let rule = format!("{own} may not import {other}, only {allowed}");
            violations.push(violation(path.line, rule));
        }
        if PURE.contains(&own) {
            let impure = IMPURE.iter().filter(|impure| path.contains(impure));
            violations.extend(
                impure.map(|impure| violation(path.line, format!("{own} is pure: no {impure}"))),
            );
        }
    }
    violations
}

/// A path as `use` trees and expressions have them, groups taken apart.
#[derive(Debug)]
struct FoundPath<'a> {
    line: usize,
    segments: Vec<&'a str>,
}

impl<'a> FoundPath<'a> {
    /// The top-level module that it leads to, if it leaves its own file by the crate's root.
    ///
    /// `depth` is how many modules the file is below the root.
    fn import(&self, own: &str, depth: usize) -> Option<&'a str> {
        let supers = self.segments.iter().take_while(|s| **s == "super").count();
        match self.segments[..] {
            // The program sees the library from outside.
            ["gearbench", module, ..] if own == "main" => Some(module),
            ["crate", module, ..] => Some(module),
            // In an inline module the same `super`s stop short of the root: only names of the
            // table are taken for modules.
            _ if supers == depth => {
                let module = *self.segments.get(supers)?;
                let known = MAY_IMPORT.iter().any(|(name, _)| *name == module);
                known.then_some(module)
            }
            _ => None,
        }
    }

    /// Whether it names `wanted`: crates at its start, everything else anywhere.
    fn contains(&self, wanted: &str) -> bool {
        let wanted: Vec<_> = wanted.split("::").collect();
        match wanted[..] {
            [name] if name.starts_with(char::is_lowercase) => {
                self.segments.len() > 1 && self.segments[0] == name
            }
            _ => self
                .segments
                .windows(wanted.len())
                .any(|part| part == wanted),
        }
    }
}

type Token<'a> = (usize, &'a str);

fn paths<'a>(tokens: &[Token<'a>]) -> Vec<FoundPath<'a>> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some(&(_, token)) = rest.first() {
        if is_word(token) {
            rest = path(rest, &[], &mut found);
        } else {
            rest = &rest[1..];
        }
    }
    found
}

/// Reads one path, or a tree of them, that begins at a word; returns what comes after.
fn path<'a, 't>(
    mut rest: &'t [Token<'a>],
    prefix: &[&'a str],
    found: &mut Vec<FoundPath<'a>>,
) -> &'t [Token<'a>] {
    let mut segments = prefix.to_vec();
    let line = rest[0].0;
    loop {
        match rest {
            [(_, word), (_, "::"), (_, "{"), after @ ..] => {
                segments.push(word);
                rest = after;
                // Each element is a path of its own; `,` and `as name` are passed over.
                while let Some(&(_, token)) = rest.first() {
                    match token {
                        "}" => return &rest[1..],
                        "as" => rest = rest.get(2..).unwrap_or_default(),
                        _ if is_word(token) || token == "*" => rest = path(rest, &segments, found),
                        _ => rest = &rest[1..],
                    }
                }
                return rest;
            }
            [(_, word), (_, "::"), after @ ..]
                if after
                    .first()
                    .is_some_and(|(_, next)| is_word(next) || *next == "*") =>
            {
                segments.push(word);
                rest = after;
            }
            [(_, word), after @ ..] => {
                segments.push(word);
                found.push(FoundPath { line, segments });
                return after;
            }
            [] => return rest,
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single characters with their lines; without comments, literals of text and the
/// module of tests at the end.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, kept) = if let Some(comment) = rest.strip_prefix("//") {
            (2 + comment.find('\n').unwrap_or(comment.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else if let Some(length) = text_literal(rest) {
            (length, false)
        } else if is_word(rest) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            (end.unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let (token, after) = rest.split_at(length);
        if kept {
            tokens.push((line, token));
        }
        line += token.matches('\n').count();
        rest = after;
        // Clippy sees to it that nothing follows the tests.
        if let Some(start) = start_of_tests(&tokens) {
            tokens.truncate(start);
            break;
        }
    }
    tokens
}

/// Where a module of tests starts, if it has just been opened.
fn start_of_tests(tokens: &[Token<'_>]) -> Option<usize> {
    const OPENS: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let (rest, [_name, (_, "{")]) = tokens.split_last_chunk()? else {
        return None;
    };
    let (rest, attribute) = rest.split_last_chunk::<8>()?;
    (attribute.map(|(_, token)| token) == OPENS).then_some(rest.len())
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a string or character literal, raw or not, at the start of `text`.
fn text_literal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix);
        after.is_some_and(|after| after.starts_with(['"', '#', '\'']))
    })?;
    let start = prefix.len();
    if prefix.ends_with('r') {
        let hashes = bytes[start..].iter().take_while(|&&b| b == b'#').count();
        let quote = start + hashes;
        if bytes.get(quote) != Some(&b'"') {
            return None;
        }
        let close = format!("\"{}", "#".repeat(hashes));
        let body = &text[quote + 1..];
        return Some(
            body.find(&close)
                .map_or(text.len(), |at| quote + 1 + at + close.len()),
        );
    }
    match bytes[start] {
        b'"' => Some(closed_by(bytes, start, b'"')),
        // A lifetime is no literal: a character's quote closes after it, or it is an escape.
        b'\'' => {
            let mut characters = text[start + 1..].chars();
            let character = characters.next()?;
            (character == '\\' || characters.next() == Some('\''))
                .then(|| closed_by(bytes, start, b'\''))
        }
        _ => None,
    }
}

/// Where a literal that opens at `start` ends, its escapes passed over.
fn closed_by(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}
