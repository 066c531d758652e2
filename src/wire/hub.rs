//! Many connections on one thread: a reading task each, one flusher for all.

use super::io::Io;
use super::socket::{ReadHalf, Socket, WriteHalf};
use super::{Closed, Config, Service};
use crate::mutants::{Mutant, on};
use crate::protocol::{ConnId, Decoder, Frame};
use bytes::BufMut;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::task::spawn_local;
use tokio::time::Sleep;

/// Bytes read at once.
const SCRATCH: usize = 64 * 1024;
/// Bytes that one connection may bring in before the others get their turn.
const TURN: usize = SCRATCH;
/// The same in time, for requests that are small and take long; looked at after so many frames.
const TURN_TIME: Duration = Duration::from_millis(1);
const FRAMES: u32 = 8;
/// How long a service may be kept waiting for nothing else to come.
const PATIENCE: Duration = Duration::from_millis(1);
/// How often stalled peers, and memory that nobody needs, are looked for: one timer for all.
const SWEEP: Duration = Duration::from_secs(1);
/// How long a connection that we end may take none of the last bytes, and then to end its side.
const LINGER: Duration = Duration::from_secs(5);
/// How long a peer that does not read may hold up another, who sends to it.
const HOLD_UP: Duration = Duration::from_secs(30);

/// All connections of one thread and the service above them; a handle that is cheap to clone.
pub struct Hub<S>(Rc<RefCell<Inner<S>>>);

struct Inner<S> {
    io: Io,
    service: S,
    /// Reads since the flusher last looked.
    reads: u32,
    /// Since when the service waits to be told that nothing else comes.
    patient_since: Option<Instant>,
    /// One read buffer for all: what is cut at its end moves to the connection's decoder.
    scratch: Box<[u8]>,
}

impl<S> Clone for Hub<S> {
    fn clone(&self) -> Self {
        Hub(Rc::clone(&self.0))
    }
}

impl<S: Service> Hub<S> {
    /// A hub without connections. Called on a runtime from [`super::block_on`].
    pub fn new(service: S, config: Config) -> Self {
        let hub = Hub(Rc::new(RefCell::new(Inner {
            io: Io::new(config),
            service,
            reads: 0,
            patient_since: None,
            scratch: vec![0; SCRATCH].into(),
        })));
        spawn_local(hub.clone().flush_forever());
        spawn_local(hub.clone().sweep(config.header_timeout));
        hub
    }

    /// Speaks to the service and to the connections. Not to be called from inside the service.
    pub fn with<R>(&self, f: impl FnOnce(&mut S, &mut Io) -> R) -> R {
        let inner = &mut *self.0.borrow_mut();
        f(&mut inner.service, &mut inner.io)
    }

    /// Takes over a connected stream and starts to read it.
    pub fn adopt(&self, stream: impl Into<Socket>) -> io::Result<ConnId> {
        let (read, write) = stream.into().into_split()?;
        let (conn, limits) = self.with(|_, io| (io.insert(write), io.config.limits));
        let hub = self.clone();
        spawn_local(async move {
            let mut reader = Reader {
                hub,
                conn,
                read,
                decoder: Decoder::new(limits),
                mid_header: false,
                held: Vec::new(),
                patience: None,
            };
            (&mut reader).await;
            if reader.hub.take_reset(conn) {
                return;
            }
            // Boxed: a task is as large as the largest of its states.
            Box::pin(reader.linger()).await;
        });
        Ok(conn)
    }

    /// Whether the connection was reset: then nothing more is read from it.
    fn take_reset(&self, conn: ConnId) -> bool {
        self.with(|_, io| {
            let at = io.reset.iter().position(|reset| *reset == conn);
            at.map(|at| io.reset.swap_remove(at)).is_some()
        })
    }

    /// Ends all connections; ready once all that was sent to them is written.
    pub async fn close_all(&self) {
        poll_fn(|cx| self.with(|_, io| io.close_all(cx.waker()))).await;
    }

