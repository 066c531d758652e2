//! Between the engine, which knows no sockets, and the wire, which knows no rules.

use crate::engine::{Event, JobServer, Outbox, PeerInfo, Timestamp};
use crate::protocol::{ConnId, Frame, Response};
use crate::wire::{Closed, Hub, Io, Service};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How long accepting pauses when the system has no descriptor left: trying again at once would
/// fail again, and burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Outbox for Io {
    #[inline]
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        Io::send(self, conn, &response);
    }

    fn text(&mut self, conn: ConnId, text: &[u8]) {
        self.raw(conn, text);
    }

    fn close(&mut self, conn: ConnId) {
        Io::close(self, conn);
    }
}

/// The engine's clock: the wall clock at the start, moved on by one that never goes back.
#[derive(Debug)]
struct Clock {
    start: Instant,
    start_wall: Duration,
}

impl Clock {
    fn new() -> Self {
        Clock {
            start: Instant::now(),
            // Before 1970 is as good as 1970.
            start_wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    fn timestamp(&self, now: Instant) -> Timestamp {
        let wall = self.start_wall + now.saturating_duration_since(self.start);
        Timestamp(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX))
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

/// The service above the connections of the job server.
#[derive(Debug)]
pub(super) struct Driver {
    engine: JobServer,
    clock: Clock,
    /// The deadline that [`keep_deadlines`] waits for.
    armed: Option<Timestamp>,
    rearm: Rc<Notify>,
}

impl Driver {
    pub(super) fn new(engine: JobServer) -> Self {
        Driver {
            engine,
            clock: Clock::new(),
            armed: None,
            rearm: Rc::default(),
        }
    }

    #[inline]
    fn handle(&mut self, now: Instant, event: Event<'_>, io: &mut Io) {
        self.engine.handle(self.clock.timestamp(now), event, io);
        if let Some(deadline) = self.engine.next_deadline()
            && self.armed.is_none_or(|armed| deadline < armed)
        {
            self.armed = Some(deadline);
            self.rearm.notify_one();
        }
    }
}

impl Service for Driver {
    #[inline]
    fn frame(&mut self, conn: ConnId, frame: Frame<'_>, now: Instant, io: &mut Io) {
        self.handle(now, Event::frame(conn, frame), io);
    }

    fn closed(&mut self, conn: ConnId, why: Closed, io: &mut Io) {
        let now = Instant::now();
        match why {
            Closed::Broken(error) => {
                tracing::info!(?conn, %error, "not Gearman: connection closed");
                self.handle(now, Event::Broken(conn, error), io);
            }
            Closed::Overflow => tracing::warn!(?conn, "connection closed: {why}"),
            Closed::Eof | Closed::Failed(_) => tracing::debug!(?conn, "{why}"),
        }
        self.handle(now, Event::Disconnected(conn), io);
    }
}

/// Takes in connections, for ever.
pub(super) async fn accept(hub: &Hub<Driver>, listener: &TcpListener) -> Infallible {
    loop {
        let failure = match listener.accept().await {
            Ok((stream, address)) => welcome(hub, stream, address).err(),
            Err(error) => Some(error),
        };
        let Some(error) = failure else { continue };
        // A peer that left before it was accepted is no reason to pause.
        if error.kind() != io::ErrorKind::ConnectionAborted {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

fn welcome(hub: &Hub<Driver>, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
    let info = PeerInfo {
        address: address.ip().to_string().into(),
        fd: descriptor(&stream),
    };
    let conn = hub.adopt(stream)?;
    tracing::debug!(?conn, %address, "connected");
    hub.with(|driver, io| driver.handle(Instant::now(), Event::Connected(conn, info), io));
    Ok(())
}

/// The number of a socket, where sockets have one.
fn descriptor(stream: &TcpStream) -> u32 {
    #[cfg(unix)]
    let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(stream)).unwrap_or(0);
    #[cfg(not(unix))]
    let number = {
        let _ = stream;
        0
    };
    number
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
