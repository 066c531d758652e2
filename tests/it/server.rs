//! The job server over TCP: what the in-memory scripts cannot show.

use gearbench::engine::Policy;
use gearbench::protocol::packet::HEADER;
use gearbench::protocol::{Body, Decoder, Frame, GrabKind, Magic, PacketType, Priority};
use gearbench::protocol::{Request, Response, Submit, Work};
use gearbench::server::{Background, Listener};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::ControlFlow;
use std::time::Duration;

/// How long an answer may take before the test calls it missing.
const PATIENCE: Duration = Duration::from_secs(30);

fn server() -> Background {
    let listener = Listener::bind("127.0.0.1", 0, 128).expect("a free port");
    Background::start(listener, Policy::default()).expect("a thread")
}

/// A connection that reads packets one by one.
struct Peer {
    stream: TcpStream,
    decoder: Decoder,
    /// Frames read and not yet asked for.
    ready: VecDeque<Received>,
}

#[derive(Debug, PartialEq)]
enum Received {
    Packet(PacketType, Vec<u8>),
    Line(String),
}

impl Peer {
    fn connect(server: &Background) -> Self {
        let stream = TcpStream::connect(server.address()).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream,
            decoder: Decoder::default(),
            ready: VecDeque::new(),
        }
    }

    fn send(&mut self, request: Request<'_>) {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.stream.write_all(&bytes).expect("the server reads");
    }

    /// What comes next; `None` at the end of the stream.
    fn receive(&mut self) -> Option<Received> {
        let mut chunk = [0; 64 * 1024];
        while self.ready.is_empty() {
            let count = self.stream.read(&mut chunk).expect("an answer in time");
            if count == 0 {
                return None;
            }
            let ready = &mut self.ready;
            let _ = self
                .decoder
                .feed(&chunk[..count], |frame| {
                    ready.push_back(match frame {
                        Frame::Packet(packet) => {
                            assert_eq!(packet.magic, Magic::Res);
                            Received::Packet(packet.kind, packet.data.to_vec())
                        }
                        Frame::Line(line) => {
                            Received::Line(String::from_utf8_lossy(line).into_owned())
                        }
                    });
                    ControlFlow::Continue(())
                })
                .expect("Gearman");
        }
        self.ready.pop_front()
    }

    /// The data of the packet that comes next, which must be of this type.
    fn receive_packet(&mut self, kind: PacketType) -> Vec<u8> {
        match self.receive() {
            Some(Received::Packet(found, data)) if found == kind => data,
            other => panic!("expected {kind}, found {other:.100?}"),
        }
    }

    fn expect(&mut self, response: Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        let kind = PacketType(u32::from_be_bytes(bytes[4..8].try_into().unwrap()));
        assert!(
            self.receive_packet(kind) == bytes[HEADER..],
            "{kind} differs"
        );
    }

    /// The rows of a list of the text protocol.
    fn list(&mut self, command: &str) -> Vec<String> {
        self.stream
            .write_all(format!("{command}\n").as_bytes())
            .unwrap();
        let mut rows = Vec::new();
        loop {
            match self.receive() {
                Some(Received::Line(dot)) if dot == "." => return rows,
                Some(Received::Line(row)) => rows.push(row),
                other => panic!("expected a row, found {other:?}"),
            }
        }
    }

    /// Waits until everything sent so far was handled.
    fn barrier(&mut self) {
        let body = Body::from(b"barrier");
        self.send(Request::Echo { body });
        self.expect(Response::EchoRes { body });
    }
}

fn submit<'a>(function: &'a [u8], unique: &'a [u8], body: &'a [u8]) -> Request<'a> {
    Request::Submit(Submit {
        function,
        unique,
        priority: Priority::Normal,
        background: false,
        epoch: None,
        reducer: None,
        body: Body::new(body),
    })
}

