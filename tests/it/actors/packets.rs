//! The same seed sends the same bytes: what clients send is recorded on its way to a server.

use super::{plan, run};
use crate::support::{Serve, Server};
use gearbench::load::{Arrival, Pace, RunId};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Hands everything on, and keeps what clients say.
struct Recorder {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let streams = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&streams);
        // Ends with the process of the tests: it waits for connections that do not come.
        thread::spawn(move || {
            for (at, client) in listener.incoming().map_while(Result::ok).enumerate() {
                let server = TcpStream::connect(server).expect("a server that accepts");
                for stream in [&client, &server] {
                    stream.set_nodelay(true).expect("a socket");
                }
                kept.lock().expect("no panic").push(Vec::new());
                let back = (server.try_clone(), client.try_clone());
                let (from, to) = (back.0.expect("a socket"), back.1.expect("a socket"));
                thread::spawn(move || hand_on(from, to, |_| {}));
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    hand_on(client, server, |bytes| {
                        kept.lock().expect("no panic")[at].extend_from_slice(bytes);
                    });
                });
            }
        });
        Recorder { address, streams }
    }

    /// What each connection that submitted jobs has sent, in the order of the connections.
    fn submitted(&self) -> Vec<Vec<u8>> {
        let streams = self.streams.lock().expect("no panic");
        let submit = |bytes: &[u8]| bytes == b"\0REQ\0\0\0\x07" || bytes == b"\0REQ\0\0\0\x12";
        let submits = |stream: &&Vec<u8>| stream.windows(8).any(submit);
        streams.iter().filter(submits).cloned().collect()
    }
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// All that clients send in a run of this seed, whenever the answers come.
fn packets(seed: u64) -> Vec<Vec<u8>> {
    let server = Serve::start(&[]);
    let recorder = Recorder::before(server.address());
    let mut plan = plan(recorder.address);
    (plan.id, plan.seed) = (RunId(0x1234_5678_9abc_0000), seed);
    plan.pace = Pace::Open {
        rate: 2000.0,
        arrival: Arrival::Poisson,
    };
    plan.payload = "lognormal:100,1".parse().expect("a size");
    plan.priority = "high=1,normal=1".parse().expect("shares");
    plan.background_percent = 50.0;
    plan.unique = "pool:7".parse().expect("names");
    (plan.functions, plan.exception_percent) = (3, 10.0);
    let report = run(plan);
    assert_eq!(report.ledger.shed, 0);
    let mut streams = recorder.submitted();
    streams.sort();
    streams
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let (first, again, other) = (packets(1), packets(1), packets(2));
    assert_eq!(first.len(), 4);
    assert!(first == again, "the same seed sent other bytes");
    assert!(first != other, "another seed sent the same bytes");
}
