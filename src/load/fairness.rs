//! How evenly jobs, and the time they take, were spread over workers, and how evenly a dispatcher
//! without any preference would have spread as many.
//!
//! A shard's jobs go to its own workers only, so the dispatchers that a server is compared with
//! get the same workers and the same jobs.

use super::jobs::Job;
use super::shard::Shard;
use super::tally::Phase;
use crate::report::{Balance, Band, Bands, FunctionBalance, Spread};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

/// Cells of workers times functions above which functions are not told apart.
const CELLS: usize = 1 << 20;
/// Functions that a report holds.
const FUNCTIONS: usize = 50;
/// Jain's index below which, and the multiple of the variation by lot above which, the spread is
/// worth a note.
const UNEVEN: f64 = 0.9;
const FAR: f64 = 3.0;
/// Draws that the dispatcher by lot may take, and how often it dispatches everything.
const DRAWS: usize = 400_000;
const ROUNDS: (usize, usize) = (40, 1000);

/// What the workers of a shard had to do in the measured phases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    /// Names of the functions, where they are told apart.
    functions: Vec<Box<[u8]>>,
    /// Jobs of each worker.
    jobs: Vec<u64>,
    /// Jobs of each worker and function, by worker.
    cells: Vec<u32>,
    /// Nanoseconds in service of each worker.
    busy_ns: Vec<u64>,
}

impl Shares {
    pub(crate) fn new(workers: usize, functions: &[Box<[u8]>]) -> Self {
        let told_apart = functions.len() > 1 && workers.saturating_mul(functions.len()) <= CELLS;
        let functions = if told_apart { functions } else { &[] };
        Shares {
            functions: functions.to_vec(),
            jobs: vec![0; workers],
            cells: vec![0; workers * functions.len()],
            busy_ns: vec![0; workers],
        }
    }

    #[inline]
    fn assigned(&mut self, worker: usize, function: usize) {
        if let Some(jobs) = self.jobs.get_mut(worker) {
            *jobs += 1;
        }
        let cell = worker * self.functions.len() + function;
        if let Some(jobs) = self.cells.get_mut(cell) {
            *jobs = jobs.saturating_add(1);
        }
    }

    #[inline]
    fn served(&mut self, worker: usize, ns: u64) {
        if let Some(busy) = self.busy_ns.get_mut(worker) {
            *busy += ns;
        }
    }

    fn of_functions(&self) -> impl Iterator<Item = FunctionBalance> {
        let (count, names) = (self.functions.len(), self.functions.iter().enumerate());
        names.map(move |(function, name)| {
            let column = self.cells.iter().skip(function).step_by(count);
            let column: Vec<f64> = column.map(|jobs| f64::from(*jobs)).collect();
            FunctionBalance {
                function: String::from_utf8_lossy(name).into_owned(),
                jobs: column.iter().sum::<f64>() as u64,
                spread: spread(&column),
            }
        })
    }
}

impl Shard {
    fn shares_count(&self) -> bool {
        matches!(self.phase, Phase::Measure | Phase::Backlog)
    }

    /// A job of `function` was read by a worker.
    #[inline]
    pub(crate) fn share(&mut self, worker: u32, function: u32) {
        if self.shares_count() {
            self.shares.assigned(worker as usize, function as usize);
        }
    }

    /// A worker has answered a job.
    #[inline]
    pub(crate) fn share_time(&mut self, worker: u32, job: &Job) {
        if self.shares_count() && job.spec.service_ns > 0 {
            let ns = job.t4.saturating_sub(job.t3);
            self.shares.served(worker as usize, ns);
        }
    }
}

