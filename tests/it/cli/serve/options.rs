//! What `serve` may be told, and what it refuses.

use super::super::{BOUND, exits, gearbench, refuses};
use super::{ends, serve, start};
use crate::support::{Admin, Finished, Gearmand, TempDir, require_or_skip, run_with_deadline};
use gearbench::cli::exit;
use std::process::Command;

fn check(words: &[&str]) -> Finished {
    let mut command = gearbench();
    command.args(["serve", "--check-args"]).args(words);
    run_with_deadline(&mut command, BOUND)
}

#[track_caller]
fn accepts(words: &[&str]) -> String {
    let finished = check(words);
    exits(&finished, exit::OK);
    assert_eq!(finished.out(), "", "{words:?}");
    finished.err()
}

/// The options of `gearmand --help`: the short form if any, the long one, and whether it has a
/// value.
fn options_of_gearmand() -> Vec<(Option<String>, String, bool)> {
    let help = run_with_deadline(Command::new(Gearmand::PATH).arg("--help"), BOUND).success();
    let help = help.out();
    let option = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (short, rest) = match words[..] {
            [short, "[", long, "]", ..] => (Some(short.to_owned()), (long, &words[4..])),
            [long, ..] if long.starts_with("--") => (None, (long, &words[1..])),
            _ => return None,
        };
        let (long, after) = rest;
        let takes = after.first().is_some_and(|word| *word == "arg");
        Some((short, long.to_owned(), takes))
    };
    help.lines()
        .filter(|line| line.starts_with("  -"))
        .filter_map(option)
        .collect()
}

/// A value that suits the option.
fn value(long: &str) -> &'static str {
    match long {
        "--queue-type" => "builtin",
        "--protocol" => "http",
        "--config-file" => "/dev/null",
        "--user" => "root",
        "--verbose" => "INFO",
        "--listen" => "127.0.0.1",
        _ => "7",
    }
}

#[test]
fn every_option_of_gearmand_is_taken_in_every_form() {
    if !require_or_skip("gearmand") {
        return;
    }
    let options = options_of_gearmand();
    assert!(options.len() > 40, "{options:?}");
    // These end the program in their own way, or are refused until there is what they ask for.
    let apart = ["--help", "--version", "--ssl", "--protocol"];
    for (short, long, takes) in options {
        if apart.contains(&&*long) || (long == "--user" && !is_root()) {
            continue;
        }
        let forms = match (takes, short) {
            (true, short) => {
                let value = value(&long);
                let mut forms = vec![
                    vec![format!("{long}={value}")],
                    vec![long, value.to_owned()],
                ];
                if let Some(short) = short {
                    forms.push(vec![format!("{short}{value}")]);
                    forms.push(vec![short, value.to_owned()]);
                }
                forms
            }
            (false, short) => short.into_iter().chain([long]).map(|f| vec![f]).collect(),
        };
        for form in forms {
            let words: Vec<&str> = form.iter().map(String::as_str).collect();
            accepts(&words);
        }
    }
}

fn is_root() -> bool {
    rustix_uid() == 0
}

/// By what owns our own process's directory.
fn rustix_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map_or(u32::MAX, |meta| meta.uid())
}

#[test]
fn what_has_no_meaning_is_named_once_without_its_value() {
    let words = [
        "-t",
        "4",
        "--hashtable-buckets=9",
        "--coredump",
        "--mysql-password",
        "secret",
        "--store-queue-on-shutdown",
        "--libsqlite3-db",
        "x",
    ];
    let err = accepts(&words);
    assert!(!err.contains("secret"), "{err}");
    for option in [
        "--threads",
        "--hashtable-buckets",
        "--coredump",
        "--mysql-password",
        "--store-queue-on-shutdown",
        "--libsqlite3-db",
    ] {
        let lines = err
            .lines()
            .filter(|line| line.contains(&format!("warning: {option} ")));
        assert_eq!(lines.count(), 1, "{option}: {err}");
    }
    assert_eq!(err.lines().count(), 6, "{err}");
    assert_eq!(accepts(&[]), "");
}

