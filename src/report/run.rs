//! What a load run found.

use super::{Balance, Histogram, Order, Verdict, quantity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the JSON form; it grows when a field changes its meaning or goes. A field that is
/// new has a default, so that results from before it can still be read.
pub const SCHEMA_VERSION: u32 = 1;

/// One run, whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Tells this document from the other ones of gearbench.
    #[serde(default)]
    pub kind: Document,
    /// The subcommand.
    pub command: String,
    /// Version of gearbench.
    pub version: String,
    /// What the functions of this run are named after.
    pub run_id: String,
    /// The same seed sends the same jobs.
    pub seed: u64,
    /// When the run began, in seconds since 1970.
    pub started_unix: u64,
    /// Who was driven.
    pub target: Target,
    /// `--label`s.
    pub labels: BTreeMap<String, String>,
    /// The resolved plan, every default written out.
    pub plan: serde_json::Value,
    /// The machine the generator ran on.
    pub environment: Environment,
    /// Whether response counts from an intended start.
    pub load: LoopKind,
    /// What it comes to.
    pub verdict: Verdict,
    /// What came out of the service levels that were asked for.
    #[serde(default)]
    pub slos: Vec<ServiceLevel>,
    /// The parts of the run, in order.
    pub phases: Vec<Phase>,
    /// Where every job went, the warm-up's included.
    pub ledger: Ledger,
    /// How the jobs were spread over the workers; `None` without workers.
    pub balance: Option<Balance>,
    /// Whether jobs were assigned in order; `None` where it was not looked at.
    #[serde(default)]
    pub order: Option<Order>,
    /// Answers to `status`, where connections asked for it beside the load.
    #[serde(default)]
    pub polls: Option<Polls>,
    /// How often workers were woken, and for nothing.
    pub wakeups: Wakeups,
    /// What clients heard of their jobs before the end.
    #[serde(default)]
    pub updates: Updates,
    /// What went wrong on purpose, in the order of time.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Whether the generator itself was well.
    pub generator: Generator,
    /// One sample a second.
    pub series: Vec<Sample>,
    /// The responses of each second, the warm-up's included; of a long run those of several.
    #[serde(default)]
    pub intervals: Vec<Interval>,
}

/// Answers to `status` while load was on the server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Polls {
    /// Questions.
    pub asked: u64,
    /// Of those: not answered in time.
    pub failed: u64,
    /// How long the answers took.
    pub latency: Histogram,
}

/// The kind of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// Results of a load run.
    #[default]
    Load,
}

/// The server under test.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// What it answers to `version`.
    pub version: Option<String>,
}

/// The machine the generator ran on.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Operating system.
    pub os: String,
    /// Release of its kernel.
    pub kernel: String,
    /// Instruction set.
    pub arch: String,
    /// Model of the processor.
    pub cpu: String,
    /// Processors that may be used.
    pub cpus: usize,
}

/// How jobs are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoopKind {
    /// The next job waits for the answer to the last: slow answers slow the load.
    #[default]
    Closed,
    /// Jobs start when the schedule says so.
    Open,
}

/// One part of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// `flood`, `backlog`, `warmup`, `measure`.
    pub name: String,
    /// When it began, in seconds since the first connection.
    #[serde(default)]
    pub at_seconds: f64,
    /// How long it took.
    pub seconds: f64,
    /// Jobs handed to the kernel in it.
    pub sent: u64,
    /// Jobs that ended well in it.
    pub completed: u64,
    /// Jobs a second that the schedule asked for; `None` in a closed loop.
    pub offered_per_second: Option<f64>,
    /// Jobs a second sent.
    pub sent_per_second: f64,
    /// Jobs a second completed.
    pub completed_per_second: f64,
    /// The server's share, where it can be seen.
    pub server: Option<ServerUse>,
    /// Processor seconds of the generator's threads.
    pub generator_cpu_seconds: f64,
    /// Latency of the jobs that were started in this phase.
    pub stages: Vec<Stage>,
}

/// What a phase cost the server.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerUse {
    /// Processor seconds, user and system.
    pub cpu_seconds: f64,
    /// Processor microseconds for each job of the phase.
    pub cpu_us_per_job: f64,
    /// Resident bytes when the phase ended.
    pub rss_bytes: u64,
}

/// Latency between two stamps of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The stage, as `explain latency` names it.
    pub name: String,
    /// Its figures, in nanoseconds, and the histogram they come from.
    pub latency: Histogram,
}

