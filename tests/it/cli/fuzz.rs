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

/// Also with other settings; what became of its memory is told.
#[test]
fn settings_make_no_difference_to_the_model() {
    let out = TempDir::new();
    let args = ["--sessions", "80", "--steps", "60", "--draw-settings"];
    let finished = fuzz(&out.file("found"), &args);
    exits(&finished, 0);
    assert!(
        finished.out().contains("80 played, 80 to their end"),
        "{}",
        finished.out()
    );
    assert!(
        finished.out().contains("\nmemory     "),
        "{}",
        finished.out()
    );
}

fn launch_gearmand() -> String {
    format!(
        "{} -p {{port}} -L 127.0.0.1 -l stderr -P {{dir}}/pid",
        Gearmand::PATH
    )
}

/// What is known of C gearmand is followed and counted, and nothing is left.
#[test]
fn gearmand_parts_from_the_model_where_that_is_known() {
    if !require_or_skip("gearmand") {
        return;
    }
    let dir = TempDir::new();
    let args = ["--sessions", "80", "--launch", &launch_gearmand()];
    let finished = fuzz(&dir.file("found"), &args);
    exits(&finished, 0);
    let out = finished.out();
    assert!(out.contains("profile gearmand-1.1"), "{out}");
    assert!(out.contains("\nKNOWN  P-ORD-02, followed "), "{out}");
    assert!(out.contains("\nKNOWN  P-SUB-11, avoided: "), "{out}");
    assert!(out.contains("PASSED"), "{out}");
}

/// C gearmand parts from the model. A finding is a case: it fails on gearmand, whatever the names
/// are there, and passes on ours.
#[test]
fn what_is_found_on_another_server_is_a_case_that_fails_there() {
    if !require_or_skip("gearmand") {
        return;
    }
    let dir = TempDir::new();
    let launch = launch_gearmand();
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
    let play = |words: &[&str], server: std::net::SocketAddr| {
        let mut command = gearbench();
        command.args(words);
        command.args(["--profile", "none", "-t", &server.to_string()]);
        run_with_deadline(&mut command, BOUND)
    };
    let mut failed = 0;
    for file in &found {
        let (path, area) = (
            file.to_str(),
            file.file_stem().and_then(|stem| stem.to_str()),
        );
        let (path, area) = (path.expect("a path"), area.expect("a name"));
        exits(&play(&["replay", path], ours.address()), 0);
        // One that depends on timing may pass.
        let always = format!("failed in 5 of 5: gearbench replay {path} ");
        if finished.out().contains(&always) {
            exits(&play(&["replay", path], theirs.address()), 4);
            exits(
                &play(&["conform", area, "--cases", path], theirs.address()),
                4,
            );
            failed += 1;
        }
    }
    assert!(failed > 0, "{}", finished.out());
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
