//! What the generator reports, held against what is so: a shard on a clock of its own drives a
//! metronome, whose answers are known beforehand, and is kept from its work for as long as a test
//! wants. No socket, no thread, no machine has a say in it.

use super::drive::Done;
use super::faults::Outage;
use super::pacer::Pacer;
use super::shard::{Actor, Shard};
use super::watch::Watched;
use super::{Arrival, Counters, Pace, Plan, Probed, RunId, Shared, outcome};
use crate::protocol::{Body, ConnId, Decoder, Frame, Packet, Request, Response, Work};
use crate::report::{Kind, Report};
use crate::wire::{self, Config, Io, Service, Socket};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;

const MS: u64 = 1_000_000;
/// The metronome answers after this time.
const ANSWER: u64 = 10 * MS;
/// It does nothing for a tenth of each of these spans, from the middle on.
const SPAN: u64 = 1_000 * MS;
const STALL_FROM: u64 = SPAN / 2;
const STALL_UNTIL: u64 = STALL_FROM + SPAN / 10;

/// The first moment from `at` on at which the metronome does something.
fn out_of_stall(at: u64) -> u64 {
    match at % SPAN {
        into if (STALL_FROM..STALL_UNTIL).contains(&into) => at - into + STALL_UNTIL,
        _ => at,
    }
}

/// How long a job takes that is submitted at `at`.
fn truth(at: u64) -> u64 {
    out_of_stall(out_of_stall(at) + ANSWER) - at
}

/// When, in which order, to whom, and what.
type Sent = (u64, u64, ConnId, Vec<u8>);

/// A job server that answers each job after a fixed time, and stalls now and then.
#[derive(Default)]
struct Metronome {
    /// What it sends, the next first.
    sent: BinaryHeap<Reverse<Sent>>,
    count: u64,
    sleeping: VecDeque<ConnId>,
    queue: VecDeque<Job>,
    running: BTreeMap<Vec<u8>, Job>,
    jobs: u64,
}

struct Job {
    handle: Vec<u8>,
    function: Vec<u8>,
    body: Vec<u8>,
    client: ConnId,
    due: u64,
}

impl Metronome {
    fn send(&mut self, at: u64, conn: ConnId, response: &Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        self.count += 1;
        self.sent.push(Reverse((at, self.count, conn, bytes)));
    }

    fn receive(&mut self, conn: ConnId, packet: &Packet<'_>, now: u64) {
        let now = out_of_stall(now);
        match Request::parse(packet).unwrap() {
            Request::Echo { body } => self.send(now, conn, &Response::EchoRes { body }),
            Request::Submit(submit) => {
                self.jobs += 1;
                let handle = format!("H:metronome:{}", self.jobs).into_bytes();
                self.send(now, conn, &Response::JobCreated { handle: &handle });
                self.queue.push_back(Job {
                    handle,
                    function: submit.function.to_vec(),
                    body: submit.body.to_vec(),
                    client: conn,
                    due: now + ANSWER,
                });
                if let Some(sleeper) = self.sleeping.pop_front() {
                    self.send(now, sleeper, &Response::Noop);
                }
            }
            Request::Grab(_) => self.grab(conn, now),
            Request::PreSleep if self.queue.is_empty() => self.sleeping.push_back(conn),
            Request::PreSleep => self.send(now, conn, &Response::Noop),
            Request::Work {
                handle,
                work: Work::Complete(body),
            } => {
                let job = self.running.remove(handle).unwrap();
                let work = Work::Complete(Body::new(&body));
                let response = Response::Work { handle, work };
                self.send(out_of_stall(now.max(job.due)), job.client, &response);
            }
            _ => {}
        }
    }

    fn grab(&mut self, conn: ConnId, now: u64) {
        let Some(job) = self.queue.pop_front() else {
            return self.send(now, conn, &Response::NoJob);
        };
        let assign = Response::JobAssignUniq {
            handle: &job.handle,
            function: &job.function,
            unique: b"",
            body: Body::new(&job.body),
        };
        self.send(now, conn, &assign);
        self.running.insert(job.handle.clone(), job);
    }
}

/// The generator is kept from its work for a part of each span of time.
#[derive(Clone, Copy, Debug)]
struct Away {
    part: u64,
    span: u64,
}

const NEVER_AWAY: Away = Away { part: 0, span: 1 };

impl Away {
    /// The first moment from `at` on at which the generator does something.
    fn back(self, at: u64) -> u64 {
        match at % self.span {
            into if into >= self.span - self.part => at - into + self.span,
            _ => at,
        }
    }
}

