//! What a run is described by: flags, files and the resolved plan are the same model.
//!
//! A scenario leaves out what has a default. Its keys are the long flags of `gearbench run`, and
//! its values are written as there; numbers may also be bare. One laid [over](Scenario::over)
//! another wins, so flags are laid over a file; what comes out becomes a [`Plan`], and a plan
//! written down is a scenario again.

pub mod file;
mod spelled;
#[cfg(test)]
mod tests;

use super::plan::{
    Arrival, Fault, Grab, Invariants, Mix, Mode, Pace, Phases, Plan, PlanError, RunId, ServiceTime,
    Size, Slo, Unique,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A run as somebody describes it; what is `None` has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scenario {
    /// The question that it answers.
    pub question: Option<String>,
    /// Who is driven, as `host:port`.
    pub target: Option<String>,
    /// Where all choices come from.
    #[serde(with = "spelled::whole")]
    pub seed: Option<u64>,
    /// Whether jobs wait for each other.
    #[serde(with = "spelled::text")]
    pub mode: Option<Mode>,
    /// Jobs a second, in an open loop.
    #[serde(with = "spelled::rate")]
    pub rate: Option<f64>,
    /// How the gaps between intended starts vary.
    #[serde(with = "spelled::text")]
    pub arrival: Option<Arrival>,
    /// Jobs of a client on their way at a time, in a closed loop.
    #[serde(with = "spelled::count")]
    pub outstanding: Option<u64>,
    /// End after so many measured jobs.
    #[serde(with = "spelled::count")]
    pub jobs: Option<u64>,
    /// End after this time of measuring.
    #[serde(with = "spelled::duration")]
    pub duration: Option<Duration>,
    /// Load before measuring starts.
    #[serde(with = "spelled::duration")]
    pub warmup: Option<Duration>,
    /// How long the last jobs may take.
    #[serde(with = "spelled::duration")]
    pub drain: Option<Duration>,
    /// Background jobs submitted before any worker starts.
    #[serde(with = "spelled::count")]
    pub backlog: Option<u64>,
    /// How long a job may take before it counts as timed out.
    #[serde(with = "spelled::duration")]
    pub timeout: Option<Duration>,
    /// Clients.
    #[serde(with = "spelled::count")]
    pub clients: Option<u64>,
    /// Workers.
    #[serde(with = "spelled::count")]
    pub workers: Option<u64>,
    /// Functions.
    #[serde(with = "spelled::count")]
    pub functions: Option<u64>,
    /// How workers ask for jobs.
    #[serde(with = "spelled::text")]
    pub grab: Option<Grab>,
    /// Jobs a worker has or asks for at a time.
    #[serde(with = "spelled::count")]
    pub prefetch: Option<u64>,
    /// Connections opened per second.
    #[serde(with = "spelled::rate")]
    pub connect_rate: Option<f64>,
    /// How long the target may take for its first answer.
    #[serde(with = "spelled::duration")]
    pub connect_timeout: Option<Duration>,
    /// Bytes of a payload.
    #[serde(with = "spelled::text")]
    pub payload: Option<Size>,
    /// Bytes of a result.
    #[serde(with = "spelled::text")]
    pub result: Option<Size>,
    /// Shares of the priorities.
    #[serde(with = "spelled::text")]
    pub priority: Option<Mix>,
    /// Share of background jobs, in percent.
    #[serde(with = "spelled::percent")]
    pub background: Option<f64>,
    /// What jobs are called.
    #[serde(with = "spelled::text")]
    pub unique: Option<Unique>,
    /// The reducer that jobs name.
    pub reduce: Option<String>,
    /// How long after it is sent a job may start.
    #[serde(with = "spelled::duration")]
    pub epoch: Option<Duration>,
    /// How long a worker takes for a job.
    #[serde(with = "spelled::text")]
    pub service: Option<ServiceTime>,
    /// WORK_DATA packets of a job.
    #[serde(with = "spelled::small")]
    pub chunks: Option<u32>,
    /// WORK_STATUS packets of a job.
    #[serde(with = "spelled::small")]
    pub progress: Option<u32>,
    /// Share of the jobs that end with WORK_FAIL, in percent.
    #[serde(with = "spelled::percent")]
    pub fail: Option<f64>,
    /// Share of the jobs that end with WORK_EXCEPTION, in percent.
    #[serde(with = "spelled::percent")]
    pub exception: Option<f64>,
    /// Share of the jobs with a WORK_WARNING, in percent.
    #[serde(with = "spelled::percent")]
    pub warning: Option<f64>,
    /// Connections that ask the target for its `status`.
    #[serde(with = "spelled::small")]
    pub pollers: Option<u32>,
    /// How often each of them asks.
    #[serde(with = "spelled::duration")]
    pub poll_every: Option<Duration>,
    /// What goes wrong on purpose.
    #[serde(with = "spelled::list")]
    pub fault: Option<Vec<Fault>>,
    /// The command that restarts the server.
    pub restart_cmd: Option<String>,
    /// Whether acknowledged background jobs must survive a restart of the server.
    pub durable: Option<bool>,
    /// Service levels that the run must meet.
    #[serde(with = "spelled::list")]
    pub slo: Option<Vec<Slo>>,
    /// End the run once a service level has been missed for so long.
    #[serde(with = "spelled::duration")]
    pub abort_after: Option<Duration>,
    /// The promises that are findings when broken.
    #[serde(with = "spelled::text")]
    pub invariants: Option<Invariants>,
    /// How often the run is repeated.
    #[serde(with = "spelled::small")]
    pub repeat: Option<u32>,
    /// Threads that drive connections.
    #[serde(with = "spelled::count")]
    pub threads: Option<u64>,
    /// Words for whoever reads the result.
    pub label: Option<BTreeMap<String, String>>,
    /// Load that changes over time.
    pub phases: Option<Phases>,
}

/// Names all keys but those that say when jobs start, which hang together.
macro_rules! with_plain_keys {
    ($do:ident) => {
        $do!(
            question,
            target,
            seed,
            jobs,
            duration,
            warmup,
            drain,
            backlog,
            timeout,
            clients,
            workers,
            functions,
            grab,
            prefetch,
            connect_rate,
            connect_timeout,
            payload,
            result,
            priority,
            background,
            unique,
            reduce,
            epoch,
            service,
            chunks,
            progress,
            fail,
            exception,
            warning,
            pollers,
            poll_every,
            fault,
            restart_cmd,
            durable,
            slo,
            abort_after,
            invariants,
            repeat,
            threads,
            label
        )
    };
}

impl Scenario {
    /// This one where it says something, else `base`. When jobs start is said by the two together
    /// only as far as they go together: a rate takes the place of phases, and phases of a rate.
    #[must_use]
    pub fn over(self, base: Scenario) -> Scenario {
        let mut base = base;
        if self.phases.is_some() {
            (base.mode, base.rate, base.outstanding) = (None, None, None);
        } else if self.rate.is_some() {
            (base.mode, base.phases, base.outstanding) = (None, None, None);
        } else if self.outstanding.is_some() || self.mode == Some(Mode::Closed) {
            (base.mode, base.phases, base.rate, base.arrival) = (None, None, None, None);
        }
        macro_rules! merge {
            ($($key:ident),+) => {
                Scenario {
                    mode: self.mode.or(base.mode),
                    rate: self.rate.or(base.rate),
                    arrival: self.arrival.or(base.arrival),
                    outstanding: self.outstanding.or(base.outstanding),
                    phases: self.phases.or(base.phases),
                    $($key: self.$key.or(base.$key)),+
                }
            };
        }
        with_plain_keys!(merge)
    }

    /// The plan of this scenario, every default filled in; `target` and `seed` where it names none.
    pub fn plan(self, target: &str, id: RunId, seed: u64) -> Result<Plan, PlanError> {
        self.unchecked(target, id, seed)?.resolve()
    }

    /// The plan, which may be one that cannot work.
    fn unchecked(self, target: &str, id: RunId, seed: u64) -> Result<Plan, PlanError> {
        let pace = self.pace()?;
        let target = self.target.unwrap_or_else(|| target.to_owned());
        let default = Plan::new(target, id, self.seed.unwrap_or(seed));
        let count = |value: Option<u64>, default: usize| {
            value.map_or(default, |value| {
                usize::try_from(value).unwrap_or(usize::MAX)
            })
        };
        let mut plan = Plan {
            question: self.question,
            pace,
            phases: self.phases.unwrap_or_default(),
            jobs: self.jobs,
            duration: self.duration,
            warmup: self.warmup.unwrap_or(default.warmup),
            drain: self.drain.unwrap_or(default.drain),
            timeout: self.timeout.unwrap_or(default.timeout),
            connect_timeout: self.connect_timeout.unwrap_or(default.connect_timeout),
            connect_rate: self.connect_rate.unwrap_or(default.connect_rate),
            clients: count(self.clients, default.clients),
            workers: count(self.workers, default.workers),
            functions: count(self.functions, default.functions),
            grab: self.grab.unwrap_or(default.grab),
            payload: self.payload.unwrap_or(default.payload),
            result: self.result.unwrap_or(default.result),
            priority: self.priority.unwrap_or(default.priority),
            background_percent: self.background.unwrap_or(default.background_percent),
            unique: self.unique.unwrap_or(default.unique),
            reduce: self.reduce,
            epoch: self.epoch,
            service: self.service.unwrap_or(default.service),
            chunks: self.chunks.unwrap_or(default.chunks),
            progress: self.progress.unwrap_or(default.progress),
            fail_percent: self.fail.unwrap_or(default.fail_percent),
            exception_percent: self.exception.unwrap_or(default.exception_percent),
            warning_percent: self.warning.unwrap_or(default.warning_percent),
            prefetch: count(self.prefetch, default.prefetch),
            backlog: self.backlog.unwrap_or(default.backlog),
            pollers: self.pollers.unwrap_or(default.pollers),
            poll_every: self.poll_every.unwrap_or(default.poll_every),
            faults: self.fault.unwrap_or_default(),
            restart_cmd: self.restart_cmd,
            durable: self.durable.unwrap_or(default.durable),
            slos: self.slo.unwrap_or_default(),
            abort_after: self.abort_after,
            invariants: self.invariants.unwrap_or(default.invariants),
            repeat: self.repeat.unwrap_or(default.repeat),
            threads: count(self.threads, default.threads),
            labels: self.label.unwrap_or_default(),
            server_pid: None,
            target: default.target,
            id: default.id,
            seed: default.seed,
        };
        plan.fill_in();
        Ok(plan)
    }

    /// When jobs start; what contradicts itself is refused.
    fn pace(&self) -> Result<Pace, PlanError> {
        let refuse = |what, why| Err(PlanError::Contradiction { what, why });
        let phases = self
            .phases
            .as_ref()
            .is_some_and(|phases| !phases.0.is_empty());
        let closed = self.mode == Some(Mode::Closed);
        if self.rate.is_some() && phases {
            return refuse(
                "rate",
                "is for a run without phases; each phase has its own",
            );
        }
        if (self.rate.is_some() || phases) && closed {
            return refuse(
                "mode",
                "closed has no rate; leave it out, or --rate and --phases",
            );
        }
        if (self.rate.is_some() || phases) && self.outstanding.is_some() {
            return refuse(
                "outstanding",
                "is for a closed loop; leave out --rate and --phases",
            );
        }
        let arrival = self.arrival.unwrap_or(Arrival::Constant);
        match (self.rate, phases) {
            (Some(rate), _) => Ok(Pace::Open { rate, arrival }),
            // The rate follows from the phases.
            (None, true) => Ok(Pace::Open { rate: 0.0, arrival }),
            (None, false) if self.mode == Some(Mode::Open) => refuse("mode", "open needs --rate"),
            (None, false) if self.arrival.is_some() => refuse(
                "arrival",
                "is for an open loop; it needs --rate or --phases",
            ),
            (None, false) => {
                let outstanding = self.outstanding.unwrap_or(1);
                let outstanding = usize::try_from(outstanding).unwrap_or(usize::MAX);
                Ok(Pace::Closed { outstanding })
            }
        }
    }
}

/// Nothing is left out, but what there is none of.
impl From<Plan> for Scenario {
    fn from(plan: Plan) -> Self {
        let phases = (!plan.phases.0.is_empty()).then_some(plan.phases);
        let (mode, rate, arrival, outstanding) = match plan.pace {
            Pace::Closed { outstanding } => (Mode::Closed, None, None, Some(outstanding as u64)),
            Pace::Open { rate, arrival } => {
                let rate = phases.is_none().then_some(rate);
                (Mode::Open, rate, Some(arrival), None)
            }
        };
        Scenario {
            question: plan.question,
            target: Some(plan.target),
            seed: Some(plan.seed),
            mode: Some(mode),
            rate,
            arrival,
            outstanding,
            jobs: plan.jobs,
            duration: plan.duration,
            warmup: Some(plan.warmup),
            drain: Some(plan.drain),
            backlog: Some(plan.backlog),
            timeout: Some(plan.timeout),
            clients: Some(plan.clients as u64),
            workers: Some(plan.workers as u64),
            functions: Some(plan.functions as u64),
            grab: Some(plan.grab),
            prefetch: Some(plan.prefetch as u64),
            connect_rate: Some(plan.connect_rate),
            connect_timeout: Some(plan.connect_timeout),
            payload: Some(plan.payload),
            result: Some(plan.result),
            priority: Some(plan.priority),
            background: Some(plan.background_percent),
            unique: Some(plan.unique),
            reduce: plan.reduce,
            epoch: plan.epoch,
            service: Some(plan.service),
            chunks: Some(plan.chunks),
            progress: Some(plan.progress),
            fail: Some(plan.fail_percent),
            exception: Some(plan.exception_percent),
            warning: Some(plan.warning_percent),
            pollers: Some(plan.pollers),
            poll_every: Some(plan.poll_every),
            fault: (!plan.faults.is_empty()).then_some(plan.faults),
            restart_cmd: plan.restart_cmd,
            durable: Some(plan.durable),
            slo: (!plan.slos.is_empty()).then_some(plan.slos),
            abort_after: plan.abort_after,
            invariants: Some(plan.invariants),
            repeat: Some(plan.repeat),
            threads: Some(plan.threads as u64),
            label: (!plan.labels.is_empty()).then_some(plan.labels),
            phases,
        }
    }
}
