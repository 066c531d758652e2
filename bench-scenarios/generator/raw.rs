//! The simple generator that ours is held against: bare epoll, no books, no checks, one clock read
//! for each pass. It keeps only what it needs to say how many jobs ended, and how long they took.

use crate::Result;
use crate::server::Server;
use crate::sockets::{Sockets, next_packet};
use gearbench::protocol::{Body, GrabKind, Priority, Request, Submit, Work};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

/// How long one load may take.
const LIMIT: Duration = Duration::from_secs(140);

/// One load, for either generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) background: bool,
    pub(crate) clients: usize,
    /// Jobs of a client on their way; with a rate, as many as come.
    pub(crate) in_flight: usize,
    /// Jobs a second of an open loop, at times of a Poisson process.
    pub(crate) rate: Option<f64>,
    pub(crate) workers: usize,
    /// Mean of the exponential time that a job takes.
    pub(crate) service: Option<Duration>,
    pub(crate) payload: usize,
    pub(crate) result: usize,
    pub(crate) length: Length,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// Jobs.
    Jobs(u64),
    /// Time that is not measured, then time that is.
    Time(Duration, Duration),
}

/// What a load came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) per_second: f64,
    /// Median response in microseconds.
    pub(crate) p50_us: f64,
    /// Processor microseconds for each job: of the generator, and of the server.
    pub(crate) own_us: f64,
    pub(crate) server_us: f64,
}

pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Jobs and times at one moment.
struct Mark {
    at: Instant,
    done: u64,
    times: usize,
    own: Duration,
    server: Duration,
}

struct Play<'a> {
    load: Load,
    server: &'a Server,
    sockets: Sockets,
    /// First the workers, then the clients.
    workers: usize,
    clients: Vec<VecDeque<Sent>>,
    payload: Vec<u8>,
    result: Vec<u8>,
    sent: u64,
    done: u64,
    times: Vec<u64>,
    served: usize,
    now: Instant,
    next: Instant,
    turn: usize,
    due: BinaryHeap<Reverse<(Instant, usize, Vec<u8>)>>,
    random: StdRng,
    over: bool,
}

/// A job of which the client waits for the answer.
struct Sent {
    at: Instant,
    handle: u64,
}

fn hash(handle: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    handle.iter().fold(0xcbf2_9ce4_8422_2325, step) | 1
}

/// Plays a load on a server.
pub(crate) fn play(server: &Server, load: Load) -> Result<Cost> {
    let mut play = Play {
        load,
        server,
        sockets: Sockets::new()?,
        workers: load.workers,
        clients: (0..load.clients).map(|_| VecDeque::new()).collect(),
        payload: vec![b'x'; load.payload],
        result: vec![b'y'; load.result],
        sent: 0,
        done: 0,
        times: Vec::new(),
        served: 0,
        now: Instant::now(),
        next: Instant::now(),
        turn: 0,
        due: BinaryHeap::new(),
        random: StdRng::seed_from_u64(rand::random()),
        over: false,
    };
    play.connect()?;
    play.run()
}

