//! The fuzz targets without a fuzzer: everything that is committed in `fuzz/corpus` goes through
//! the body of its target, and `fuzz/` has what the library has.

use gearbench::fuzzing::{TARGETS, dictionary};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Bytes of the whole corpus at the most: it is cloned with every repository.
const LARGEST: usize = 400_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
    let mut names: Vec<_> = entries
        .map(|entry| name(entry.expect("an entry")))
        .collect();
    names.sort();
    names
}

#[test]
fn the_corpus_breaks_no_promise() {
    let mut total = 0;
    for (name, body) in TARGETS {
        let directory = fuzz().join("corpus").join(name);
        let inputs = names(&directory);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            let data = fs::read(directory.join(&input)).expect("an input");
            total += data.len();
            let played = catch_unwind(AssertUnwindSafe(|| body(&data)));
            assert!(played.is_ok(), "fuzz/corpus/{name}/{input}");
        }
    }
    assert!(total <= LARGEST, "{total} bytes");
}

#[test]
fn fuzz_has_the_targets_of_the_library() {
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(targets.is_sorted());
    assert_eq!(names(&fuzz().join("corpus")), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let bins = manifest["bin"].as_array().expect("programs");
    let bins: Vec<_> = bins
        .iter()
        .map(|bin| bin["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(bins, targets);
    for name in &targets {
        let file = fuzz().join(format!("fuzz_targets/{name}.rs"));
        let shim = fs::read_to_string(&file).expect("a shim");
        assert!(shim.contains(&format!("run(\"{name}\", data)")), "{shim}");
    }
}

#[test]
fn the_dictionary_is_that_of_the_packet_table() {
    let file = fuzz().join("packets.dict");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, dictionary()).expect("a file that can be written");
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    let why = "fuzz/packets.dict is out of date: run this test with UPDATE=1";
    assert!(published == dictionary(), "{why}");
}

/// A body must be able to fail: what is broken on purpose is noticed.
#[test]
fn a_target_that_nobody_knows_is_refused() {
    assert!(catch_unwind(|| gearbench::fuzzing::run("nothing", b"")).is_err());
}
