//! A maximum over time: how far it had come by any recent moment.

use std::collections::VecDeque;

/// Moments that are remembered at least, and at most.
const BOUNDS: (u64, u64) = (256, 16 * 1024);

/// The maximum rose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// When, in jobs read.
    pub(super) moment: u64,
    /// To what.
    pub(super) most: u64,
    /// When, by the clock.
    pub(super) at: u64,
}

/// The steps of a maximum, both coordinates rising.
#[derive(Debug)]
pub(super) struct History {
    steps: VecDeque<Step>,
    /// Moments that are looked back.
    window: u64,
}

impl History {
    /// One that is asked about moments at most about `back` ago.
    pub(super) fn new(back: usize) -> Self {
        let (least, most) = BOUNDS;
        History {
            steps: VecDeque::new(),
            window: (4 * back as u64).clamp(least, most),
        }
    }

    /// Adds a sample at a later moment than the last.
    #[inline]
    pub(super) fn push(&mut self, step: Step) {
        if self.steps.back().is_some_and(|last| last.most >= step.most) {
            return;
        }
        while let Some(second) = self.steps.get(1)
            && second.moment + self.window < step.moment
        {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    /// The maximum by `moment`; 0 where there was none, or where that is forgotten.
    #[inline]
    pub(super) fn most_by(&self, moment: u64) -> u64 {
        // Most ask about a moment after all steps.
        if let Some(last) = self.steps.back().filter(|last| last.moment <= moment) {
            return last.most;
        }
        let after = self.steps.partition_point(|step| step.moment <= moment);
        let before = after.checked_sub(1).and_then(|at| self.steps.get(at));
        before.map_or(0, |step| step.most)
    }

    /// When, by the clock, the maximum was first known to be `least` or more.
    pub(super) fn reached(&self, least: u64) -> u64 {
        let first = self.steps.partition_point(|step| step.most < least);
        self.steps.get(first).map_or(u64::MAX, |step| step.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(moment: u64, most: u64) -> Step {
        let at = 10 * moment;
        Step { moment, most, at }
    }

    #[test]
    fn the_maximum_of_any_moment_that_is_remembered() {
        let mut history = History::new(0);
        assert_eq!(history.most_by(5), 0);
        for (moment, most) in [(1, 4), (2, 3), (3, 7), (9, 8)] {
            history.push(step(moment, most));
        }
        let asked = [0, 1, 2, 3, 8, 9, 100].map(|moment| history.most_by(moment));
        assert_eq!(asked, [0, 4, 4, 7, 7, 8, 8]);
        assert_eq!([1, 5, 8].map(|least| history.reached(least)), [10, 30, 90]);
        assert_eq!(history.reached(9), u64::MAX);
    }

    #[test]
    fn what_is_old_is_forgotten_never_made_up() {
        let mut history = History::new(0);
        let back = history.window;
        for moment in 1..10 * back {
            history.push(step(moment, moment));
        }
        assert!(history.steps.len() as u64 <= back + 3);
        assert_eq!(history.most_by(2), 0);
        assert_eq!(history.most_by(9 * back), 9 * back);
    }
}
