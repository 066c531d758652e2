//! What is to be done, every default written out.

mod check;
mod choices;
mod fault;
mod invariants;
mod phase;
mod quantities;
mod slo;
#[cfg(test)]
mod tests;

pub use check::PlanError;
pub use choices::{Arrival, Grab, Mix, Mode, Pace, Unique};
pub use fault::{Cut, Fault, FaultKind};
pub use invariants::{Invariant, Invariants};
pub(crate) use phase::is_name;
pub use phase::{LoadPhase, Phases, Rate};
pub use quantities::{ServiceTime, Size};
pub use slo::{Bound, Metric, Slo};

use super::scenario::Scenario;
use crate::protocol::GrabKind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A run, resolved. The same plan sends the same jobs in the same order. Written down it is a
/// [`Scenario`] that leaves nothing out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "Scenario")]
pub struct Plan {
    /// The question that the run answers, in the words of its scenario.
    pub question: Option<String>,
    /// Who is driven, as `host:port`.
    pub target: String,
    /// What keeps the jobs of this run apart from all others.
    pub id: RunId,
    /// Where all choices come from.
    pub seed: u64,
    /// When the next job starts.
    pub pace: Pace,
    /// Load that changes over time, in place of one rate; their names, rates and times.
    pub phases: Phases,
    /// End after so many measured jobs.
    pub jobs: Option<u64>,
    /// End after this time of measuring; with phases, what they take together.
    pub duration: Option<Duration>,
    /// Load before measuring starts.
    pub warmup: Duration,
    /// How long the last jobs may take once none are sent any more.
    pub drain: Duration,
    /// How long a job may take before it counts as timed out.
    pub timeout: Duration,
    /// How long the target may take to answer the first ECHO, and then between answers while the
    /// connections are made.
    pub connect_timeout: Duration,
    /// Connections opened per second.
    pub connect_rate: f64,
    /// Clients.
    pub clients: usize,
    /// Workers.
    pub workers: usize,
    /// Functions, each known to all workers of a thread.
    pub functions: usize,
    /// How workers ask for jobs.
    pub grab: Grab,
    /// Bytes of a payload.
    pub payload: Size,
    /// Bytes of a result.
    pub result: Size,
    /// Shares of the priorities.
    pub priority: Mix,
    /// Share of background jobs, in percent.
    pub background_percent: f64,
    /// What jobs are called.
    pub unique: Unique,
    /// The reducer that jobs name, which sends them as SUBMIT_REDUCE_JOB.
    pub reduce: Option<String>,
    /// How long after it is sent a job may start, which sends it as SUBMIT_JOB_EPOCH.
    pub epoch: Option<Duration>,
    /// How long a worker takes for a job.
    pub service: ServiceTime,
    /// WORK_DATA packets of a job before its end.
    pub chunks: u32,
    /// WORK_STATUS packets of a job before its end.
    pub progress: u32,
    /// Share of the jobs that a worker ends with WORK_FAIL, in percent.
    pub fail_percent: f64,
    /// Share of the jobs that a worker ends with WORK_EXCEPTION, in percent.
    pub exception_percent: f64,
    /// Share of the jobs about which a worker sends WORK_WARNING, in percent.
    pub warning_percent: f64,
    /// Jobs a worker has or asks for at a time.
    pub prefetch: usize,
    /// Background jobs submitted before any worker starts.
    pub backlog: u64,
    /// Connections that ask the target for its `status`, beside those of the load.
    pub pollers: u32,
    /// How often each of them asks.
    pub poll_every: Duration,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
    /// The command that restarts the server, for the fault of that name.
    pub restart_cmd: Option<String>,
    /// Whether acknowledged background jobs must survive a restart of the server.
    pub durable: bool,
    /// Service levels that the run must meet.
    pub slos: Vec<Slo>,
    /// End the run once a service level has been missed for so long.
    pub abort_after: Option<Duration>,
    /// The promises that are findings when broken.
    pub invariants: Invariants,
    /// How often the run is repeated.
    pub repeat: u32,
    /// Threads that drive connections.
    pub threads: usize,
    /// Process to read the server's use of the processor and memory from. It is a matter of the
    /// moment, and not written down.
    pub server_pid: Option<u32>,
    /// Words for whoever reads the result.
    pub labels: BTreeMap<String, String>,
}

