//! The clients' side: submissions, acknowledgements, results, timeouts.

mod acknowledge;
mod end;
mod result;
mod shared;
mod submit;
mod update;

pub(crate) use end::End;

use super::shard::Shard;
use crate::protocol::{ConnId, Response, Work};
use crate::wire::Io;
use std::collections::VecDeque;

/// One simulated client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) conn: Option<ConnId>,
    pub(crate) served: bool,
    /// Submissions that wait for JOB_CREATED, in order.
    unacked: VecDeque<u64>,
    /// The last so many of them have not been handed to the kernel.
    unstamped: usize,
    /// Foreground jobs that wait for their result.
    waiting: VecDeque<u64>,
    /// Jobs that keep the next one back in a closed loop.
    busy: usize,
    /// Submits nothing any more: its connection is about to end, as the plan wants it.
    pub(crate) leaving: bool,
    /// Sends its packets in pieces.
    pub(crate) torn: bool,
}

impl Client {
    pub(crate) fn is_busy(&self) -> bool {
        self.busy > 0
    }

    /// Submissions and jobs without an answer; those that lack both come twice.
    pub(crate) fn concerns(&self) -> impl Iterator<Item = u64> {
        self.unacked.iter().chain(&self.waiting).copied()
    }

    /// Whether it may be given a job.
    pub(crate) fn takes_jobs(&self) -> bool {
        self.served && !self.leaving
    }

    /// Submissions without an answer, whatever it will be.
    pub(crate) fn unanswered(&self) -> usize {
        self.unacked.len()
    }

    /// A foreground job has ended. One that had timed out keeps nothing back any more.
    fn forget(&mut self, number: u64, timed_out: bool) {
        if let Some(at) = self.waiting.iter().position(|waiting| *waiting == number) {
            self.waiting.remove(at);
        }
        self.busy = self.busy.saturating_sub(usize::from(!timed_out));
    }
}

impl Shard {
    #[inline]
    pub(crate) fn client_frame(
        &mut self,
        index: u32,
        conn: ConnId,
        response: Response<'_>,
        now: u64,
        io: &mut Io,
    ) {
        match response {
            Response::JobCreated { handle } => self.acknowledged(index, handle, now),
            Response::Work {
                handle,
                work: Work::Complete(body),
            } => self.result(index, handle, &body, now),
            Response::Work {
                handle,
                work: Work::Fail | Work::Exception(_),
            } => {
                self.work_failed(index, handle, now);
            }
            Response::Error { code, text } => self.refused(index, code, text),
            Response::Work { handle, work } => self.update(index, handle, &work),
            Response::OptionRes { .. } => {}
            _ => self.unexpected += 1,
        }
        self.refill(index, conn, now, io);
    }
}
