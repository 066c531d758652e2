//! Many connections, and what stays of them.

mod stalled;

use crate::support::{Admin, PATIENCE, Serve, Server, ask_until};
use gearbench::protocol::{Body, Priority, Request, Submit};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

fn connect(server: &impl Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Whether the server answers on this connection.
fn answers(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    let body = Body::new(b"here");
    Request::Echo { body }.encode(&mut request);
    let mut answer = vec![0; request.len()];
    stream.write_all(&request).is_ok() && stream.read_exact(&mut answer).is_ok()
}

fn descriptors(server: &impl Server) -> usize {
    let directory = format!("/proc/{}/fd", server.pid());
    std::fs::read_dir(directory).expect("/proc").count()
}

/// With few descriptors the first connections are served, the others are closed, and there is
/// room again once the first are gone.
#[test]
fn at_the_limit_of_descriptors_those_inside_are_served() {
    let server = Serve::start(&["--file-descriptors", "64"]);
    let mut streams: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    let mut inside = 0;
    for stream in &mut streams {
        inside += usize::from(answers(stream));
    }
    assert!((20..64).contains(&inside), "{inside} of 100 were served");
    let still = streams
        .iter_mut()
        .map(answers)
        .filter(|&served| served)
        .count();
    assert_eq!(still, inside);
    drop(streams);
    ask_until("room for a new connection", || {
        answers(&mut connect(&server)).then_some(())
    });
}

/// Clients that close, half-close or reset in the middle of anything leave no descriptor behind.
#[test]
fn ended_connections_leave_nothing_behind() {
    let server = Serve::start(&[]);
    let mut first = connect(&server);
    assert!(answers(&mut first));
    let before = descriptors(&server);
    drop(first);
    let mut request = Vec::new();
    Request::Submit(Submit {
        function: b"f",
        unique: b"",
        priority: Priority::Normal,
        background: false,
        epoch: None,
        reducer: None,
        body: Body::new(b"abc"),
    })
    .encode(&mut request);
    for number in 0..600_usize {
        let mut stream = connect(&server);
        let cut = number % (request.len() + 1);
        stream.write_all(&request[..cut]).expect("the server reads");
        match number % 3 {
            0 => {}
            1 => stream.shutdown(Shutdown::Write).expect("a socket"),
            _ => SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .expect("a socket"),
        }
    }
    ask_until("the descriptors to be closed", || {
        (descriptors(&server) <= before).then_some(())
    });
    let mut admin = server.admin();
    ask_until("the jobs to be dropped", || {
        (admin.counts("f").jobs == 0).then_some(())
    });
}

/// One that begins a packet and does not go on is ended; who says nothing at all is not.
#[test]
fn a_header_that_does_not_come_ends_the_connection() {
    let server = Serve::start(&["--header-timeout", "1"]);
    let mut idle = connect(&server);
    assert!(answers(&mut idle));
    let mut begun = connect(&server);
    begun.write_all(b"\0REQ\0\0").expect("the server reads");
    let mut last = Vec::new();
    begun.read_to_end(&mut last).expect("an end");
    assert!(last.starts_with(b"\0RES\0\0\0\x13"), "{last:?}");
    assert!(answers(&mut idle));
}

/// The verbs that change the server are only taken at the admin address, if there is one.
#[test]
fn changes_are_confined_to_the_admin_address() {
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_gearbench"));
    serve.args([
        "serve",
        "-p",
        "0",
        "--admin-listen",
        "127.0.0.1:0",
        "-l",
        "none",
    ]);
    let peer = crate::support::Peer::start(&mut serve);
    let address = |start: &str| {
        let line = peer.line();
        let address = line.strip_prefix(start).unwrap_or_else(|| panic!("{line}"));
        address.parse().expect("an address")
    };
    let mut public = Admin::connect(address("listening on ")).expect("a server");
    let mut admin = Admin::connect(address("admin on ")).expect("a server");
    for verb in [
        "create function f",
        "maxqueue f 1",
        "drop function f",
        "cancel job H:x:1",
    ] {
        let refused = public.ask(verb).expect("an answer");
        assert!(refused.starts_with("ERR NOT_ALLOWED"), "{verb}: {refused}");
    }
    assert_eq!(admin.ask("create function f").expect("an answer"), "OK");
    assert_eq!(public.counts("f").jobs, 0);
    assert_eq!(admin.ask("drop function f").expect("an answer"), "OK");
}
