//! After the end: what is still in service or in the queue is answered, so that nothing stays behind.

use super::can_do;
use crate::load::shard::Shard;
use crate::protocol::{Body, ConnId, Request, Work};
use crate::wire::Io;

/// Jobs that a worker which sweeps up a queue grabs ahead.
pub(crate) const SWEEP_PREFETCH: usize = 64;

fn answer_empty(conn: ConnId, handle: &[u8], io: &mut Io) {
    let work = Work::Complete(Body::default());
    io.request(conn, &Request::Work { handle, work });
}

impl Shard {
    /// The books are closed: answers the jobs in service, asks for all that the target has left.
    pub(crate) fn sweep(&mut self, io: &mut Io) {
        let functions = &self.functions;
        let grab = Request::Grab(self.plan.grab.0);
        for worker in &mut self.workers {
            let Some(conn) = worker.conn else {
                continue;
            };
            if !std::mem::replace(&mut worker.started, true) {
                can_do(functions, conn, io);
            }
            for held in worker.held.drain(..) {
                answer_empty(conn, held.handle.bytes(), io);
            }
            while worker.grabs < SWEEP_PREFETCH {
                worker.grabs += 1;
                io.request(conn, &grab);
            }
        }
    }

    /// Answers a job once the books are closed, and asks for the next.
    pub(crate) fn sweep_one(&mut self, conn: ConnId, handle: &[u8], io: &mut Io) {
        answer_empty(conn, handle, io);
        io.request(conn, &Request::Grab(self.plan.grab.0));
    }
}
