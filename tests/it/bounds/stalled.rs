//! Peers that do not read, and what they cost the others.

use super::{answers, connect};
use crate::support::{PATIENCE, Serve, Server};
use gearbench::protocol::{Body, GrabKind, Priority, Request, Submit, Work};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const FUNCTION: &[u8] = b"stalled";
const MIB: usize = 1024 * 1024;

fn send(stream: &mut TcpStream, request: Request<'_>) {
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    stream.write_all(&bytes).expect("the server reads");
}

/// The type and the data of the next packet.
fn receive(stream: &mut TcpStream) -> (u32, Vec<u8>) {
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("a packet");
    let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
    let mut data = vec![0; number(8) as usize];
    stream.read_exact(&mut data).expect("the whole packet");
    (number(4), data)
}

fn submit(client: &mut TcpStream, body: &[u8]) {
    send(
        client,
        Request::Submit(Submit {
            function: FUNCTION,
            unique: b"",
            priority: Priority::Normal,
            background: false,
            epoch: None,
            reducer: None,
            body: Body::new(body),
        }),
    );
}

fn worker(server: &impl Server) -> TcpStream {
    let mut worker = connect(server);
    let function = FUNCTION;
    let timeout_ms = None;
    send(
        &mut worker,
        Request::CanDo {
            function,
            timeout_ms,
        },
    );
    worker
}

/// The handle of the job that a worker gets.
fn grab(worker: &mut TcpStream) -> Vec<u8> {
    send(worker, Request::Grab(GrabKind::Classic));
    let (kind, data) = receive(worker);
    assert_eq!(kind, 11, "JOB_ASSIGN");
    data.split(|&byte| byte == 0)
        .next()
        .expect("a handle")
        .to_vec()
}

/// Writes until all is written or the server takes no more; how much it took.
fn write_until_stuck(stream: &mut TcpStream, bytes: &[u8]) -> usize {
    let pause = Some(Duration::from_secs(1));
    stream.set_write_timeout(pause).expect("a socket");
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    stream.set_write_timeout(None).expect("a socket");
    written
}

/// Parts of a result wait at the worker, not in the server, while the client does not read; once it
/// reads, it gets all of them, in order.
#[test]
fn a_worker_does_not_stream_faster_than_its_client_reads() {
    const PARTS: usize = 2000;
    let server = Serve::start(&["--output-limit", "1MiB"]);
    let (mut client, mut worker) = (connect(&server), worker(&server));
    submit(&mut client, b"");
    let handle = grab(&mut worker);
    let mut bytes = Vec::new();
    let mut body = vec![b'.'; 64 * 1024];
    let mut say = |work: Work<'_>| {
        let handle = &handle;
        Request::Work { handle, work }.encode(&mut bytes);
    };
    for number in 0..PARTS {
        body[..4].copy_from_slice(&(number as u32).to_be_bytes());
        say(Work::Data(Body::new(&body)));
    }
    say(Work::Complete(Body::new(b"end")));
    let taken = write_until_stuck(&mut worker, &bytes);
    assert!(taken < 64 * MIB, "{taken} bytes were taken");
    assert!(answers(&mut connect(&server)));

    let rest = std::thread::spawn(move || worker.write_all(&bytes[taken..]).map(|()| worker));
    assert_eq!(receive(&mut client).0, 8, "JOB_CREATED");
    for number in 0..PARTS {
        let (kind, data) = receive(&mut client);
        let part = &data[data.len() - body.len()..];
        let found = u32::from_be_bytes(part[..4].try_into().expect("four bytes"));
        assert_eq!((kind, found), (28, number as u32), "WORK_DATA");
    }
    let (kind, data) = receive(&mut client);
    assert!(kind == 13 && data.ends_with(b"end"), "WORK_COMPLETE");
    let mut worker = rest.join().expect("a thread").expect("the server reads");
    assert!(answers(&mut worker));
}

