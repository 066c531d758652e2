//! Bodies of the fuzz targets: each takes bytes from anywhere and panics only if a promise is
//! broken.
//!
//! The crate in `fuzz/` hands them what libFuzzer thinks of; `cargo test` hands them the corpus
//! that is committed there. So a body is code of the library, built, linted and tested by the
//! stable toolchain like all of it.

mod admin;
mod config;
mod dictionary;
mod document;
mod engine;
mod request;
mod scenario;
mod script;
mod shown;
mod stream;

pub use dictionary::dictionary;

/// A target: its name, which is that of its corpus and of its program, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("admin", admin::admin),
    ("case", script::case),
    ("config", config::config),
    ("conform", document::conform),
    ("decode", stream::decode),
    ("engine", engine::engine),
    ("naive", stream::naive),
    ("profile", config::profile),
    ("request", request::request),
    ("result", document::result),
    ("scenario", scenario::scenario),
    ("script", script::script),
];

/// Hands `data` to the target called `name`; for the programs in `fuzz/`, which are nothing else.
///
/// # Panics
///
/// Where a promise is broken, and for a name that no target has.
pub fn run(name: &str, data: &[u8]) {
    let Some((_, body)) = TARGETS.iter().find(|(known, _)| *known == name) else {
        panic!("there is no fuzz target {name}");
    };
    body(data);
}
