//! The load of the paired runs: clients and workers that keep no books and never sleep.
//!
//! `gearbench run` is not used here, since it sleeps when it has nothing to do, as a good program
//! does. To wake a sleeping peer on another core of a virtual machine costs the server more than
//! all else it does for a job, and how often it must depends on which of the two happens to be
//! faster. A generator that is always awake takes that out of both servers' figures.

use crate::Result;
use crate::server::Server;
use gearbench::protocol::{
    Body, ConnId, Frame, GrabKind, Priority, Request, Response, Submit, Work,
};
use gearbench::wire::{self, Closed, Config, Hub, Io, Service};
use slotmap::SecondaryMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long one load may take.
const LIMIT: Duration = Duration::from_secs(140);

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Jobs whose result is waited for.
    Foreground,
    /// Jobs that are only acknowledged; with a unique each, counted from a number, or without.
    Background { unique: Option<u64> },
    /// An echo.
    Echo,
}

/// One load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) ask: Ask,
    pub(crate) clients: usize,
    /// Requests of a client on their way.
    pub(crate) in_flight: usize,
    pub(crate) workers: usize,
    /// Grabs that a worker without a client has on their way.
    pub(crate) ahead: usize,
    /// Functions of each worker; clients take them in turn.
    pub(crate) functions: usize,
    pub(crate) payload: usize,
    pub(crate) result: usize,
    /// Requests in all; without clients, jobs taken from the queue.
    pub(crate) total: u64,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            ask: Ask::Foreground,
            clients: 0,
            in_flight: 1,
            workers: 0,
            ahead: 1,
            functions: 1,
            payload: 100,
            result: 0,
            total: 0,
        }
    }
}

/// What a load cost, for each request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Processor microseconds of the server.
    pub(crate) cpu_us: f64,
    pub(crate) per_second: f64,
    /// Median time to the answer in microseconds, of one client with one request at a time.
    pub(crate) p50_us: f64,
}

#[derive(Clone, Copy)]
enum Role {
    Client,
    Worker,
}

struct Play {
    load: Load,
    roles: SecondaryMap<ConnId, Role>,
    functions: Vec<String>,
    payload: Vec<u8>,
    result: Vec<u8>,
    /// Echoes that show that the workers are registered.
    registered: usize,
    sent: u64,
    done: u64,
    asked_at: Instant,
    times: Vec<Duration>,
    trouble: Option<String>,
}

impl Play {
    fn new(load: Load) -> Self {
        Play {
            load,
            roles: SecondaryMap::new(),
            functions: (0..load.functions).map(|n| format!("bench-{n}")).collect(),
            payload: vec![b'x'; load.payload],
            result: vec![b'y'; load.result],
            registered: 0,
            sent: 0,
            done: 0,
            asked_at: Instant::now(),
            times: Vec::new(),
            trouble: None,
        }
    }

    /// A worker says what it can do; where clients come, it sleeps until they do.
    fn register(&self, conn: ConnId, io: &mut Io) {
        for function in &self.functions {
            let function = function.as_bytes();
            let timeout_ms = None;
            io.request(
                conn,
                &Request::CanDo {
                    function,
                    timeout_ms,
                },
            );
        }
        if self.load.clients > 0 {
            io.request(conn, &Request::PreSleep);
        }
        io.request(
            conn,
            &Request::Echo {
                body: Body::default(),
            },
        );
    }

