//! What the server holds at the most, whoever asks: jobs, their bytes, functions kept by command.

use super::keys::FunctionId;
use super::{JobServer, Outbox};
use crate::protocol::request::{MAX_FUNCTION, MAX_UNIQUE};
use crate::protocol::{ConnId, Response, Submit};

/// What a job costs beside its payload and unique: its slot, its places in the tables and the
/// overhead of its allocation. Rounded up.
const JOB: u64 = 256;

/// Bytes that a job of this unique and payload counts for in [`super::Policy::max_bytes`].
pub(super) fn cost(unique: &[u8], body: &[u8]) -> u64 {
    JOB + unique.len() as u64 + body.len() as u64
}

impl JobServer {
    /// Why a new job cannot be taken, if so: the text of a QUEUE_ERROR.
    #[inline]
    pub(super) fn no_room(
        &self,
        function: FunctionId,
        submit: &Submit<'_>,
    ) -> Option<&'static [u8]> {
        // A packet was checked when it was parsed; a caller's own request was not.
        if submit.unique.len() > MAX_UNIQUE || submit.function.len() > MAX_FUNCTION {
            return Some(b"The function or the unique is too long");
        }
        if self.functions[function].is_full(submit.priority) {
            return Some(b"Job queue is full");
        }
        if self.jobs.len() >= self.policy.max_jobs {
            return Some(b"The server is full: too many jobs are waiting");
        }
        let bytes = self
            .jobs
            .bytes()
            .saturating_add(cost(submit.unique, submit.body.bytes()));
        (bytes > self.policy.max_bytes)
            .then_some(b"The server is full: too many bytes of jobs are waiting")
    }

    /// Answers a submission that there is no room for.
    pub(super) fn refuse_full(
        &mut self,
        conn: ConnId,
        function: FunctionId,
        text: &[u8],
        out: &mut impl Outbox,
    ) {
        self.counts.refused_full += 1;
        // Its name must not stay behind.
        self.functions
            .forget_if_idle(function, self.policy.idle_functions);
        let code = b"QUEUE_ERROR";
        out.send(conn, Response::Error { code, text });
    }

    /// Whether a command may keep one more function: `create function` and `maxqueue` name
    /// functions that stay though nobody uses them. Looks at all functions.
    pub(super) fn may_keep(&self, name: &[u8]) -> bool {
        let is_kept = self
            .functions
            .find(name)
            .is_some_and(|id| self.functions[id].is_kept());
        let kept = || self.functions.iter().filter(|(_, f)| f.is_kept()).count();
        is_kept || kept() < self.policy.kept_functions
    }
}
