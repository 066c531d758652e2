//! Background jobs on disk: what was acknowledged outlives the server, however that ends.

#![allow(
    clippy::print_stdout,
    reason = "the seed and the figures, for who runs it with --nocapture"
)]

mod load;
mod peer;

use crate::support::{Serve, Server, TempDir};
use load::{Load, Told};
use peer::Wire;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::Command;

/// Ends of the server of each kind, unless `GEARBENCH_KILLS` says how many.
const ENDS: u64 = 20;

/// How a server ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Kill,
    Terminate,
}

fn serve(files: &TempDir) -> Serve {
    let store = format!("sqlite:{}", files.file("jobs.db").display());
    Serve::start(&["--store", &store])
}

/// Under load with the worst mix of uniques, the server is killed at a random point, again and
/// again: nothing acknowledged is lost, nothing is there twice, and the order is kept.
#[test]
fn killed_under_load_it_loses_nothing_that_was_acknowledged() {
    survives(End::Kill);
}

/// The same at an orderly end.
#[test]
fn terminated_under_load_it_loses_nothing_that_was_acknowledged() {
    survives(End::Terminate);
}

fn survives(end: End) {
    let ends = std::env::var("GEARBENCH_KILLS").ok();
    let ends = ends.map_or(ENDS, |text| {
        text.parse().expect("GEARBENCH_KILLS is a number")
    });
    let seed = RandomState::new().build_hasher().finish();
    println!("seed {seed}");
    let files = TempDir::new();
    let mut first = 0;
    let mut acknowledged = 0;
    for round in 0..ends {
        let mut server = serve(&files);
        // Any point, from the very first answers to thousands of jobs.
        let after = mix(seed, round) % 3000;
        let load = Load::start(server.address(), first);
        load.wait_for(after);
        match end {
            End::Kill => server.kill(),
            End::Terminate => server.terminate(),
        }
        let told = load.end();
        drop(server);
        first = told.next;
        acknowledged += told.acknowledged.len();
        check(
            &files,
            &told,
            &format!("seed {seed}, end {round} of {ends}"),
        );
    }
    assert!(acknowledged > 0, "nothing was tested");
    println!("{ends} ends, {acknowledged} jobs acknowledged, none lost");
}

fn mix(seed: u64, round: u64) -> u64 {
    let mixed = (seed ^ round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Starts the server again and holds what comes back against what was told.
fn check(files: &TempDir, told: &Told, context: &str) {
    let mut server = serve(files);
    let mut worker = Wire::connect(server.address());
    let mut returned = HashSet::new();
    let mut last: BTreeMap<u8, u64> = BTreeMap::new();
    while let Some(job) = worker.grab_and_complete() {
        let id = load::identity(job);
        assert!(returned.insert(id), "{context}: job {id} came back twice");
        if load::is_alone(job) {
            let level = load::priority(job) as u8;
            let before = last.insert(level, job);
            let in_order = before.is_none_or(|before| before < job);
            assert!(in_order, "{context}: {before:?} before {job}");
        }
    }
    for &job in &told.acknowledged {
        let id = load::identity(job);
        let is_there = returned.contains(&id) || told.completed.contains(&id);
        assert!(
            is_there,
            "{context}: job {job} was acknowledged and is lost"
        );
    }
    // What was completed now is gone for good.
    server.terminate();
    drop(server);
    let server = serve(files);
    let left = Wire::connect(server.address()).grab_and_complete();
    assert_eq!(left, None, "{context}: a completed job came back");
}

/// A second server on one store would give each job out twice.
#[test]
fn a_store_has_one_server() {
    let files = TempDir::new();
    let _server = serve(&files);
    let store = format!("sqlite:{}", files.file("jobs.db").display());
    let mut second = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    let second = second.args(["serve", "-p", "0", "--store", &store]);
    let finished = crate::support::run_with_deadline(second, 60);
    assert_eq!(finished.status.code(), Some(1));
    assert!(finished.err().contains("in use"), "{}", finished.err());
}

/// A file that is no store is refused, and not touched.
#[test]
fn a_damaged_store_is_refused() {
    let files = TempDir::new();
    let path = files.file("jobs.db");
    let bytes = b"this was a database once, or so it is said; now it is a line of text".repeat(20);
    std::fs::write(&path, &bytes).expect("a file");
    let store = format!("sqlite:{}", path.display());
    let mut serve = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    let finished =
        crate::support::run_with_deadline(serve.args(["serve", "-p", "0", "--store", &store]), 60);
    assert_eq!(finished.status.code(), Some(1));
    assert!(finished.err().contains("store check"), "{}", finished.err());
    assert!(std::fs::read(&path).expect("the file") == bytes);
}

/// A store that may not grow refuses jobs with a reason, and takes them again once there is room.
#[test]
fn a_full_store_refuses_jobs_and_recovers() {
    let files = TempDir::new();
    let store = format!("sqlite:{}", files.file("jobs.db").display());
    let server = Serve::start(&["--store", &store, "--store-limit", "256KiB"]);
    let mut client = Wire::connect(server.address());
    let body = vec![b'x'; 20_000];
    let mut taken = 0;
    let refusal = loop {
        match client.submit_body(&body) {
            Ok(()) => taken += 1,
            Err(text) => break text,
        }
        assert!(taken < 100, "256 KiB never fill");
    };
    assert!(refusal.contains("full"), "{refusal}");
    assert!(taken > 0);
    // Others are served, and the jobs that are there can be worked off.
    let mut worker = Wire::connect(server.address());
    worker.echo();
    for _ in 0..taken {
        assert!(worker.grab_and_drop_body(), "a stored job is there");
    }
    // The removal needs no answer, so room may come a moment later.
    crate::support::ask_until("room in the store", || client.submit_body(&body).ok());
}

/// A store that another process locks makes its own submitters wait, and nobody else.
#[test]
fn a_locked_store_stops_nobody_else() {
    let files = TempDir::new();
    let server = serve(&files);
    let other = rusqlite::Connection::open(files.file("jobs.db")).expect("the store");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let address = server.address();
    let submitter =
        std::thread::spawn(move || Wire::connect(address).submit_body(b"waits for the lock"));
    let mut uninvolved = Wire::connect(address);
    for _ in 0..100 {
        uninvolved.echo();
    }
    other.execute_batch("COMMIT").expect("the lock is released");
    submitter
        .join()
        .expect("a thread")
        .expect("the job is taken");
    assert!(uninvolved.grab_and_drop_body());
}