/// The figures for the workers of all shards; `None` without workers.
pub(crate) fn balance(shards: &[&Shares], seed: u64) -> Option<Balance> {
    let jobs: Vec<u64> = shards.iter().flat_map(|s| &s.jobs).copied().collect();
    let (min, max) = (*jobs.iter().min()?, *jobs.iter().max()?);
    let total: u64 = jobs.iter().sum();
    let n = jobs.len() as f64;
    let mean = total as f64 / n;
    let spread_of = |values: &[u64], unit: f64| {
        spread(&values.iter().map(|v| *v as f64 / unit).collect::<Vec<_>>())
    };
    let own = spread_of(&jobs, 1.0);
    let busy: Vec<u64> = shards.iter().flat_map(|s| &s.busy_ns).copied().collect();
    let is_busy = busy.iter().any(|ns| *ns > 0);
    let mut functions: Vec<FunctionBalance> =
        shards.iter().flat_map(|s| s.of_functions()).collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.jobs));
    functions.truncate(FUNCTIONS);
    let groups: Vec<(usize, u64)> = shards
        .iter()
        .map(|s| (s.jobs.len(), s.jobs.iter().sum()))
        .collect();
    Some(Balance {
        workers: jobs.len(),
        jobs: total,
        min,
        max,
        jain: own.jain,
        gini: own.gini,
        cv: own.cv,
        // Of a multinomial: the variance of each worker's jobs is about their mean.
        jain_if_random: match total {
            0 => 1.0,
            _ => mean / (mean + 1.0 - 1.0 / n),
        },
        jobs_per_worker: jobs,
        by_lot: (total > 0).then(|| by_lot(&groups, seed)),
        in_turn: (total > 0).then(|| in_turn(&groups)),
        busy: is_busy.then(|| spread_of(&busy, 1e9)),
        functions,
    })
}

/// Says that jobs were spread much less evenly than lots would have: that may be a policy, or
/// a worker that is forgotten.
pub(crate) fn uneven(balance: &Balance) -> Option<String> {
    let by_lot = balance.by_lot?;
    let told = balance.jain < UNEVEN && balance.cv > FAR * by_lot.cv.high;
    told.then(|| {
        format!(
            "jobs were spread unevenly over the workers: {} to {} each, Jain's index {:.3}, where \
             lots would give {:.3} to {:.3}",
            balance.min, balance.max, balance.jain, by_lot.jain.low, by_lot.jain.high
        )
    })
}

/// The figures of some values, of which there is one at least.
fn spread(values: &[f64]) -> Spread {
    let n = values.len() as f64;
    let total: f64 = values.iter().sum();
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (min, max) = (sorted.first(), sorted.last());
    let mut spread = Spread {
        min: min.copied().unwrap_or_default(),
        max: max.copied().unwrap_or_default(),
        jain: 1.0,
        ..Spread::default()
    };
    if total > 0.0 {
        let mean = total / n;
        let squares: f64 = values.iter().map(|x| x * x).sum();
        let ranked = sorted.iter().enumerate();
        let weighted: f64 = ranked.map(|(rank, x)| (rank as f64 + 1.0) * x).sum();
        spread.jain = total * total / (n * squares);
        spread.gini = (2.0 * weighted / (n * total) - (n + 1.0) / n).max(0.0);
        spread.cv = (squares / n - mean * mean).max(0.0).sqrt() / mean;
    }
    spread
}

/// Workers with their turns: nobody is more than one job ahead.
fn in_turn(groups: &[(usize, u64)]) -> Bands {
    let share = |&(workers, jobs): &(usize, u64)| {
        let (each, more) = (jobs / workers.max(1) as u64, jobs % workers.max(1) as u64);
        (0..workers as u64).map(move |worker| (each + u64::from(worker < more)) as f64)
    };
    bands(vec![spread(
        &groups.iter().flat_map(share).collect::<Vec<_>>(),
    )])
}

/// Every job to a worker drawn by lot, many times over.
fn by_lot(groups: &[(usize, u64)], seed: u64) -> Bands {
    let workers: usize = groups.iter().map(|(workers, _)| workers).sum();
    let (least, most) = ROUNDS;
    let rounds = (DRAWS / workers.max(1)).clamp(least, most);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut round = || {
        let drawn = groups.iter().flat_map(|&group| lots(group, &mut rng));
        spread(&drawn.collect::<Vec<_>>())
    };
    bands((0..rounds).map(|_| round()).collect())
}

/// The jobs of each worker when all are dispatched by lot: of those that are left a worker gets
/// as many as a binomial distribution says.
fn lots((workers, jobs): (usize, u64), rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut left = jobs;
    let draw = |open: usize| {
        let share = Binomial::new(left, 1.0 / open as f64).map(|lots| lots.sample(rng));
        let own = share.unwrap_or(left).min(left);
        left -= own;
        own as f64
    };
    (1..=workers).rev().map(draw).collect()
}

