//! Intervals of means, shares and ratios.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Batches below which their spread says nothing.
const LEAST_BATCHES: usize = 4;
/// Batches above which there is nothing to win.
const MOST_BATCHES: usize = 30;
/// Samples that a batch should hold, for batches to depend little on each other.
const BATCH: usize = 5;

/// A figure and its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounded {
    /// The figure.
    pub(super) value: f64,
    /// At least.
    pub(super) low: f64,
    /// At most; infinite where too few samples lie beyond.
    pub(super) high: f64,
}

/// The quantile of the standard normal distribution that leaves `alpha` outside on both sides.
pub(super) fn normal(alpha: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - alpha / 2.0)
}

/// The same of Student's t.
pub(super) fn student(alpha: f64, freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64)
        .map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - alpha / 2.0))
}

/// A ratio of sums over samples that depend on their neighbours: of each sample `(part, whole)`.
/// Its value, and half the width of its interval by batch means; `None` with too few samples.
pub(super) fn batch_ratio(samples: &[(f64, f64)], alpha: f64) -> Option<(f64, f64)> {
    let batches = (samples.len() / BATCH).clamp(LEAST_BATCHES, MOST_BATCHES);
    if samples.len() < 2 * LEAST_BATCHES {
        return None;
    }
    let sum = |samples: &[(f64, f64)]| {
        let add = |sum: (f64, f64), s: &(f64, f64)| (sum.0 + s.0, sum.1 + s.1);
        samples.iter().fold((0.0, 0.0), add)
    };
    let (part, whole) = sum(samples);
    if whole <= 0.0 {
        return None;
    }
    let ratio = part / whole;
    let edge = |batch: usize| batch * samples.len() / batches;
    let squares = (0..batches).map(|batch| {
        let (part, whole) = sum(&samples[edge(batch)..edge(batch + 1)]);
        (part - ratio * whole).powi(2)
    });
    let count = batches as f64;
    let variance = squares.sum::<f64>() * count / (count - 1.0) / whole.powi(2);
    Some((ratio, student(alpha, batches - 1) * variance.sqrt()))
}

/// The logarithm of `other / baseline` with its bounds, from bounds of both: MOVER.
pub(super) fn log_ratio(baseline: Bounded, other: Bounded) -> Bounded {
    let value = (other.value / baseline.value).ln();
    let leg = |from: f64, to: f64| (to / from).ln();
    let down = leg(other.low, other.value).hypot(leg(baseline.value, baseline.high));
    let up = leg(other.value, other.high).hypot(leg(baseline.low, baseline.value));
    Bounded {
        value,
        low: value - down,
        high: value + up,
    }
}

/// The difference `other - baseline` with its bounds, from bounds of both: MOVER.
pub(super) fn difference(baseline: Bounded, other: Bounded) -> Bounded {
    let value = other.value - baseline.value;
    let down = (other.value - other.low).hypot(baseline.high - baseline.value);
    let up = (other.high - other.value).hypot(baseline.value - baseline.low);
    Bounded {
        value,
        low: value - down,
        high: value + up,
    }
}

/// The shift from one group of figures to another with its bounds, from the spread within both;
/// the bounds are infinite where no group has two.
pub(super) fn shift(baseline: &[f64], other: &[f64], alpha: f64) -> Bounded {
    let mut pairs: Vec<f64> = other
        .iter()
        .flat_map(|theirs| baseline.iter().map(move |ours| theirs - ours))
        .collect();
    let value = median(&mut pairs);
    let squares = |group: &[f64]| {
        let mean = group.iter().sum::<f64>() / group.len() as f64;
        group.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
    };
    let freedom = (baseline.len() + other.len()).saturating_sub(2);
    let half = match freedom {
        0 => f64::INFINITY,
        _ => {
            let variance = (squares(baseline) + squares(other)) / freedom as f64;
            let share = 1.0 / baseline.len() as f64 + 1.0 / other.len() as f64;
            student(alpha, freedom) * (variance * share).sqrt()
        }
    };
    Bounded {
        value,
        low: value - half,
        high: value + half,
    }
}

/// The median; zero of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values {
        [] => 0.0,
        _ if values.len().is_multiple_of(2) => (values[half - 1] + values[half]) / 2.0,
        _ => values[half],
    }
}

/// Bounds of a share of `part` in `whole` independent trials, by Wilson.
pub(super) fn share(part: f64, whole: f64, alpha: f64) -> Bounded {
    let (p, z) = (part / whole, normal(alpha));
    let centre = (p + z * z / (2.0 * whole)) / (1.0 + z * z / whole);
    let spread = (p * (1.0 - p) / whole + (z / (2.0 * whole)).powi(2)).sqrt();
    let half = z * spread / (1.0 + z * z / whole);
    Bounded {
        value: p,
        low: (centre - half).clamp(0.0, p),
        high: (centre + half).clamp(p, 1.0),
    }
}