#[test]
fn what_is_wrong_is_refused_with_a_reason() {
    let long = "x".repeat(100);
    for (words, expected) in [
        (&["--nosuch"][..], &["--nosuch"][..]),
        (&["-v"], &["-v"]),
        (&["extra"], &["extra"]),
        (&["@file"], &["@file"]),
        (&["-p", "70000"], &["--port", "70000"]),
        (&["-p", "1", "-p", "2"], &["--port"]),
        (&["-b", "0"], &["--backlog"]),
        (&["-j", "256"], &["--job-retries", "255"]),
        (&["-j", "-2"], &["--job-retries", "-1"]),
        (&["-j", "abc"], &["--job-retries"]),
        (&["--worker-wakeup=-1"], &["--worker-wakeup"]),
        (&["-w", "4294967296"], &["--worker-wakeup"]),
        (&["-t", "x"], &["--threads"]),
        (&["--verbose", "LOUD"], &["--verbose", "NOTICE"]),
        (
            &["--job-handle-prefix", &long],
            &["--job-handle-prefix", "at most 42"],
        ),
        (&["--job-handle-prefix", "a b"], &["--job-handle-prefix"]),
        (&["--keepalive-idle", "0"], &["--keepalive-idle", "32767"]),
        (&["--keepalive-count", "128"], &["--keepalive-count", "127"]),
        (
            &["--keepalive-interval=-2"],
            &["--keepalive-interval", "-1"],
        ),
        (&["-q", "mysql"], &["--queue-type", "mysql", "sqlite:PATH"]),
        (&["-q", "nosuch"], &["--queue-type", "nosuch"]),
        (&["-q", "libsqlite3"], &["--libsqlite3-db"]),
        (
            &["--store", "redis:x"],
            &["--store", "redis:x", "sqlite:PATH"],
        ),
        (&["--store", "sqlite:"], &["--store", "sqlite:PATH"]),
        (
            &["--store", "sqlite:x", "-q", "builtin"],
            &["--store", "--queue-type"],
        ),
        (&["-r", "smtp"], &["--protocol", "smtp", "http"]),
        (&["--http-port", "x"], &["--http-port"]),
        (&["--metrics", "9100"], &["--metrics", "ADDRESS:PORT"]),
        (&["--admin-listen", "::1:4"], &["--admin-listen", "[::1]"]),
        (&["--ssl"], &["--ssl-certificate"]),
        (&["--ssl", "--ssl-certificate", "/dev/null"], &["--ssl-key"]),
        (
            &[
                "--ssl",
                "--ssl-certificate",
                "/nowhere/c",
                "--ssl-key",
                "/nowhere/k",
            ],
            &["--ssl-certificate", "/nowhere/c"],
        ),
        (&["--max-packet", "0"], &["--max-packet"]),
        (&["--max-packet", "4g"], &["--max-packet", "4g"]),
        (&["--max-connections", "0"], &["--max-connections"]),
        (&["--max-jobs", "1.5"], &["--max-jobs"]),
        (&["--max-bytes", "much"], &["--max-bytes"]),
        (&["--output-limit", "0"], &["--output-limit"]),
        (&["--header-timeout", "0"], &["--header-timeout"]),
        (&["--drain=-1"], &["--drain"]),
        (&["-f", "0"], &["--file-descriptors"]),
        (&["-f", "99999999999"], &["--file-descriptors", "at most"]),
        (&["-u", "no-such-user"], &["--user", "no-such-user"]),
        (&["--config-file", "/nowhere/c"], &["/nowhere/c"]),
    ] {
        let finished = check(words);
        refuses(&finished, exit::INTERNAL, expected);
    }
}

#[test]
fn the_environment_is_weaker_than_the_file_and_the_file_than_the_command_line() {
    let files = TempDir::new();
    let config = files.file("conf");
    std::fs::write(&config, "# ours\n--job-handle-prefix file\n").expect("a file");
    let ask = |environment: Option<&str>, file: bool, flag: Option<&str>| {
        let mut command = serve(0);
        if let Some(prefix) = environment {
            command.env("GEARBENCH_JOB_HANDLE_PREFIX", prefix);
        }
        if file {
            command.arg("--config-file").arg(&config);
        }
        command.args(
            flag.map(|prefix| ["--job-handle-prefix", prefix])
                .iter()
                .flatten(),
        );
        let (mut server, address) = start(&mut command);
        super::super::queue(address, "f", 1);
        let mut admin = Admin::connect(address).expect("a server that accepts");
        let jobs = admin.list("show jobs").expect("an answer");
        ends(&mut server, "TERM");
        jobs.join("\n")
    };
    assert!(ask(Some("env"), false, None).contains("env:"));
    assert!(ask(Some("env"), true, None).contains("file:"));
    assert!(ask(Some("env"), true, Some("flag")).contains("flag:"));
}

