//! What a client hears of its job before the end: parts of the result, progress, warnings.

use crate::load::payload::{Kind, job_and_part};
use crate::load::shard::{Shard, handle_hash};
use crate::protocol::{Work, request};

impl Shard {
    /// WORK_DATA, WORK_STATUS, WORK_WARNING.
    pub(super) fn update(&mut self, index: u32, handle: &[u8], work: &Work<'_>) {
        let Some(number) = self.waiting(index, handle) else {
            self.ledger.phantom += 1;
            return;
        };
        let good = match work {
            Work::Data(body) => {
                self.updates.chunks += 1;
                self.is_next_part(index, handle, body)
            }
            Work::Status {
                numerator,
                denominator,
            } => {
                self.updates.progress += 1;
                let all = Some(u64::from(self.plan.progress));
                let is_far =
                    request::number(numerator).is_some_and(|far| far > 0 && Some(far) <= all);
                is_far && request::number(denominator) == all
            }
            Work::Warning(body) => {
                self.updates.warnings += 1;
                self.part(number, body) == Some(0)
            }
            _ => true,
        };
        self.ledger.wrong_body += u64::from(!good);
    }

    /// Which part of a job's result the body is, where it is one.
    fn part(&mut self, number: u64, body: &[u8]) -> Option<u32> {
        let (named, part) = job_and_part(self.bodies.read(Kind::Part, body).ok()?);
        let job = *self.jobs.get(number)?;
        let runner = self
            .runner_of(number, &job)
            .map_or(number, |runner| runner.number);
        (named == runner).then_some(part)
    }

    /// Whether the body is the part that comes next for one of the client's submissions with this
    /// handle: each of them is sent it. A job that runs again begins anew, and one that was joined
    /// may be in the middle.
    fn is_next_part(&mut self, index: u32, handle: &[u8], body: &[u8]) -> bool {
        let hash = handle_hash(handle);
        let lost_any = self.lost_workers > 0;
        let waiting = std::mem::take(&mut self.clients[index as usize].waiting);
        let mut next = None;
        for &number in &waiting {
            let Some(job) = self.jobs.get(number).map(|job| *job) else {
                continue;
            };
            let Some(part) = (job.handle == hash)
                .then(|| self.part(number, body))
                .flatten()
            else {
                continue;
            };
            if part == job.parts {
                next = Some((number, part));
                break;
            }
            let may_join = job.parts == 0 && self.runner_of(number, &job).is_some();
            if next.is_none() && (may_join || part == 0 && lost_any) {
                next = Some((number, part));
            }
            if !self.coalesces {
                break;
            }
        }
        self.clients[index as usize].waiting = waiting;
        if let Some((number, part)) = next
            && let Some(job) = self.jobs.get(number)
        {
            job.parts = part + 1;
        }
        next.is_some()
    }
}