/// A service level that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceLevel {
    /// As it was asked for, such as `response.p99 < 20ms`.
    pub slo: String,
    /// What was found; `None` with too few samples.
    pub found: Option<f64>,
    /// The unit of that: `ns`, `jobs/s` or `%`.
    pub unit: String,
    /// Whether it was met; `None` if that cannot be said.
    pub met: Option<bool>,
}

/// Where every job went. `scheduled = sent + shed` and `sent = ok + failed_as_told + failed +
/// error + timeout + abandoned + lost_in_restart + in_flight`, or there is no report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Jobs that were to be sent.
    pub scheduled: u64,
    /// Jobs given to a connection.
    pub sent: u64,
    /// Jobs not sent, because too many were on their way.
    pub shed: u64,
    /// Ended well: answered in the foreground, run in the background.
    pub ok: u64,
    /// Ended by the WORK_FAIL or WORK_EXCEPTION that their worker was told to send.
    #[serde(default)]
    pub failed_as_told: u64,
    /// Ended by another WORK_FAIL or WORK_EXCEPTION, or a result that was not theirs.
    pub failed: u64,
    /// Refused by an ERROR, or their connection ended first.
    pub error: u64,
    /// Not answered in time.
    pub timeout: u64,
    /// Their client was killed by a fault of the plan.
    #[serde(default)]
    pub abandoned: u64,
    /// Their connection ended in a restart of the server, or a server that keeps no jobs was
    /// restarted while it had them.
    #[serde(default)]
    pub lost_in_restart: u64,
    /// Without an end when the run ended.
    pub in_flight: u64,
    /// Accepted, never ended, and not known to the server any more.
    pub lost: u64,
    /// Jobs that nobody submitted, and answers to jobs that nobody ran.
    pub phantom: u64,
    /// Run or answered twice although no worker was lost.
    pub duplicated: u64,
    /// Payloads, results and functions that were another's or were damaged.
    pub wrong_body: u64,
    /// Run before the time they were submitted for.
    #[serde(default)]
    pub early: u64,
    /// Run again because a worker was lost: legal.
    pub rerun: u64,
    /// Run although their submission was never acknowledged.
    pub recovered: u64,
    /// Submissions that joined a job which the server had already.
    #[serde(default)]
    pub coalesced: u64,
    /// Answered after they had timed out.
    pub late: u64,
    /// Of those in flight: seen in the server's queue by `status` at the end.
    pub still_queued: u64,
}

impl Ledger {
    /// Jobs that have an end, whatever it was.
    pub fn ended(&self) -> u64 {
        let ends = [
            self.ok,
            self.failed_as_told,
            self.failed,
            self.error,
            self.timeout,
            self.abandoned,
            self.lost_in_restart,
        ];
        ends.into_iter().fold(0, u64::saturating_add)
    }
}

/// What clients heard of their jobs before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// WORK_DATA: parts of results.
    pub chunks: u64,
    /// WORK_STATUS.
    pub progress: u64,
    /// WORK_WARNING.
    pub warnings: u64,
}

/// Something that went wrong on purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The fault as it was asked for.
    pub fault: String,
    /// When it happened, in seconds since the first connection.
    pub at_seconds: f64,
    /// Connections that it happened to.
    pub connections: u64,
    /// Jobs that were with them.
    pub jobs: u64,
    /// How long it took until these connections were back and none of these jobs was without an
    /// end any more; `None` if that did not come.
    pub recovered_after_seconds: Option<f64>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// Wake-ups and vain grabs of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wakeups {
    /// PRE_SLEEPs sent.
    pub sleeps: u64,
    /// NOOPs received.
    pub noops: u64,
    /// Of those: received by a worker that did not sleep.
    pub noops_awake: u64,
    /// GRAB_JOBs sent.
    pub grabs: u64,
    /// NO_JOBs received.
    pub no_jobs: u64,
    /// Jobs assigned.
    pub assigned: u64,
}

