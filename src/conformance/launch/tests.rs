use super::*;
use crate::conformance::arm::{Process, Stop};
use crate::conformance::profile::{Evidence, detect};
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

/// A server that never answers says so soon. Nothing that answers is asked within this.
const SOON: Duration = Duration::from_millis(300);
/// No test is faster or slower for it.
const LONG: Duration = Duration::from_secs(60);

fn launcher(command: &str) -> Launcher {
    Launcher::new(command).unwrap().patience(LONG)
}

fn refused(command: &str) -> LaunchError {
    launcher(command).patience(SOON).start(&[]).unwrap_err()
}

fn alive(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // A dead process may still wait for its parent to notice.
    stat.rsplit(')')
        .next()
        .is_some_and(|after| !after.is_empty() && !after.starts_with(" Z"))
}

/// C gearmand's command, if it is installed; a line says so if it is not.
fn gearmand() -> Option<&'static str> {
    if Path::new("/usr/sbin/gearmand").is_file() {
        return Some(
            "/usr/sbin/gearmand --port {port} --listen 127.0.0.1 --log-file stderr \
             --pid-file {dir}/pid",
        );
    }
    const REQUIRE: &str = "GEARBENCH_REQUIRE_GEARMAND";
    let required = std::env::var_os(REQUIRE).is_some();
    assert!(
        !required,
        "gearmand is missing and {REQUIRE} is set; tests/run installs it"
    );
    // Not `eprintln!`, which the test runner keeps to itself for tests that pass.
    let line = b"SKIPPED a launch of gearmand: it is missing; tests/run installs it\n";
    let _ = std::io::stderr().write_all(line);
    None
}

#[test]
fn commands_that_cannot_work_are_refused() {
    for (command, expected) in [
        ("", "the command to launch is empty"),
        (
            "server '{port}",
            "the command to launch has a quote that is not closed",
        ),
        (
            "server --port 4730",
            "the command to launch has no {port}, so that it cannot be told where to listen",
        ),
    ] {
        assert_eq!(Launcher::new(command).unwrap_err().to_string(), expected);
    }
    let error = refused("/no/such/program {port}").to_string();
    assert!(
        error.starts_with("cannot run `/no/such/program "),
        "{error}"
    );
}

#[test]
fn a_server_that_dies_at_once_is_quoted() {
    let error = refused(r"sh -c 'echo one; printf two\\033 >&2; exit 7' {port}");
    assert!(matches!(
        error,
        LaunchError::Ended {
            ended: Ended::Code(7),
            ..
        }
    ));
    let error = error.to_string();
    let said = "ended with exit code 7 before it answered; its last words:\n  one\n  two\\u{1b}";
    assert!(error.ends_with(said), "{error}");
}