impl Plan {
    /// The plan of `gearbench run` without options.
    pub fn new(target: impl Into<String>, id: RunId, seed: u64) -> Self {
        Plan {
            question: None,
            target: target.into(),
            id,
            seed,
            pace: Pace::Closed { outstanding: 1 },
            phases: Phases::default(),
            jobs: None,
            duration: None,
            warmup: Duration::ZERO,
            drain: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            connect_rate: 2000.0,
            clients: 8,
            workers: 8,
            functions: 1,
            grab: Grab(GrabKind::Uniq),
            payload: Size::fixed(64),
            result: Size::fixed(32),
            priority: Mix([0, 1, 0]),
            background_percent: 0.0,
            unique: Unique::None,
            reduce: None,
            epoch: None,
            service: ServiceTime::None,
            chunks: 0,
            progress: 0,
            fail_percent: 0.0,
            exception_percent: 0.0,
            warning_percent: 0.0,
            prefetch: 1,
            backlog: 0,
            pollers: 0,
            poll_every: Duration::from_secs(1),
            faults: Vec::new(),
            restart_cmd: None,
            durable: false,
            slos: Vec::new(),
            abort_after: None,
            invariants: Invariants::ALL,
            repeat: 1,
            threads: 1,
            server_pid: None,
            labels: BTreeMap::new(),
        }
    }

    /// Fills in what follows from the rest, and refuses what cannot work.
    pub fn resolve(mut self) -> Result<Self, PlanError> {
        self.fill_in();
        self.check()?;
        Ok(self)
    }

    /// Fills in what follows from the rest.
    pub(super) fn fill_in(&mut self) {
        self.resolve_phases();
        if self.clients > 0 && self.jobs.is_none() && self.duration.is_none() && self.backlog == 0 {
            self.duration = Some(Duration::from_secs(10));
        }
    }

    /// Phases open the loop; together they take the duration, where there is one.
    fn resolve_phases(&mut self) {
        if self.phases.0.is_empty() {
            return;
        }
        if let Some(duration) = self.duration {
            self.phases.stretch(duration);
        }
        self.duration = Some(self.phases.duration());
        let arrival = match self.pace {
            Pace::Open { arrival, .. } => arrival,
            Pace::Closed { .. } => Arrival::Constant,
        };
        let rate = self.phases.mean_rate();
        self.pace = Pace::Open { rate, arrival };
    }

    /// Whether there is more to do than a backlog.
    pub fn measures(&self) -> bool {
        self.clients > 0 && (self.jobs.is_some() || self.duration.is_some())
    }

    /// The part of the plan that thread `shard` carries out. Each has functions of its own, so
    /// that its jobs come back to it and nothing is shared.
    pub(crate) fn shard(&self, shard: usize) -> Plan {
        let threads = self.threads as f64;
        let share = |total: u64| {
            let (threads, shard) = (self.threads as u64, shard as u64);
            total / threads + u64::from(shard < total % threads)
        };
        let mut plan = self.clone();
        plan.clients = share(self.clients as u64) as usize;
        plan.workers = share(self.workers as u64) as usize;
        plan.functions = (share(self.functions as u64) as usize).max(1);
        plan.jobs = self.jobs.map(share);
        plan.backlog = share(self.backlog);
        plan.connect_rate = self.connect_rate / threads;
        if let Pace::Open { rate, .. } = &mut plan.pace {
            *rate /= threads;
        }
        for phase in &mut plan.phases.0 {
            phase.rate = phase.rate.scaled(1.0 / threads);
        }
        plan
    }
}

/// What a run's functions are named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub u64);

impl RunId {
    /// An id that no other run has.
    pub fn fresh() -> Self {
        RunId(rand::random())
    }

    /// What the names of all functions of this run begin with.
    pub fn prefix(self) -> String {
        format!("gearbench-{self}-")
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 48 bits are enough to keep runs apart, and leave names short.
        write!(f, "{:012x}", self.0 >> 16)
    }
}
