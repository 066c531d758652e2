//! The end of a job server that takes its leave: what runs may end, nothing new begins.

use super::{JobServer, Outbox};
use crate::protocol::{ConnId, Response};

/// How a server that takes its leave treats the jobs that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Workers still get them: they would be lost with the server.
    Run,
    /// They stay where they are: a store keeps them for the next start.
    Keep,
}

impl JobServer {
    /// From now on submissions are refused; what becomes of the jobs that wait is `waiting`'s.
    pub fn drain(&mut self, waiting: Waiting) {
        self.draining = Some(waiting);
    }

    /// Whether all is over that [`Self::drain`] waits for. An epoch job is not waited for.
    pub fn is_drained(&self) -> bool {
        let Some(waiting) = self.draining else {
            return false;
        };
        self.functions.iter().all(|(_, function)| {
            let queued = waiting == Waiting::Run && function.queued() > 0;
            function.running == 0 && !queued
        })
    }

    /// Whether workers get no jobs any more.
    pub(super) fn keeps_jobs(&self) -> bool {
        self.draining == Some(Waiting::Keep)
    }

    /// Answers a submission that comes too late.
    pub(super) fn refuse_late(&self, conn: ConnId, out: &mut impl Outbox) {
        let (code, text) = (b"SHUTDOWN_GRACEFUL", b"The server is shutting down");
        out.send(conn, Response::Error { code, text });
    }
}
