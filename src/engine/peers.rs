//! The connections, as far as the rules know them.

use super::abilities::Abilities;
use super::jobs::Jobs;
use super::keys::{FunctionId, JobKey};
use super::list::{Linked, Links, List};
use crate::protocol::{ConnId, GrabKind};
use slotmap::SecondaryMap;

/// What the driver knows of a connection.
#[derive(Clone, Debug, Default)]
pub struct PeerInfo {
    /// The peer's address, as `workers` shows it.
    pub address: Box<str>,
    /// The number of its socket, as `workers` shows it.
    pub fd: u32,
    /// It may look but not touch: the commands that change the server are refused to it.
    pub confined: bool,
}

/// One connection. Client and worker are roles of a moment: any connection may be both.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) info: PeerInfo,
    /// What SET_CLIENT_ID said.
    pub(super) client_id: Option<Box<[u8]>>,
    /// Wants WORK_EXCEPTION.
    pub(super) exceptions: bool,
    pub(super) abilities: Abilities,
    /// Waits for a NOOP, in the list of its set's sleepers if it has abilities.
    pub(super) sleeping: bool,
    /// Its grab is held, in the list of its set's askers.
    pub(super) asks: Option<GrabKind>,
    pub(super) links: Links<ConnId>,
    /// Was sent a NOOP because of this function and did not grab since.
    pub(super) woken_for: Option<FunctionId>,
    /// Tells one NOOP from the next.
    pub(super) wakes: u32,
    /// Jobs it runs.
    pub(super) held: List<JobKey>,
    waiting: Vec<JobKey>,
    waiting_alive: usize,
    /// The function it last submitted a job for: most clients use one.
    pub(super) last_function: Option<FunctionId>,
    /// The number of the job that it last ended with an exception: Perl's workers send a
    /// WORK_FAIL after it.
    pub(super) excepted: Option<u64>,
}

impl Peer {
    pub(super) fn new(info: PeerInfo, exceptions: bool) -> Self {
        Peer {
            info,
            exceptions,
            ..Peer::default()
        }
    }

    /// It waits for `job` from now on.
    pub(super) fn wait_for(&mut self, job: JobKey, jobs: &Jobs) {
        // Ended jobs stay in the list until they are the majority.
        if self.waiting.len() >= 64 && self.waiting.len() > 2 * self.waiting_alive {
            self.waiting.retain(|&job| jobs.contains(job));
        }
        self.waiting.push(job);
        self.waiting_alive += 1;
    }

    /// A job it waited for ended.
    pub(super) fn waited(&mut self) {
        self.waiting_alive -= 1;
        if self.waiting_alive == 0 {
            self.waiting.clear();
        }
    }

    /// Jobs it waits for, and some that ended.
    pub(super) fn take_waiting(&mut self) -> Vec<JobKey> {
        std::mem::take(&mut self.waiting)
    }
}

/// All connections.
///
/// Boxed, so that slots of many that have left are small.
pub(super) type Peers = SecondaryMap<ConnId, Box<Peer>>;

impl Linked<ConnId> for Peers {
    fn links(&mut self, key: ConnId) -> &mut Links<ConnId> {
        &mut self[key].links
    }
}
