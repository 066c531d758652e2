//! What several subjects need: servers, processes with a bound, files that go away.

mod admin;
mod process;
mod server;
mod tools;
mod web;

pub(crate) use admin::{Admin, Counts};
pub(crate) use process::{Finished, Peer, Running, run_with_deadline, run_with_input};
pub(crate) use server::{Gearmand, Serve, Server};
pub(crate) use tools::require_or_skip;
pub(crate) use web::{Gear, Http, Site};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything here may take before it counts as stuck. No test is faster or slower for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer; `what` is named when there is none within [`PATIENCE`].
///
/// For the state of another process, which can only be asked for. The pause decides how often it is
/// asked, never what the answer means.
pub(crate) fn ask_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory of one test, removed with all that is in it.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where a process writes its log.
    fn log(&self) -> File {
        File::create(self.file("log")).expect("a log file")
    }

    /// Prints that log if the test is failing.
    #[expect(
        clippy::print_stderr,
        reason = "the test runner shows it with the failed test"
    )]
    fn show_log_of_failure(&self, whose: &str) {
        if std::thread::panicking() {
            let log = std::fs::read(self.file("log")).unwrap_or_default();
            eprintln!("log of the {whose}:\n{}", String::from_utf8_lossy(&log));
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Best effort: a file left behind in target/ must not hide why a test failed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a module has a function of that name: `it::cli::serve::name` is in
/// `tests/it/cli/serve.rs` or `tests/it/cli/serve/mod.rs`, `wire::socket::name` in `src`.
pub(crate) fn test_exists(path: &str) -> bool {
    let (root, path) = match path.strip_prefix("it::") {
        Some(path) => ("tests/it", path),
        None => ("src", path),
    };
    let Some((module, name)) = path.rsplit_once("::") else {
        return false;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let file = root.join(module.replace("::", "/"));
    let texts = [file.with_extension("rs"), file.join("mod.rs")].map(std::fs::read_to_string);
    let function = format!("fn {name}(");
    texts
        .into_iter()
        .flatten()
        .any(|text| text.contains(&function))
}
