//! Workers: what they can do, and which jobs they get.

use super::jobs::{Job, Place};
use super::{Ability, Act, Deviation, Heard, Judgement, Model, Said, packet};
use crate::protocol::{GrabKind, PacketType as T, Priority};

impl Model {
    /// The jobs that a worker runs, of one function or of all, the last first.
    pub(super) fn run_by(&self, peer: usize, function: Option<&[u8]>) -> Vec<usize> {
        let runs = |&index: &usize| {
            let job = &self.jobs[index];
            let meant = function.is_none_or(|function| job.function == function);
            meant && job.place == (Place::Running { worker: peer })
        };
        (0..self.jobs.len()).rev().filter(runs).collect()
    }

    /// A worker gives up one function, or all.
    pub(super) fn forget(
        &mut self,
        peer: usize,
        function: Option<&[u8]>,
        heard: &mut Heard,
    ) -> Judgement {
        if let Some(state) = self.peers.get_mut(&peer) {
            let given_up = |ability: &Ability| function.is_none_or(|f| ability.function == f);
            state.abilities.retain(|ability| !given_up(ability));
        }
        for index in self.run_by(peer, function) {
            if self.meets(Deviation::CantDoTakesJobs) {
                self.giver = Some(peer);
                let again = self.attempts_left(index);
                self.give_back(index, again, "P-WRK-06", heard)?;
            }
        }
        Ok(())
    }

    pub(super) fn learn(&mut self, peer: usize, function: &[u8], limit: Option<u32>) {
        self.know(function);
        let known = self.peers.get(&peer).is_some_and(|peer| peer.can(function));
        let more = usize::from(known && self.meets(Deviation::AbilitiesAddUp));
        let since = self.turn;
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        let mut abilities = state.abilities.iter_mut();
        match abilities.find(|ability| ability.function == function) {
            Some(ability) => {
                ability.limit = limit;
                ability.times += more;
            }
            None => state.abilities.push(Ability {
                function: function.to_vec(),
                limit,
                times: 1,
                since,
            }),
        }
    }

    pub(super) fn grab(&mut self, peer: usize, kind: GrabKind, heard: &mut Heard) -> Judgement {
        if let Some(state) = self.peers.get_mut(&peer) {
            (state.sleeping, state.woken, state.restless) = (false, false, false);
        }
        let strict = self.next_for(peer, false);
        let candidates = match self.rules.deviations.has(Deviation::FunctionsOneByOne) {
            true => self.next_for(peer, true),
            false => strict.clone(),
        };
        if candidates.is_empty() && self.rules.holds_grabs && !heard.any_for(peer) {
            if let Some(state) = self.peers.get_mut(&peer) {
                state.asks = Some(kind);
            }
            return Ok(());
        }
        if candidates.is_empty() {
            return heard.exactly(peer, "P-WRK-07", packet(T::NO_JOB, &[], b""));
        }
        let wanted: Vec<Said> = candidates
            .iter()
            .map(|&index| self.jobs[index].assignment(kind))
            .collect();
        let chosen = heard.one_of(peer, "P-ORD-01", wanted)?;
        let index = candidates[chosen];
        if !strict.contains(&index) {
            self.meets(Deviation::FunctionsOneByOne);
        }
        self.assign(peer, index);
        Ok(())
    }

    fn assign(&mut self, peer: usize, index: usize) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        state.asks = None;
        let ability = state.ability(&self.jobs[index].function);
        let limit = ability.and_then(|ability| ability.limit);
        let job = &mut self.jobs[index];
        job.place = Place::Running { worker: peer };
        job.attempts = job.attempts.saturating_add(1);
        job.limit = limit.map(|ms| self.now + u64::from(ms) * 1000);
    }

    /// Whatever a worker does, its grab is answered before it.
    pub(super) fn answer_grab(
        &mut self,
        peer: usize,
        act: &Act<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        let state = self.peers.get_mut(&peer);
        match (state.and_then(|state| state.asks.take()), act) {
            (None, _) | (_, Act::Leaves) => Ok(()),
            (Some(_), _) => heard.exactly(peer, "P-WRK-07", packet(T::NO_JOB, &[], b"")),
        }
    }

    /// Jobs go to workers whose grab is not answered yet.
    ///
    /// What the disk has released just now came one after the other, so any of it may have been the
    /// first.
    pub(super) fn hand_out(&mut self, heard: &mut Heard) {
        let asking = self.peers.iter();
        let asking = asking.filter_map(|(&peer, state)| Some((peer, state.asks?)));
        let mut asking: Vec<(usize, GrabKind)> = asking.collect();
        let mut gives = true;
        while std::mem::take(&mut gives) {
            asking.retain(|&(peer, kind)| {
                let mut candidates = self.next_for(peer, false);
                candidates.extend(self.released_for(peer));
                let wanted = candidates.iter().map(|&at| self.jobs[at].assignment(kind));
                let Ok(chosen) = heard.one_of(peer, "P-ORD-01", wanted.collect()) else {
                    return true;
                };
                self.assign(peer, candidates[chosen]);
                gives = true;
                false
            });
        }
    }

    /// Jobs that the disk has released just now, and that the worker can do.
    fn released_for(&self, peer: usize) -> Vec<usize> {
        let is_released = |index: &usize| {
            let job = &self.jobs[*index];
            self.released.contains(&job.handle) && self.waits_for(job, peer)
        };
        (0..self.jobs.len()).filter(is_released).collect()
    }

    /// The jobs that the worker may get next: of the highest priority that waits for it, or of that
    /// of each function, the oldest of each function.
    pub(super) fn next_for(&self, peer: usize, one_by_one: bool) -> Vec<usize> {
        let waiting = |index: &usize| self.waits_for(&self.jobs[*index], peer);
        let indices: Vec<usize> = (0..self.jobs.len()).filter(waiting).collect();
        let unordered = self.rules.deviations.has(Deviation::LastHighFirst);
        let older = |a: &Job, b: &Job| match (&a.place, &b.place) {
            _ if unordered && b.priority == Priority::High => false,
            (Place::Queued { turn: a, .. }, Place::Queued { turn: b, .. }) => a < b,
            _ => false,
        };
        let is_first = |&&index: &&usize| {
            let job = &self.jobs[index];
            indices.iter().all(|&other| {
                let other = &self.jobs[other];
                let apart = other.function != job.function;
                let later = other.priority > job.priority;
                let ahead = other.priority < job.priority || (!apart && older(other, job));
                later || !ahead || (apart && one_by_one)
            })
        };
        indices.iter().filter(is_first).copied().collect()
    }

    /// Whether the job can be had now, and the peer can do it.
    pub(super) fn waits_for(&self, job: &Job, peer: usize) -> bool {
        let state = self.peers.get(&peer);
        job.is_queued() && state.is_some_and(|state| state.can(&job.function))
    }
}
