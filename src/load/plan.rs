//! What is to be done, every default written out.

use super::payload::HEADER;
use super::units::{self, UnitError};
use crate::protocol::{GrabKind, Priority};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Bytes of payloads that may be on their way at a time.
const MAX_ON_THE_WAY: u128 = 4 << 30;

/// A run, resolved. The same plan sends the same jobs in the same order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Who is driven, as `host:port`.
    pub target: String,
    /// What keeps the jobs of this run apart from all others.
    #[serde(serialize_with = "text")]
    pub id: RunId,
    /// Where all choices come from.
    pub seed: u64,
    /// When the next job starts.
    #[serde(serialize_with = "text")]
    pub pace: Pace,
    /// End after so many measured jobs.
    pub jobs: Option<u64>,
    /// End after this time of measuring.
    #[serde(serialize_with = "option_seconds")]
    pub duration: Option<Duration>,
    /// Load before measuring starts.
    #[serde(serialize_with = "seconds")]
    pub warmup: Duration,
    /// How long the last jobs may take once none are sent any more.
    #[serde(serialize_with = "seconds")]
    pub drain: Duration,
    /// How long a job may take before it counts as timed out.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    /// How long the target may take to answer the first ECHO, and then between answers while the
    /// connections are made.
    #[serde(serialize_with = "seconds")]
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
    #[serde(serialize_with = "text")]
    pub grab: Grab,
    /// Bytes of a payload.
    #[serde(serialize_with = "text")]
    pub payload: Size,
    /// Bytes of a result.
    #[serde(serialize_with = "text")]
    pub result: Size,
    /// Shares of the priorities.
    #[serde(serialize_with = "text")]
    pub priority: Mix,
    /// Share of background jobs, in percent.
    pub background_percent: f64,
    /// What jobs are called.
    #[serde(serialize_with = "text")]
    pub unique: Unique,
    /// How long a worker takes for a job.
    #[serde(serialize_with = "text")]
    pub service: ServiceTime,
    /// Jobs a worker has or asks for at a time.
    pub prefetch: usize,
    /// Background jobs submitted before any worker starts.
    pub backlog: u64,
    /// Threads that drive connections.
    pub threads: usize,
    /// Process to read the server's use of the processor and memory from.
    pub server_pid: Option<u32>,
    /// Words for whoever reads the result.
    pub labels: BTreeMap<String, String>,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// There is nobody to submit.
    #[error("no clients and no backlog: there is nothing to do")]
    NothingToDo,
    /// Foreground jobs would never be answered.
    #[error(
        "no workers: {foreground_percent} % of the jobs would never be answered; use --background 100 or add workers"
    )]
    NobodyAnswers {
        /// Share of foreground jobs.
        foreground_percent: f64,
    },
    /// A body too small to say whose it is.
    #[error(
        "--{what} {found}: a body carries the run, the job and a checksum and needs at least {HEADER} bytes{zero}"
    )]
    BodyTooSmall {
        /// The option.
        what: &'static str,
        /// The smallest size asked for.
        found: u32,
        /// What else is allowed.
        zero: &'static str,
    },
    /// A number that must not be zero.
    #[error("--{what} must be at least 1")]
    Zero {
        /// The option.
        what: &'static str,
    },
    /// A time that must not be zero.
    #[error("--{what} must be longer than nothing")]
    NoTime {
        /// The option.
        what: &'static str,
    },
    /// A rate that no machine offers, or none at all.
    #[error("--{what} must be between {min} and {max} per second, found {found}")]
    Rate {
        /// The option.
        what: &'static str,
        /// The smallest allowed.
        min: f64,
        /// The largest allowed.
        max: f64,
        /// What was asked for.
        found: f64,
    },
    /// Payloads on their way that would not fit into memory.
    #[error(
        "--clients {clients} with --outstanding {outstanding} payloads of {payload} bytes each are \
         more than {MAX_ON_THE_WAY} bytes on their way at a time"
    )]
    TooMuch {
        /// Clients.
        clients: usize,
        /// Jobs of a client on their way.
        outstanding: usize,
        /// Bytes of the largest payload.
        payload: u32,
    },
    /// More threads than actors.
    #[error(
        "--threads {threads}: every thread needs a client and a worker of its own; there are {clients} clients and {workers} workers"
    )]
    TooManyThreads {
        /// Threads asked for.
        threads: usize,
        /// Clients.
        clients: usize,
        /// Workers.
        workers: usize,
    },
}