/// A client that does not read and goes away lets its worker go on.
#[test]
fn a_worker_goes_on_when_its_client_is_gone() {
    let server = Serve::start(&["--output-limit", "1MiB"]);
    let (mut client, mut worker) = (connect(&server), worker(&server));
    submit(&mut client, b"");
    let handle = grab(&mut worker);
    let mut bytes = Vec::new();
    let body = vec![b'.'; MIB];
    for _ in 0..64 {
        let work = Work::Data(Body::new(&body));
        Request::Work {
            handle: &handle,
            work,
        }
        .encode(&mut bytes);
    }
    let taken = write_until_stuck(&mut worker, &bytes);
    drop(client);
    worker.write_all(&bytes[taken..]).expect("the server reads");
    send(
        &mut worker,
        Request::Echo {
            body: Body::new(b"on"),
        },
    );
    // Before it, an ERROR for each part that came after the job was dropped.
    let answer = loop {
        match receive(&mut worker) {
            (19, _) => {}
            other => break other,
        }
    };
    assert_eq!(answer, (17, b"on".to_vec()));
}

/// Whoever has done its job is free for the next one, however slowly the client takes the results.
#[test]
fn the_end_of_a_job_waits_for_no_client() {
    let server = Serve::start(&["--output-limit", "1MiB"]);
    let (mut client, mut worker) = (connect(&server), worker(&server));
    let result = vec![b'.'; 4 * MIB];
    for _ in 0..8 {
        submit(&mut client, b"");
    }
    for _ in 0..8 {
        let handle = grab(&mut worker);
        let work = Work::Complete(Body::new(&result));
        send(
            &mut worker,
            Request::Work {
                handle: &handle,
                work,
            },
        );
    }
    assert!(answers(&mut worker));
    let ends = (0..16).filter(|_| receive(&mut client).0 == 13).count();
    assert_eq!(ends, 8);
}

/// A large job for a worker that does not read waits without work for the server.
#[test]
fn a_large_job_for_a_stalled_worker_costs_no_processor_time() {
    let server = Serve::start(&[]);
    let (mut client, mut worker) = (connect(&server), worker(&server));
    submit(&mut client, &vec![b'.'; 50 * MIB]);
    assert_eq!(receive(&mut client).0, 8, "JOB_CREATED");
    send(&mut worker, Request::Grab(GrabKind::Classic));
    // The head of JOB_ASSIGN, and nothing more.
    worker.read_exact(&mut [0; 12]).expect("a packet");
    assert!(answers(&mut connect(&server)));

    is_at_rest(&server, &mut client);

    worker.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut rest = vec![0; 50 * MIB];
    worker.read_exact(&mut rest).expect("the whole job");
}

/// The same with a large result for a client that does not read.
#[test]
fn a_large_result_for_a_stalled_client_costs_no_processor_time() {
    let server = Serve::start(&[]);
    let (mut client, mut worker) = (connect(&server), worker(&server));
    submit(&mut client, b"");
    assert_eq!(receive(&mut client).0, 8, "JOB_CREATED");
    let handle = grab(&mut worker);
    let result = vec![b'.'; 50 * MIB];
    let work = Work::Complete(Body::new(&result));
    let handle = &handle;
    send(&mut worker, Request::Work { handle, work });
    assert!(answers(&mut worker));

    is_at_rest(&server, &mut worker);

    let (kind, data) = receive(&mut client);
    assert!(kind == 13 && data.ends_with(&result), "WORK_COMPLETE");
}

/// For two seconds the server has next to nothing to do. It has nothing to say to `quiet`.
fn is_at_rest(server: &impl Server, quiet: &mut TcpStream) {
    let (before, started) = (processor_time(server), Instant::now());
    let pause = Some(Duration::from_secs(2));
    quiet.set_read_timeout(pause).expect("a socket");
    quiet.read(&mut [0]).expect_err("there is no answer");
    let share = (processor_time(server) - before) / started.elapsed().as_secs_f64();
    assert!(share < 0.5, "{share} of a processor");
}

/// User and system time of the server, in seconds.
fn processor_time(server: &impl Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("/proc");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = |index| -> f64 {
        let field = fields.split_whitespace().nth(index);
        field.and_then(|text| text.parse().ok()).expect("a number")
    };
    // Fields 14 and 15 of the line; a tick is a hundredth of a second wherever Linux runs.
    (ticks(11) + ticks(12)) / 100.0
}
