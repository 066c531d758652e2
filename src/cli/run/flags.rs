//! The flags that describe a run, and the scenario they are.

use crate::load::{
    Arrival, Fault, Grab, Invariants, Mix, Mode, Phases, Scenario, ServiceTime, Size, Slo, Unique,
    units,
};
use std::time::Duration;

/// The keys of a scenario, as flags. What is not given has the default of the plan.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Closed: the next job waits for an answer. Open: jobs start by the schedule of --rate
    #[arg(
        long,
        env = "GEARBENCH_MODE",
        value_name = "MODE",
        help_heading = "Load"
    )]
    pub mode: Option<Mode>,
    /// Jobs per second over all clients, as in 5k; implies --mode open
    #[arg(long, env = "GEARBENCH_RATE", value_name = "RATE", value_parser = units::rate, help_heading = "Load")]
    pub rate: Option<f64>,
    /// Gaps between intended starts: constant, poisson or burst:100 (so many at once) [default:
    /// constant]
    #[arg(
        long,
        env = "GEARBENCH_ARRIVAL",
        value_name = "ARRIVAL",
        help_heading = "Load"
    )]
    pub arrival: Option<Arrival>,
    /// Load that changes: 1k:30s,1k..5k:60s,calm=1k:30s (a rate or a ramp, and how long); --duration
    /// stretches it
    #[arg(
        long,
        env = "GEARBENCH_PHASES",
        value_name = "PHASES",
        help_heading = "Load"
    )]
    pub phases: Option<Phases>,
    /// Jobs of a client on their way at a time, in a closed loop [default: 1]
    #[arg(long, env = "GEARBENCH_OUTSTANDING", value_name = "N", value_parser = units::count, help_heading = "Load")]
    pub outstanding: Option<u64>,
    /// End after so many measured jobs, as in 200k
    #[arg(long, env = "GEARBENCH_JOBS", value_name = "N", value_parser = units::count, help_heading = "Load")]
    pub jobs: Option<u64>,
    /// End after this time of measuring; 10s when neither jobs nor duration is given
    #[arg(long, env = "GEARBENCH_DURATION", value_name = "TIME", value_parser = units::duration, help_heading = "Load")]
    pub duration: Option<Duration>,
    /// Load before measuring starts [default: 0s]
    #[arg(long, env = "GEARBENCH_WARMUP", value_name = "TIME", value_parser = units::duration, help_heading = "Load")]
    pub warmup: Option<Duration>,
    /// How long the last jobs may take at the end [default: 10s]
    #[arg(long, env = "GEARBENCH_DRAIN", value_name = "TIME", value_parser = units::duration, help_heading = "Load")]
    pub drain: Option<Duration>,
    /// Submit so many background jobs before any worker starts, then have them emptied
    #[arg(long, env = "GEARBENCH_BACKLOG", value_name = "N", value_parser = units::count, help_heading = "Load")]
    pub backlog: Option<u64>,
    /// How long a job may take before it counts as timed out [default: 30s]
    #[arg(long, env = "GEARBENCH_TIMEOUT", value_name = "TIME", value_parser = units::duration, help_heading = "Load")]
    pub timeout: Option<Duration>,
    /// Simulated clients [default: 8]
    #[arg(long, env = "GEARBENCH_CLIENTS", value_name = "N", value_parser = units::count, help_heading = "Actors")]
    pub clients: Option<u64>,
    /// Simulated workers [default: 8]
    #[arg(long, env = "GEARBENCH_WORKERS", value_name = "N", value_parser = units::count, help_heading = "Actors")]
    pub workers: Option<u64>,
    /// Functions; every worker of a thread knows all of its functions [default: 1]
    #[arg(long, env = "GEARBENCH_FUNCTIONS", value_name = "N", value_parser = units::count, help_heading = "Actors")]
    pub functions: Option<u64>,
    /// How workers ask for jobs: classic, uniq or all [default: uniq]
    #[arg(
        long,
        env = "GEARBENCH_GRAB",
        value_name = "GRAB",
        help_heading = "Actors"
    )]
    pub grab: Option<Grab>,
    /// Jobs a worker has or asks for at a time [default: 1]
    #[arg(long, env = "GEARBENCH_PREFETCH", value_name = "N", value_parser = units::count, help_heading = "Actors")]
    pub prefetch: Option<u64>,
    /// Connections opened per second [default: 2000]
    #[arg(long, env = "GEARBENCH_CONNECT_RATE", value_name = "N", value_parser = units::rate, help_heading = "Actors")]
    pub connect_rate: Option<f64>,
    /// How long the target may take for its first answer [default: 5s]
    #[arg(long, env = "GEARBENCH_CONNECT_TIMEOUT", value_name = "TIME", value_parser = units::duration, help_heading = "Actors")]
    pub connect_timeout: Option<Duration>,
    /// Bytes of a payload: 64, 64..4k, lognormal:1k,0.8 (median, sigma) or file:PATH (one size a
    /// line) [default: 64]
    #[arg(
        long,
        env = "GEARBENCH_PAYLOAD",
        value_name = "SIZE",
        help_heading = "Jobs"
    )]
    pub payload: Option<Size>,
    /// Bytes of a result, in the same way; 0 is none [default: 32]
    #[arg(
        long,
        env = "GEARBENCH_RESULT",
        value_name = "SIZE",
        help_heading = "Jobs"
    )]
    pub result: Option<Size>,
    /// Shares of the priorities: high=1,normal=8,low=1 [default: normal]
    #[arg(
        long,
        env = "GEARBENCH_PRIORITY",
        value_name = "MIX",
        help_heading = "Jobs"
    )]
    pub priority: Option<Mix>,
    /// Share of background jobs [default: 0]
    #[arg(long, env = "GEARBENCH_BACKGROUND", value_name = "PERCENT", value_parser = units::percent, help_heading = "Jobs")]
    pub background: Option<f64>,
    /// What jobs are called: none, each its own name, or pool:1000 (so many names) [default: none]
    #[arg(
        long,
        env = "GEARBENCH_UNIQUE",
        value_name = "UNIQUE",
        help_heading = "Jobs"
    )]
    pub unique: Option<Unique>,
    /// Submit as SUBMIT_REDUCE_JOB, naming this reducer
    #[arg(
        long,
        env = "GEARBENCH_REDUCE",
        value_name = "REDUCER",
        help_heading = "Jobs"
    )]
    pub reduce: Option<String>,
    /// Submit as SUBMIT_JOB_EPOCH: the job may start so long after it is sent
    #[arg(long, env = "GEARBENCH_EPOCH", value_name = "TIME", value_parser = units::duration, help_heading = "Jobs")]
    pub epoch: Option<Duration>,
    /// How long a worker takes for a job: none, fixed:1ms, exp:5ms (mean) or lognormal:5ms,1.0
    /// (median, sigma) [default: none]
    #[arg(
        long,
        env = "GEARBENCH_SERVICE",
        value_name = "TIME",
        help_heading = "Workers"
    )]
    pub service: Option<ServiceTime>,
    /// WORK_DATA packets of a job before its end [default: 0]
    #[arg(long, env = "GEARBENCH_CHUNKS", value_name = "N", value_parser = units::small_count, help_heading = "Workers")]
    pub chunks: Option<u32>,
    /// WORK_STATUS packets of a job before its end [default: 0]
    #[arg(long, env = "GEARBENCH_PROGRESS", value_name = "N", value_parser = units::small_count, help_heading = "Workers")]
    pub progress: Option<u32>,
    /// Share of the jobs that a worker ends with WORK_FAIL [default: 0]
    #[arg(long, env = "GEARBENCH_FAIL", value_name = "PERCENT", value_parser = units::percent, help_heading = "Workers")]
    pub fail: Option<f64>,
    /// Share of the jobs that a worker ends with WORK_EXCEPTION [default: 0]
    #[arg(long, env = "GEARBENCH_EXCEPTION", value_name = "PERCENT", value_parser = units::percent, help_heading = "Workers")]
    pub exception: Option<f64>,
    /// Share of the jobs with a WORK_WARNING [default: 0]
    #[arg(long, env = "GEARBENCH_WARNING", value_name = "PERCENT", value_parser = units::percent, help_heading = "Workers")]
    pub warning: Option<f64>,
    /// Connections that ask the server for its `status`, as monitoring does [default: 0]
    #[arg(long, env = "GEARBENCH_POLLERS", value_name = "N", value_parser = units::small_count, help_heading = "Actors")]
    pub pollers: Option<u32>,
    /// How often each of them asks [default: 1s]
    #[arg(long, env = "GEARBENCH_POLL_EVERY", value_name = "TIME", value_parser = units::duration, help_heading = "Actors")]
    pub poll_every: Option<Duration>,
    /// What goes wrong on purpose, as in kill-worker:every=5s,how=rst; may be given again
    #[arg(
        long,
        env = "GEARBENCH_FAULT",
        value_name = "FAULT",
        value_delimiter = ';',
        help_heading = "Faults"
    )]
    pub fault: Vec<Fault>,
    /// The command that restarts the server, for --fault server-restart:at=10s
    #[arg(
        long,
        env = "GEARBENCH_RESTART_CMD",
        value_name = "COMMAND",
        help_heading = "Faults"
    )]
    pub restart_cmd: Option<String>,
    /// Acknowledged background jobs must survive a restart of the server
    #[arg(long, env = "GEARBENCH_DURABLE", help_heading = "Faults")]
    pub durable: bool,
    /// A service level to be met: "response.p99 < 20ms", "throughput > 5k", "errors < 0.1%"; may be
    /// given again
    #[arg(
        long,
        env = "GEARBENCH_SLO",
        value_name = "SLO",
        value_delimiter = ';',
        help_heading = "Checks"
    )]
    pub slo: Vec<Slo>,
    /// End the run once a service level has been missed for so long
    #[arg(long, env = "GEARBENCH_ABORT_AFTER", value_name = "TIME", value_parser = units::duration, help_heading = "Checks")]
    pub abort_after: Option<Duration>,
    /// The promises that are findings when broken: all, none, or some of
    /// lost,phantom,duplicated,wrong-body,failed,early,order [default: all]
    #[arg(
        long,
        env = "GEARBENCH_INVARIANTS",
        value_name = "LIST",
        help_heading = "Checks"
    )]
    pub invariants: Option<Invariants>,
    /// The same seed sends the same jobs; drawn when not given
    #[arg(
        long,
        env = "GEARBENCH_SEED",
        value_name = "SEED",
        help_heading = "Other"
    )]
    pub seed: Option<u64>,
    /// Threads that drive connections, each with functions of its own [default: 1]
    #[arg(long, env = "GEARBENCH_THREADS", value_name = "N", value_parser = units::count, help_heading = "Other")]
    pub threads: Option<u64>,
    /// Do it so often, one run after the other, and show how the figures spread [default: 1]
    #[arg(long, env = "GEARBENCH_REPEAT", value_name = "N", value_parser = units::small_count, help_heading = "Other")]
    pub repeat: Option<u32>,
    /// A word for whoever reads the result, as key=value
    #[arg(long, env = "GEARBENCH_LABEL", value_name = "K=V", value_parser = label, value_delimiter = ',', help_heading = "Output")]
    pub label: Vec<(String, String)>,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected key=value".to_owned()),
    }
}