impl Plan {
    /// The plan of `gearbench run` without options.
    pub fn new(target: impl Into<String>, id: RunId, seed: u64) -> Self {
        Plan {
            target: target.into(),
            id,
            seed,
            pace: Pace::Closed { outstanding: 1 },
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
            service: ServiceTime::None,
            prefetch: 1,
            backlog: 0,
            threads: 1,
            server_pid: None,
            labels: BTreeMap::new(),
        }
    }

    /// Fills in what follows from the rest, and refuses what cannot work.
    pub fn resolve(mut self) -> Result<Self, PlanError> {
        if self.clients > 0 && self.jobs.is_none() && self.duration.is_none() && self.backlog == 0 {
            self.duration = Some(Duration::from_secs(10));
        }
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), PlanError> {
        if self.clients == 0 && self.backlog == 0 {
            return Err(PlanError::NothingToDo);
        }
        let foreground_percent = 100.0 - self.background_percent;
        if self.workers == 0 && self.measures() && foreground_percent > 0.0 {
            return Err(PlanError::NobodyAnswers { foreground_percent });
        }
        let header = HEADER as u32;
        let small = |what, found, zero| Err(PlanError::BodyTooSmall { what, found, zero });
        if self.payload.min < header {
            return small("payload", self.payload.min, "");
        }
        if self.result.min < header && self.result.max > 0 {
            return small("result", self.result.min, ", or 0");
        }
        for (what, value) in [
            ("functions", self.functions as u64),
            ("prefetch", self.prefetch as u64),
            ("threads", self.threads as u64),
            ("outstanding", self.pace.outstanding() as u64),
            ("jobs", self.jobs.unwrap_or(1)),
        ] {
            if value == 0 {
                return Err(PlanError::Zero { what });
            }
        }
        self.check_bounds()?;
        let (threads, clients, workers) = (self.threads, self.clients, self.workers);
        let starved = |actors: usize| actors > 0 && actors < threads;
        if starved(clients) || starved(workers) {
            return Err(PlanError::TooManyThreads {
                threads,
                clients,
                workers,
            });
        }
        Ok(())
    }

    /// Refuses what no machine can do.
    fn check_bounds(&self) -> Result<(), PlanError> {
        if self.duration == Some(Duration::ZERO) {
            return Err(PlanError::NoTime { what: "duration" });
        }
        let bounded = |what, found: f64, [min, max]: [f64; 2]| match (min..=max).contains(&found) {
            true => Ok(()),
            false => Err(PlanError::Rate {
                what,
                min,
                max,
                found,
            }),
        };
        bounded("connect-rate", self.connect_rate, [0.01, 1e6])?;
        if let Pace::Open { rate, .. } = self.pace {
            bounded("rate", rate, [0.01, 1e7])?;
        }
        let (clients, outstanding) = (self.clients, self.pace.outstanding());
        let payload = self.payload.max;
        let on_the_way = clients as u128 * outstanding as u128 * u128::from(payload);
        if matches!(self.pace, Pace::Closed { .. }) && on_the_way > MAX_ON_THE_WAY {
            return Err(PlanError::TooMuch {
                clients,
                outstanding,
                payload,
            });
        }
        Ok(())
    }

    /// Whether there is more to do than a backlog.
    pub fn measures(&self) -> bool {
        self.clients > 0 && (self.jobs.is_some() || self.duration.is_some())
    }

