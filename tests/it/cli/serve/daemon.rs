//! Running in the background.

use super::super::{BOUND, exits, refuses};
use super::serve;
use crate::support::{Admin, TempDir, ask_until, run_with_deadline};
use gearbench::cli::exit;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

/// Ends a process that is not our child, by the id that it answered with itself.
struct Stranger(String);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0]).status();
    }
}

#[test]
fn the_command_ends_when_the_port_answers() {
    let files = TempDir::new();
    let mut command = serve(0);
    // Relative paths, though the daemon changes its directory.
    command.args(["--daemon", "-P", "pid", "-l", "log"]);
    let finished = run_with_deadline(command.current_dir(files.path()), BOUND);
    let pid = std::fs::read_to_string(files.file("pid")).unwrap_or_default();
    let daemon = Stranger(pid.trim().to_owned());
    exits(&finished, exit::OK);
    assert_eq!(finished.err(), "");
    let out = finished.out();
    let address = out.trim_end().strip_prefix("listening on ").expect("where");
    let address: SocketAddr = address.parse().expect("an address");
    let mut admin = Admin::connect(address).expect("a server that accepts");
    let answer = admin.ask("getpid").expect("an answer");
    assert_eq!(answer, format!("OK {}", daemon.0));

    let own = format!("/proc/{}", daemon.0);
    let link = |name: &str| std::fs::read_link(Path::new(&own).join(name)).ok();
    assert_eq!(link("cwd").as_deref(), Some(Path::new("/")));
    for stream in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(link(stream).as_deref(), Some(Path::new("/dev/null")));
    }
    let stat = std::fs::read_to_string(format!("{own}/stat")).expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let session = fields.split(' ').nth(3);
    assert_eq!(session, Some(&*daemon.0), "a session of its own");

    drop(daemon);
    ask_until("the daemon to go", || {
        (!files.file("pid").exists()).then_some(())
    });
    let stopped = || {
        let log = std::fs::read_to_string(files.file("log")).ok()?;
        log.contains("stopped").then_some(())
    };
    ask_until("its last line", stopped);
}

#[test]
fn what_keeps_it_from_starting_is_told_by_the_command() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let finished = run_with_deadline(serve(port).args(["-d", "-l", "none"]), BOUND);
    refuses(&finished, exit::INTERNAL, &["cannot listen on", "in use"]);

    let finished = run_with_deadline(serve(0).args(["-d", "-l", "none", "-j", "999"]), BOUND);
    refuses(&finished, exit::INTERNAL, &["--job-retries"]);
}