#[test]
fn a_server_that_never_listens_is_ended_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let ids = dir.path().join("ids");
    let script = format!("sleep 1000 & echo $$ $! > {}; wait", ids.display());
    // It may be ended before it has written anything, so it gets all the time it needs for that.
    let error = loop {
        let error = refused(&format!("sh -c '{script}' {{port}}"));
        if std::fs::read_to_string(&ids).is_ok_and(|ids| ids.ends_with('\n')) {
            break error;
        }
    };
    assert!(matches!(error, LaunchError::Silent { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("did not answer on 127.0.0.1:"), "{error}");
    assert!(error.ends_with("; it said nothing"), "{error}");
    for id in std::fs::read_to_string(&ids).unwrap().split_whitespace() {
        assert!(!alive(id), "{id} is left over");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_in_the_background_is_refused_and_ended() {
    let dir = tempfile::tempdir().unwrap();
    let id = dir.path().join("id");
    let (id, done) = (id.display(), dir.path().join("done"));
    // The parent ends when the child is out of its group and has told its id.
    let script = format!(
        "setsid sh -c \"echo \\$\\$ > {id}.new; mv {id}.new {id}; exec sleep 1000\" &
         while [ ! -e {id} ]; do sleep 0.01; done; echo x > {}",
        done.display()
    );
    let launcher = launcher(&format!("sh -c '{script}' {{port}}"));
    let error = launcher.start(&[]).unwrap_err();
    assert!(matches!(error, LaunchError::Daemon { .. }), "{error}");
    let id = std::fs::read_to_string(id.to_string()).unwrap();
    assert!(!alive(id.trim()), "it is left over");
}

#[test]
fn taken_ports_are_found_out() {
    let error = refused("sh -c 'echo cannot bind: Address already in use; exit 1' {port}");
    let LaunchError::Taken { ports, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(ports.len(), ATTEMPTS);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(ports::is_taken(listener.local_addr().unwrap().port()));
}

#[test]
fn ports_are_given_once() {
    let given: Vec<u16> = (0..50).map(|_| ports::free().unwrap()).collect();
    let mut once = given.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), given.len());
}

#[test]
fn placeholders_are_filled_in() {
    let command = Command::new("server -p {port} -d '{dir}/a b'").unwrap();
    assert!(!command.has_http());
    let command = command.with(&["--http-port={http-port}".to_owned()]);
    assert!(command.has_http());
    let words = command.fill(1, Some(2), Path::new("/x"));
    assert_eq!(
        words,
        ["server", "-p", "1", "-d", "/x/a b", "--http-port=2"]
    );
    assert_eq!(
        command::shown(&words),
        "server -p 1 -d '/x/a b' '--http-port=2'"
    );
}

#[test]
fn gearmand_is_started_ended_and_started_again() {
    let Some(command) = gearmand() else { return };
    let launcher = launcher(command);
    let http = ["--protocol=http", "--http-port={http-port}"].map(str::to_owned);
    let mut server = launcher.start(&http).unwrap();
    let other = launcher.start(&[]).unwrap();
    assert_ne!(server.address(), other.address());
    assert!(server.http().is_some() && other.http().is_none());
    assert_eq!(server.ended(), None);

    let (address, pid) = (server.address(), server.pid());
    Process::stop(&mut server, Stop::Kill).unwrap();
    assert_eq!(server.wait(LONG).unwrap(), Some(Ended::Signal(9)));
    assert_eq!(server.clone().ended(), Some(Ended::Signal(9)));
    server.start_again().unwrap();
    assert_eq!((server.address(), server.ended()), (address, None));
    assert_ne!(server.pid(), pid);
    assert_eq!(server.stop(Stop::Terminate, LONG).unwrap(), Ended::Code(0));

    let (dir, pid) = (other.dir(), other.pid().to_string());
    assert!(dir.join("pid").is_file());
    drop(other);
    assert!(!dir.exists() && !alive(&pid));
}

#[test]
fn gearmand_is_recognised() {
    let Some(command) = gearmand() else { return };
    let server = launcher(command).start(&[]).unwrap();
    let evidence = Evidence::gather(server.address(), LONG).unwrap();
    assert_eq!(evidence.echo, Some(true));
    assert_eq!(detect(&evidence).0.make, "C gearmand");
}

#[test]
fn a_server_that_only_accepts_is_ready_if_that_is_enough() {
    let Some(command) = gearmand() else { return };
    // Its HTTP port does not answer to Gearman.
    let command = command.replace("{port}", "{http-port}");
    let command = format!("{command} --protocol http --http-port {{port}}");
    let http = launcher(&command);
    let silent = http.clone().patience(SOON).start(&[]).unwrap_err();
    assert!(matches!(silent, LaunchError::Silent { .. }), "{silent}");
    assert_eq!(http.only_accepting().start(&[]).unwrap().ended(), None);
}

#[test]
fn a_server_that_ignores_sigterm_is_killed() {
    let Some(command) = gearmand() else { return };
    let script = format!("trap \"\" TERM; {command} & sleep 1000");
    let server = launcher(&format!("sh -c '{script}'")).start(&[]).unwrap();
    let again = server.start_again().unwrap_err().to_string();
    assert_eq!(again, "the server still runs");
    let ended = server.stop(Stop::Terminate, SOON).unwrap();
    assert_eq!(ended, Ended::Signal(9));
}

/// A shell and the server that it starts count together.
#[test]
fn memory_is_that_of_all_processes() {
    let Some(gearmand) = gearmand() else {
        return;
    };
    let alone = launcher(gearmand).start(&[]).unwrap();
    let both = launcher(&format!("sh -c '{gearmand} & wait'"));
    let both = both.start(&[]).unwrap();
    let (alone, both) = (alone.resident().unwrap(), both.resident().unwrap());
    assert!(alone.now > 0 && alone.peak >= alone.now, "{alone:?}");
    assert!(both.now > alone.now / 2, "{both:?} {alone:?}");
}