    /// The part of the plan that thread `shard` carries out. Each has functions of its own, so
    /// that its jobs come back to it and nothing is shared.
    pub(crate) fn shard(&self, shard: usize) -> Plan {
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
        plan.connect_rate = self.connect_rate / self.threads as f64;
        if let Pace::Open { rate, .. } = &mut plan.pace {
            *rate /= self.threads as f64;
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

/// When the next job starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// When one of the client's last jobs is answered.
    Closed {
        /// Jobs of a client on their way at a time.
        outstanding: usize,
    },
    /// When the schedule says so.
    Open {
        /// Jobs a second, over all clients.
        rate: f64,
        /// How the gaps between them vary.
        arrival: Arrival,
    },
}

impl Pace {
    fn outstanding(self) -> usize {
        match self {
            Pace::Closed { outstanding } => outstanding,
            Pace::Open { .. } => 1,
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Closed { outstanding } => write!(f, "closed, {outstanding} outstanding"),
            Pace::Open { rate, arrival } => write!(f, "open, {rate} jobs/s, {arrival}"),
        }
    }
}

/// How the gaps between intended starts vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Not at all.
    Constant,
    /// As with many independent users.
    Poisson,
}

/// How workers ask for jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grab(pub GrabKind);

/// A size in bytes, drawn evenly from a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Smallest.
    pub min: u32,
    /// Largest.
    pub max: u32,
}

impl Size {
    /// Always the same.
    pub const fn fixed(bytes: u32) -> Self {
        Size {
            min: bytes,
            max: bytes,
        }
    }
}

/// Shares of high, normal and low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix(pub [u32; 3]);

/// What jobs are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// Nothing.
    None,
    /// Each its own name.
    Each,
}

/// How long a worker takes for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceTime {
    /// It answers at once.
    None,
    /// Always as long.
    Fixed(Duration),
    /// Exponentially distributed with this mean.
    Exponential(Duration),
}

/// Names a choice by its words.
macro_rules! words {
    ($type:ty, $expected:literal, $($word:literal => $value:pat => $make:expr),+ $(,)?) => {
        impl FromStr for $type {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                match text {
                    $($word => Ok($make),)+
                    _ => Err(UnitError::new($expected, text)),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($value => $word),+ })
            }
        }
    };
}

words!(Arrival, "constant or poisson",
    "constant" => Arrival::Constant => Arrival::Constant,
    "poisson" => Arrival::Poisson => Arrival::Poisson,
);
words!(Unique, "none or each",
    "none" => Unique::None => Unique::None,
    "each" => Unique::Each => Unique::Each,
);
words!(Grab, "classic, uniq or all",
    "classic" => Grab(GrabKind::Classic) => Grab(GrabKind::Classic),
    "uniq" => Grab(GrabKind::Uniq) => Grab(GrabKind::Uniq),
    "all" => Grab(GrabKind::All) => Grab(GrabKind::All),
);

impl FromStr for Size {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let size = Size {
            min: units::size(min)?,
            max: units::size(max)?,
        };
        match size.min <= size.max {
            true => Ok(size),
            false => Err(UnitError::new("a range that grows, such as 64..4k", text)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.min == self.max {
            true => write!(f, "{}", self.min),
            false => write!(f, "{}..{}", self.min, self.max),
        }
    }
}

/// What a priority is called in options and reports.
pub(crate) const PRIORITY_NAMES: [&str; 3] = ["high", "normal", "low"];

impl FromStr for Mix {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || {
            UnitError::new(
                "shares such as high=1,normal=8,low=1, or one of the names",
                text,
            )
        };
        let mut shares = [0u32; 3];
        for part in text.split(',') {
            let (name, share) = part.split_once('=').unwrap_or((part, "1"));
            let slot = PRIORITY_NAMES
                .iter()
                .position(|known| *known == name.trim());
            shares[slot.ok_or_else(error)?] = share.trim().parse().map_err(|_| error())?;
        }
        let total = shares
            .iter()
            .try_fold(0u32, |sum, share| sum.checked_add(*share));
        match total {
            Some(1..) => Ok(Mix(shares)),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = PRIORITY_NAMES
            .iter()
            .zip(self.0)
            .filter(|(_, share)| *share > 0);
        let shares: Vec<String> = shares
            .map(|(name, share)| format!("{name}={share}"))
            .collect();
        f.write_str(&shares.join(","))
    }
}

impl Mix {
    /// The priority at `at`, below the sum of all shares.
    pub(crate) fn at(&self, mut at: u32) -> Priority {
        for (priority, share) in Priority::ALL.into_iter().zip(self.0) {
            if at < share {
                return priority;
            }
            at -= share;
        }
        Priority::Normal
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}

impl ServiceTime {
    /// The mean, where a worker takes any time.
    pub fn mean(self) -> Option<Duration> {
        match self {
            ServiceTime::None => None,
            ServiceTime::Fixed(time) | ServiceTime::Exponential(time) => Some(time),
        }
    }
}

impl FromStr for ServiceTime {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.split_once(':') {
            None if text == "none" => Ok(ServiceTime::None),
            Some(("fixed", time)) => units::duration(time).map(ServiceTime::Fixed),
            Some(("exp", mean)) => units::duration(mean).map(ServiceTime::Exponential),
            _ => Err(UnitError::new("none, fixed:1ms or exp:5ms", text)),
        }
    }
}

impl fmt::Display for ServiceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceTime::None => f.write_str("none"),
            ServiceTime::Fixed(time) => write!(f, "fixed:{}s", time.as_secs_f64()),
            ServiceTime::Exponential(mean) => write!(f, "exp:{}s", mean.as_secs_f64()),
        }
    }
}

