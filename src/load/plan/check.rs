//! What cannot work is refused before anything is connected.

use super::{FaultKind, Pace, Plan};
use crate::load::payload::HEADER;
use std::time::Duration;

/// Bytes of payloads that may be on their way at a time.
const MAX_ON_THE_WAY: u128 = 4 << 30;
/// No time of a plan is longer.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Phases that a plan may have.
const MAX_PHASES: usize = 200;
/// Functions that a plan may have: every worker announces all of them.
const MAX_FUNCTIONS: usize = 1_000_000;
/// Rates that can be offered, in jobs a second.
const RATES: [f64; 2] = [0.01, 1e7];

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
    /// Two ways of saying when jobs start.
    #[error("--{what} {why}")]
    Contradiction {
        /// The option.
        what: &'static str,
        /// What it does not go with, and the way out.
        why: &'static str,
    },
    /// More functions than any server is asked to keep.
    #[error("--functions must be at most {MAX_FUNCTIONS}")]
    TooManyFunctions,
    /// A time that is too long.
    #[error("--{what} must be at most 30 days (720h)")]
    TooLong {
        /// The option.
        what: &'static str,
    },
    /// A share outside of 0 to 100.
    #[error(
        "--{what}: shares are from 0 to 100 %, and those of --fail and --exception no more together"
    )]
    Share {
        /// The option.
        what: &'static str,
    },
    /// A fault without its command.
    #[error("--fault server-restart needs --restart-cmd: the command that restarts the server")]
    NoRestart,
}

impl PlanError {
    /// The option that it is about; in a file, the key.
    pub fn option(&self) -> &'static str {
        match self {
            PlanError::NothingToDo => "clients",
            PlanError::NobodyAnswers { .. } => "workers",
            PlanError::TooMuch { .. } => "outstanding",
            PlanError::TooManyThreads { .. } => "threads",
            PlanError::TooManyFunctions => "functions",
            PlanError::NoRestart => "restart-cmd",
            PlanError::BodyTooSmall { what, .. }
            | PlanError::Zero { what }
            | PlanError::NoTime { what }
            | PlanError::Rate { what, .. }
            | PlanError::Contradiction { what, .. }
            | PlanError::TooLong { what }
            | PlanError::Share { what } => what,
        }
    }
}

impl Plan {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        if self.clients == 0 && self.backlog == 0 {
            return Err(PlanError::NothingToDo);
        }
        let foreground_percent = 100.0 - self.background_percent;
        if self.workers == 0 && self.measures() && foreground_percent > 0.0 {
            return Err(PlanError::NobodyAnswers { foreground_percent });
        }
        self.check_bodies()?;
        self.check_numbers()?;
        self.check_times()?;
        self.check_rates()?;
        self.check_memory()?;
        self.check_faults()?;
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

    fn check_bodies(&self) -> Result<(), PlanError> {
        let header = HEADER as u32;
        let small = |what, found, zero| Err(PlanError::BodyTooSmall { what, found, zero });
        if self.payload.smallest() < header {
            return small("payload", self.payload.smallest(), "");
        }
        if self.result.smallest() < header && self.result.largest() > 0 {
            return small("result", self.result.smallest(), ", or 0");
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), PlanError> {
        for (what, value) in [
            ("functions", self.functions as u64),
            ("prefetch", self.prefetch as u64),
            ("threads", self.threads as u64),
            ("outstanding", self.pace.outstanding() as u64),
            ("jobs", self.jobs.unwrap_or(1)),
            ("repeat", self.repeat.into()),
        ] {
            if value == 0 {
                return Err(PlanError::Zero { what });
            }
        }
        if self.functions > MAX_FUNCTIONS {
            return Err(PlanError::TooManyFunctions);
        }
        for (what, share) in [
            ("background", self.background_percent),
            ("fail", self.fail_percent),
            ("exception", self.exception_percent),
            ("exception", self.fail_percent + self.exception_percent),
            ("warning", self.warning_percent),
        ] {
            if !(0.0..=100.0).contains(&share) {
                return Err(PlanError::Share { what });
            }
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), PlanError> {
        let phases = self.phases.0.iter().map(|phase| phase.duration);
        let measured = std::iter::once(("duration", self.duration));
        let must_take_time = measured.chain(phases.map(|time| ("phases", Some(time))));
        if self.poll_every.is_zero() {
            return Err(PlanError::NoTime { what: "poll-every" });
        }
        for (what, time) in must_take_time.chain([("abort-after", self.abort_after)]) {
            if time == Some(Duration::ZERO) {
                return Err(PlanError::NoTime { what });
            }
            if time > Some(LONGEST) {
                return Err(PlanError::TooLong { what });
            }
        }
        for (what, time) in [
            ("warmup", self.warmup),
            ("drain", self.drain),
            ("timeout", self.timeout),
            ("poll-every", self.poll_every),
            ("connect-timeout", self.connect_timeout),
            ("epoch", self.epoch.unwrap_or_default()),
            ("service", self.service.mean().unwrap_or_default()),
        ] {
            if time > LONGEST {
                return Err(PlanError::TooLong { what });
            }
        }
        let faults = self.faults.iter();
        let mut times = faults.flat_map(|fault| [fault.at, fault.every, fault.length]);
        match times.any(|time| time > Some(LONGEST)) {
            true => Err(PlanError::TooLong { what: "fault" }),
            false => Ok(()),
        }
    }

    /// Refuses what no machine can do.
    fn check_rates(&self) -> Result<(), PlanError> {
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
        if self.phases.0.len() > MAX_PHASES {
            let why = "are at most 200";
            return Err(PlanError::Contradiction {
                what: "phases",
                why,
            });
        }
        for phase in &self.phases.0 {
            bounded("phases", phase.rate.lowest(), RATES)?;
            bounded("phases", phase.rate.highest(), RATES)?;
        }
        match self.pace {
            Pace::Open { rate, .. } => bounded("rate", rate, RATES),
            Pace::Closed { .. } => Ok(()),
        }
    }

    fn check_memory(&self) -> Result<(), PlanError> {
        let (clients, outstanding) = (self.clients, self.pace.outstanding());
        let payload = self.payload.largest();
        let on_the_way = clients as u128 * outstanding as u128 * u128::from(payload);
        match matches!(self.pace, Pace::Closed { .. }) && on_the_way > MAX_ON_THE_WAY {
            true => Err(PlanError::TooMuch {
                clients,
                outstanding,
                payload,
            }),
            false => Ok(()),
        }
    }

    fn check_faults(&self) -> Result<(), PlanError> {
        let restarts = |kind| kind == FaultKind::ServerRestart;
        let restarts = self.faults.iter().any(|fault| restarts(fault.kind));
        match restarts && self.restart_cmd.is_none() {
            true => Err(PlanError::NoRestart),
            false => Ok(()),
        }
    }
}