struct World {
    shard: Shard,
    io: Io,
    server: Metronome,
    decoders: BTreeMap<ConnId, Decoder>,
    origin: Instant,
    away: Away,
    now: u64,
}

impl World {
    fn new(plan: &Plan, away: Away) -> Self {
        let origin = Instant::now();
        let shared = Arc::new(Shared {
            origin,
            outage: Outage::new(origin),
            stop: Arc::new(AtomicBool::new(false)),
            aborted: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            ready: AtomicUsize::new(0),
            empty_at: AtomicU64::new(0),
            counters: vec![Counters::default()],
            gathered: mpsc::channel().0,
        });
        let pacer = Rc::new(Pacer::new(origin).unwrap());
        World {
            shard: Shard::new(plan.clone(), 0, shared, pacer).unwrap(),
            io: Io::new(Config::default()),
            server: Metronome::default(),
            decoders: BTreeMap::new(),
            origin,
            away,
            now: 1,
        }
    }

    fn connect(&mut self, actor: Actor) {
        let (ours, _) = UnixStream::pair().unwrap();
        let (_, write) = Socket::from(ours).into_split().unwrap();
        let conn = self.io.insert(write);
        self.decoders.insert(conn, Decoder::default());
        self.shard.connected(actor, conn, &mut self.io);
        self.flush();
    }

    fn instant(&self) -> Instant {
        self.origin + Duration::from_nanos(self.now)
    }

    /// What the generator has written reaches the metronome at once.
    fn flush(&mut self) {
        for (conn, stamp, bytes) in self.io.take_written() {
            if stamp {
                self.shard.flushed(conn, self.instant());
            }
            let (server, now) = (&mut self.server, self.now);
            let decoder = self.decoders.get_mut(&conn).unwrap();
            let sink = |frame: Frame<'_>| {
                if let Frame::Packet(packet) = frame {
                    server.receive(conn, &packet, now);
                }
                ControlFlow::Continue(())
            };
            decoder.feed(&bytes, sink).unwrap();
        }
    }

    /// The generator reads what the metronome has sent by now.
    fn read(&mut self) {
        while let Some(Reverse((at, ..))) = self.server.sent.peek()
            && *at <= self.now
            && let Some(Reverse((_, _, conn, bytes))) = self.server.sent.pop()
        {
            let (shard, io) = (&mut self.shard, &mut self.io);
            let now = self.origin + Duration::from_nanos(self.now);
            let sink = |frame: Frame<'_>| {
                shard.frame(conn, frame, now, io);
                ControlFlow::Continue(())
            };
            Decoder::default().feed(&bytes, sink).unwrap();
        }
        self.flush();
    }

    /// Time goes on until the next thing happens to the generator that it is there for.
    fn pass(&mut self, tick_at: u64) {
        let sent = self.server.sent.peek();
        let next = sent.map_or(u64::MAX, |Reverse((at, ..))| *at).min(tick_at);
        self.now = self.away.back(next.max(self.now));
        self.read();
    }

    fn run(mut self) -> (Done, u64) {
        for actor in self.shard.wanted() {
            self.connect(actor);
        }
        while !self.server.sent.is_empty() {
            self.pass(u64::MAX);
        }
        self.shard.begin(self.now, &mut self.io);
        self.flush();
        let start = self.shard.measured_from.unwrap();
        let mut tick_at = self.now;
        loop {
            if tick_at <= self.now {
                match self.shard.tick(self.now, &mut self.io) {
                    Some(at) => tick_at = at,
                    None => break,
                }
                self.flush();
            }
            self.pass(tick_at);
        }
        self.shard.freeze(self.now);
        (Done::of(&mut self.shard, self.now), start)
    }
}

/// A report of the plan, and when its measured phase began.
fn report(plan: &Plan, away: Away) -> (Report, u64) {
    let plan = plan.clone().resolve().unwrap();
    let run = async { World::new(&plan, away).run() };
    let (done, start) = wire::block_on(run).unwrap();
    let context = outcome::Context {
        probed: Probed {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            version: None,
            refusal: None,
        },
        started_unix: 0,
        watched: Watched::default(),
        interrupted: false,
        restart_failures: Vec::new(),
        left_over: None,
        plan,
    };
    (outcome::report(context, &[done]).unwrap(), start)
}

