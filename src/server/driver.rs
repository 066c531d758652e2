//! Between the engine, which knows no sockets, and the wire, which knows no rules.

use super::figures::{Figures, Traffic};
use super::quiet::Quiet;
use super::store::{Outcome, Store};
use crate::engine::{Event, JobServer, Outbox, Record, Timestamp, Waiting};
use crate::mutants::{Mutant, on};
use crate::protocol::{ConnId, Frame, RequestError, Response};
use crate::wire::{Closed, Hub, Io, Service};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// Where the engine speaks: to the connections, and to the store if there is one.
struct Out<'a> {
    io: &'a mut Io,
    store: Option<&'a Store>,
}

impl Outbox for Out<'_> {
    #[inline]
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        self.io.send(conn, &response);
        // The end of a job never waits for its client: the worker is free for the next one.
        if let Response::Work { work, .. } = response
            && !work.is_end()
        {
            self.io.hold_up(conn);
        }
    }

    fn text(&mut self, conn: ConnId, text: &[u8]) {
        self.io.raw(conn, text);
    }

    fn close(&mut self, conn: ConnId) {
        self.io.close(conn);
    }

    fn store(&mut self, ticket: u64, record: &Record<'_>) {
        if let Some(store) = self.store {
            store.insert(ticket, record);
        }
    }

    fn unstore(&mut self, number: u64) {
        if let Some(store) = self.store {
            store.delete(number);
        }
    }

    fn hold(&mut self, conn: ConnId) {
        if !on(Mutant::AnswersOvertakeTheStore) {
            self.io.hold(conn);
        }
    }

    fn fill(&mut self, conn: ConnId, response: Response<'_>) {
        match on(Mutant::AnswersOvertakeTheStore) {
            true => self.io.send(conn, &response),
            false => self.io.fill(conn, &response),
        }
    }
}

/// The engine's clock: the wall clock at the start, moved on by one that never goes back.
#[derive(Debug)]
struct Clock {
    start: Instant,
    start_wall: Duration,
    /// What was asked last: all frames of one read have the same time.
    last: (Instant, Timestamp),
}

impl Clock {
    fn new() -> Self {
        // Before 1970 is as good as 1970.
        let start_wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let start = Instant::now();
        Clock {
            start,
            start_wall,
            last: (start, micros(start_wall)),
        }
    }

    #[inline]
    fn timestamp(&mut self, now: Instant) -> Timestamp {
        if self.last.0 != now {
            let wall = self.start_wall + now.saturating_duration_since(self.start);
            self.last = (now, micros(wall));
        }
        self.last.1
    }

    /// Waits until the last of every ten seconds is over.
    fn stand_still(&self) {
        let into = self.start.elapsed().as_millis() % 10_000;
        if into >= 9_000 {
            std::thread::sleep(Duration::from_millis(10_000 - into as u64));
        }
    }

    /// When the timestamp comes. The beginning of its microsecond may be a little early for the
    /// engine, the next one is not.
    fn instant(&self, at: Timestamp) -> Instant {
        let wall = Duration::from_micros(at.0.saturating_add(1));
        let wait = wall.saturating_sub(self.start_wall);
        self.start
            .checked_add(wait)
            .unwrap_or(self.start + Duration::from_secs(u32::MAX.into()))
    }
}

fn micros(wall: Duration) -> Timestamp {
    Timestamp(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX))
}

/// The service above the connections of the job server.
#[derive(Debug)]
pub(super) struct Driver {
    engine: JobServer,
    store: Option<Store>,
    clock: Clock,
    /// The deadline that [`keep_deadlines`] waits for.
    armed: Option<Timestamp>,
    rearm: Rc<Notify>,
    /// Set while the server takes its leave; told when it may go.
    drained: Option<Rc<Notify>>,
    /// Who came so far.
    pub(super) traffic: Traffic,
    /// What happened so far.
    pub(super) events: u64,
}

impl Driver {
    pub(super) fn new(engine: JobServer, store: Option<Store>) -> Self {
        Driver {
            engine,
            store,
            clock: Clock::new(),
            armed: None,
            rearm: Rc::default(),
            drained: None,
            traffic: Traffic::default(),
            events: 0,
        }
    }

    /// Waits until all that the store was given is on disk, and closes it.
    pub(super) fn close_store(&mut self) {
        self.store = None;
    }

    /// Takes its leave of the jobs; what is returned is told when all has ended.
    pub(super) fn drain(&mut self) -> Rc<Notify> {
        // What waits in memory would be lost with us.
        self.engine.drain(match self.store {
            Some(_) => Waiting::Keep,
            None => Waiting::Run,
        });
        let drained = Rc::new(Notify::new());
        if self.engine.is_drained() {
            drained.notify_one();
        }
        self.drained = Some(Rc::clone(&drained));
        drained
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drained.is_some()
    }

    /// The server in numbers, with so many functions told apart at the most.
    pub(super) fn figures(&self, functions: usize) -> Figures {
        Figures {
            census: self.engine.census(functions),
            traffic: self.traffic,
            store: self.store.as_ref().map(Store::figures),
        }
    }

