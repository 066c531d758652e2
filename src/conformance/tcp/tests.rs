use super::*;
use crate::conformance::arm::{Ended, Stop};
use crate::conformance::player::{Cause, Failure, Options, Player};
use crate::protocol::DecodeError;
use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Plays against a server that does `deed` to each connection.
fn against(script: &str, deed: impl Fn(TcpStream) + Send + 'static) -> Box<Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().flatten().for_each(deed));
    let timeout = Duration::from_millis(200);
    let mut arm = TcpArm::new(&target, timeout).unwrap();
    let options = Options {
        timeout,
        ..Options::default()
    };
    let script = script.parse().unwrap();
    Player::new(&mut arm, options).play(&script).unwrap_err()
}

const ECHO: &str = "a > ECHO_REQ \"hello\"\na < ECHO_RES \"hello\"";

fn read_request(mut stream: &TcpStream) {
    stream.read_exact(&mut [0; 17]).unwrap();
}

#[test]
fn a_server_that_closes_is_named() {
    let failure = against(ECHO, |stream| read_request(&stream));
    assert!(
        matches!(failure.cause, Cause::Unexpected { .. }),
        "{failure}"
    );
    assert!(
        failure
            .to_string()
            .contains("line 2: a < ECHO_RES \"hello\"")
    );
    assert!(
        failure
            .to_string()
            .contains("found the end of the connection")
    );
}

#[test]
fn a_server_that_resets_is_named() {
    let failure = against(ECHO, |stream| {
        read_request(&stream);
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    });
    assert!(failure.to_string().contains("a is reset"), "{failure}");
}

#[test]
fn a_server_that_sends_garbage_is_named() {
    let failure = against(ECHO, |mut stream| {
        stream.write_all(&[0; 12]).unwrap();
        read_request(&stream);
    });
    let garbage = Cause::Garbage {
        peer: "a".into(),
        error: DecodeError::BadMagic { found: [0; 4] },
    };
    assert_eq!(failure.cause.to_string(), garbage.to_string(), "{failure}");
}

#[test]
fn a_server_that_sends_half_a_packet_is_named() {
    let failure = against(ECHO, |mut stream| {
        read_request(&stream);
        stream.write_all(b"\0RES\0\0\0\x11\0\0\0\x05he").unwrap();
    });
    assert!(
        matches!(failure.cause, Cause::HalfPacket { .. }),
        "{failure}"
    );
}

#[test]
fn a_server_that_never_answers_is_named() {
    let failure = against(ECHO, std::mem::forget);
    assert!(matches!(failure.cause, Cause::NoAnswer { .. }), "{failure}");
}

#[test]
fn a_server_that_takes_nothing_is_named() {
    let failure = against("a > ECHO_REQ \"x\"*30000000", std::mem::forget);
    let not_taken = Cause::Arm(ArmError::NotTaken {
        size: 30_000_012,
        waited: Duration::from_millis(200),
    });
    assert_eq!(failure.cause.to_string(), not_taken.to_string());
}

#[test]
fn nobody_at_the_address_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut arm = TcpArm::new(&target, Duration::from_millis(200)).unwrap();
    let unreachable = arm.connect().unwrap_err();
    assert!(matches!(unreachable, ArmError::Unreachable { .. }));
}

#[test]
fn a_flood_of_what_is_not_taken_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let mut arm = TcpArm::new(&target, Duration::from_secs(5)).unwrap();
    let script = "a floods 30000 times ECHO_REQ \"x\"*1000\na resets\nb connects";
    let script = script.parse().unwrap();
    let trace = Player::new(&mut arm, Options::default()).play(&script);
    let trace = trace.unwrap().to_string();
    assert!(
        trace.contains("a floods 30360000 bytes, of which"),
        "{trace}"
    );
    assert!(!trace.contains("of which 30360000 were taken"), "{trace}");
}

/// A process that ends as it is told, and notes what is done to it.
#[derive(Debug)]
struct Told {
    ends: VecDeque<Option<Ended>>,
    done: Arc<Mutex<Vec<String>>>,
    http: Option<SocketAddr>,
}

impl Told {
    fn note(&self, what: impl Into<String>) {
        self.done.lock().unwrap().push(what.into());
    }
}

impl Process for Told {
    fn stop(&mut self, how: Stop) -> Result<(), ArmError> {
        self.note(format!("{how:?}"));
        Ok(())
    }

    fn wait(&mut self, _within: Duration) -> Result<Option<Ended>, ArmError> {
        self.note("wait");
        Ok(self.ends.pop_front().flatten())
    }

    fn start(&mut self) -> Result<(), ArmError> {
        self.note("start");
        Ok(())
    }

    fn http(&self) -> Option<SocketAddr> {
        self.http
    }
}

/// Plays on a server that accepts and closes, whose process ends so.
fn with_process(script: &str, ends: &[Option<Ended>]) -> (Result<String, String>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let done = Arc::default();
    let process = Told {
        ends: ends.iter().copied().collect(),
        done: Arc::clone(&done),
        http: None,
    };
    let arm = TcpArm::new(&target, Duration::from_secs(5)).unwrap();
    let mut arm = arm.with_process(Box::new(process));
    let script = script.parse().unwrap();
    let outcome = Player::new(&mut arm, Options::default()).play(&script);
    let outcome = outcome.map(|trace| trace.to_string());
    assert!(arm.into_process().is_some());
    let done = done.lock().unwrap().clone();
    (outcome.map_err(|failure| failure.to_string()), done)
}

#[test]
fn scripts_end_and_start_the_server() {
    let script = r#"
        a connects
        server terminates
        server starts
        a is closed
        server dies
        server starts
        server exits gracefully
        server exits
    "#;
    let zero = Some(Ended::Code(0));
    let (outcome, done) = with_process(script, &[zero, Some(Ended::Signal(9)), zero]);
    let trace = outcome.unwrap();
    assert_eq!(
        done.join(" "),
        "Terminate wait start Kill wait start Graceful wait"
    );
    let events: Vec<&str> = trace.lines().filter_map(|line| line.get(15..)).collect();
    assert_eq!(
        events,
        [
            "a      connects",
            "server terminates",
            "server has ended: exit code 0",
            "server starts",
            "a      connects",
            "a      is closed",
            "server dies",
            "server has ended: signal 9",
            "server starts",
            "server exits gracefully",
            "server exits",
            "server has ended: exit code 0",
        ]
    );
}

#[test]
fn a_server_that_does_not_end_as_it_should_is_named() {
    for (step, end, cause) in [
        ("terminates", None, "server did not end in 5s"),
        ("exits", None, "server did not end in 2s"),
        ("dies", None, "server did not end in 5s"),
        (
            "terminates",
            Some(Ended::Code(1)),
            "server ended with exit code 1, expected exit code 0",
        ),
        (
            "exits",
            Some(Ended::Signal(11)),
            "server ended with signal 11, expected exit code 0",
        ),
    ] {
        let (outcome, _) = with_process(&format!("server {step}"), &[end]);
        let failure = outcome.unwrap_err();
        let message = format!("line 1: server {step}\n  {cause}\n");
        assert!(failure.starts_with(&message), "{failure}");
    }
}