    /// Writes each dirty connection once per pass of the scheduler, for as long as the runtime
    /// lives.
    async fn flush_forever(self) {
        let mut batch = Vec::new();
        poll_fn(|cx| {
            let inner = &mut *self.0.borrow_mut();
            inner.flush_dirty(&mut batch, &self);
            match inner.patience() {
                Patience::None => {}
                Patience::Over => {
                    inner.service.idle(&mut inner.io);
                    inner.flush_dirty(&mut batch, &self);
                }
                // Polled again once the runtime has looked for what else comes.
                Patience::Left => drop(pin!(tokio::task::yield_now()).poll(cx)),
            }
            inner.io.flusher = Some(cx.waker().clone());
            // Burying may have made the service speak.
            if !inner.io.dirty.is_empty() {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })
        .await;
    }

    /// Ends the connections whose peers began something and do not go on, and gives memory back.
    async fn sweep(self, limit: Option<Duration>) {
        loop {
            tokio::time::sleep(SWEEP.min(limit.unwrap_or(SWEEP))).await;
            let inner = &mut *self.0.borrow_mut();
            inner.io.pool.tidy();
            let Some(since) = limit.and_then(|limit| Instant::now().checked_sub(limit)) else {
                continue;
            };
            for conn in inner.io.take_stalled(since) {
                inner.end(conn, Closed::Stalled);
            }
        }
    }

    /// Waits until the kernel takes bytes again, and goes on writing.
    async fn unblock(self, conn: ConnId, socket: Rc<WriteHalf>) {
        // An error shows again, and is handled, when the write is tried.
        let _ = socket.writable().await;
        let inner = &mut *self.0.borrow_mut();
        if let Some(state) = inner.io.conns.get_mut(conn) {
            state.blocked = false;
            inner.flush(conn, &self);
            inner.bury();
        }
    }
}

/// How a service is to go on that waits for nothing else to come.
enum Patience {
    /// It does not wait.
    None,
    Left,
    Over,
}

impl<S: Service> Inner<S> {
    /// Writes each dirty connection once.
    fn flush_dirty(&mut self, batch: &mut Vec<ConnId>, hub: &Hub<S>) {
        self.io.take_dirty(batch);
        for conn in batch.drain(..) {
            self.flush(conn, hub);
        }
        self.bury();
    }

    /// Where one connection speaks at a time, what it waits for has not even been asked yet: then,
    /// as when nobody speaks, nothing is gained by waiting.
    fn patience(&mut self) -> Patience {
        let reads = std::mem::take(&mut self.reads);
        if !self.service.is_patient() {
            self.patient_since = None;
            return Patience::None;
        }
        let is_over = reads <= 1 || {
            let since = *self.patient_since.get_or_insert_with(Instant::now);
            since.elapsed() > PATIENCE
        };
        if is_over {
            self.patient_since = None;
            return Patience::Over;
        }
        Patience::Left
    }

    /// Writes what waits for `conn`, as much as the kernel takes.
    fn flush(&mut self, conn: ConnId, hub: &Hub<S>) {
        let Some(state) = self.io.conns.get_mut(conn) else {
            return;
        };
        if std::mem::take(&mut state.stamp) {
            self.service.flushed(conn, Instant::now());
        }
        while !state.out.is_empty() {
            let result = match (&mut state.pieces, state.out.single()) {
                (Some(pieces), _) => state.socket.try_write(state.out.piece(pieces.next())),
                (None, Some(bytes)) => state.socket.try_write(bytes),
                (None, None) => {
                    let (slices, count) = state.out.slices();
                    state.socket.try_write_vectored(&slices[..count])
                }
            };
            match result {
                Ok(count) => state.out.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.blocked = true;
                    let socket = Rc::clone(&state.socket);
                    let task = spawn_local(hub.clone().unblock(conn, socket));
                    state.unblock = Some(task.abort_handle());
                    break;
                }
                Err(_) if state.closing => return self.io.remove(conn),
                Err(error) => return self.io.doom(conn, Closed::Failed(error)),
            }
        }
        if state.half_closing && state.out.is_empty() {
            state.half_closing = false;
            state.socket.shut();
        }
        if state.choked && state.out.len() <= self.io.config.high_water {
            state.choked = false;
            state.wake_reader();
            state.release();
        }
        if state.out.is_empty() {
            state.out.recycle(&mut self.io.pool);
            if state.closing && !state.out.has_holes() {
                self.io.remove(conn);
            }
        }
    }