/// A list that was given at all.
fn given<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

impl Flags {
    /// What they describe.
    pub fn scenario(&self) -> Scenario {
        let flags = self.clone();
        Scenario {
            question: None,
            target: None,
            mode: flags.mode,
            rate: flags.rate,
            arrival: flags.arrival,
            phases: flags.phases,
            outstanding: flags.outstanding,
            jobs: flags.jobs,
            duration: flags.duration,
            warmup: flags.warmup,
            drain: flags.drain,
            backlog: flags.backlog,
            timeout: flags.timeout,
            clients: flags.clients,
            workers: flags.workers,
            functions: flags.functions,
            grab: flags.grab,
            prefetch: flags.prefetch,
            connect_rate: flags.connect_rate,
            connect_timeout: flags.connect_timeout,
            payload: flags.payload,
            result: flags.result,
            priority: flags.priority,
            background: flags.background,
            unique: flags.unique,
            reduce: flags.reduce,
            epoch: flags.epoch,
            service: flags.service,
            chunks: flags.chunks,
            progress: flags.progress,
            fail: flags.fail,
            exception: flags.exception,
            warning: flags.warning,
            pollers: flags.pollers,
            poll_every: flags.poll_every,
            fault: given(flags.fault),
            restart_cmd: flags.restart_cmd,
            durable: flags.durable.then_some(true),
            slo: given(flags.slo),
            abort_after: flags.abort_after,
            invariants: flags.invariants,
            seed: flags.seed,
            threads: flags.threads,
            label: given(flags.label).map(|labels| labels.into_iter().collect()),
            repeat: flags.repeat,
        }
    }
}
