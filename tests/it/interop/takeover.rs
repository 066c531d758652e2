//! The jobs of a gearmand that kept them in SQLite go on with `gearbench serve`: copied by
//! `gearbench store import`, or by starting it as gearmand was started.

use super::{BOUND, gearman, list, work_off};
use crate::support::{
    Finished, Gearmand, Serve, Server, TempDir, ask_until, require_or_skip, run_with_deadline,
    run_with_input,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Priority, unique and body of each job, in the order of submission.
const JOBS: [(Option<&str>, &str, &[u8]); 5] = [
    (Some("-L"), "of low priority", b"low\n"),
    (None, "first", b"normal, \0 and \xff\n"),
    (None, "it's \"quoted\"", b"normal again\n"),
    (Some("-I"), "urgent", b"high\n"),
    (None, "", b"without a unique\n"),
];

/// What a worker is given of them.
const IN_ORDER: &[u8] = b"high\nnormal, \0 and \xff\nnormal again\nwithout a unique\nlow\n";

/// gearmand is given the jobs and is gone; the file that it leaves behind.
fn left_behind(files: &TempDir) -> PathBuf {
    let path = files.file("gearmand.db");
    let option = path.to_str().expect("a path in UTF-8");
    let server = Gearmand::start(&["-q", "libsqlite3", "--libsqlite3-db", option]);
    for (priority, unique, body) in JOBS {
        let mut client = gearman(&server);
        client.args(["-b", "-f", "append"]).args(priority);
        if !unique.is_empty() {
            client.args(["-u", unique]);
        }
        run_with_input(&mut client, body, BOUND).success();
    }
    path
}

fn store(args: [&str; 2], more: &[&Path]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    command.arg("store").args(args).args(more);
    run_with_deadline(&mut command, BOUND)
}

/// All jobs are there, as what they were, and a worker gets them in their order.
fn has_all(server: &impl Server, files: &TempDir) {
    assert_eq!(list(server, "--status"), ["append\t5\t0\t0"]);
    let uniques = list(server, "--show-unique-jobs");
    for (_, unique, _) in JOBS.iter().filter(|job| !job.1.is_empty()) {
        assert!(uniques.iter().any(|known| known == unique), "{uniques:?}");
    }
    let log = files.file("log");
    work_off(server, "append", 5, &format!("cat >> {}", log.display()));
    assert_eq!(std::fs::read(&log).expect("a log"), IN_ORDER);
    let mut admin = server.admin();
    ask_until("the end of the last job", || {
        (admin.counts("append").jobs == 0).then_some(())
    });
}

fn all_there() -> bool {
    ["gearmand", "gearman", "gearadmin"]
        .into_iter()
        .all(require_or_skip)
}

#[test]
fn jobs_of_gearmand_are_imported() {
    if !all_there() {
        return;
    }
    let files = TempDir::new();
    let theirs = left_behind(&files);
    let before = std::fs::read(&theirs).expect("gearmand's file");
    let ours = files.file("jobs.db");
    let path = theirs.to_str().expect("a path in UTF-8");
    let said = store(["import", path], &[Path::new("--into"), &ours])
        .success()
        .out();
    let ends = |jobs: &str| format!("{:>10}  append\n{:>10}  jobs {jobs}\n", 5, 5);
    assert_eq!(said, ends("came over"));
    assert!(std::fs::read(&theirs).expect("gearmand's file") == before);
    let path = ours.to_str().expect("a path in UTF-8");
    assert_eq!(
        store(["check", path], &[]).success().out(),
        ends("are stored")
    );
    let mut server = Serve::start(&["--store", &format!("sqlite:{path}")]);
    has_all(&server, &files);
    server.terminate();
    assert_eq!(
        store(["check", path], &[]).success().out(),
        format!("{:>10}  jobs are stored\n", 0)
    );
}

/// What was taken over once is not taken over again.
#[test]
fn started_as_gearmand_was_it_has_its_jobs() {
    if !all_there() {
        return;
    }
    let files = TempDir::new();
    let path = left_behind(&files);
    let options = [
        "-q",
        "libsqlite3",
        "--libsqlite3-db",
        path.to_str().expect("UTF-8"),
    ];
    let mut server = Serve::start(&options);
    server.kill();
    let mut server = Serve::start(&options);
    has_all(&server, &files);
    server.terminate();
    assert_eq!(list(&Serve::start(&options), "--status"), super::NOTHING);
}

/// What is not there, or is something else, is named, and nothing is made of it.
#[test]
fn what_is_no_store_is_named() {
    let files = TempDir::new();
    let [theirs, empty, ours] = ["theirs.db", "nothing.db", "ours.db"].map(|name| files.file(name));
    let other = rusqlite::Connection::open(&theirs).expect("a database");
    other
        .execute_batch("CREATE TABLE gearman_queue (data BLOB)")
        .expect("a table");
    let refused = |command: &str, from: &Path, more: &[&Path], why: &str| {
        let finished = store([command, from.to_str().expect("UTF-8")], more);
        assert_eq!(finished.status.code(), Some(2), "{}", finished.err());
        assert!(finished.err().contains(why), "{}", finished.err());
    };
    let into = [Path::new("--into"), &ours];
    refused("import", &empty, &into, "cannot open");
    refused("import", &theirs, &into, "no such column");
    refused("check", &theirs, &[], "store import");
    let mut left: Vec<_> = std::fs::read_dir(files.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["theirs.db"]);
}
