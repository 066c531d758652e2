//! What each job is: drawn from the seed, in the order of the job numbers.

use super::plan::{Plan, ServiceTime, Size, Unique};
use crate::protocol::Priority;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// How a worker is to end a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Complete,
    Fail,
    Exception,
}

/// One job before it has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spec {
    pub(crate) function: u32,
    /// Which of the names that several jobs share.
    pub(crate) name: u32,
    pub(crate) fate: Fate,
    /// The worker sends a warning.
    pub(crate) warns: bool,
    pub(crate) priority: Priority,
    pub(crate) background: bool,
    pub(crate) payload: u32,
    pub(crate) result: u32,
    pub(crate) service_ns: u64,
}

/// The endless row of jobs of one shard. Whatever has only one outcome draws nothing.
#[derive(Debug)]
pub(crate) struct Draws {
    plan: Plan,
    rng: ChaCha8Rng,
}

impl Draws {
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        Draws {
            plan: plan.clone(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next job; one of the backlog is in the background whatever the plan's shares are.
    #[inline]
    pub(crate) fn next(&mut self, backlog: bool) -> Spec {
        let rng = &mut self.rng;
        let plan = &self.plan;
        let function = match plan.functions {
            1 => 0,
            functions => rng.random_range(0..functions),
        };
        let mix = &plan.priority;
        let priority = match mix.0.iter().filter(|share| **share > 0).count() {
            1 => mix.at(0),
            _ => mix.at(rng.random_range(0..mix.total())),
        };
        let background = falls_to(rng, plan.background_percent);
        Spec {
            function: function as u32,
            priority,
            background: background || backlog || plan.epoch.is_some(),
            payload: size(rng, &plan.payload),
            result: size(rng, &plan.result),
            service_ns: service(rng, plan.service),
            name: match plan.unique {
                Unique::Pool(names) => rng.random_range(0..names.min(1 << 32)) as u32,
                _ => 0,
            },
            fate: fate(rng, plan),
            warns: falls_to(rng, plan.warning_percent),
        }
    }
}

fn size(rng: &mut ChaCha8Rng, size: &Size) -> u32 {
    match size {
        Size::Range { min, max } if min == max => *min,
        Size::Range { min, max } => rng.random_range(*min..=*max),
        Size::LogNormal { median, sigma } => {
            let factor = log_normal(rng, *sigma);
            let bytes = (f64::from(*median) * factor) as u32;
            bytes.clamp(size.smallest(), size.largest())
        }
        Size::File { sizes, .. } => sizes[rng.random_range(0..sizes.len())],
    }
}

/// Whether one of so many percent.
fn falls_to(rng: &mut ChaCha8Rng, percent: f64) -> bool {
    match percent {
        0.0 => false,
        100.0 => true,
        percent => rng.random::<f64>() * 100.0 < percent,
    }
}

fn fate(rng: &mut ChaCha8Rng, plan: &Plan) -> Fate {
    let (fail, exception) = (plan.fail_percent, plan.exception_percent);
    if fail + exception == 0.0 {
        return Fate::Complete;
    }
    match rng.random::<f64>() * 100.0 {
        at if at < fail => Fate::Fail,
        at if at < fail + exception => Fate::Exception,
        _ => Fate::Complete,
    }
}

/// A log-normal draw of median 1.
fn log_normal(rng: &mut ChaCha8Rng, sigma: f64) -> f64 {
    let normal: f64 = StandardNormal.sample(rng);
    (sigma * normal).exp()
}

fn service(rng: &mut ChaCha8Rng, time: ServiceTime) -> u64 {
    match time {
        ServiceTime::None => 0,
        ServiceTime::Fixed(time) => time.as_nanos() as u64,
        ServiceTime::Exponential(mean) => {
            let draw: f64 = Exp1.sample(rng);
            (draw * mean.as_nanos() as f64) as u64
        }
        ServiceTime::LogNormal { median, sigma } => {
            (log_normal(rng, sigma) * median.as_nanos() as f64) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::RunId;

    fn plan() -> Plan {
        let mut plan = Plan::new("t", RunId(1), 1);
        plan.functions = 5;
        plan.payload = "24..100".parse().unwrap();
        plan.priority = "high=1,normal=8,low=1".parse().unwrap();
        plan.background_percent = 25.0;
        plan.service = "exp:5ms".parse().unwrap();
        plan
    }

    #[test]
    fn the_seed_decides() {
        let row = |seed| {
            let mut draws = Draws::new(&plan(), seed);
            (0..500).map(|_| draws.next(false)).collect::<Vec<_>>()
        };
        assert_eq!(row(3), row(3));
        assert_ne!(row(3), row(4));
    }

    #[test]
    fn more_functions_than_sixteen_bits_count_are_all_drawn() {
        let mut plan = plan();
        plan.functions = 1 << 20;
        let mut draws = Draws::new(&plan, 1);
        let row = (0..100).map(|_| draws.next(false).function);
        assert!(row.max() > Some(u32::from(u16::MAX)));
    }

    #[test]
    fn shares_and_means_are_those_of_the_plan() {
        let mut draws = Draws::new(&plan(), 1);
        let row: Vec<Spec> = (0..20_000).map(|_| draws.next(false)).collect();
        let share = |what: fn(&Spec) -> bool| {
            row.iter().filter(|spec| what(spec)).count() as f64 / row.len() as f64
        };
        assert!((share(|s| s.priority == Priority::Normal) - 0.8).abs() < 0.02);
        assert!((share(|s| s.background) - 0.25).abs() < 0.02);
        assert!((share(|s| s.function == 4) - 0.2).abs() < 0.02);
        assert!(row.iter().all(|s| (24..=100).contains(&s.payload)));
        let mean = row.iter().map(|s| s.service_ns as f64).sum::<f64>() / row.len() as f64;
        assert!((mean / 5e6 - 1.0).abs() < 0.05);
    }
}