fn open(rate: f64, seconds: u64) -> Plan {
    let mut plan = Plan::new("127.0.0.1:1", RunId(1 << 32), 1);
    (plan.clients, plan.workers) = (4, 8);
    plan.duration = Some(Duration::from_secs(seconds));
    let arrival = Arrival::Constant;
    plan.pace = Pace::Open { rate, arrival };
    plan
}

/// What response percentiles are to be.
fn percentiles(plan: &Plan, start: u64) -> impl Fn(f64) -> u64 {
    let Pace::Open { rate, .. } = plan.pace else {
        panic!("a schedule is wanted");
    };
    let jobs = (rate * plan.duration.unwrap().as_secs_f64()) as u64;
    let intended = |job: u64| start + (job as f64 * 1e9 / rate) as u64;
    let mut truths: Vec<u64> = (0..jobs).map(|job| truth(intended(job))).collect();
    truths.sort_unstable();
    move |percentile| truths[((percentile / 100.0 * jobs as f64).ceil() as usize).max(1) - 1]
}

fn reported(report: &Report, percentile: f64) -> u64 {
    let stage = report.headline().unwrap().stage("response").unwrap();
    stage.latency.percentile(percentile).unwrap()
}

/// Within 2 % or 1 ms.
fn is_right(reported: u64, truth: u64) -> bool {
    reported.abs_diff(truth) <= MS.max(truth / 50)
}

fn is_inconclusive(report: &Report) -> bool {
    let mut findings = report.verdict.findings.iter();
    report.verdict.exit_code == 8 && findings.any(|found| found.kind == Kind::Generator)
}

#[test]
fn a_stalling_metronome_is_reported_as_it_is() {
    for rate in [4_000.0, 9_000.0] {
        let plan = open(rate, 3);
        let (report, start) = report(&plan, NEVER_AWAY);
        assert!(report.verdict.passed(), "{:?}", report.verdict);
        assert!(report.verdict.notes.is_empty(), "{:?}", report.verdict);
        let truth = percentiles(&plan, start);
        assert!(truth(50.0) == ANSWER && truth(99.0) > 5 * ANSWER);
        for percentile in [50.0, 90.0, 99.0, 99.9] {
            // No more than the histogram rounds.
            let (found, truth) = (reported(&report, percentile), truth(percentile));
            let off = found.abs_diff(truth) as f64 / truth as f64;
            assert!(
                off < 0.002,
                "p{percentile} at {rate}/s: {found}, not {truth}"
            );
        }
        assert_eq!(report.ledger.ok, report.ledger.scheduled);
    }
}

#[test]
fn half_of_the_processor_taken_away_is_inconclusive() {
    for away_for in [4 * MS, 10 * MS, 50 * MS] {
        let away = Away {
            part: away_for,
            span: 2 * away_for,
        };
        let (report, _) = report(&open(2_000.0, 3), away);
        assert!(is_inconclusive(&report), "{away:?}: {:?}", report.verdict);
        let late = report.generator.late.unwrap();
        assert!(late.p99_ns.abs_diff(away_for) < away_for / 10, "{late:?}");
    }
}

#[test]
fn no_figure_is_wrong_without_a_word() {
    let mut silent = 0;
    for share in [2, 10, 50, 200] {
        for part in [MS / 5, 3 * MS, 50 * MS] {
            let away = Away {
                part,
                span: part * share,
            };
            let plan = open(4_000.0, 3);
            let (report, start) = report(&plan, away);
            if is_inconclusive(&report) {
                continue;
            }
            let truth = percentiles(&plan, start);
            let right = |p| is_right(reported(&report, p), truth(p));
            let said = &report.verdict.notes;
            silent += u32::from(said.is_empty());
            assert!(right(50.0) && right(90.0), "{away:?}: {said:?}");
            assert!(right(99.0) && right(99.9) || !said.is_empty(), "{away:?}");
        }
    }
    assert!(silent > 0, "some absences do no harm");
}

#[test]
fn a_closed_loop_knows_that_it_was_kept_waiting() {
    let mut plan = open(1.0, 3);
    plan.pace = Pace::Closed { outstanding: 1 };
    let (at_work, _) = report(&plan, NEVER_AWAY);
    assert!(at_work.verdict.passed(), "{:?}", at_work.verdict);
    let away = Away {
        part: 10 * MS,
        span: 20 * MS,
    };
    let (kept_away, _) = report(&plan, away);
    assert!(is_inconclusive(&kept_away), "{:?}", kept_away.verdict);
}
