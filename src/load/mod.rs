//! The load generator: thousands of simulated clients and workers on a few connections-only
//! threads, every job in the books, latency by stage.
//!
//! ```no_run
//! use gearbench::load::{self, Control, Plan, RunId};
//!
//! let mut plan = Plan::new("127.0.0.1:4730", RunId::fresh(), 42);
//! plan.jobs = Some(1000);
//! let outcome = load::run(plan, Control::default())?;
//! assert_eq!(outcome.report.ledger.ok, 1000);
//! # Ok::<(), load::LoadError>(())
//! ```
//!
//! A plan is split into shards, one for each thread; a shard has clients, workers and functions of
//! its own, so that its jobs come back to it and nothing is shared: no lock, no channel and no
//! allocation on the path of a job. Every body says which job it is for.

mod abort;
mod admin;
mod arrival;
mod calendar;
mod client;
mod closing;
mod coalesce;
mod draw;
mod drive;
mod fairness;
mod faults;
mod jobs;
mod lateness;
mod ledger;
mod levels;
mod machine;
mod order;
mod outcome;
mod pacer;
mod payload;
mod phases;
mod plan;
mod pollers;
mod recorder;
pub mod scenario;
pub mod search;
mod seconds;
mod shard;
mod tally;
#[cfg(test)]
mod truth;
pub mod units;
mod watch;
mod worker;

use admin::tidy;
pub use admin::{Probed, probe};
pub use ledger::Unbalanced;
pub use plan::{
    Arrival, Bound, Cut, Fault, FaultKind, Grab, Invariant, Invariants, LoadPhase, Metric, Mix,
    Mode, Pace, Phases, Plan, PlanError, Rate, RunId, ServiceTime, Size, Slo, Unique,
};
pub use scenario::Scenario;
pub use watch::{OnProgress, Progress};

use crate::report::{Kind, Polls, Report};
use abort::Abort;
use admin::Admin;
use drive::Done;
use faults::Outage;
use pollers::Pollers;
use seconds::Gathered;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tally::Phase;
use watch::{Watch, Watched};

/// Files that are open besides the connections.
const OTHER_FILES: u64 = 64;
/// How long the target may take to say what is left over.
const LEFT_OVER_LIMIT: Duration = Duration::from_secs(1);

/// How a caller and a run speak to each other.
#[derive(Default)]
pub struct Control {
    /// Set it to end the run early; what was measured is then reported.
    pub stop: Arc<AtomicBool>,
    /// Called once a second, on a thread of its own.
    pub progress: Option<OnProgress>,
}

/// A run that came to its end, whatever it found.
#[derive(Debug)]
pub struct Outcome {
    /// What it found.
    pub report: Report,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No connection can be made.
    #[error("{target}: cannot connect: {source}")]
    Unreachable {
        /// `host:port`.
        target: String,
        /// What the system says.
        source: io::Error,
    },
    /// Connected, but nothing came.
    #[error("{target}: accepts connections but did not answer ECHO_REQ within {after:?}")]
    Silent {
        /// `host:port`.
        target: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// Connected, but what came is not Gearman.
    #[error("{target}: not a Gearman server: {found}")]
    NotGearman {
        /// `host:port`.
        target: String,
        /// What came.
        found: String,
    },
    /// Connected, but the target hung up.
    #[error(
        "{target}: ends connections instead of answering ECHO_REQ{}",
        cause(source)
    )]
    HungUp {
        /// `host:port`.
        target: String,
        /// What the system says.
        source: Option<io::Error>,
    },
    /// Not all connections could be made.
    #[error("{target}: {made} of {wanted} connections were made, then: {why}")]
    Connect {
        /// `host:port`.
        target: String,
        /// Connections that were answered.
        made: usize,
        /// Connections wanted.
        wanted: usize,
        /// What went wrong.
        why: String,
    },
    /// The limit of open files is too low.
    #[error(
        "{needed} open files are needed, the hard limit is {limit}; raise it with `ulimit -Hn`"
    )]
    Files {
        /// Connections and a few more.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// Ended by the caller before anything was measured.
    #[error("interrupted before the first job")]
    Interrupted,
    /// No runtime, timer or thread could be had.
    #[error("cannot run: {0}")]
    Runtime(io::Error),
    /// A thread panicked: an error in gearbench.
    #[error("a thread of the generator panicked")]
    Panicked,
    /// No histogram could be made: an error in gearbench.
    #[error("a histogram of the wanted range cannot be made")]
    Recorder,
    /// The books do not add up: an error in gearbench.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
    /// The plan cannot be written down: an error in gearbench.
    #[error("the plan does not serialise: {0}")]
    Json(serde_json::Error),
}

fn cause(source: &Option<io::Error>) -> String {
    source
        .as_ref()
        .map_or_else(String::new, |error| format!(": {error}"))
}

/// What the threads of a run share. Nothing of it is touched for a job.
struct Shared {
    origin: Instant,
    stop: Arc<AtomicBool>,
    /// The run was ended because of a service level.
    aborted: AtomicBool,
    /// A shard could not begin.
    failed: AtomicBool,
    /// Shards that are connected.
    ready: AtomicUsize,
    /// When the last question to the target was asked that was answered with "no jobs".
    empty_at: AtomicU64,
    counters: Vec<Counters>,
    /// Whether the target is being restarted.
    outage: Arc<Outage>,
    /// Where the responses of each second go.
    gathered: mpsc::Sender<Gathered>,
}

