//! Many Gearman connections on one thread, for the job server and for the load generator alike.
//!
//! Each connection has a task that reads once per readiness, straight into where the bytes
//! belong, and gives whole frames to a [`Service`]. What the service sends gathers in a buffer per
//! connection; one flusher task writes each dirty connection once per pass of the scheduler. No
//! lock, no channel, no task hop per packet. Buffers are bounded: a peer that does not take its
//! answers is not read from, one that sends to it may be made to wait ([`Io::hold_up`]), and one that
//! is sent too much is given up.

mod files;
mod hub;
mod io;
mod out;
mod socket;

pub use files::raise_file_limit;
pub use hub::Hub;
pub use io::Io;
#[cfg(feature = "server")]
pub(crate) use out::{Out, Pool};
pub use socket::Socket;

use crate::protocol::{ConnId, DecodeError, Frame, Limits};
use std::future::Future;
use std::time::{Duration, Instant};

/// What sits above the connections of one thread.
pub trait Service: 'static {
    /// A frame came. `now` was read once for all frames of one read.
    fn frame(&mut self, conn: ConnId, frame: Frame<'_>, now: Instant, io: &mut Io);

    /// The connection ended, but not by [`Io::close`]. After [`Closed::Eof`],
    /// [`Closed::Broken`] and [`Closed::Stalled`] last words may still be sent.
    fn closed(&mut self, conn: ConnId, why: Closed, io: &mut Io);

    /// Whether it waits for [`Service::idle`].
    fn is_patient(&self) -> bool {
        false
    }

    /// Nothing else has come for now, or it was waited for long enough.
    fn idle(&mut self, io: &mut Io) {
        let _ = io;
    }

    /// The bytes sent so far are about to be handed to the kernel; called once for each
    /// [`Io::stamp`].
    fn flushed(&mut self, conn: ConnId, now: Instant) {
        let _ = (conn, now);
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// The peer ended its side.
    #[error("closed by the peer")]
    Eof,
    /// The system says so.
    #[error(transparent)]
    Failed(std::io::Error),
    /// What the peer sent is not Gearman.
    #[error(transparent)]
    Broken(DecodeError),
    /// The peer began a packet or a line, and does not go on.
    #[error("what the peer began does not go on")]
    Stalled,
    /// The peer does not read what it is sent.
    #[error("the peer does not read: too much is waiting for it")]
    Overflow,
}

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What the peer may send.
    pub limits: Limits,
    /// Bytes waiting for a peer above which it is not read from, nor who waits in [`Io::hold_up`].
    pub high_water: usize,
    /// Bytes waiting for a peer above which it is given up.
    pub out_limit: usize,
    /// How long the head of a packet, or a line of text, may take once it is begun; `None` is for
    /// ever. A peer that says nothing between two of them may do so for ever.
    pub header_timeout: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            high_water: 8 * 1024 * 1024,
            out_limit: 256 * 1024 * 1024,
            header_timeout: None,
        }
    }
}

/// Runs `future` on this thread, on a runtime whose tasks all stay on it.
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    Ok(runtime.block_on(future))
}
