//! How evenly jobs were spread over workers.

use crate::report::Balance;

/// The figures for `jobs` per worker; `None` without workers.
pub(crate) fn balance(jobs: &[u64]) -> Option<Balance> {
    let workers = jobs.len();
    let total: u64 = jobs.iter().sum();
    let (min, max) = (*jobs.iter().min()?, *jobs.iter().max()?);
    let n = workers as f64;
    let mean = total as f64 / n;
    let squares: f64 = jobs.iter().map(|&x| (x as f64).powi(2)).sum();
    let variance = (squares / n - mean * mean).max(0.0);
    let even = |value: f64, when_idle: f64| if total == 0 { when_idle } else { value };
    Some(Balance {
        workers,
        jobs: total,
        min,
        max,
        jain: even(mean * mean * n / squares, 1.0),
        gini: even(gini(jobs, total), 0.0),
        cv: even(variance.sqrt() / mean, 0.0),
        // Of a multinomial: the variance of each worker's jobs is about their mean.
        jain_if_random: even(mean / (mean + 1.0 - 1.0 / n), 1.0),
        jobs_per_worker: jobs.to_vec(),
    })
}

fn gini(jobs: &[u64], total: u64) -> f64 {
    let mut sorted = jobs.to_vec();
    sorted.sort_unstable();
    let n = sorted.len() as f64;
    let ranked = |(index, &x): (usize, &u64)| (index as f64 + 1.0) * x as f64;
    let weighted: f64 = sorted.iter().enumerate().map(ranked).sum();
    2.0 * weighted / (n * total as f64) - (n + 1.0) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn even_and_one_sided() {
        let even = balance(&[5, 5, 5, 5]).unwrap();
        close(even.jain, 1.0);
        close(even.gini, 0.0);
        close(even.cv, 0.0);
        let one = balance(&[0, 0, 0, 8]).unwrap();
        close(one.jain, 0.25);
        close(one.gini, 0.75);
        close(one.cv, 3f64.sqrt());
        assert_eq!((one.min, one.max, one.jobs), (0, 8, 8));
    }

    #[test]
    fn worked_example() {
        // (1+2+3)^2 / (3 * 14); mean difference 8/9 over twice the mean 2.
        let balance = balance(&[3, 1, 2]).unwrap();
        close(balance.jain, 36.0 / 42.0);
        close(balance.gini, 2.0 / 9.0);
        close(balance.cv, (2f64 / 3.0).sqrt() / 2.0);
    }

    #[test]
    fn nobody_and_nothing() {
        assert!(balance(&[]).is_none());
        let idle = balance(&[0, 0]).unwrap();
        close(idle.jain, 1.0);
        close(idle.gini, 0.0);
    }
}