    fn begin(&mut self, conns: &[ConnId], io: &mut Io) {
        for &conn in conns {
            match self.roles.get(conn) {
                Some(Role::Client) => {
                    (0..self.load.in_flight).for_each(|_| self.ask(conn, io));
                }
                Some(Role::Worker) if self.load.clients == 0 => {
                    (0..self.load.ahead).for_each(|_| self.grab_one_of_all(conn, io));
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, conn: ConnId, io: &mut Io) {
        if self.sent == self.load.total {
            return;
        }
        let number = self.sent;
        self.sent += 1;
        self.asked_at = Instant::now();
        let body = Body::new(&self.payload);
        let mut unique = String::new();
        if let Ask::Background {
            unique: Some(first),
        } = self.load.ask
        {
            unique = (first + number).to_string();
        }
        let submit = Submit {
            function: self.functions[number as usize % self.functions.len()].as_bytes(),
            unique: unique.as_bytes(),
            priority: Priority::Normal,
            background: self.load.ask != Ask::Foreground,
            epoch: None,
            reducer: None,
            body,
        };
        match self.load.ask {
            Ask::Echo => io.request(conn, &Request::Echo { body }),
            _ => io.request(conn, &Request::Submit(submit)),
        }
    }

    fn answered(&mut self, conn: ConnId, io: &mut Io) {
        self.done += 1;
        if self.load.clients * self.load.in_flight == 1 {
            self.times.push(self.asked_at.elapsed());
        }
        self.ask(conn, io);
    }

    /// Without clients, as many jobs are taken as there are.
    fn grab_one_of_all(&mut self, conn: ConnId, io: &mut Io) {
        if self.sent < self.load.total {
            self.sent += 1;
            io.request(conn, &Request::Grab(GrabKind::Classic));
        }
    }

    /// The result, and the wish for the next job, in one write.
    fn work(&mut self, conn: ConnId, handle: &[u8], io: &mut Io) {
        let work = Work::Complete(Body::new(&self.result));
        io.request(conn, &Request::Work { handle, work });
        if self.load.clients > 0 {
            return io.request(conn, &Request::Grab(GrabKind::Classic));
        }
        self.done += 1;
        self.grab_one_of_all(conn, io);
    }

    fn hear(&mut self, conn: ConnId, role: Role, response: Response<'_>, io: &mut Io) {
        match (role, response, self.load.ask) {
            (Role::Client, Response::JobCreated { .. }, Ask::Foreground) => {}
            (Role::Client, Response::JobCreated { .. }, Ask::Background { .. })
            | (Role::Client, Response::EchoRes { .. }, Ask::Echo)
            | (Role::Client, Response::Work { .. }, Ask::Foreground) => self.answered(conn, io),
            (Role::Worker, Response::EchoRes { .. }, _) => self.registered += 1,
            (Role::Worker, Response::Noop, _) => {
                io.request(conn, &Request::Grab(GrabKind::Classic));
            }
            (Role::Worker, Response::JobAssign { handle, .. }, _) => self.work(conn, handle, io),
            (Role::Worker, Response::NoJob, _) if self.load.clients > 0 => {
                io.request(conn, &Request::PreSleep);
            }
            (_, other, _) => self.trouble = Some(format!("unexpected: {other:?}")),
        }
    }
}

impl Service for Play {
    fn frame(&mut self, conn: ConnId, frame: Frame<'_>, _: Instant, io: &mut Io) {
        let response = match frame {
            Frame::Packet(packet) => Response::parse(&packet).ok(),
            Frame::Line(_) => None,
        };
        match (self.roles.get(conn).copied(), response) {
            (Some(role), Some(response)) => self.hear(conn, role, response, io),
            _ => self.trouble = Some("what came is no response".to_owned()),
        }
    }

    fn closed(&mut self, _: ConnId, why: Closed, _: &mut Io) {
        self.trouble = Some(why.to_string());
    }
}

/// Plays a load on a server, and says what it cost from the first request to the last answer.
pub(crate) fn play(server: &Server, load: Load) -> Result<Cost> {
    wire::block_on(async {
        let hub = Hub::new(Play::new(load), Config::default());
        let mut conns = Vec::new();
        for index in 0..load.workers + load.clients {
            let conn = hub.adopt(connect(server)?)?;
            let role = match index < load.workers {
                true => Role::Worker,
                false => Role::Client,
            };
            hub.with(|play, io| {
                play.roles.insert(conn, role);
                if let Role::Worker = role {
                    play.register(conn, io);
                }
            });
            conns.push(conn);
            until(&hub, |play| play.registered == load.workers.min(index + 1)).await?;
        }
        let (cpu, began) = (server.cpu()?, Instant::now());
        hub.with(|play, io| play.begin(&conns, io));
        until(&hub, |play| play.done == load.total).await?;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), server.cpu()? - cpu);
        let total = load.total as f64;
        Ok(Cost {
            cpu_us: cpu.as_secs_f64() * 1e6 / total,
            per_second: total / seconds,
            p50_us: hub.with(|play, _| median(&mut play.times)),
        })
    })?
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

/// A connection that the server has taken in: one that only stands in its listen queue may have
/// filled it.
fn connect(server: &Server) -> Result<tokio::net::TcpStream> {
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut echo = Vec::new();
    Request::Echo {
        body: Body::default(),
    }
    .encode(&mut echo);
    stream.write_all(&echo)?;
    stream.read_exact(&mut echo)?;
    stream.set_nonblocking(true)?;
    Ok(tokio::net::TcpStream::from_std(stream)?)
}

/// Looks at the sockets again and again, without ever sleeping.
async fn until(hub: &Hub<Play>, over: impl Fn(&Play) -> bool) -> Result<()> {
    let began = Instant::now();
    loop {
        let (over, trouble) = hub.with(|play, _| (over(play), play.trouble.take()));
        if let Some(trouble) = trouble {
            return Err(trouble.into());
        }
        if over {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            return Err(format!("not over after {LIMIT:?}").into());
        }
        tokio::task::yield_now().await;
    }
}
