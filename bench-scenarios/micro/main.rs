//! Micro-benchmarks of what every job passes through: the codec and the engine, without sockets.
//!
//! `cargo bench --bench micro`. They compare versions of this code on one machine; what users
//! feel is measured over TCP.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gearbench::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use gearbench::protocol::{
    Body, ConnId, Decoder, Frame, GrabKind, Limits, Priority, Request, Response, Submit, Work,
};
use slotmap::SlotMap;
use std::hint::black_box;
use std::ops::ControlFlow;

/// Jobs of one measured batch.
const JOBS: u64 = 10_000;

/// Encodes what is sent, as the server does, and remembers nothing.
#[derive(Default)]
struct Sink(Vec<u8>);

impl Outbox for Sink {
    fn send(&mut self, _: ConnId, response: Response<'_>) {
        if self.0.len() > 60_000 {
            self.0.clear();
        }
        response.encode(&mut self.0);
    }
    fn text(&mut self, _: ConnId, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
    fn close(&mut self, _: ConnId) {}
}

/// A job server with one connection.
struct Bench {
    engine: JobServer,
    /// The connection that speaks.
    conn: ConnId,
    conns: SlotMap<ConnId, ()>,
    decoder: Decoder,
    out: Sink,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Bench {
            engine: JobServer::new(Policy::default()),
            conn: ConnId::default(),
            conns: SlotMap::with_key(),
            decoder: Decoder::new(Limits::default()),
            out: Sink::default(),
        };
        bench.conn = bench.connect();
        bench
    }

    fn connect(&mut self) -> ConnId {
        let conn = self.conns.insert(());
        let connected = Event::Connected(conn, PeerInfo::default());
        self.engine.handle(Timestamp(0), connected, &mut self.out);
        conn
    }

    fn can_do(&mut self, function: &[u8]) {
        self.send(Request::CanDo {
            function,
            timeout_ms: None,
        });
    }

    /// Grabs and completes the job of that number.
    fn run(&mut self, job: u64) {
        self.send(Request::Grab(GrabKind::Uniq));
        let handle = &*Policy::default().handle_prefix.handle(job);
        let work = Work::Complete(Body::default());
        self.send(Request::Work { handle, work });
    }

    fn feed(&mut self, bytes: &[u8]) {
        let Bench {
            engine,
            conn,
            decoder,
            out,
            ..
        } = self;
        let fed = decoder.feed(bytes, |frame| {
            engine.handle(Timestamp(1), Event::frame(*conn, frame), out);
            ControlFlow::Continue(())
        });
        assert!(fed.is_ok(), "the stream is well formed");
    }

    fn send(&mut self, request: Request<'_>) {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.feed(&bytes);
    }
}

fn submit<'a>(unique: &'a [u8], body: &'a [u8]) -> Request<'a> {
    Request::Submit(Submit {
        function: b"function",
        unique,
        priority: Priority::Normal,
        background: true,
        epoch: None,
        reducer: None,
        body: Body::new(body),
    })
}

/// The bytes of [`JOBS`] submissions of 100 bytes each, with a unique each or none.
fn flood(with_unique: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for job in 0..JOBS {
        let unique = if with_unique {
            format!("unique-{job}")
        } else {
            String::new()
        };
        submit(unique.as_bytes(), &[b'x'; 100]).encode(&mut bytes);
    }
    bytes
}

/// The bytes of a worker that runs jobs `first..`, whose handles it knows beforehand.
fn drain(first: u64) -> Vec<u8> {
    let prefix = Policy::default().handle_prefix;
    let mut bytes = Vec::new();
    for job in first..first + JOBS {
        Request::Grab(GrabKind::Uniq).encode(&mut bytes);
        let handle = &*prefix.handle(job);
        let work = Work::Complete(Body::default());
        Request::Work { handle, work }.encode(&mut bytes);
    }
    bytes
}

