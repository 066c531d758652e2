//! Real peers, made by others: the `gearman` tool, `gearadmin` and PHP; libraries of five
//! languages in `peers`.
//!
//! Each test runs against C gearmand too, which proves that it asks for nothing but what those
//! peers are used to.

mod peers;
mod realworld;
mod takeover;

use crate::support::{
    Admin, Counts, Finished, Gearmand, Peer, Serve, Server, TempDir, ask_until, require_or_skip,
    run_with_deadline, run_with_input,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// One test against C gearmand and one against `gearbench serve`.
macro_rules! against_both {
    ($($test:ident needs $tool:literal)+) => {
        mod gearmand {
            use super::*;
            $(#[test]
            fn $test() {
                if require_or_skip("gearmand") && require_or_skip($tool) {
                    super::$test(&Gearmand::start(&[]));
                }
            })+
        }

        mod serve {
            use super::*;
            $(#[test]
            fn $test() {
                if require_or_skip($tool) {
                    super::$test(&Serve::start(&[]));
                }
            })+
        }
    };
}

against_both! {
    foreground_job_returns_its_result needs "gearman"
    foreground_job_that_fails_is_told needs "gearman"
    background_jobs_run_later_in_order_of_priority needs "gearman"
    large_binary_bodies_arrive_whole needs "gearman"
    gearadmin_names_the_server needs "gearadmin"
    gearadmin_creates_and_drops_functions needs "gearadmin"
    gearadmin_sees_workers needs "gearadmin"
    gearadmin_sees_queued_jobs needs "gearadmin"
    gearadmin_cancels_a_job needs "gearadmin"
    php_workers_share_background_jobs needs "php-gearman"
    php_client_is_told_all_that_a_worker_sends needs "php-gearman"
}

/// Seconds after which a program that should have ended is stuck.
const BOUND: u64 = 60;

// --- The `gearman` tool ---

fn foreground_job_returns_its_result(server: &impl Server) {
    let _worker = worker(server, "count", "wc -c");
    for priority in [None, Some("-I"), Some("-L")] {
        let mut client = gearman(server);
        client.args(["-f", "count"]).args(priority);
        let answer = run_with_input(&mut client, b"hello", BOUND).success();
        assert_eq!(answer.out().trim(), "5", "{priority:?}");
    }
}

fn foreground_job_that_fails_is_told(server: &impl Server) {
    // It reads its input first: the tool does not survive a command that does not.
    let _worker = worker(server, "bad", "cat > /dev/null; exit 1");
    let answer = run_with_input(gearman(server).args(["-f", "bad"]), b"x", BOUND);
    assert!(!answer.status.success());
    assert!(answer.err().contains("fail"), "{}", answer.err());
}

fn background_jobs_run_later_in_order_of_priority(server: &impl Server) {
    let files = TempDir::new();
    let log = files.file("log");
    for (priority, body) in [
        (Some("-L"), "low\n"),
        (None, "normal\n"),
        (None, "normal again\n"),
        (Some("-I"), "high\n"),
    ] {
        submit(server, "append", priority, body);
    }
    let mut admin = server.admin();
    let queued = admin.counts("append");
    assert_eq!((queued.jobs, queued.running), (4, 0));

    work_off(server, "append", 4, &format!("cat >> {}", log.display()));
    assert_eq!(read(&log), "high\nnormal\nnormal again\nlow\n");
    assert_eq!(jobs(&mut admin, "append"), 0);
}

fn large_binary_bodies_arrive_whole(server: &impl Server) {
    let body: Vec<u8> = (0..1_u32 << 20).map(|i| (i ^ (i >> 8)) as u8).collect();
    assert!(body.contains(&0));
    let files = TempDir::new();
    let path = files.file("body");
    std::fs::write(&path, &body).expect("a file");

    // Up and down apart: the tool writes all input before it reads any output.
    let _up = worker(server, "checksum", "cksum");
    let _down = worker(
        server,
        "fetch",
        &format!("cat > /dev/null; cat {}", path.display()),
    );

    let sum = run_with_input(gearman(server).args(["-f", "checksum"]), &body, BOUND).success();
    let expected = run_with_input(&mut Command::new("cksum"), &body, BOUND).success();
    assert_eq!(sum.out(), expected.out());

    let fetched = run_with_input(gearman(server).args(["-f", "fetch"]), b"x", BOUND).success();
    assert!(
        fetched.stdout == body,
        "{} other bytes",
        fetched.stdout.len()
    );
}

// --- gearadmin ---

fn gearadmin_names_the_server(server: &impl Server) {
    let version = gearadmin(server, &["--server-version"]).success().out();
    assert_eq!(version.lines().count(), 1, "{version:?}");
    assert!(!version.trim().is_empty());
    let pid = gearadmin(server, &["--getpid"]).success().out();
    assert_eq!(pid.trim(), server.pid().to_string());
    let verbose = gearadmin(server, &["--server-verbose"]).success().out();
    assert!(!verbose.trim().is_empty());
}

fn gearadmin_creates_and_drops_functions(server: &impl Server) {
    assert_eq!(list(server, "--status"), NOTHING);
    gearadmin(server, &["--create-function", "made"]).success();
    assert_eq!(list(server, "--status"), ["made\t0\t0\t0"]);
    gearadmin(server, &["--drop-function", "made"]).success();
    assert_eq!(list(server, "--status"), NOTHING);

    // It exits with 0 all the same, so the text has to tell.
    let unknown = gearadmin(server, &["--drop-function", "made"]);
    assert!(unknown.err().contains("not found"), "{}", unknown.err());

    let _worker = worker(server, "busy", "cat");
    let busy = gearadmin(server, &["--drop-function", "busy"]);
    assert!(busy.err().contains("still connected"), "{}", busy.err());
    assert_eq!(server.admin().counts("busy").workers, 1);
}

fn gearadmin_sees_workers(server: &impl Server) {
    let _worker = worker(server, "watched", "cat");
    let workers = list(server, "--workers");
    let watched: Vec<_> = workers
        .iter()
        .filter_map(|line| line.split_once(" : "))
        .filter(|(_, functions)| functions.split(' ').any(|name| name == "watched"))
        .collect();
    let [(peer, _)] = watched[..] else {
        panic!("expected one worker, found {workers:?}");
    };
    let [fd, address, _id] = peer.split(' ').collect::<Vec<_>>()[..] else {
        panic!("expected fd, address and id, found {peer:?}");
    };
    assert!(fd.parse::<u32>().is_ok(), "{peer:?}");
    assert_eq!(address, "127.0.0.1");
}

fn gearadmin_sees_queued_jobs(server: &impl Server) {
    for priority in [Some("-I"), None, Some("-L"), Some("-L")] {
        submit(server, "queued", priority, "x");
    }
    let mut named = gearman(server);
    named.args(["-b", "-f", "queued", "-u", "of my own"]);
    run_with_input(&mut named, b"x", BOUND).success();

    assert_eq!(list(server, "--status"), ["queued\t5\t0\t0"]);
    let help = run_with_deadline(Command::new("gearadmin").arg("--help"), BOUND).out();
    if help.contains("--priority-status") {
        assert_eq!(list(server, "--priority-status"), ["queued\t1\t2\t2\t0"]);
    }

    let handles: BTreeSet<_> = list(server, "--show-jobs")
        .iter()
        .map(|row| row.split('\t').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(handles.len(), 5);
    assert!(handles.iter().all(|h| h.starts_with("H:")), "{handles:?}");

    let uniques = list(server, "--show-unique-jobs");
    assert_eq!(uniques.len(), 5);
    assert!(
        uniques.iter().any(|unique| unique == "of my own"),
        "{uniques:?}"
    );
}

fn gearadmin_cancels_a_job(server: &impl Server) {
    let files = TempDir::new();
    let log = files.file("log");
    submit(server, "append", None, "cancelled\n");
    let [row] = &list(server, "--show-jobs")[..] else {
        panic!("expected one job");
    };
    let handle = row.split('\t').next().expect("a handle");
    submit(server, "append", None, "kept\n");

    gearadmin(server, &["--cancel-job", handle]).success();
    let unknown = gearadmin(server, &["--cancel-job", "H:nowhere:1"]);
    assert!(unknown.err().contains("UNKNOWN_JOB"), "{}", unknown.err());

    work_off(server, "append", 1, &format!("cat >> {}", log.display()));
    assert_eq!(read(&log), "kept\n");
    assert_eq!(jobs(&mut server.admin(), "append"), 0);
}

// --- PHP ---

fn php_workers_share_background_jobs(server: &impl Server) {
    const WORKERS: u32 = 3;
    const JOBS: u32 = 60;
    let function = "testFunction";
    let mut admin = server.admin();
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|_| Peer::start(php(server, "share.php").arg(function)))
        .collect();
    ask_until("all workers to be registered", || {
        (admin.counts(function).workers == WORKERS).then_some(())
    });
    run_with_deadline(
        php(server, "submit.php").args([function, &JOBS.to_string()]),
        BOUND,
    )
    .success();

    // Every worker keeps its first job until it is told to go on, so each of them gets one.
    let mut seen: Vec<u32> = workers.iter().map(|worker| id(&worker.line())).collect();
    let blocked = Counts {
        jobs: JOBS,
        running: WORKERS,
        workers: WORKERS,
    };
    assert_eq!(admin.counts(function), blocked);

    for worker in &mut workers {
        worker.say("go on");
    }
    ask_until("all jobs to be done", || {
        (admin.counts(function).jobs == 0).then_some(())
    });
    // A worker prints before it completes a job. What it printed may still be on its way here.
    ask_until("all jobs to be seen", || {
        let lines = workers
            .iter()
            .flat_map(|worker| std::iter::from_fn(|| worker.line_if_any()).map(|line| id(&line)));
        seen.extend(lines);
        (seen.len() >= JOBS as usize).then_some(())
    });
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(0..JOBS), "{seen:?}");
}

