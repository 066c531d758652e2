//! Submissions that share a job, because they have the same unique and met.
//!
//! Every submission keeps a place of its own in the books; what they share is known by the handle
//! that all of them are given. The body that a worker gets is that of one of them, the runner.

use super::draw::Spec;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Handles above which those whose submissions have all ended are forgotten.
const KEPT: usize = 64 * 1024;

/// One job and the submissions that share it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Submissions that were given the handle.
    pub(crate) members: Vec<u64>,
    /// The submission whose body a worker got, as it ran last.
    pub(crate) runner: Option<Runner>,
    /// A worker has answered.
    pub(crate) done: bool,
}

/// The submission whose body a worker got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runner {
    pub(crate) number: u64,
    pub(crate) spec: Spec,
    /// When it was assigned.
    pub(crate) t3: u64,
    /// When its result was handed to the kernel; 0 is not yet.
    pub(crate) t4: u64,
}

/// All groups that something may still come for, by the hash of their handle.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_handle: HashMap<u64, Group, foldhash::fast::FixedState>,
    /// In the order in which they were first heard of.
    order: VecDeque<u64>,
}

impl Groups {
    pub(crate) fn get(&self, handle: u64) -> Option<&Group> {
        self.by_handle.get(&handle)
    }

    fn entry(&mut self, handle: u64) -> &mut Group {
        let order = &mut self.order;
        self.by_handle.entry(handle).or_insert_with(|| {
            order.push_back(handle);
            Group::default()
        })
    }

    /// A submission was given this handle. Whether another was before.
    pub(crate) fn join(&mut self, handle: u64, number: u64) -> bool {
        let group = self.entry(handle);
        group.members.push(number);
        group.members.len() > 1
    }

    /// The job of this handle was assigned, with the body of `runner`.
    pub(crate) fn runs(&mut self, handle: u64, runner: Runner) {
        self.entry(handle).runner = Some(runner);
    }

    /// A worker has answered the job of this handle. Its submissions.
    pub(crate) fn done(&mut self, handle: u64, t4: u64) -> Vec<u64> {
        let group = self.entry(handle);
        group.done = true;
        if let Some(runner) = &mut group.runner {
            runner.t4 = t4;
        }
        group.members.clone()
    }

    /// Forgets the oldest groups whose submissions have all ended, once there are many.
    pub(crate) fn trim(&mut self, mut is_live: impl FnMut(u64) -> bool) {
        if self.order.len() <= KEPT {
            return;
        }
        for _ in 0..self.order.len() - KEPT {
            let Some(handle) = self.order.pop_front() else {
                return;
            };
            let live = self
                .get(handle)
                .is_some_and(|group| group.members.iter().any(|number| is_live(*number)));
            match live {
                true => self.order.push_back(handle),
                false => drop(self.by_handle.remove(&handle)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_a_handle_joins_and_all_are_done_together() {
        let mut groups = Groups::default();
        assert!(!groups.join(7, 1));
        assert!(groups.join(7, 4));
        assert!(!groups.join(8, 2));
        assert!(!groups.get(7).is_some_and(|group| group.done));
        assert_eq!(groups.done(7, 9), [1, 4]);
        assert!(groups.get(7).is_some_and(|group| group.done));
    }

    #[test]
    fn only_what_has_ended_is_forgotten() {
        let mut groups = Groups::default();
        for number in 0..KEPT as u64 + 100 {
            groups.join(number + 1, number);
        }
        groups.trim(|number| number == 3);
        assert!(groups.get(4).is_some(), "it is live");
        assert!(groups.get(5).is_none());
        assert!(groups.get(KEPT as u64).is_some());
    }
}
