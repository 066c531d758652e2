//! Work packets.

use super::jobs::Place;
use super::{Deviation, Heard, Judgement, Model, jobs, packet};
use crate::protocol::{PacketType as T, Work};

impl Model {
    pub(super) fn work(
        &mut self,
        peer: usize,
        handle: &[u8],
        work: Work<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        let held = self
            .jobs
            .iter()
            .position(|job| job.handle == handle && job.place == (Place::Running { worker: peer }));
        let Some(index) = held else {
            return self.work_of_nobody(peer, handle, work, heard);
        };
        let told = match work {
            Work::Data(body) => packet(T::WORK_DATA, &[handle], &body),
            Work::Warning(body) => packet(T::WORK_WARNING, &[handle], &body),
            Work::Complete(body) => packet(T::WORK_COMPLETE, &[handle], &body),
            Work::Exception(body) => packet(T::WORK_EXCEPTION, &[handle], &body),
            Work::Fail => packet(T::WORK_FAIL, &[handle], b""),
            Work::Status {
                numerator,
                denominator,
            } => {
                self.jobs[index].progress = self.progress([numerator, denominator]);
                packet(T::WORK_STATUS, &[handle, numerator, denominator], b"")
            }
        };
        let goes_on =
            matches!(work, Work::Exception(_)) && self.meets(Deviation::ExceptionEndsNothing);
        for waiter in self.jobs[index].waiters.clone() {
            let deaf = !self.peers.get(&waiter).is_some_and(|peer| peer.exceptions);
            match work {
                Work::Exception(_) if deaf && goes_on => {}
                Work::Exception(_) if deaf => self.fail_of_exception(waiter, handle, heard)?,
                _ => heard.exactly(waiter, rule_of(work), told.clone())?,
            }
        }
        if matches!(work, Work::Complete(_) | Work::Fail | Work::Exception(_)) && !goes_on {
            let job = self.jobs.remove(index);
            self.remove(job, heard)?;
        }
        if let (Work::Exception(_), Some(state)) = (work, self.peers.get_mut(&peer)) {
            state.excepted = Some(handle.to_vec());
        }
        Ok(())
    }

    /// A client without the option hears that the job has failed.
    pub(super) fn fail_of_exception(
        &mut self,
        waiter: usize,
        handle: &[u8],
        heard: &mut Heard,
    ) -> Judgement {
        let mut wanted = vec![packet(T::WORK_FAIL, &[handle], b"")];
        if self.rules.deviations.has(Deviation::FailEndsInNul) {
            let ended = [handle, b"\0"].concat();
            wanted.push(packet(T::WORK_FAIL, &[&ended], b""));
        }
        if heard.one_of(waiter, "P-WORK-10", wanted)? > 0 {
            self.meets(Deviation::FailEndsInNul);
        }
        Ok(())
    }

    /// What is remembered of the numbers of WORK_STATUS.
    pub(super) fn progress(&mut self, sent: [&[u8]; 2]) -> [Vec<u8>; 2] {
        let exact = sent.map(jobs::number);
        let as_sent = sent.map(<[u8]>::to_vec);
        let narrow = sent.map(jobs::narrow_number);
        if exact != as_sent && self.meets(Deviation::NumbersAsSent) {
            as_sent
        } else if exact != narrow && self.meets(Deviation::NumbersOf32Bits) {
            narrow
        } else {
            exact
        }
    }

    /// A work packet for a job that the sender does not run.
    pub(super) fn work_of_nobody(
        &mut self,
        peer: usize,
        handle: &[u8],
        work: Work<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        if let (Work::Fail, Some(state)) = (work, self.peers.get_mut(&peer))
            && state.excepted.as_deref() == Some(handle)
        {
            state.excepted = None;
            // An ERROR would be as right, but Perl's workers die of it.
            let _ = heard.error(peer, "P-WORK-09", None);
            return Ok(());
        }
        self.refused(peer, "P-WORK-06", b"JOB_NOT_FOUND", heard)
    }
}

/// The requirement that a client hears of the work by.
fn rule_of(work: Work<'_>) -> &'static str {
    match work {
        Work::Exception(_) => "P-WORK-08",
        Work::Fail => "P-WORK-02",
        Work::Status { .. } => "P-WORK-13",
        _ => "P-WORK-01",
    }
}
