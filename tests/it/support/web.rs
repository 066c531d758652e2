//! A job server with HTTP and metrics in this process, and those who talk to it.

use super::PATIENCE;
use gearbench::protocol::{Body, Decoder, Frame, GrabKind, PacketType, Request, Work};
use gearbench::server::{self, Command, Listener, Listeners, Settings};
use gearbench::wire;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) gear: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) metrics: SocketAddr,
    commands: Option<mpsc::UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    pub(crate) fn start(settings: Settings) -> Self {
        let listen = || Listener::bind("127.0.0.1", 0, 1024).expect("a free port");
        let [gear, http, metrics] = [listen(), listen(), listen()];
        let [at_gear, at_http, at_metrics] =
            [&gear, &http, &metrics].map(|one| one.address().expect("an address"));
        let (sender, commands) = mpsc::unbounded_channel();
        let listeners = Listeners {
            http: Some(http),
            metrics: Some(metrics),
            ..gear.into()
        };
        let thread = std::thread::spawn(move || {
            let served = wire::block_on(server::serve(listeners, settings, commands, || {}));
            served.expect("a runtime").expect("a server");
        });
        Site {
            gear: at_gear,
            http: at_http,
            metrics: at_metrics,
            commands: Some(sender),
            thread: Some(thread),
        }
    }

    pub(crate) fn command(&self, command: Command) {
        let commands = self.commands.as_ref().expect("a server that runs");
        commands.send(command).expect("a server that runs");
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) {
        let thread = self.thread.take().expect("a server that runs");
        thread.join().expect("no panic");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A second panic would hide the first.
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// A peer that speaks Gearman.
#[derive(Debug)]
pub(crate) struct Gear {
    stream: TcpStream,
    decoder: Decoder,
    ready: VecDeque<(PacketType, Vec<u8>)>,
}

impl Gear {
    pub(crate) fn connect(site: &Site) -> Self {
        Gear {
            stream: connect(site.gear),
            decoder: Decoder::default(),
            ready: VecDeque::new(),
        }
    }

    /// A worker for one function.
    pub(crate) fn worker(site: &Site, function: &[u8]) -> Self {
        let mut worker = Gear::connect(site);
        worker.send(Request::CanDo {
            function,
            timeout_ms: None,
        });
        worker.barrier();
        worker
    }

    pub(crate) fn send(&mut self, request: Request<'_>) {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.stream.write_all(&bytes).expect("the server reads");
    }

    pub(crate) fn receive(&mut self) -> (PacketType, Vec<u8>) {
        let mut chunk = vec![0; 64 * 1024];
        while self.ready.is_empty() {
            let count = self.stream.read(&mut chunk).expect("an answer in time");
            assert_ne!(count, 0, "the server ended the connection");
            let ready = &mut self.ready;
            let sink = |frame: Frame<'_>| {
                match frame {
                    Frame::Packet(packet) => {
                        ready.push_back((packet.kind, packet.data.to_vec()));
                    }
                    Frame::Line(line) => panic!("a line: {}", line.escape_ascii()),
                }
                ControlFlow::Continue(())
            };
            self.decoder.feed(&chunk[..count], sink).expect("Gearman");
        }
        self.ready.pop_front().expect("it is not empty")
    }

    /// Waits until everything sent so far was handled.
    pub(crate) fn barrier(&mut self) {
        let body = Body::from(b"barrier");
        self.send(Request::Echo { body });
        assert_eq!(self.receive().0, PacketType::ECHO_RES);
    }

    /// The next job, waiting for it: handle, unique and payload.
    pub(crate) fn job(&mut self) -> [Vec<u8>; 3] {
        loop {
            self.send(Request::Grab(GrabKind::Uniq));
            match self.receive() {
                (PacketType::JOB_ASSIGN_UNIQ, data) => {
                    let mut parts = data.splitn(4, |&b| b == 0).map(<[u8]>::to_vec);
                    let mut next = || parts.next().expect("four arguments");
                    let [handle, _function, unique] = [next(), next(), next()];
                    return [handle, unique, next()];
                }
                (PacketType::NOOP, _) => {
                    // Woken between a question and its answer, which still comes.
                    assert_eq!(self.receive().0, PacketType::NO_JOB);
                }
                (kind, _) => assert_eq!(kind, PacketType::NO_JOB),
            }
            self.send(Request::PreSleep);
            assert_eq!(self.receive().0, PacketType::NOOP);
        }
    }

    pub(crate) fn work(&mut self, handle: &[u8], work: Work<'_>) {
        self.send(Request::Work { handle, work });
    }

    /// Takes the next job and ends it with its payload and `tail`.
    pub(crate) fn echo(&mut self, tail: &[u8]) {
        let [handle, _, payload] = self.job();
        let result = [&payload, tail].concat();
        self.work(&handle, Work::Complete(Body::new(&result)));
    }
}

/// A peer that speaks HTTP.
#[derive(Debug)]
pub(crate) struct Http(BufReader<TcpStream>);

/// An answer by HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Http(BufReader::new(connect(address)))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.0.get_mut().write_all(bytes.as_ref());
        sent.expect("the server reads");
    }

    /// POST with these header lines, each ended by CR LF.
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &[u8]) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.send(head);
        self.send(body);
    }

    pub(crate) fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    /// The next answer, which has as many bytes as it says.
    #[track_caller]
    pub(crate) fn receive(&mut self) -> Reply {
        let mut reply = self.receive_head();
        let length = reply.header("content-length").parse().expect("a number");
        reply.body = vec![0; length];
        self.0.read_exact(&mut reply.body).expect("a whole body");
        reply
    }

    /// The next answer, which has no body.
    #[track_caller]
    pub(crate) fn receive_head(&mut self) -> Reply {
        let mut line = || {
            let mut line = String::new();
            let count = self.0.read_line(&mut line).expect("an answer in time");
            assert_ne!(count, 0, "the server ended the connection");
            line.trim_end().to_owned()
        };
        let first = line();
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(": ") else {
                assert_eq!(line, "");
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Reply {
            status: status.unwrap_or_else(|| panic!("not HTTP: {first:?}")),
            headers,
            body: Vec::new(),
        }
    }

    /// Whether the server has ended the connection and nothing more comes.
    pub(crate) fn is_closed(&mut self) -> bool {
        let rest = self.0.read(&mut [0; 1]);
        matches!(rest, Ok(0))
            || rest.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    }
}