fn text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn seconds<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}s", value.as_secs_f64()))
}

fn option_seconds<S: Serializer>(
    value: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => seconds(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new("localhost:4730", RunId(1), 1)
    }

    #[test]
    fn choices_print_as_they_are_read() {
        fn same<T: FromStr + fmt::Display>(text: &str) {
            let value: T = text.parse().ok().unwrap();
            assert_eq!(value.to_string(), text);
        }
        same::<Arrival>("poisson");
        same::<Unique>("each");
        same::<Grab>("classic");
        same::<Size>("64..4096");
        same::<Size>("64");
        same::<Mix>("high=1,normal=8,low=1");
        same::<ServiceTime>("none");
        same::<ServiceTime>("exp:0.005s");
    }

    #[test]
    fn nonsense_is_refused_with_what_was_expected() {
        assert!("4k..64".parse::<Size>().is_err());
        assert!("urgent=1".parse::<Mix>().is_err());
        assert!("high=0".parse::<Mix>().is_err());
        assert!("high=4294967295,low=1".parse::<Mix>().is_err());
        let error = "fixed".parse::<ServiceTime>().unwrap_err();
        assert!(error.to_string().contains("fixed:1ms"));
    }

    #[test]
    fn plans_that_cannot_work_are_refused() {
        let refused = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.resolve().unwrap_err()
        };
        assert_eq!(refused(|p| p.clients = 0), PlanError::NothingToDo);
        assert!(matches!(
            refused(|p| p.workers = 0),
            PlanError::NobodyAnswers { .. }
        ));
        assert!(matches!(
            refused(|p| p.payload = Size::fixed(3)),
            PlanError::BodyTooSmall {
                what: "payload",
                ..
            }
        ));
        assert!(matches!(
            refused(|p| p.result = Size::fixed(3)),
            PlanError::BodyTooSmall { what: "result", .. }
        ));
        assert_eq!(
            refused(|p| p.prefetch = 0),
            PlanError::Zero { what: "prefetch" }
        );
        assert!(matches!(
            refused(|p| p.threads = 9),
            PlanError::TooManyThreads { .. }
        ));
    }

    #[test]
    fn shards_add_up_to_the_plan() {
        let mut plan = plan();
        (plan.clients, plan.workers, plan.threads) = (10, 7, 3);
        (plan.jobs, plan.backlog) = (Some(100), 11);
        let shards: Vec<Plan> = (0..3).map(|shard| plan.shard(shard)).collect();
        assert_eq!(shards.iter().map(|p| p.clients).sum::<usize>(), 10);
        assert_eq!(shards.iter().map(|p| p.workers).sum::<usize>(), 7);
        assert_eq!(shards.iter().filter_map(|p| p.jobs).sum::<u64>(), 100);
        assert_eq!(shards.iter().map(|p| p.backlog).sum::<u64>(), 11);
    }

    #[test]
    fn only_a_plan_without_an_end_is_given_one() {
        assert_eq!(
            plan().resolve().unwrap().duration,
            Some(Duration::from_secs(10))
        );
        let mut jobs = plan();
        jobs.jobs = Some(5);
        assert_eq!(jobs.resolve().unwrap().duration, None);
        let mut backlog = plan();
        backlog.backlog = 5;
        assert!(!backlog.resolve().unwrap().measures());
    }
}