#[test]
fn a_limit_of_no_store_is_warned_of() {
    let vain = "--store-limit without a store";
    assert!(accepts(&["--store-limit", "1m"]).contains(vain));
    let stored = ["--store-limit", "1m", "--store", "sqlite:jobs.db"];
    assert!(!accepts(&stored).contains(vain));
}

#[test]
fn a_port_of_http_that_is_not_spoken_is_warned_of() {
    let vain = "--http-port without -r http";
    assert!(accepts(&["--http-port", "8081"]).contains(vain));
    assert!(!accepts(&["--http-port", "8081", "-r", "http"]).contains(vain));
}

#[test]
fn a_store_is_checked_without_being_made() {
    let files = TempDir::new();
    let fresh = files.file("jobs.db");
    let store = |path: &std::path::Path| format!("sqlite:{}", path.display());
    accepts(&["--store", &store(&fresh)]);
    let made = std::fs::read_dir(files.path())
        .expect("a directory")
        .count();
    assert_eq!(made, 0, "files after a check");

    let refused = |path: &std::path::Path, reason: &str| {
        let finished = check(&["--store", &store(path)]);
        let place = path.display().to_string();
        refuses(&finished, exit::INTERNAL, &[&place, reason]);
    };
    refused(files.path(), "is a directory");
    let nowhere = files.file("nowhere");
    let finished = check(&["--store", &store(&nowhere.join("jobs.db"))]);
    let place = nowhere.display().to_string();
    refuses(&finished, exit::INTERNAL, &[&place, "No such file"]);
    std::fs::write(
        &fresh,
        "no database of anything, and long enough to be read as one",
    )
    .expect("a file");
    refused(&fresh, "not a database");
}

#[test]
fn a_cause_is_said_once() {
    let files = TempDir::new();
    let place = files.path().to_str().expect("UTF-8");
    let finished = check(&["--ssl", "--ssl-certificate", place, "--ssl-key", place]);
    refuses(&finished, exit::INTERNAL, &[place]);
    assert_eq!(finished.err().matches("os error").count(), 1);
}

#[test]
fn the_variables_of_gearmand_stand_for_its_options() {
    for (variable, option) in [
        ("GEARMAND_SERVER_PEM", "--ssl-certificate"),
        ("GEARMAND_CA_CERTIFICATE", "--ssl-ca-file"),
        ("GEARMAND_SERVER_KEY", "--ssl-key"),
    ] {
        let mut command = gearbench();
        command.args(["serve", "--check-args", "--ssl"]);
        for known in [
            "GEARMAND_SERVER_PEM",
            "GEARMAND_CA_CERTIFICATE",
            "GEARMAND_SERVER_KEY",
        ] {
            command.env(known, "/dev/null");
        }
        command.env(variable, "/nowhere/pem");
        let finished = run_with_deadline(&mut command, BOUND);
        refuses(&finished, exit::INTERNAL, &[option, "/nowhere/pem"]);
    }
    for variable in ["GEARMAND_PORT", "GEARBENCH_PORT"] {
        let finished = run_with_deadline(gearbench().arg("serve").env(variable, "a:b"), BOUND);
        refuses(&finished, exit::INTERNAL, &["--port"]);
    }
}

#[test]
fn mistakes_in_a_configuration_file_are_named_by_file_and_line() {
    let files = TempDir::new();
    let config = files.file("conf");
    let path = config.to_str().expect("UTF-8");
    for (text, place, word) in [
        ("--keepalive\n# -x\n--nosuch\n", ":3:", "--nosuch"),
        ("-p 1\nport=2\n", ":2:", "port=2"),
        ("-j\n256", ":2:", "256"),
        ("--config-file x", ":1:", "no other"),
    ] {
        std::fs::write(&config, text).expect("a file");
        let finished = check(&["--config-file", path]);
        refuses(
            &finished,
            exit::INTERNAL,
            &[&format!("{path}{place}"), word],
        );
    }
    std::fs::write(&config, "--threads 4\n-q builtin").expect("a file");
    let err = accepts(&["--config-file", path]);
    assert!(err.contains("--threads"), "{err}");
}