/// How far a shard is.
#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    completed: AtomicU64,
    errors: AtomicU64,
    failed: AtomicU64,
    timeouts: AtomicU64,
    live: AtomicU64,
    phase: AtomicU8,
    /// Kinds of faults that happened, or were not over, since somebody looked.
    faults: AtomicU8,
}

impl Shared {
    /// The phase of the first shard.
    fn phase(&self) -> &'static str {
        let number = self.counters.first().map_or(0, |c| c.phase.load(Relaxed));
        let phases = [
            Phase::Connect,
            Phase::Flood,
            Phase::Backlog,
            Phase::Warmup,
            Phase::Measure,
            Phase::Drain,
            Phase::Over,
        ];
        phases
            .get(usize::from(number))
            .map_or("", |phase| phase.name())
    }
}

/// Carries out a plan against its target and reports what happened. Blocks until the run is
/// over; with a target that fails, no longer than the plan's times plus two seconds.
pub fn run(plan: Plan, control: Control) -> Result<Outcome, LoadError> {
    let plan = plan.resolve()?;
    check_files(&plan)?;
    let probed = admin::probe(&plan.target, plan.connect_timeout)?;
    let (gathered, seconds) = mpsc::channel();
    let started_unix = SystemTime::now().duration_since(UNIX_EPOCH);
    let origin = Instant::now();
    let shared = Arc::new(Shared {
        origin,
        outage: Outage::new(origin),
        stop: control.stop,
        aborted: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        ready: AtomicUsize::new(0),
        empty_at: AtomicU64::new(0),
        counters: (0..plan.threads).map(|_| Counters::default()).collect(),
        gathered,
    });
    let watch = Watch {
        shared: &shared,
        address: probed.address,
        prefix: plan.id.prefix(),
        server_pid: plan.server_pid,
        progress: control.progress,
        offered: plan.pace.rate(),
        abort: Abort::new(&plan.slos, plan.abort_after),
        seconds,
    };
    let (watched, polls, shards) = run_threads(&plan, &shared, watch);
    let shards = all_done(shards)?;
    let left_over = match shards.iter().any(|shard| shard.gone.is_some()) {
        true => None,
        false => left_over(&plan, &probed),
    };
    if left_over == Some(0) {
        tidy(probed.address, &plan.id.prefix(), LEFT_OVER_LIMIT);
    }
    let slos = plan.slos.clone();
    let context = outcome::Context {
        probed,
        started_unix: started_unix.map_or(0, |time| time.as_secs()),
        watched,
        interrupted: shared.stop.load(Relaxed) && !shared.aborted.load(Relaxed),
        restart_failures: shared.outage.failures(),
        left_over,
        plan,
    };
    let abort_after = context.plan.abort_after;
    let mut report = outcome::report(context, &shards)?;
    report.polls = polls;
    levels::judge(&mut report, &slos);
    if let Some(after) = abort_after.filter(|_| shared.aborted.load(Relaxed)) {
        let text = format!("ended early: a service level was missed for {after:?}");
        report.verdict.find(Kind::Slo, text);
    }
    Ok(Outcome { report })
}

/// Jobs of this run that the target still holds.
fn left_over(plan: &Plan, probed: &Probed) -> Option<u64> {
    let mut admin = Admin::connect(probed.address, LEFT_OVER_LIMIT).ok()?;
    admin.queued(&plan.id.prefix(), LEFT_OVER_LIMIT).ok()
}

/// The shards' books; of several errors the one that made the others give up.
fn all_done(shards: Vec<Result<Done, LoadError>>) -> Result<Vec<Done>, LoadError> {
    let (done, mut errors): (Vec<_>, Vec<_>) = shards.into_iter().partition(Result::is_ok);
    errors.sort_by_key(|error| matches!(error, Err(LoadError::Interrupted)));
    errors.into_iter().chain(done).collect()
}

/// One thread for each shard, the first on the calling one, and one that watches.
fn run_threads(
    plan: &Plan,
    shared: &Arc<Shared>,
    watch: Watch<'_>,
) -> (Watched, Option<Polls>, Vec<Result<Done, LoadError>>) {
    let address = watch.address;
    let pollers = Pollers {
        address,
        prefix: plan.id.prefix(),
        count: plan.pollers,
        every: plan.poll_every,
    };
    let (over, until) = mpsc::channel();
    let (polled_enough, poll_until) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watching = scope.spawn(move || watch.run(&until));
        let polling = (plan.pollers > 0).then(|| scope.spawn(move || pollers.run(&poll_until)));
        let others: Vec<_> = (1..plan.threads)
            .map(|index| scope.spawn(move || drive::run(plan, index, shared, address)))
            .collect();
        let mut shards = vec![drive::run(plan, 0, shared, address)];
        let joined = others.into_iter().map(|other| other.join());
        shards.extend(joined.map(|result| result.unwrap_or(Err(LoadError::Panicked))));
        drop((over, polled_enough));
        let polls = polling.and_then(|polling| polling.join().ok().flatten());
        (watching.join().unwrap_or_default(), polls, shards)
    })
}

fn check_files(plan: &Plan) -> Result<(), LoadError> {
    let needed = plan.files_needed();
    let limit = crate::wire::raise_file_limit();
    match needed <= limit {
        true => Ok(()),
        false => Err(LoadError::Files { needed, limit }),
    }
}

impl Plan {
    /// Files that carrying out this plan keeps open.
    pub fn files_needed(&self) -> u64 {
        let actors = self.clients.saturating_add(self.workers) as u64;
        let actors = actors.saturating_add(self.pollers.into());
        actors.saturating_add(OTHER_FILES)
    }
}