/// Whether the generator was the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Threads that drove connections.
    pub threads: usize,
    /// Share of those threads' time that they were busy, in percent, over the measured phases.
    pub busy_percent: f64,
    /// 99.9th percentile of the schedule lag, in nanoseconds; `None` in a closed loop.
    pub schedule_lag_p999_ns: Option<u64>,
    /// How late the generator itself did what was due; `None` where too little was measured.
    #[serde(default)]
    pub late: Option<Late>,
    /// Share of the measured time that its threads were ready to run while others ran, in
    /// percent; `None` where that cannot be seen.
    #[serde(default)]
    pub cpu_wait_percent: Option<f64>,
    /// Share of all processors that the host of a virtual machine kept for others, in percent;
    /// `None` where that cannot be seen.
    #[serde(default)]
    pub stolen_percent: Option<f64>,
    /// Jobs not sent, because too many were on their way.
    pub sheds: u64,
    /// Connections that ended before the run did.
    pub connections_lost: u64,
    /// Connections made again.
    pub reconnects: u64,
    /// Packets that the receiver could not expect.
    pub unexpected_packets: u64,
}

/// How late the generator itself did what was due, in nanoseconds: jobs of an open loop were made
/// after their intended start, and a beat of 2 ms was noticed after its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// Median.
    pub p50_ns: u64,
    /// 90th percentile.
    pub p90_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// 99.9th percentile.
    pub p999_ns: u64,
}

impl Late {
    /// The larger of both, percentile by percentile.
    pub fn max(self, other: Self) -> Self {
        Late {
            p50_ns: self.p50_ns.max(other.p50_ns),
            p90_ns: self.p90_ns.max(other.p90_ns),
            p99_ns: self.p99_ns.max(other.p99_ns),
            p999_ns: self.p999_ns.max(other.p999_ns),
        }
    }
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seconds since the first connection.
    pub at_seconds: f64,
    /// Jobs sent so far.
    pub sent: u64,
    /// Jobs ended well so far.
    pub completed: u64,
    /// Jobs without an end.
    pub in_flight: u64,
    /// Jobs of this run that the server holds, running ones included; `None` where it cannot say.
    pub queued: Option<u64>,
    /// Resident bytes of the server, where they can be seen.
    pub server_rss_bytes: Option<u64>,
    /// Median response of the second before, in nanoseconds; `None` with too few responses.
    #[serde(default)]
    pub response_p50_ns: Option<u64>,
    /// 99th percentile of the same.
    #[serde(default)]
    pub response_p99_ns: Option<u64>,
    /// Jobs refused, or whose connection ended first, so far.
    #[serde(default)]
    pub errors: u64,
    /// Jobs that failed so far.
    #[serde(default)]
    pub failed: u64,
    /// Jobs not answered in time so far.
    #[serde(default)]
    pub timeouts: u64,
}

/// The responses of a span of time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// When it began, in seconds since the first connection.
    pub at_seconds: f64,
    /// How long it was.
    pub seconds: f64,
    /// Response of the jobs that were answered in it.
    pub response: Histogram,
}

impl LoopKind {
    /// The word of the JSON.
    pub const fn word(self) -> &'static str {
        match self {
            LoopKind::Closed => "closed",
            LoopKind::Open => "open",
        }
    }
}

impl Interval {
    /// Adds the responses of another interval; this one then spans both.
    pub fn merge(&mut self, other: &Interval) {
        let until = (self.at_seconds + self.seconds).max(other.at_seconds + other.seconds);
        self.at_seconds = self.at_seconds.min(other.at_seconds);
        self.seconds = until - self.at_seconds;
        self.response.merge(&other.response);
    }
}

impl Report {
    /// The phase that the headline figures come from: the measured one, else the last.
    pub fn headline(&self) -> Option<&Phase> {
        let measured = self.phases.iter().find(|phase| phase.name == "measure");
        measured.or(self.phases.last())
    }
}

/// Phases that prepare what is measured.
const PREPARING: [&str; 3] = ["flood", "backlog", "warmup"];

impl Report {
    /// The measured phases; of a run that only empties a backlog, the last.
    pub fn measured(&self) -> impl Iterator<Item = &Phase> {
        let is_measured = |phase: &&Phase| !PREPARING.contains(&phase.name.as_str());
        let any = self.phases.iter().any(|phase| is_measured(&phase));
        let last = self.phases.last().filter(|_| !any);
        self.phases.iter().filter(is_measured).chain(last)
    }
}

impl ServiceLevel {
    /// What was found, with its unit.
    pub fn shown(&self) -> String {
        match (self.found, self.unit.as_str()) {
            (None, _) => "too few samples".to_owned(),
            (Some(found), "ns") => quantity::duration(found as u64),
            (Some(found), "jobs/s") => quantity::rate(found),
            (Some(found), unit) => format!("{found:.3} {unit}"),
        }
    }
}

impl Phase {
    /// A stage by name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}