    /// Ends the connections that failed.
    fn bury(&mut self) {
        while let Some((conn, why)) = self.io.doomed.pop() {
            if self.io.conns.contains_key(conn) {
                self.io.remove(conn);
                self.service.closed(conn, why, &mut self.io);
            }
        }
    }

    /// The peer ended the stream, or broke it: the service is told, and what it still sends is
    /// written before the connection goes.
    fn end(&mut self, conn: ConnId, why: Closed) {
        if self.io.conns.get(conn).is_some_and(|state| !state.closing) {
            let is_half = matches!(why, Closed::Eof);
            self.service.closed(conn, why, &mut self.io);
            match is_half && on(Mutant::HalfCloseLosesAnswers) {
                true => self.io.remove(conn),
                false => self.io.close(conn),
            }
        }
    }
}

/// The task that reads one connection.
struct Reader<S> {
    hub: Hub<S>,
    conn: ConnId,
    read: ReadHalf,
    decoder: Decoder,
    /// Whether the last read ended inside a header.
    mid_header: bool,
    /// Bytes that were read, and wait until the peer takes its answers, or another peer what it is
    /// sent by this one.
    held: Vec<u8>,
    /// Who is waited for, and until when; see [`Io::hold_up`].
    patience: Option<(ConnId, Pin<Box<Sleep>>)>,
}

