//! Grabs that find no job and are not answered yet.
//!
//! A worker that is told NO_JOB goes to sleep, and is woken for the next job to grab it: four
//! packets that a busy server can spare. With [`Policy::hold_grabs`](super::Policy::hold_grabs) the
//! answer waits until nothing else is to be done, and a job that comes before goes straight to who
//! asked. Whatever else the worker sends is answered after its grab.

use super::abilities::Abilities;
use super::keys::SetId;
use super::{JobServer, Outbox};
use crate::protocol::{ConnId, GrabKind, Response};

impl JobServer {
    /// Whether [`Event::Idle`](super::Event::Idle) is waited for.
    #[inline]
    pub fn holds_grabs(&self) -> bool {
        !self.asking.is_empty()
    }

    /// A grab of a worker with these abilities finds nothing.
    #[inline]
    pub(super) fn found_none(
        &mut self,
        conn: ConnId,
        set: Option<SetId>,
        kind: GrabKind,
        out: &mut impl Outbox,
    ) {
        let holds = self.policy.hold_grabs && !self.keeps_jobs();
        let Some(set) = set.filter(|_| holds) else {
            return out.send(conn, Response::NoJob);
        };
        self.peers[conn].asks = Some(kind);
        self.asking.push(conn);
        self.sets
            .ask(set, conn, &mut self.peers, &mut self.functions);
    }

    /// The grab of this worker that is held, which is not any more.
    pub(super) fn take_grab(&mut self, conn: ConnId) -> Option<GrabKind> {
        let peer = self.peers.get_mut(conn)?;
        let kind = peer.asks.take()?;
        if let Abilities::Set(set) = peer.abilities {
            self.sets.stop_asking(set, conn, &mut self.peers);
        }
        Some(kind)
    }

    /// Answers the grab of this worker, if it is held: something else is to be answered.
    #[inline]
    pub(super) fn answer_grab(&mut self, conn: ConnId, out: &mut impl Outbox) {
        if self.holds_grabs() && self.take_grab(conn).is_some() {
            out.send(conn, Response::NoJob);
        }
    }

    /// Nothing else is to be done.
    pub(super) fn idle(&mut self, out: &mut impl Outbox) {
        let mut asking = std::mem::take(&mut self.asking);
        for conn in asking.drain(..) {
            if self.take_grab(conn).is_some() {
                out.send(conn, Response::NoJob);
            }
        }
        self.asking = asking;
    }
}