fn php_client_is_told_all_that_a_worker_sends(server: &impl Server) {
    let _worker = Peer::start(&mut php(server, "verbs_worker.php"));
    let told = run_with_deadline(&mut php(server, "verbs_client.php"), BOUND).success();
    let told = told.out();
    let about = |start: &str| -> Vec<&str> {
        told.lines()
            .filter_map(|line| line.strip_prefix(start)?.strip_prefix(": "))
            .collect()
    };
    for call in ["doNormal", "doHigh", "doLow"] {
        for (function, outcome) in [
            ("reverse", "complete 'cba'"),
            ("talks", "complete 'one two three'"),
            ("throws", "exception ''"),
            ("fails", "fail ''"),
        ] {
            assert_eq!(about(&format!("{call} {function}")), [outcome], "{told}");
        }
    }
    let talks = [
        "created ''",
        "data 'one '",
        "status 1/2",
        "warning 'careful'",
        "data 'two '",
        "status 2/2",
        "complete 'three'",
    ];
    assert_eq!(about("task reverse"), ["created ''", "complete 'cba'"]);
    assert_eq!(about("task talks"), talks);
    assert_eq!(about("task throws"), ["created ''", "exception 'boom'"]);
    assert_eq!(about("task fails"), ["created ''", "fail ''"]);
}