impl<S: Service> Reader<S> {
    /// One read, straight into where the bytes belong. How many, or that the stream is over.
    fn poll_read(&mut self, inner: &mut Inner<S>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some((data, missing)) = self.decoder.large_buffer() {
            let mut data = data.limit(missing);
            return pin!(self.read.read_buf(&mut data)).poll(cx);
        }
        let mut buffer = ReadBuf::new(&mut inner.scratch);
        ready!(Pin::new(&mut self.read).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Gives the service what has arrived: the first `count` bytes of the scratch buffer, or the
    /// last part of a large packet. What comes after a frame whose answer is too much for the
    /// peer, or after the connection's time is up, is held back. Whether its time is up.
    fn deliver(&mut self, inner: &mut Inner<S>, count: usize) -> bool {
        let Inner {
            io,
            service,
            scratch,
            ..
        } = inner;
        let conn = self.conn;
        let now = Instant::now();
        let high_water = io.config.high_water;
        let (mut frames, mut is_up) = (0_u32, false);
        let mut sink = |frame: Frame<'_>| {
            service.frame(conn, frame, now, io);
            frames += 1;
            if frames.is_multiple_of(FRAMES) && now.elapsed() > TURN_TIME {
                is_up = true;
                return ControlFlow::Break(());
            }
            match io.conns.get(conn) {
                Some(state)
                    if state.is_open() && state.out.len() <= high_water && io.crowded.is_none() =>
                {
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        };
        if self.decoder.large_buffer().is_some() {
            let _ = self.decoder.finish_large(&mut sink);
            return false;
        }
        match self.decoder.feed(&scratch[..count], &mut sink) {
            Ok(used) => {
                self.held = scratch[used..count].to_vec();
                let mid_header = self.decoder.mid_header();
                if std::mem::replace(&mut self.mid_header, mid_header) != mid_header {
                    io.set_begun(conn, mid_header, now);
                }
            }
            Err(error) => inner.end(conn, Closed::Broken(error)),
        }
        is_up
    }

    /// Reads on once that peer has taken what this one sent to it.
    fn wait_for(&mut self, by: ConnId) {
        if by != self.conn {
            self.patience = Some((by, Box::pin(tokio::time::sleep(HOLD_UP))));
        }
    }

    /// Ready once nobody holds this connection up; who does so for too long is given up.
    fn poll_patience(&mut self, inner: &mut Inner<S>, cx: &mut Context<'_>) -> Poll<()> {
        let Some((by, until)) = &mut self.patience else {
            return Poll::Ready(());
        };
        let high_water = inner.io.config.high_water;
        if let Some(state) = inner.io.conns.get_mut(*by)
            && state.is_open()
            && state.out.len() > high_water
        {
            if until.as_mut().poll(cx).is_pending() {
                state.hold_up(cx.waker());
                return Poll::Pending;
            }
            inner.io.doom(*by, Closed::Overflow);
            inner.bury();
        }
        self.patience = None;
        Poll::Ready(())
    }

    /// Gives the service what was held back.
    fn deliver_held(&mut self, inner: &mut Inner<S>) -> bool {
        let held = std::mem::take(&mut self.held);
        inner.scratch[..held.len()].copy_from_slice(&held);
        self.deliver(inner, held.len())
    }

    /// Ends the connection: reads and drops what still comes, so that the kernel does not answer
    /// it with a reset that would overtake our last bytes, and waits until those are written.
    async fn linger(&mut self) {
        let (hub, conn) = (self.hub.clone(), self.conn);
        let gone = || {
            hub.with(|_, io| match io.conns.contains_key(conn) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
        };
        let pending = || hub.with(|_, io| io.pending(conn));
        loop {
            let before = pending();
            let end = async {
                poll_fn(|cx| self.poll_drop(cx)).await;
                poll_fn(|_| gone()).await;
            };
            let ended = tokio::time::timeout(LINGER, end).await.is_ok();
            // A slow reader gets all that it was sent; one that takes nothing does not.
            if ended || pending() >= before {
                break;
            }
        }
        hub.with(|_, io| io.remove(conn));
    }

    /// Reads and drops until the stream is over.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &mut *self.hub.0.borrow_mut();
        loop {
            let mut bin = ReadBuf::new(&mut inner.scratch);
            match ready!(Pin::new(&mut self.read).poll_read(cx, &mut bin)) {
                Ok(()) if !bin.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: Service> Future for &mut Reader<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut **self;
        let hub = this.hub.clone();
        let inner = &mut *hub.0.borrow_mut();
        let (mut turn, mut is_up) = (0, false);
        loop {
            let high_water = inner.io.config.high_water;
            let crowded = inner.io.crowded.take();
            let Some(state) = inner.io.conns.get_mut(this.conn) else {
                return Poll::Ready(());
            };
            if state.reader.is_none() {
                state.reader = Some(cx.waker().clone());
            }
            if state.closing {
                return Poll::Ready(());
            }
            // A peer that does not take its answers gets no more of them.
            if !state.is_open() || state.out.len() > high_water {
                state.choked = true;
                return Poll::Pending;
            }
            if state.paused {
                return Poll::Pending;
            }
            if let Some(by) = crowded {
                this.wait_for(by);
            }
            ready!(this.poll_patience(inner, cx));
            if turn > TURN || is_up {
                // Unlike the waker, this lets the runtime look for other connections first.
                let _ = pin!(tokio::task::yield_now()).poll(cx);
                return Poll::Pending;
            }
            if !this.held.is_empty() {
                turn += this.held.len();
                is_up = this.deliver_held(inner);
                continue;
            }
            match ready!(this.poll_read(inner, cx)) {
                Ok(0) => inner.end(this.conn, Closed::Eof),
                Ok(count) => {
                    turn += count;
                    inner.reads += 1;
                    is_up = this.deliver(inner, count);
                    if inner.service.is_patient() {
                        inner.io.wake_flusher();
                    }
                }
                Err(error) => {
                    inner.io.doom(this.conn, Closed::Failed(error));
                    inner.bury();
                }
            }
        }
    }
}
