//! Who is woken, and who should have been.

use super::jobs::{Job, Place};
use super::{Deviation, Divergence, Heard, Judgement, Model, Peer, Wanted, packet};
use crate::protocol::{GrabKind, PacketType as T};

impl Model {
    /// Takes in the NOOPs of an act.
    pub(super) fn wake(&mut self, noops: Vec<usize>, heard: &mut Heard) -> Judgement {
        for peer in noops {
            if let Some(rule) = self.needless(peer)
                && !self.meets(Deviation::NeedlessNoops)
            {
                heard.0.push((peer, packet(T::NOOP, &[], b"")));
                let found = format!("a NOOP to peer {peer}");
                return Err(Divergence::nothing(rule, peer, found));
            }
            if let Some(state) = self.peers.get_mut(&peer) {
                state.restless &= state.sleeping;
                (state.sleeping, state.woken) = (false, true);
            }
        }
        Ok(())
    }

    /// Nobody sleeps over a job, or has asked for one, unless another is on its way to it.
    pub(super) fn nobody_waits(&mut self) -> Judgement {
        self.all_who_asked_have()?;
        let overslept = (0..self.jobs.len()).find_map(|index| self.slept_over(index));
        match overslept {
            Some(_) if self.meets(Deviation::MissedNoops) => Ok(()),
            Some((function, sleepers)) => {
                let found = format!("all asleep who can do \"{}\"", function.escape_ascii());
                Err(Divergence::new("P-WRK-11", Wanted::Noop(sleepers), found))
            }
            None => Ok(()),
        }
    }

    /// The requirement that a NOOP to this peer breaks, if it does.
    fn needless(&mut self, peer: usize) -> Option<&'static str> {
        let state = self.peers.get(&peer);
        let sleeps = state.is_some_and(|peer| peer.sleeping);
        let restless = state.is_some_and(|peer| peer.restless);
        let again = restless && self.meets(Deviation::AskingTwiceWakesTwice);
        if !sleeps && !again {
            return Some("P-WRK-17");
        }
        let can = self.jobs.iter().any(|job| self.may_wake(job, peer));
        let gives = self.giver == Some(peer);
        let excused = can || (gives && self.meets(Deviation::GiverIsWoken));
        (!excused).then_some("P-WRK-18")
    }

    /// Whether a NOOP may be about the job: it waits, or was queued by this act only to be dropped.
    pub(super) fn may_wake(&self, job: &Job, peer: usize) -> bool {
        let dropped_now = job.dropped && job.place == (Place::Queued { turn: self.turn });
        let state = self.peers.get(&peer);
        (job.is_queued() || dropped_now) && state.is_some_and(|state| state.can(&job.function))
    }

    /// Nobody who has asked is left without an answer while a job waits that it can do, and that
    /// nobody was woken for.
    fn all_who_asked_have(&self) -> Judgement {
        for job in self.jobs.iter().filter(|job| job.is_queued()) {
            let able = self.peers.iter();
            let mut able = able.filter(|(_, peer)| peer.can(&job.function));
            if able.clone().any(|(_, peer)| peer.woken) {
                continue;
            }
            if let Some((&peer, _)) = able.find(|(_, peer)| peer.asks.is_some()) {
                let found = "nothing though it has asked and the job waits".to_owned();
                let wanted = Wanted::one(peer, job.assignment(GrabKind::Uniq));
                return Err(Divergence::new("P-WRK-06", wanted, found));
            }
        }
        Ok(())
    }

    /// The function of the job and all who can do it, if it waits and they are all asleep.
    pub(super) fn slept_over(&mut self, index: usize) -> Option<(Vec<u8>, Vec<usize>)> {
        let job = &self.jobs[index];
        let Place::Queued { turn } = job.place else {
            return None;
        };
        let able = self.peers.iter();
        let able = able.filter(|(_, peer)| peer.can(&job.function));
        if job.dropped || able.clone().any(|(_, peer)| peer.woken) {
            return None;
        }
        let learner = |peer: &Peer| {
            let ability = peer.ability(&job.function);
            ability.is_some_and(|it| it.since > peer.slept && it.since > turn)
        };
        let sleepers = able.filter(|(_, peer)| peer.sleeping);
        let (learners, others): (Vec<_>, Vec<_>) = sleepers.partition(|(_, peer)| learner(peer));
        let ids = |peers: &[(&usize, &Peer)]| peers.iter().map(|(id, _)| **id).collect::<Vec<_>>();
        let (learners, others) = (ids(&learners), ids(&others));
        let function = job.function.clone();
        let excused = learners.is_empty() || self.meets(Deviation::LearnerSleepsOn);
        let sleepers = match excused {
            true => others,
            false => [others, learners].concat(),
        };
        (!sleepers.is_empty()).then_some((function, sleepers))
    }
}
