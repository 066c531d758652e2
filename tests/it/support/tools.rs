//! Programs of others that a test needs: missing, they are skipped loudly or not at all.

use super::{Gearmand, run_with_deadline};
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Set where every tool is installed: what is missing fails then. `tests/run` sets it.
const REQUIRE: &str = "GEARBENCH_REQUIRE_GEARMAND";

/// Whether a program is there: by its path, or by its name in `PATH`.
fn command_exists(name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).is_file();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

/// Whether a program is there and succeeds with these arguments.
fn succeeds(program: &str, args: &[&str]) -> bool {
    command_exists(program)
        && run_with_deadline(Command::new(program).args(args), 60)
            .status
            .success()
}

/// Whether PHP is there and speaks Gearman.
fn php_has_gearman() -> bool {
    let check = "exit(extension_loaded('gearman') ? 0 : 1);";
    succeeds("php", &["-r", check])
}

/// Whether the scripts in `tests/tools` have installed this.
fn in_tools(path: &str) -> bool {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    tools.join(path).exists()
}

/// Whether a test that needs `tool` may go on.
///
/// `tool` is a program's name or path, or the name of a library. If it is missing the test is skipped with
/// a line on stderr, or fails where everything is required.
#[track_caller]
pub(crate) fn require_or_skip(tool: &str) -> bool {
    let there = match tool {
        "php-gearman" => php_has_gearman(),
        "perl-gearman" => succeeds("perl", &["-MGearman::Client", "-MGearman::Worker", "-e1"]),
        "libgearman" => command_exists("cc") && command_exists("/usr/include/libgearman/gearman.h"),
        "python-gear" => in_tools("gear-0.16.0/bin/python"),
        "gearmanode" => command_exists("node") && in_tools("gearmanode-0.9.2/node_modules"),
        "gearman-rs" => in_tools("gearman-rs/debug/peer"),
        "gearmand" => command_exists(Gearmand::PATH),
        _ => command_exists(tool),
    };
    if !there {
        let skipped = std::thread::current();
        let skipped = skipped.name().unwrap_or("a test");
        assert!(
            std::env::var_os(REQUIRE).is_none(),
            "{tool} is missing and {REQUIRE} is set; tests/run installs it"
        );
        // Not `eprintln!`, which the test runner keeps to itself for tests that pass.
        let line = format!("SKIPPED {skipped}: {tool} is missing; tests/run installs it\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    there
}
