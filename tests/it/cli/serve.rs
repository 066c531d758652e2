//! `gearbench serve` as a service: how it starts, how it ends, what it leaves.

mod daemon;
mod options;
mod process;

use super::{BOUND, exits, gearbench, on, queue, refuses};
use crate::support::{Admin, Peer, TempDir, run_with_deadline};
use gearbench::cli::exit;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

/// `gearbench serve` on a port of 127.0.0.1; 0 is any.
fn serve(port: u16) -> Command {
    let mut serve = gearbench();
    serve.args(["serve", "--port", &port.to_string()]);
    serve
}

/// Starts it; where it says it listens.
fn start(command: &mut Command) -> (Peer, SocketAddr) {
    let server = Peer::start(command);
    let line = server.line();
    let address = line.strip_prefix("listening on ").expect("an address");
    let address: SocketAddr = address.parse().expect("an address");
    assert_ne!(address.port(), 0);
    (server, address)
}

#[track_caller]
fn ends(server: &mut Peer, signal: &str) {
    server.signal(signal);
    let status = server.status();
    assert_eq!(status.code(), Some(0), "{signal}: {}", server.err());
    assert_eq!(server.line_if_any(), None, "one line, and no more");
}

#[test]
fn the_first_line_names_the_port_and_the_version_is_that_of_the_package() {
    let (mut server, address) = start(&mut serve(0));
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    let mut admin = Admin::connect(address).expect("a server that accepts");
    let version = admin.ask("version").expect("an answer");
    assert_eq!(version, concat!("OK ", env!("CARGO_PKG_VERSION")));
    ends(&mut server, "TERM");
}

#[test]
fn signals_end_it_well_whatever_it_holds() {
    for signal in ["TERM", "INT"] {
        let (mut server, address) = start(&mut serve(0));
        queue(address, "left", 100);
        let mut admin = Admin::connect(address).expect("a server that accepts");
        assert_eq!(admin.counts("left").jobs, 100);
        let _idle: Vec<TcpStream> = (0..10)
            .map(|_| TcpStream::connect(address).expect("a server that accepts"))
            .collect();
        ends(&mut server, signal);
        assert!(admin.ask("version").is_err(), "nobody is left to answer");
        TcpStream::connect(address).expect_err("nobody listens");
    }
}

#[test]
fn the_pid_file_lives_as_long_as_the_server() {
    let files = TempDir::new();
    let pid_file = files.file("pid");
    let (mut server, address) = start(serve(0).arg("-P").arg(&pid_file));
    let pid = std::fs::read_to_string(&pid_file).expect("a pid file");
    let mut admin = Admin::connect(address).expect("a server that accepts");
    assert_eq!(
        admin.ask("getpid").expect("an answer"),
        format!("OK {}", pid.trim())
    );
    assert_eq!(pid.trim().parse(), Ok(server.pid()));
    ends(&mut server, "TERM");
    assert!(!pid_file.exists());
}

/// The second is refused before it can take anything of the first.
#[test]
fn a_port_in_use_is_named_and_its_owner_left_alone() {
    let files = TempDir::new();
    let pid_file = files.file("pid");
    let (mut server, address) = start(serve(0).arg("-P").arg(&pid_file));
    let mut second = serve(address.port());
    let finished = run_with_deadline(second.arg("-P").arg(&pid_file), BOUND);
    let words = [&address.to_string(), "cannot listen on", "in use"];
    refuses(&finished, exit::INTERNAL, &words);
    assert_eq!(
        finished.err().matches("in use").count(),
        1,
        "{}",
        finished.err()
    );

    let pid = std::fs::read_to_string(&pid_file).expect("the pid file of the first");
    assert_eq!(pid.trim().parse(), Ok(server.pid()));
    ends(&mut server, "INT");
}

#[test]
fn the_port_can_be_taken_again_at_once() {
    let (mut server, address) = start(&mut serve(0));
    for _ in 0..3 {
        // The side that closes first keeps the connection in TIME_WAIT: here it is the server.
        let mut admin = Admin::connect(address).expect("a server that accepts");
        admin.ask("version").expect("an answer");
        ends(&mut server, "TERM");
        let again;
        (server, again) = start(&mut serve(address.port()));
        assert_eq!(again, address);
    }
    ends(&mut server, "TERM");
}

#[test]
fn the_log_goes_where_it_is_told() {
    let files = TempDir::new();
    let log = files.file("server.log");
    let (mut server, address) = start(serve(0).arg("-l").arg(&log));
    ends(&mut server, "TERM");
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(text.contains("SIGTERM"), "{text}");
    assert!(!text.contains('\x1b'), "colours in a file: {text:?}");
    assert_eq!(server.err(), "");

    let (mut silent, _) = start(serve(0).args(["-l", "none"]));
    ends(&mut silent, "TERM");
    assert_eq!(silent.err(), "");

    let finished = run_with_deadline(serve(0).args(["-l", "/nowhere/log"]), BOUND);
    refuses(&finished, exit::INTERNAL, &["/nowhere/log"]);
}

#[test]
fn the_port_may_come_from_the_environment() {
    let (mut server, _) = start(gearbench().arg("serve").env("GEARMAND_PORT", "0"));
    ends(&mut server, "TERM");

    // A flag is stronger.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").port();
    let (mut server, _) = start(serve(0).env("GEARMAND_PORT", taken.to_string()));
    ends(&mut server, "TERM");
}

/// GEARBENCH_TARGET stands for -t of every command that has one, and disturbs no other.
#[test]
fn the_target_may_come_from_the_environment() {
    let (mut server, address) = start(serve(0).env("GEARBENCH_TARGET", "nobody.invalid"));
    let mut check = gearbench();
    check.args(["--no-load"]);
    check.env("GEARBENCH_TARGET", address.to_string());
    let finished = run_with_deadline(&mut check, BOUND);
    exits(&finished, 0);
    assert!(finished.out().contains(&address.to_string()));

    let mut stronger = on(address, "run", "--jobs 100 --out none");
    stronger.env("GEARBENCH_TARGET", "nobody.invalid");
    exits(&run_with_deadline(&mut stronger, BOUND), 0);
    ends(&mut server, "TERM");
}
