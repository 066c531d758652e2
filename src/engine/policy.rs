//! What an operator decides. Names are gearmand's option names where it has one.

use crate::protocol::handle::HandlePrefix;
use std::num::NonZeroU32;

/// The settings of a job server.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How often a job may be handed out before it fails; `None` is no limit. A job whose
    /// CAN_DO_TIMEOUT expires is handed out again only if a limit is set and not reached: without
    /// one it fails at once, as PROTOCOL says.
    ///
    /// gearmand's `--job-retries`: -1 is no limit, 0 and 1 a single attempt.
    pub job_retries: Option<u8>,
    /// Sleeping workers woken for a new job; `None` is all of them.
    ///
    /// gearmand's `--worker-wakeup`, where 0, the default, is all.
    pub worker_wakeup: Option<NonZeroU32>,
    /// Whether connections start with the option `exceptions` on. gearmand's `--exceptions`.
    pub exceptions: bool,
    /// What all handles begin with. gearmand's `--job-handle-prefix`.
    pub handle_prefix: HandlePrefix,
    /// What `version` says.
    pub version: String,
    /// What `getpid` says.
    pub pid: u32,
    /// What `verbose` says: the log level in gearmand's words.
    pub verbose: String,
    /// Functions without jobs, workers and limits that stay listed; beyond so many they are
    /// forgotten, so that a stranger who invents names cannot fill the memory.
    pub idle_functions: usize,
    /// Functions at the most that `create function` and `maxqueue` keep though nobody uses them.
    pub kept_functions: usize,
    /// Whether background jobs are given to [`super::Outbox::store`], and acknowledged once they
    /// are on disk.
    pub durable: bool,
    /// Whether a grab that finds no job waits until [`super::Event::Idle`], or for a job if one comes
    /// first: under load that spares the worker and the server NO_JOB, PRE_SLEEP, NOOP and
    /// another grab. Otherwise NO_JOB is answered at once.
    pub hold_grabs: bool,
    /// The number in the first handle. A server that starts again takes one that it never gave
    /// out, so that a handle of its earlier life names no new job.
    pub first_number: u64,
    /// Jobs at the most, whatever their state; more are refused. What a store gives back is taken
    /// in all the same.
    pub max_jobs: usize,
    /// Bytes that all jobs may take, each with a little for itself; more are refused.
    pub max_bytes: u64,
    /// Seed of the hash tables that peers' names go into. A server that strangers reach takes one
    /// they cannot guess.
    pub hash_seed: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            job_retries: None,
            worker_wakeup: NonZeroU32::new(1),
            exceptions: false,
            handle_prefix: HandlePrefix::for_host("localhost"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 0,
            verbose: "ERROR".to_owned(),
            idle_functions: 1_000,
            kept_functions: 10_000,
            max_jobs: 1_000_000,
            max_bytes: 1 << 30,
            durable: false,
            hold_grabs: false,
            first_number: 1,
            hash_seed: 0,
        }
    }
}
