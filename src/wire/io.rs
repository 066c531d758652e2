//! The sending side of all connections of one thread.

use super::out::{Out, Pool};
use super::socket::WriteHalf;
use super::{Closed, Config};
use crate::protocol::packet::Body;
use crate::protocol::{ConnId, Request, Response, decode};
use slotmap::SlotMap;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;
use tokio::task::AbortHandle;

/// One connection, as the sending side sees it.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Dropping it shuts the sending direction of the socket.
    pub(crate) socket: Rc<WriteHalf>,
    pub(crate) out: Out,
    /// Listed in `Io::dirty`.
    dirty: bool,
    /// The kernel takes nothing now; a task waits until it does.
    pub(crate) blocked: bool,
    /// The service wants to know when its bytes leave.
    pub(crate) stamp: bool,
    /// Nothing is read any more; the connection ends once everything is written.
    pub(crate) closing: bool,
    /// Listed in `Io::doomed`: nothing is sent or read any more.
    doomed: bool,
    /// The task that waits until the kernel takes something; it holds the socket.
    pub(crate) unblock: Option<AbortHandle>,
    /// Its reading task, for when that must be told something.
    pub(crate) reader: Option<Waker>,
    /// Since when the peer is in the middle of a header; listed in `Io::begun` then.
    begun: Option<Instant>,
    /// A reading task waits until the peer takes what it was sent: its own, or one in `held_up`.
    pub(crate) choked: bool,
    /// Reading tasks of others, which send to this peer faster than it takes; see [`Io::hold_up`].
    held_up: Vec<Waker>,
    /// Nothing is read for now.
    pub(crate) paused: bool,
    /// The sending direction is shut once everything is written.
    pub(crate) half_closing: bool,
    /// Bytes that leave at a time, at the most.
    pub(crate) pieces: Option<Pieces>,
}

/// How a connection's bytes are torn apart: each write takes another few of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces {
    most: usize,
    turn: usize,
}

impl Pieces {
    /// Bytes of the next write, which goes through all sizes in an odd order.
    pub(crate) fn next(&mut self) -> usize {
        self.turn = self.turn.wrapping_add(7);
        1 + self.turn % self.most
    }
}

impl Conn {
    /// Whether the service may still send, and be sent something.
    pub(crate) fn is_open(&self) -> bool {
        !self.closing && !self.doomed
    }

    /// Whether the flusher is still to be told of it.
    fn is_unlisted(&self) -> bool {
        !self.dirty && !self.blocked
    }

    /// Has the reading task of another wait until this peer takes what it was sent.
    pub(crate) fn hold_up(&mut self, reader: &Waker) {
        self.choked = true;
        if !self.held_up.iter().any(|other| other.will_wake(reader)) {
            self.held_up.push(reader.clone());
        }
    }

    /// Those who were held up go on.
    pub(crate) fn release(&mut self) {
        self.held_up.drain(..).for_each(Waker::wake);
    }

    pub(crate) fn wake_reader(&self) {
        if let Some(reader) = &self.reader {
            reader.wake_by_ref();
        }
    }
}

/// Sends on any connection of this thread. Bytes gather and leave in one write for each
/// connection and pass of the scheduler.
#[derive(Debug)]
pub struct Io {
    /// Boxed, so that slots of many that have left are small.
    pub(crate) conns: SlotMap<ConnId, Box<Conn>>,
    pub(crate) dirty: Vec<ConnId>,
    /// Connections to be given up, and why: told to the service by the flusher.
    pub(crate) doomed: Vec<(ConnId, Closed)>,
    /// Connections that were reset: their reading tasks end without reading any further.
    pub(crate) reset: Vec<ConnId>,
    pub(crate) flusher: Option<Waker>,
    /// Whom the frame that the service has just had is too much for; see [`Io::hold_up`].
    pub(crate) crowded: Option<ConnId>,
    /// Connections that are, or were, in the middle of a header; each once.
    begun: Vec<ConnId>,
    /// Who waits until there is no connection left.
    emptied: Option<Waker>,
    pub(crate) pool: Pool,
    pub(crate) config: Config,
}

impl Io {
    pub(crate) fn new(config: Config) -> Self {
        Io {
            conns: SlotMap::with_key(),
            dirty: Vec::new(),
            doomed: Vec::new(),
            reset: Vec::new(),
            flusher: None,
            crowded: None,
            begun: Vec::new(),
            emptied: None,
            pool: Pool::default(),
            config,
        }
    }

