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
    with_http(script, ends, None)
}

/// The same, with an HTTP port.
fn with_http(
    script: &str,
    ends: &[Option<Ended>],
    http: Option<SocketAddr>,
) -> (Result<String, String>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let done = Arc::default();
    let process = Told {
        ends: ends.iter().copied().collect(),
        done: Arc::clone(&done),
        http,
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

/// Plays on an HTTP port that answers each connection's request so.
fn against_http(script: &str, response: &'static str) -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(response.as_bytes()).unwrap();
        }
    });
    let script =
        format!("web connects to http\nweb > bytes \"POST /f HTTP/1.0\\r\\n\\r\\n\"\n{script}");
    with_http(&script, &[], Some(address)).0
}

const OK: &str = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nX-Job: H:a:1\r\n\r\nhello";

#[test]
fn responses_are_held_against_patterns() {
    let script = r#"
        web < http 200 "hel".. x-job $h[1..63] Content-Length "5"
        web is closed
        web connects to http
        web > bytes "GET / HTTP/1.0\r\nX-Job: $h\r\n\r\n"
        web half-closes
        web < http 400 _ | http _ "hello" X-JOB $h | closed
        web is closed
        web connects
        web is closed
    "#;
    let trace = against_http(script, OK).unwrap();
    let events: Vec<&str> = trace.lines().filter_map(|line| line.get(15..)).collect();
    assert_eq!(
        events[..8],
        [
            "web connects to http",
            "web > 20 bytes",
            "       \"POST /f HTTP/1.0\\r\\n\"",
            "       \"\\r\\n\"",
            "web < http 200 \"hello\" Content-Length \"5\" X-Job \"H:a:1\"",
            "       \"HTTP/1.0 200 OK\\r\\n\"",
            "       \"Content-Length: 5\\r\\n\"",
            "       \"X-Job: H:a:1\\r\\n\"",
        ],
        "{trace}"
    );
}

#[test]
fn a_body_may_end_with_the_connection() {
    let script = "web < http 200 hello\nweb is closed";
    against_http(script, "HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
}

#[test]
fn a_wrong_response_is_named() {
    for (response, cause) in [
        (
            OK,
            "web expected http 200 \"bye\" | http 200 _ Server _ | http 404 _, found http 200 \"hello\" Content-Length \"5\" X-Job \"H:a:1\"\n",
        ),
        (
            "",
            "web expected http 200 \"bye\" | http 200 _ Server _ | http 404 _, found the end of the connection\n",
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello",
            "web received a part of a response before the connection ended\n",
        ),
        (
            "HTTP/1.0 200",
            "web received a part of a response before the connection ended\n",
        ),
        (
            "ERR unknown_command\r\n",
            "web received what is no HTTP response: invalid HTTP version\n",
        ),
    ] {
        let script = "web < http 200 \"bye\" | http 200 _ Server _ | http 404 _";
        let failure = against_http(script, response).unwrap_err();
        assert!(failure.contains(cause), "{failure}");
        let shown = response.lines().next().unwrap_or_default();
        assert!(failure.contains(shown), "{failure}");
    }
}

#[test]
fn a_server_without_an_http_port_is_named() {
    let (outcome, _) = with_process("web connects to http", &[]);
    let message = "line 1: web connects to http\n  the script needs a server with an HTTP port, which there is not here\n";
    let failure = outcome.unwrap_err();
    assert!(failure.starts_with(message), "{failure}");
}