// --- How they are called ---

const NOTHING: [&str; 0] = [];

fn gearman(server: &impl Server) -> Command {
    let address = server.address();
    let mut command = Command::new("gearman");
    command.args(["-h", &address.ip().to_string()]);
    command.args(["-p", &address.port().to_string()]);
    command
}

/// Starts a worker that runs a shell command for each job, and waits until the server knows it.
fn worker(server: &impl Server, function: &str, script: &str) -> Peer {
    let mut tool = gearman(server);
    tool.args(["-w", "-f", function, "--", "sh", "-c", script]);
    let worker = Peer::start(&mut tool);
    let mut admin = server.admin();
    ask_until("the worker to be registered", || {
        (admin.counts(function).workers == 1).then_some(())
    });
    worker
}

/// Runs a worker that ends after so many jobs.
fn work_off(server: &impl Server, function: &str, jobs: u32, script: &str) {
    let mut tool = gearman(server);
    tool.args(["-w", "-c", &jobs.to_string(), "-f", function]);
    tool.args(["--", "sh", "-c", script]);
    run_with_deadline(&mut tool, BOUND).success();
}

fn submit(server: &impl Server, function: &str, priority: Option<&str>, body: &str) {
    let mut client = gearman(server);
    client.args(["-b", "-f", function]).args(priority);
    run_with_input(&mut client, body.as_bytes(), BOUND).success();
}

fn gearadmin(server: &impl Server, args: &[&str]) -> Finished {
    let address = server.address();
    let mut command = Command::new("gearadmin");
    command.args(["-h", &address.ip().to_string()]);
    command.args(["-p", &address.port().to_string()]);
    run_with_deadline(command.args(args), BOUND)
}

/// The lines of a list, which has to end in a line with a dot.
fn list(server: &impl Server, option: &str) -> Vec<String> {
    let out = gearadmin(server, &[option]).success().out();
    let mut lines: Vec<_> = out.lines().map(str::to_owned).collect();
    assert_eq!(lines.pop().as_deref(), Some("."), "{option}: {out:?}");
    lines
}

fn php(server: &impl Server, script: &str) -> Command {
    let address = server.address();
    let mut command = Command::new("php");
    command.arg(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/php")
            .join(script),
    );
    command.args([address.ip().to_string(), address.port().to_string()]);
    command
}

fn id(line: &str) -> u32 {
    line.parse().expect("the id of a job")
}

fn jobs(admin: &mut Admin, function: &str) -> u32 {
    admin.counts(function).jobs
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file that a job wrote")
}