fn bands(spreads: Vec<Spread>) -> Bands {
    let band = |figure: fn(&Spread) -> f64| {
        let mut values: Vec<f64> = spreads.iter().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().saturating_sub(1);
        let at = |share: f64| values.get((last as f64 * share).round() as usize).copied();
        Band {
            low: at(0.025).unwrap_or_default(),
            high: at(0.975).unwrap_or_default(),
        }
    };
    let all_work = spreads.iter().all(|spread| spread.min > 0.0);
    Bands {
        jain: band(|s| s.jain),
        gini: band(|s| s.gini),
        cv: band(|s| s.cv),
        max_over_min: all_work.then(|| band(|s| s.max / s.min)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    fn shares(jobs: &[u64]) -> Shares {
        let mut shares = Shares::new(jobs.len(), &[]);
        shares.jobs = jobs.to_vec();
        shares
    }

    fn of(jobs: &[u64]) -> Balance {
        balance(&[&shares(jobs)], 1).unwrap()
    }

    #[test]
    fn even_and_one_sided() {
        let even = of(&[5, 5, 5, 5]);
        close(even.jain, 1.0);
        close(even.gini, 0.0);
        close(even.cv, 0.0);
        let one = of(&[0, 0, 0, 8]);
        close(one.jain, 0.25);
        close(one.gini, 0.75);
        close(one.cv, 3f64.sqrt());
        assert_eq!((one.min, one.max, one.jobs), (0, 8, 8));
    }

    #[test]
    fn worked_example() {
        // (1+2+3)^2 / (3 * 14); mean difference 8/9 over twice the mean 2.
        let balance = of(&[3, 1, 2]);
        close(balance.jain, 36.0 / 42.0);
        close(balance.gini, 2.0 / 9.0);
        close(balance.cv, (2f64 / 3.0).sqrt() / 2.0);
    }

    #[test]
    fn nobody_and_nothing() {
        assert!(balance(&[], 1).is_none());
        let idle = of(&[0, 0]);
        close(idle.jain, 1.0);
        close(idle.gini, 0.0);
        assert!(idle.by_lot.is_none() && idle.busy.is_none());
    }

    #[test]
    fn the_lot_falls_where_it_should() {
        let (workers, jobs) = (10, 10_000);
        let bands = by_lot(&[(workers, jobs)], 7);
        // (workers - 1) degrees of freedom, variance over mean of 1 - 1/workers.
        let expected = (0.9f64 / 1000.0).sqrt();
        assert!(bands.cv.low < expected && expected < bands.cv.high);
        assert!(bands.cv.low > 0.4 * expected && bands.cv.high < 1.6 * expected);
        assert_eq!(by_lot(&[(workers, jobs)], 7), bands, "the seed decides");
        let few = by_lot(&[(10, 3)], 7);
        assert!(few.max_over_min.is_none(), "somebody has nothing to do");
        let drawn = lots((workers, jobs), &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(drawn.iter().sum::<f64>(), jobs as f64);
    }

    #[test]
    fn turns_differ_by_one_within_a_thread() {
        let bands = in_turn(&[(4, 10)]);
        close(bands.jain.low, 100.0 / (4.0 * 26.0));
        assert_eq!(bands.jain.low, bands.jain.high);
        close(bands.max_over_min.unwrap().low, 1.5);
        close(in_turn(&[(2, 10), (3, 15)]).jain.low, 1.0);
    }

    #[test]
    fn functions_and_time_have_a_balance_of_their_own() {
        let names = [b"a".as_slice(), b"b"].map(Box::from);
        let mut shares = Shares::new(2, &names);
        for (worker, function) in [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)] {
            shares.assigned(worker, function);
        }
        shares.served(1, 2_000_000_000);
        let balance = balance(&[&shares], 1).unwrap();
        let found: Vec<(&str, u64, f64)> = balance
            .functions
            .iter()
            .map(|f| (f.function.as_str(), f.jobs, f.spread.jain))
            .collect();
        assert_eq!(found, [("b", 3, 0.5), ("a", 2, 0.5)]);
        let busy = balance.busy.unwrap();
        assert_eq!((busy.min, busy.max), (0.0, 2.0));
        assert_eq!(balance.jobs_per_worker, [2, 3]);
    }
}