fn decode(c: &mut Criterion) {
    let bytes = flood(false);
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(JOBS));
    group.bench_function("decode and parse submissions", |b| {
        b.iter(|| {
            let fed = Decoder::default().feed(&bytes, |frame| {
                if let Frame::Packet(packet) = frame {
                    let _ = black_box(Request::parse(&packet));
                }
                ControlFlow::Continue(())
            });
            assert!(fed.is_ok());
        });
    });
    group.finish();
}

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(JOBS));
    for (name, with_unique) in [("flood", false), ("flood, a unique each", true)] {
        let bytes = flood(with_unique);
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                Bench::new,
                |bench| bench.feed(&bytes),
                BatchSize::PerIteration,
            );
        });
    }
    let (fill, work) = (flood(false), drain(1));
    group.bench_function("drain", |b| {
        let full = || {
            let mut bench = Bench::new();
            bench.can_do(b"function");
            bench.feed(&fill);
            bench
        };
        b.iter_batched_ref(full, |bench| bench.feed(&work), BatchSize::PerIteration);
    });
    group.finish();
}

/// One job in, out and done while others wait: the cost must not depend on how many.
fn flat(c: &mut Criterion) {
    let mut group = c.benchmark_group("flat");
    group.sample_size(20);
    for queued in [1_000, 100_000, 1_000_000] {
        let mut bench = Bench::new();
        bench.can_do(b"function");
        for _ in 0..queued {
            bench.send(submit(b"", &[b'x'; 100]));
        }
        let mut job = 0;
        group.bench_function(format!("one job, {queued} queued"), |b| {
            b.iter(|| {
                bench.send(submit(b"", &[b'x'; 100]));
                job += 1;
                bench.run(job);
            });
        });
    }
    for functions in [1, 100, 10_000] {
        let mut bench = Bench::new();
        for number in 0..functions {
            bench.can_do(format!("function-{number}").as_bytes());
        }
        bench.can_do(b"function");
        let mut job = 0;
        group.bench_function(format!("one job, {functions} functions more"), |b| {
            b.iter(|| {
                bench.send(submit(b"", b""));
                job += 1;
                bench.run(job);
            });
        });
    }
    for sleepers in [1, 100, 10_000] {
        let mut bench = Bench::new();
        let workers: Vec<ConnId> = (0..sleepers).map(|_| bench.connect()).collect();
        for &worker in &workers {
            bench.conn = worker;
            bench.can_do(b"function");
            bench.send(Request::PreSleep);
        }
        let client = bench.connect();
        let mut job = 0;
        group.bench_function(format!("one job, {sleepers} workers asleep"), |b| {
            b.iter(|| {
                bench.conn = client;
                bench.send(submit(b"", b""));
                // The one that slept longest is woken.
                bench.conn = workers[job as usize % workers.len()];
                job += 1;
                bench.run(job);
                bench.send(Request::PreSleep);
            });
        });
    }
    many_sets(&mut group);
    many_functions(&mut group);
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Workers that each know something else besides the one function, all of them awake.
fn many_sets(group: &mut Group<'_>) {
    for sets in [1, 100, 10_000] {
        let mut bench = Bench::new();
        bench.can_do(b"function");
        let client = bench.conn;
        for number in 0..sets {
            bench.conn = bench.connect();
            bench.can_do(b"function");
            bench.can_do(format!("function-{number}").as_bytes());
            bench.send(Request::Grab(GrabKind::Uniq));
        }
        bench.conn = client;
        let mut job = 0;
        group.bench_function(format!("one job, {sets} kinds of workers awake"), |b| {
            b.iter(|| {
                bench.send(submit(b"", b""));
                job += 1;
                bench.run(job);
            });
        });
    }
}

/// Requests that name no function, or change what a worker can do, with many functions known.
fn many_functions(group: &mut Group<'_>) {
    for functions in [100, 10_000] {
        let mut bench = Bench::new();
        for number in 0..functions {
            let function = format!("function-{number}");
            let job = submit(b"unique", b"");
            let Request::Submit(job) = job else { return };
            let function = function.as_bytes();
            bench.send(Request::Submit(Submit { function, ..job }));
            bench.can_do(function);
        }
        let unique = b"another";
        bench.send(submit(unique, b""));
        group.bench_function(format!("GET_STATUS_UNIQUE, {functions} functions"), |b| {
            b.iter(|| bench.send(Request::GetStatusUnique { unique }));
        });
        let function = b"function-0";
        let name = format!("CANT_DO and back between grabs, {functions} functions");
        group.bench_function(name, |b| {
            b.iter(|| {
                bench.send(Request::CantDo { function });
                bench.send(Request::Grab(GrabKind::Uniq));
                bench.can_do(function);
                bench.send(Request::Grab(GrabKind::Uniq));
            });
        });
    }
}

criterion_group!(benches, decode, engine, flat);
criterion_main!(benches);
