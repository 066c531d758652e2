//! What an operator wants to know of a running server, in numbers.

use super::JobServer;
use super::functions::Function;
use super::list::List;
use crate::protocol::ConnId;

/// What happened since the start. All are counts that never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Submissions that became foreground jobs.
    pub foreground: u64,
    /// Submissions that became background jobs.
    pub background: u64,
    /// Submissions that joined a live job of the same unique.
    pub joined: u64,
    /// Submissions refused since the queue was full.
    pub refused_full: u64,
    /// Submissions refused since the server takes its leave.
    pub refused_draining: u64,
    /// Jobs that ended by WORK_COMPLETE.
    pub completed: u64,
    /// Jobs that ended by WORK_FAIL.
    pub failed: u64,
    /// Jobs that ended by WORK_EXCEPTION.
    pub excepted: u64,
    /// Jobs that went back to their queue: the worker was lost or took too long.
    pub requeued: u64,
    /// Times that a worker took longer than its function may.
    pub timed_out: u64,
    /// Jobs that the server itself failed, since they may not be tried again.
    pub given_up: u64,
    /// Jobs dropped since nobody waited for them any more.
    pub abandoned: u64,
    /// Jobs ended by `cancel job` and `drop function`.
    pub cancelled: u64,
    /// NOOPs sent.
    pub noops: u64,
}

/// One function, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionCensus {
    /// Its name; empty where several are summed up.
    pub name: Box<[u8]>,
    /// Jobs that wait for a worker: high, normal and low.
    pub queued: [usize; 3],
    /// Jobs that a worker holds.
    pub running: usize,
    /// Jobs whose time has not come.
    pub delayed: usize,
    /// Connections that can run it.
    pub workers: usize,
}

impl FunctionCensus {
    fn of(function: &Function) -> Self {
        let mut census = FunctionCensus {
            name: function.name.clone(),
            ..FunctionCensus::default()
        };
        census.add(function);
        census
    }

    fn add(&mut self, function: &Function) {
        let queues = function.queues.iter().map(List::len);
        for (sum, queued) in self.queued.iter_mut().zip(queues) {
            *sum += queued;
        }
        self.running += function.running;
        self.delayed += function.delayed;
        self.workers += function.workers;
    }
}

/// The server at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Functions, one by one.
    pub functions: Vec<FunctionCensus>,
    /// The functions beyond those, as one without a name.
    pub others: Option<FunctionCensus>,
    /// Functions that are known.
    pub known_functions: usize,
    /// Jobs of any state.
    pub jobs: usize,
    /// Bytes that these jobs count for.
    pub bytes: u64,
    /// Connections.
    pub peers: usize,
    /// Connections that wait for a NOOP.
    pub sleeping: usize,
    /// What happened so far.
    pub counts: Counts,
}

impl JobServer {
    /// The server in numbers, with so many functions one by one at the most. Looks at each
    /// function and each connection once, and at no job.
    pub fn census(&self, one_by_one: usize) -> Census {
        let mut census = Census {
            jobs: self.jobs.len(),
            bytes: self.jobs.bytes(),
            peers: self.peers.len(),
            sleeping: self.peers.values().filter(|peer| peer.sleeping).count(),
            counts: self.counts,
            ..Census::default()
        };
        for (_, function) in self.functions.iter() {
            census.known_functions += 1;
            if census.functions.len() < one_by_one {
                census.functions.push(FunctionCensus::of(function));
            } else {
                let others = census.others.get_or_insert_default();
                others.add(function);
            }
        }
        census
    }

    /// The address of a connection, as `workers` shows it, for those who write a log.
    pub fn address(&self, conn: ConnId) -> Option<&str> {
        self.peers.get(conn).map(|peer| &*peer.info.address)
    }
}