impl Play<'_> {
    fn connect(&mut self) -> Result<()> {
        let address = self.server.address();
        for number in 0..self.workers + self.load.clients {
            let conn = self.sockets.connect(&address)?;
            if number < self.workers {
                let (function, timeout_ms) = (b"raw".as_slice(), None);
                let can_do = Request::CanDo {
                    function,
                    timeout_ms,
                };
                self.sockets.request(conn, &can_do);
                self.sockets.request(conn, &Request::PreSleep);
            }
            let body = Body::default();
            self.sockets.request(conn, &Request::Echo { body });
            while self.served <= number {
                self.pass(None)?;
            }
        }
        Ok(())
    }

    fn mark(&self) -> Result<Mark> {
        Ok(Mark {
            at: Instant::now(),
            done: self.done,
            times: self.times.len(),
            own: thread_cpu(),
            server: self.server.cpu()?,
        })
    }

    fn run(mut self) -> Result<Cost> {
        let began = Instant::now();
        (self.now, self.next) = (began, began);
        let mut start = self.mark()?;
        for client in 0..self.clients.len() {
            self.refill(client);
        }
        if let Length::Time(warmup, _) = self.load.length {
            self.until(|play| play.now >= began + warmup)?;
            start = self.mark()?;
        }
        match self.load.length {
            Length::Jobs(jobs) => self.until(|play| play.done >= jobs)?,
            Length::Time(warmup, time) => self.until(|play| play.now >= began + warmup + time)?,
        }
        let end = self.mark()?;
        self.over = true;
        // What is on its way may end, so that the server is as it was.
        let all = self.sent;
        self.until(|play| play.done >= all)?;
        let jobs = (end.done - start.done) as f64;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / jobs;
        let times = &mut self.times[start.times..end.times];
        times.sort_unstable();
        Ok(Cost {
            per_second: jobs / (end.at - start.at).as_secs_f64(),
            p50_us: times
                .get(times.len() / 2)
                .map_or(0.0, |ns| *ns as f64 / 1e3),
            own_us: each(end.own - start.own),
            server_us: each(end.server - start.server),
        })
    }

    fn until(&mut self, over: impl Fn(&Self) -> bool) -> Result<()> {
        let began = Instant::now();
        let mut look = began;
        while !over(self) {
            // Without an answer it still looks at the clock now and then.
            if self.now >= look {
                look = self.now + Duration::from_millis(10);
            }
            self.pass(Some(look))?;
            if began.elapsed() > LIMIT {
                return Err(format!("not over after {LIMIT:?}").into());
            }
        }
        Ok(())
    }

    fn pass(&mut self, until: Option<Instant>) -> Result<()> {
        let mut at = until;
        let service = self.due.peek().map(|Reverse((due, ..))| *due);
        let arrival = self.load.rate.filter(|_| !self.over && self.served > 0);
        for wanted in [service, arrival.map(|_| self.next)].into_iter().flatten() {
            at = at.map(|at| at.min(wanted));
        }
        let mut ready = Vec::new();
        self.sockets.wait(at, &mut ready)?;
        self.now = Instant::now();
        for conn in ready {
            self.read(conn)?;
        }
        while let Some(Reverse((due, ..))) = self.due.peek()
            && *due <= self.now
            && let Some(Reverse((_, conn, handle))) = self.due.pop()
        {
            self.complete(conn, &handle);
        }
        if let (Some(rate), true) = (arrival, until.is_some()) {
            while self.next <= self.now {
                self.turn = (self.turn + 1) % self.clients.len();
                self.submit(self.turn, self.next);
                let uniform: f64 = self.random.random();
                self.next += Duration::from_secs_f64(-(1.0 - uniform).ln() / rate);
            }
        }
        Ok(())
    }

    /// Closed loop: as many jobs as the client may have.
    fn refill(&mut self, client: usize) {
        if self.load.rate.is_some() {
            return;
        }
        let most = match self.load.length {
            Length::Jobs(jobs) => jobs,
            Length::Time(..) => u64::MAX,
        };
        while self.clients[client].len() < self.load.in_flight && self.sent < most && !self.over {
            self.submit(client, self.now);
        }
    }

    fn submit(&mut self, client: usize, at: Instant) {
        self.sent += 1;
        self.clients[client].push_back(Sent { at, handle: 0 });
        let submit = Submit {
            function: b"raw",
            unique: b"",
            priority: Priority::Normal,
            background: self.load.background,
            epoch: None,
            reducer: None,
            body: Body::new(&self.payload),
        };
        let conn = self.workers + client;
        self.sockets.request(conn, &Request::Submit(submit));
    }

    fn read(&mut self, conn: usize) -> Result<()> {
        let input = self.sockets.read(conn)?;
        let input = input.ok_or("the server ended a connection")?;
        let mut used = 0;
        while let Some((kind, data)) = next_packet(&input, used) {
            used = data.end;
            self.hear(conn, kind, &input[data])?;
        }
        self.sockets.keep(conn, input, used);
        if let Some(client) = conn.checked_sub(self.workers) {
            self.refill(client);
        }
        Ok(())
    }

    /// Numbers of packets are those of the protocol.
    fn hear(&mut self, conn: usize, kind: u32, data: &[u8]) -> Result<()> {
        let handle = data.split(|byte| *byte == 0).next().unwrap_or_default();
        match (kind, conn.checked_sub(self.workers)) {
            (17, _) => self.served += 1,
            (8, Some(client)) if self.load.background => {
                self.clients[client].pop_front();
                self.done += 1;
            }
            (8, Some(client)) => {
                let sent = &mut self.clients[client];
                if let Some(first) = sent.iter_mut().find(|sent| sent.handle == 0) {
                    first.handle = hash(handle);
                }
            }
            (13, Some(client)) => {
                let hash = hash(handle);
                let sent = &mut self.clients[client];
                let at = sent.iter().position(|sent| sent.handle == hash);
                let sent = at
                    .and_then(|at| sent.remove(at))
                    .ok_or("a foreign result")?;
                let took = self.now.saturating_duration_since(sent.at);
                self.times.push(took.as_nanos() as u64);
                self.done += 1;
            }
            (6, None) => self
                .sockets
                .request(conn, &Request::Grab(GrabKind::Classic)),
            (10, None) => self.sockets.request(conn, &Request::PreSleep),
            (11, None) => match self.load.service {
                None => self.complete(conn, handle),
                Some(mean) => {
                    let uniform: f64 = self.random.random();
                    let service = mean.mul_f64(-(1.0 - uniform).ln());
                    let due = self.now + service;
                    self.due.push(Reverse((due, conn, handle.to_vec())));
                }
            },
            _ => return Err(format!("unexpected packet {kind}").into()),
        }
        Ok(())
    }

    fn complete(&mut self, conn: usize, handle: &[u8]) {
        let work = Work::Complete(Body::new(&self.result));
        self.sockets.request(conn, &Request::Work { handle, work });
        self.sockets
            .request(conn, &Request::Grab(GrabKind::Classic));
    }
}
