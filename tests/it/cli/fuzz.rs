//! `gearbench fuzz` and `replay`.

mod raw;

use super::{BOUND, exits, gearbench, refuses};
use crate::support::{
    Finished, Gearmand, Serve, Server, TempDir, require_or_skip, run_with_deadline,
};
use std::path::{Path, PathBuf};

fn fuzz(out: &Path, args: &[&str]) -> Finished {
    let mut command = gearbench();
    command
        .args(["fuzz", "--seed", "1", "--out"])
        .arg(out)
        .args(args);
    run_with_deadline(&mut command, BOUND)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).map(|entries| {
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.collect()
    });
    entries.unwrap_or_default()
}

/// Our own server does what the model allows, also where others use it, and keeps nothing.
#[test]
fn our_server_parts_from_the_model_nowhere() {
    let (server, dir) = (Serve::start(&[]), TempDir::new());
    let out = dir.file("found");
    let target = server.address().to_string();
    let finished = fuzz(&out, &["--sessions", "40", "--hazardous", "-t", &target]);
    exits(&finished, 0);
    assert!(
        finished.out().contains("40 played, 40 to their end"),
        "{}",
        finished.out()
    );
    assert!(finished.out().contains("PASSED"), "{}", finished.out());
    assert!(!out.exists());
    let left = server.admin().ask("status").expect("an answer");
    assert_eq!(left, ".", "nothing is listed any more");
}

/// C gearmand parts from it in ways that are known. A finding is a case: it fails on gearmand
/// and passes on ours.
#[test]
fn what_is_found_on_another_server_is_a_case_that_fails_there() {
    if !require_or_skip("gearmand") {
        return;
    }
    let dir = TempDir::new();
    let launch = format!(
        "{} -p {{port}} -L 127.0.0.1 -l stderr -P {{dir}}/pid",
        Gearmand::PATH
    );
    let args = [
        "--sessions",
        "4",
        "--steps",
        "40",
        "--profile",
        "none",
        "--launch",
        &launch,
    ];
    let finished = fuzz(dir.path(), &args);
    exits(&finished, 5);
    let found = files(dir.path());
    assert!(!found.is_empty(), "{}", finished.out());
    let (ours, theirs) = (Serve::start(&[]), Gearmand::start(&[]));
    let replay = |file: &Path, server: std::net::SocketAddr| {
        let mut command = gearbench();
        command.arg("replay").arg(file);
        command.args(["--profile", "none", "-t", &server.to_string()]);
        run_with_deadline(&mut command, BOUND)
    };
    let mut failed = 0;
    for file in &found {
        exits(&replay(file, ours.address()), 0);
        // Names have another length here, and with it goes what depends on it.
        failed += usize::from(replay(file, theirs.address()).status.code() == Some(4));
    }
    assert!(failed > 0, "{found:?}");
}

#[test]
fn files_that_are_no_sessions_are_refused() {
    let dir = TempDir::new();
    let file = dir.file("odd.toml");
    std::fs::write(&file, "[[case]]\nid = 7\n").expect("a file");
    let mut command = gearbench();
    let finished = run_with_deadline(command.arg("replay").arg(&file), BOUND);
    exits(&finished, 2);
    assert!(finished.err().contains("odd.toml:2"), "{}", finished.err());
    assert!(
        finished.err().starts_with("gearbench replay: "),
        "{}",
        finished.err()
    );
    std::fs::write(&file, "").expect("a file");
    for nothing in [file.as_path(), dir.path()] {
        let mut command = gearbench();
        let finished = run_with_deadline(command.arg("replay").arg(nothing), BOUND);
        refuses(&finished, 2, &["holds no cases"]);
    }
}