fn can_do(function: &[u8]) -> Request<'_> {
    Request::CanDo {
        function,
        timeout_ms: None,
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

/// P-FRAME-04
#[test]
fn packets_sent_byte_by_byte_are_answered() {
    let server = server();
    let mut peer = Peer::connect(&server);
    let mut bytes = Vec::new();
    for text in [b"one", b"two"] {
        let body = Body::from(text);
        Request::Echo { body }.encode(&mut bytes);
    }
    for byte in bytes {
        peer.stream.write_all(&[byte]).unwrap();
    }
    for text in [b"one", b"two"] {
        let body = Body::from(text);
        peer.expect(Response::EchoRes { body });
    }
}

/// P-FRAME-05
#[test]
fn two_thousand_requests_in_one_write_are_answered_in_order() {
    let server = server();
    let mut peer = Peer::connect(&server);
    let texts: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    let mut bytes = Vec::new();
    for text in &texts {
        let body = Body::new(text.as_bytes());
        Request::Echo { body }.encode(&mut bytes);
    }
    peer.stream.write_all(&bytes).unwrap();
    for text in &texts {
        let body = Body::new(text.as_bytes());
        peer.expect(Response::EchoRes { body });
    }
}

/// P-FRAME-03, P-UNIQ-03: bodies of all sizes around the point where they are shared.
#[test]
fn large_bodies_reach_every_client_unchanged() {
    let server = server();
    for len in [16 * 1024 - 20, 16 * 1024, 64 * 1024, 1_000_003, 8 << 20] {
        let (payload, result) = (noise(len), noise(len + 1));
        let mut worker = Peer::connect(&server);
        worker.send(can_do(b"large"));
        worker.barrier();
        let mut clients = [Peer::connect(&server), Peer::connect(&server)];
        let mut handle = Vec::new();
        for client in &mut clients {
            client.send(submit(b"large", b"same", &payload));
            handle = client.receive_packet(PacketType::JOB_CREATED);
        }
        worker.send(Request::Grab(GrabKind::Uniq));
        worker.expect(Response::JobAssignUniq {
            handle: &handle,
            function: b"large",
            unique: b"same",
            body: Body::new(&payload),
        });
        let work = Work::Complete(Body::new(&result));
        worker.send(Request::Work {
            handle: &handle,
            work,
        });
        for client in &mut clients {
            client.expect(Response::Work {
                handle: &handle,
                work,
            });
        }
    }
}

/// P-FRAME-26
#[test]
fn a_half_closed_peer_still_gets_its_answers() {
    let server = server();
    let mut peer = Peer::connect(&server);
    let data = noise(3 << 20);
    let body = Body::new(&data);
    let mut writer = peer.stream.try_clone().unwrap();
    let mut bytes = Vec::new();
    Request::Echo { body }.encode(&mut bytes);
    let sender = std::thread::spawn(move || {
        writer.write_all(&bytes).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    peer.expect(Response::EchoRes { body });
    assert_eq!(peer.receive(), None);
    sender.join().unwrap();
}

/// P-FRAME-08
#[test]
fn a_packet_that_never_ends_is_no_job() {
    let server = server();
    let mut peer = Peer::connect(&server);
    let mut bytes = Vec::new();
    submit(b"half", b"", b"a payload").encode(&mut bytes);
    peer.stream.write_all(&bytes[..bytes.len() - 1]).unwrap();
    peer.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(peer.receive(), None);
    let mut other = Peer::connect(&server);
    assert!(other.list("status").is_empty());
}

/// P-FRAME-09: what is not Gearman is told so before the connection ends.
#[test]
fn a_bad_magic_is_answered_before_the_close() {
    let server = server();
    let mut peer = Peer::connect(&server);
    // More follows, so that a close that forgets to read it would reset the connection.
    peer.stream
        .write_all(&[b"\0REX".as_slice(), &[0; 100_000]].concat())
        .unwrap();
    peer.receive_packet(PacketType::ERROR);
    assert_eq!(peer.receive(), None);
    Peer::connect(&server).barrier();
}

/// P-FRAME-28: the server stops reading a peer that does not read.
#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    const ENOUGH: usize = 512 << 20;
    let server = server();
    let peer = Peer::connect(&server);
    let mut writer = peer.stream.try_clone().unwrap();
    let data = noise(1 << 20);
    let mut packet = Vec::new();
    let body = Body::new(&data);
    Request::Echo { body }.encode(&mut packet);
    writer.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut other = Peer::connect(&server);
    let mut refused = 0;
    // The server works off what it has between two barriers of another peer; when several in a
    // row bring no room, it has stopped reading.
    while refused < 100 {
        match writer.write(&packet[sent % packet.len()..]) {
            Ok(count) => {
                sent += count;
                refused = 0;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                other.barrier();
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < ENOUGH, "the server buffers without bound");
    }
    // It goes on as soon as the answers are read.
    let mut reader = peer;
    reader.stream.set_nonblocking(false).unwrap();
    for _ in 0..sent / packet.len() {
        reader.expect(Response::EchoRes { body });
    }
}

/// P-FRAME-27
#[test]
fn two_hundred_resets_leave_no_worker_behind() {
    let server = server();
    let mut peers: Vec<Peer> = (0..200).map(|_| Peer::connect(&server)).collect();
    for peer in &mut peers {
        peer.send(can_do(b"f"));
        peer.barrier();
    }
    for peer in &peers {
        socket2::SockRef::from(&peer.stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    drop(peers);
    let mut admin = Peer::connect(&server);
    // The server learns of them one by one; each answer is a later state.
    while admin.list("status") != ["f\t0\t0\t0"] {}
}

/// P-WRK-24: the timer is the server's, not the script's.
#[test]
fn a_job_that_takes_too_long_fails() {
    let server = server();
    let mut worker = Peer::connect(&server);
    worker.send(Request::CanDo {
        function: b"slow",
        timeout_ms: std::num::NonZeroU32::new(50),
    });
    worker.barrier();
    let mut client = Peer::connect(&server);
    client.send(submit(b"slow", b"", b""));
    let handle = client.receive_packet(PacketType::JOB_CREATED);
    worker.send(Request::Grab(GrabKind::Classic));
    worker.receive_packet(PacketType::JOB_ASSIGN);
    client.expect(Response::Work {
        handle: &handle,
        work: Work::Fail,
    });
    worker.barrier();
}

/// Requests whose answers a peer does not take wait, and are answered when it does.
#[test]
fn large_answers_to_small_requests_are_held_back_and_not_lost() {
    const FUNCTIONS: usize = 500;
    const REQUESTS: usize = 2000;
    let server = server();
    let mut peer = Peer::connect(&server);
    for number in 0..FUNCTIONS {
        let command = format!("create function function-{number}\n");
        peer.stream.write_all(command.as_bytes()).unwrap();
        assert_eq!(peer.receive(), Some(Received::Line("OK\r".to_owned())));
    }
    // Forty megabytes of answers to fourteen kilobytes.
    peer.stream
        .write_all(&b"status\n".repeat(REQUESTS))
        .unwrap();
    let mut other = Peer::connect(&server);
    other.barrier();
    let mut dots = 0;
    let mut rows = 0;
    while dots < REQUESTS {
        match peer.receive() {
            Some(Received::Line(dot)) if dot == "." => dots += 1,
            Some(Received::Line(_)) => rows += 1,
            found => panic!("expected a row, found {found:?}"),
        }
    }
    assert_eq!(rows, FUNCTIONS * REQUESTS);
    peer.barrier();
}