    #[inline]
    pub(super) fn handle(&mut self, now: Instant, event: Event<'_>, io: &mut Io) {
        self.events += 1;
        let mut out = Out {
            io,
            store: self.store.as_ref(),
        };
        self.engine
            .handle(self.clock.timestamp(now), event, &mut out);
        if let Some(deadline) = self.engine.next_deadline()
            && self.armed.is_none_or(|armed| deadline < armed)
        {
            self.armed = Some(deadline);
            self.rearm.notify_one();
        }
        if let Some(drained) = &self.drained
            && self.engine.is_drained()
        {
            drained.notify_one();
        }
    }
}

impl Service for Driver {
    #[inline]
    fn frame(&mut self, conn: ConnId, frame: Frame<'_>, now: Instant, io: &mut Io) {
        if on(Mutant::StandsStill) {
            self.clock.stand_still();
        }
        match Event::frame(conn, frame) {
            // By itself, so that it goes through without being moved.
            Event::Request(conn, request) => self.handle(now, Event::Request(conn, request), io),
            event => self.handle_rare(now, event, io),
        }
    }

    #[inline]
    fn is_patient(&self) -> bool {
        self.engine.holds_grabs()
    }

    fn idle(&mut self, io: &mut Io) {
        self.handle(Instant::now(), Event::Idle, io);
    }

    fn closed(&mut self, conn: ConnId, why: Closed, io: &mut Io) {
        let now = Instant::now();
        self.log_closed(conn, &why);
        match why {
            Closed::Broken(error) => self.handle(now, Event::Broken(conn, error), io),
            Closed::Stalled => {
                let (code, text) = (b"TIMEOUT", why.to_string());
                let text = text.as_bytes();
                io.send(conn, &Response::Error { code, text });
            }
            Closed::Eof | Closed::Failed(_) | Closed::Overflow => {}
        }
        self.handle(now, Event::Disconnected(conn), io);
    }
}

impl Driver {
    #[cold]
    fn handle_rare(&mut self, now: Instant, event: Event<'_>, io: &mut Io) {
        if let Event::Malformed(conn, error) = &event {
            self.log_malformed(*conn, error);
        }
        self.handle(now, event, io);
    }
}

/// Who and why. None of these sentences holds a byte of the peer's.
impl Driver {
    fn log_closed(&self, conn: ConnId, why: &Closed) {
        static BROKEN: Quiet = Quiet::new();
        static STALLED: Quiet = Quiet::new();
        static OVERFLOW: Quiet = Quiet::new();
        let address = self.engine.address(conn).unwrap_or("-");
        match why {
            Closed::Broken(error) => {
                if let Some(missed) = BROKEN.line() {
                    tracing::info!(address, ?conn, %error, "not Gearman: connection closed{missed}");
                }
            }
            Closed::Stalled => {
                if let Some(missed) = STALLED.line() {
                    tracing::info!(address, ?conn, "connection closed: {why}{missed}");
                }
            }
            Closed::Overflow => {
                if let Some(missed) = OVERFLOW.line() {
                    tracing::warn!(address, ?conn, "connection closed: {why}{missed}");
                }
            }
            Closed::Eof | Closed::Failed(_) => tracing::debug!(address, ?conn, "{why}"),
        }
    }

    fn log_malformed(&self, conn: ConnId, error: &RequestError) {
        static MALFORMED: Quiet = Quiet::new();
        if let Some(missed) = MALFORMED.line() {
            let address = self.engine.address(conn).unwrap_or("-");
            tracing::info!(address, ?conn, %error, "request refused{missed}");
        }
    }
}

/// Tells the engine when its deadlines come, for ever.
pub(super) async fn keep_deadlines(hub: &Hub<Driver>) -> Infallible {
    let rearm = hub.with(|driver, _| Rc::clone(&driver.rearm));
    loop {
        let deadline = hub.with(|driver, _| {
            driver.armed = driver.engine.next_deadline();
            driver.armed.map(|at| driver.clock.instant(at))
        });
        let Some(deadline) = deadline else {
            rearm.notified().await;
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep_until(deadline.into()) => {
                hub.with(|driver, io| driver.handle(Instant::now(), Event::Deadline, io));
            }
            () = rearm.notified() => {}
        }
    }
}

/// Tells the engine what is on disk, for ever.
pub(super) async fn keep_stored(hub: &Hub<Driver>) -> Infallible {
    let outcomes = hub.with(|driver, _| driver.store.as_mut().and_then(Store::outcomes));
    let Some(mut outcomes) = outcomes else {
        return std::future::pending().await;
    };
    loop {
        let outcome = outcomes.next().await;
        hub.with(|driver, io| {
            let event = match &outcome {
                Outcome::Stored(ticket) => Event::Stored(*ticket),
                Outcome::NotStored(ticket, reason) => Event::NotStored(*ticket, reason),
            };
            driver.handle(Instant::now(), event, io);
        });
    }
}

/// The time for an engine that no connection drives yet.
pub(super) fn now() -> Timestamp {
    Clock::new().timestamp(Instant::now())
}
