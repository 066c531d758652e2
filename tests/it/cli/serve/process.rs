//! The process: its log, its pid file, its user, where it is started.

use super::super::{BOUND, gearbench, refuses};
use super::{ends, serve, start};
use crate::support::{Admin, TempDir, ask_until, run_with_deadline};
use gearbench::cli::exit;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

#[test]
fn a_hangup_opens_the_log_again() {
    let files = TempDir::new();
    let (log, old) = (files.file("server.log"), files.file("server.log.1"));
    let (mut server, address) = start(serve(0).arg("-l").arg(&log));
    let serving = || {
        fs::read_to_string(&log)
            .ok()
            .filter(|text| text.contains("serving"))
    };
    ask_until("the first line of the log", serving);
    fs::rename(&log, &old).expect("our own file");
    server.signal("HUP");
    ask_until("a new file with a line", || {
        fs::read_to_string(&log)
            .ok()
            .filter(|text| text.contains("Reload"))
    });
    let mut admin = Admin::connect(address).expect("a server that goes on");
    admin.ask("version").expect("an answer");
    ends(&mut server, "TERM");
    let (old, new) = (fs::read_to_string(old), fs::read_to_string(log));
    let (old, new) = (old.expect("the old log"), new.expect("the new log"));
    assert!(!old.contains("stopped"), "{old}");
    assert!(new.contains("stopped"), "{new}");
}

#[test]
fn a_pid_file_left_behind_is_written_over() {
    let files = TempDir::new();
    let pid_file = files.file("pid");
    fs::write(&pid_file, "999999\nand more\n").expect("a file");
    let (mut server, _) = start(serve(0).arg("--pid-file").arg(&pid_file));
    let pid = fs::read_to_string(&pid_file).expect("a pid file");
    assert_eq!(pid, format!("{}\n", server.pid()));
    ends(&mut server, "TERM");
    assert!(!pid_file.exists());

    let finished = run_with_deadline(serve(0).args(["-P", "/nowhere/pid"]), BOUND);
    refuses(&finished, exit::INTERNAL, &["/nowhere/pid"]);
}

/// Another server may have written its own meanwhile.
#[test]
fn a_pid_file_of_another_is_left() {
    let files = TempDir::new();
    let pid_file = files.file("pid");
    let (mut server, _) = start(serve(0).arg("-P").arg(&pid_file));
    fs::write(&pid_file, "1\n").expect("a file");
    ends(&mut server, "TERM");
    assert_eq!(fs::read_to_string(&pid_file).ok().as_deref(), Some("1\n"));
}

#[test]
fn it_starts_with_an_empty_environment_and_in_a_directory_that_is_gone() {
    let (mut server, _) = start(serve(0).env_clear());
    ends(&mut server, "TERM");

    let files = TempDir::new();
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" serve -p 0";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_gearbench")]);
    let (mut server, _) = start(shell.current_dir(files.path()).env_clear());
    ends(&mut server, "TERM");
}

#[test]
fn a_drain_without_jobs_ends_it_and_it_says_what_it_was_told() {
    let (mut server, _) = start(&mut serve(0));
    ends(&mut server, "USR1");
    assert!(server.err().contains("Drain"), "{}", server.err());
}

#[test]
fn warnings_stand_once_in_the_log_and_once_on_stderr() {
    let files = TempDir::new();
    let log = files.file("server.log");
    let (mut server, _) = start(serve(0).args(["-t", "4", "-l"]).arg(&log));
    ends(&mut server, "TERM");
    let text = fs::read_to_string(&log).expect("a log");
    for text in [&text, &server.err()] {
        assert_eq!(text.matches("--threads").count(), 1, "{text}");
    }
    let (mut server, _) = start(serve(0).args(["-t", "4"]));
    ends(&mut server, "TERM");
    let err = server.err();
    assert_eq!(err.matches("--threads").count(), 1, "{err}");
}

#[test]
fn an_open_address_is_named_as_such() {
    let (mut server, _) = start(serve(0).args(["-L", "0.0.0.0"]));
    ends(&mut server, "TERM");
    assert!(
        server.err().contains("anyone who reaches"),
        "{}",
        server.err()
    );
    let (mut server, _) = start(&mut serve(0));
    ends(&mut server, "TERM");
    assert!(!server.err().contains("anyone"), "{}", server.err());
}

#[test]
fn a_system_without_a_log_is_an_error() {
    if Path::new("/dev/log").exists() || Path::new("/var/run/syslog").exists() {
        let (mut server, _) = start(serve(0).arg("--syslog"));
        ends(&mut server, "TERM");
        assert_eq!(server.err(), "");
        return;
    }
    let finished = run_with_deadline(serve(0).arg("--syslog"), BOUND);
    refuses(&finished, exit::INTERNAL, &["--syslog", "/dev/log"]);
}

#[test]
fn the_limit_of_files_is_set() {
    let (mut server, _) = start(serve(0).args(["-f", "123"]));
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("Linux");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().nth(3));
    assert_eq!(soft, Some("123"), "{limits}");
    ends(&mut server, "TERM");
}

#[test]
fn root_becomes_the_user_with_its_groups_and_others_cannot() {
    if fs::metadata("/proc/self").map_or(1, |meta| meta.uid()) != 0 {
        let line = b"SKIPPED root_becomes_the_user: needs root\n";
        let _ = std::io::stderr().write_all(line);
        let finished = run_with_deadline(gearbench().args(["serve", "-u", "root"]), BOUND);
        refuses(&finished, exit::INTERNAL, &["--user", "root"]);
        return;
    }
    let (mut server, _) = start(serve(0).args(["-u", "nobody"]));
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("Linux");
    let ids = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("{name} in {status}"));
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for name in ["Uid:", "Gid:", "Groups:"] {
        assert!(ids(name).iter().all(|id| id != "0"), "{name} {status}");
    }
    ends(&mut server, "TERM");
}