    pub(crate) fn insert(&mut self, socket: WriteHalf) -> ConnId {
        self.conns.insert(Box::new(Conn {
            socket: Rc::new(socket),
            out: Out::default(),
            dirty: false,
            blocked: false,
            stamp: false,
            closing: false,
            doomed: false,
            unblock: None,
            reader: None,
            begun: None,
            choked: false,
            held_up: Vec::new(),
            paused: false,
            half_closing: false,
            pieces: None,
        }))
    }

    /// Sends a response.
    #[inline]
    pub fn send(&mut self, conn: ConnId, response: &Response<'_>) {
        self.put(conn, |out| response.encode_head(out));
    }

    /// Sends a request.
    #[inline]
    pub fn request(&mut self, conn: ConnId, request: &Request<'_>) {
        self.put(conn, |out| request.encode_head(out));
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, conn: ConnId, bytes: &[u8]) {
        self.put(conn, |_| Some(Body::new(bytes)));
    }

    /// Appends what `head` writes and then the body it returns; a large body that lies in a
    /// shared buffer is not copied.
    #[inline]
    fn put<'b>(&mut self, id: ConnId, head: impl FnOnce(&mut Vec<u8>) -> Option<Body<'b>>) {
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.is_open()) else {
            return;
        };
        let shared = conn.out.append(&mut self.pool, |tail| {
            let body = head(tail)?;
            let shared = (body.len() >= decode::LARGE)
                .then(|| body.to_shared())
                .flatten();
            if shared.is_none() {
                tail.extend_from_slice(&body);
            }
            shared
        });
        if let Some(shared) = shared {
            conn.out.share(shared);
        }
        let is_too_much = conn.out.len() > self.config.out_limit;
        if conn.is_unlisted() {
            conn.dirty = true;
            self.dirty.push(id);
        }
        self.wake_flusher();
        if is_too_much {
            self.doom(id, Closed::Overflow);
        }
    }

    /// Keeps the next place among what is sent: all that follows waits until [`Io::fill`].
    pub fn hold(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.is_open()) {
            conn.out.hold();
        }
    }

    /// Sends a response in the oldest place that is kept, also to a peer that ended its side in
    /// between.
    pub fn fill(&mut self, id: ConnId, response: &Response<'_>) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.out.fill(&mut self.pool, |tail| response.encode(tail));
            self.touch(id);
        }
    }

    /// Called while a frame is handled that was passed on to `to`: while too much waits for that
    /// peer, who sent the frame is not read from. A peer that holds up another for 30 s is given
    /// up.
    #[inline]
    pub fn hold_up(&mut self, to: ConnId) {
        if self.pending(to) > self.config.high_water {
            self.crowded = Some(to);
        }
    }

    /// Has the flusher give the connection up, and tell the service.
    pub(crate) fn doom(&mut self, id: ConnId, why: Closed) {
        if let Some(conn) = self.conns.get_mut(id)
            && !std::mem::replace(&mut conn.doomed, true)
        {
            self.doomed.push((id, why));
        }
    }

    /// Has the flusher look at the connection.
    #[inline]
    fn touch(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id)
            && conn.is_unlisted()
        {
            conn.dirty = true;
            self.dirty.push(id);
        }
        self.wake_flusher();
    }

    #[inline]
    pub(crate) fn wake_flusher(&mut self) {
        if let Some(flusher) = self.flusher.take() {
            flusher.wake();
        }
    }

    /// Takes the connections to be written in this pass.
    pub(crate) fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        std::mem::swap(&mut self.dirty, into);
        for &id in into.iter() {
            if let Some(conn) = self.conns.get_mut(id) {
                conn.dirty = false;
            }
        }
    }

    /// Ends the connection once what was sent to it is written. The service is not told: it is
    /// the one who asks.
    pub fn close(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.closing = true;
            conn.wake_reader();
            self.touch(id);
        }
    }

    /// Ends the connection at once: what was sent and is not written is lost. The service is not
    /// told.
    pub fn cut(&mut self, id: ConnId) {
        self.remove(id);
    }

    /// Ends the connection at once by a reset, as when the peer's machine has forgotten it. The
    /// service is not told.
    pub fn reset(&mut self, id: ConnId) {
        let Some(conn) = self.take(id) else {
            return;
        };
        // A task that waits to write, and is still to be dropped, has it end in the usual way.
        if let Ok(socket) = Rc::try_unwrap(conn.socket) {
            socket.reset();
            self.reset.push(id);
        }
    }

    /// Shuts the sending direction once what was sent is written; receiving goes on.
    pub fn half_close(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.half_closing = true;
            self.touch(id);
        }
    }

    /// Stops reading the connection, or goes on with it.
    pub fn pause(&mut self, id: ConnId, paused: bool) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.paused = paused;
            conn.wake_reader();
        }
    }

    /// Whether it is not read.
    pub fn is_paused(&self, id: ConnId) -> bool {
        self.conns.get(id).is_some_and(|conn| conn.paused)
    }

    /// Has the connection's bytes leave in pieces of at most `most`, each a write of its own;
    /// with 0 as ever.
    pub fn tear(&mut self, id: ConnId, most: usize) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.pieces = (most > 0).then_some(Pieces { most, turn: 0 });
        }
    }

    /// Ends all connections once what was sent to them is written; then the waker is woken.
    pub(crate) fn close_all(&mut self, waker: &Waker) -> Poll<()> {
        let open: Vec<ConnId> = self.conns.keys().collect();
        for &id in &open {
            self.close(id);
        }
        self.emptied = Some(waker.clone());
        match open.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// The peer stands inside a header, or does not any more.
    pub(crate) fn set_begun(&mut self, id: ConnId, begun: bool, now: Instant) {
        if let Some(conn) = self.conns.get_mut(id) {
            if begun && conn.begun.is_none() && !self.begun.contains(&id) {
                self.begun.push(id);
            }
            conn.begun = begun.then(|| conn.begun.unwrap_or(now));
        }
    }

    /// Connections that have been inside a header since before `limit`. They are told of once.
    pub(crate) fn take_stalled(&mut self, limit: Instant) -> Vec<ConnId> {
        let conns = &self.conns;
        let since = |id: &ConnId| conns.get(*id).and_then(|conn| conn.begun);
        self.begun.retain(|id| since(id).is_some());
        let is_stalled = |id: &&ConnId| since(id).is_some_and(|since| since < limit);
        let stalled: Vec<ConnId> = self.begun.iter().filter(is_stalled).copied().collect();
        self.begun.retain(|id| !stalled.contains(id));
        stalled
    }

    /// Asks for one call of [`super::Service::flushed`] when the connection's bytes next leave.
    pub fn stamp(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.stamp = true;
        }
    }

    /// Bytes that wait to be written to the connection.
    pub fn pending(&self, id: ConnId) -> usize {
        self.conns.get(id).map_or(0, |conn| conn.out.len())
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.conns.len()
    }

    /// Takes all that waits to be written, as if the kernel had: of which connection, and whether
    /// the service wants to know.
    #[cfg(test)]
    pub(crate) fn take_written(&mut self) -> Vec<(ConnId, bool, Vec<u8>)> {
        let mut dirty = Vec::new();
        self.take_dirty(&mut dirty);
        let mut written = Vec::new();
        for id in dirty {
            let Some(conn) = self.conns.get_mut(id) else {
                continue;
            };
            let mut bytes = Vec::new();
            while !conn.out.is_empty() {
                let (slices, count) = conn.out.slices();
                let before = bytes.len();
                slices[..count]
                    .iter()
                    .for_each(|slice| bytes.extend_from_slice(slice));
                conn.out.advance(bytes.len() - before);
            }
            written.push((id, std::mem::take(&mut conn.stamp), bytes));
        }
        written
    }

    /// Forgets the connection: what is unsent is lost, the socket's sending direction is shut.
    pub(crate) fn remove(&mut self, id: ConnId) {
        drop(self.take(id));
    }

    /// Takes the connection out, and ends the tasks that wait for it.
    fn take(&mut self, id: ConnId) -> Option<Box<Conn>> {
        let mut conn = self.conns.remove(id)?;
        conn.out.recycle(&mut self.pool);
        conn.wake_reader();
        conn.release();
        if let Some(task) = conn.unblock.take() {
            task.abort();
        }
        if self.conns.is_empty()
            && let Some(waiting) = self.emptied.take()
        {
            waiting.wake();
        }
        Some(conn)
    }
}
