//! What is told of a job.

use super::jobs::Job;
use super::{Deviation, Heard, Judgement, Model, jobs, packet};
use crate::protocol::PacketType as T;

impl Model {
    pub(super) fn status(&mut self, peer: usize, handle: &[u8], heard: &mut Heard) -> Judgement {
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let jobs = self.jobs.iter().filter(|job| job.handle == handle);
        let told = self.told_of(&jobs.collect::<Vec<_>>());
        let wanted = told.iter().map(|(fields, _)| {
            let [known, running, numerator, denominator] = fields;
            let args: [&[u8]; 5] = [handle, known, running, numerator, denominator];
            packet(T::STATUS_RES, &args, b"")
        });
        heard
            .one_of(peer, "P-STAT-02", wanted.collect())
            .map(|_| ())
    }

    /// The request names no function, so any job with the unique may be meant.
    pub(super) fn status_unique(
        &mut self,
        peer: usize,
        unique: &[u8],
        heard: &mut Heard,
    ) -> Judgement {
        let named = unique != b"-" && !unique.is_empty();
        let jobs = self.jobs.iter().filter(|job| named && job.unique == unique);
        let told = self.told_of(&jobs.collect::<Vec<_>>());
        let wanted = told.iter().map(|(fields, clients)| {
            let [known, running, numerator, denominator] = fields;
            let clients = clients.to_string();
            let clients = clients.as_bytes();
            let args = [unique, known, running, numerator, denominator, clients];
            packet(T::STATUS_RES_UNIQUE, &args, b"")
        });
        heard
            .one_of(peer, "P-STAT-09", wanted.collect())
            .map(|_| ())
    }

    /// What may be told of the one of these jobs that is meant: known, running, numerator and
    /// denominator, and how many wait for it. Nothing is known of none, and may be of one that was
    /// dropped.
    pub(super) fn told_of(&self, jobs: &[&Job]) -> Vec<([Vec<u8>; 4], usize)> {
        let gone = jobs.iter().all(|job| job.dropped && !job.is_running());
        let meant = jobs.iter().map(|job| Some(*job));
        let mut told: Vec<([Vec<u8>; 4], usize)> = meant
            .chain(gone.then_some(None))
            .map(|job| (jobs::fields(job), job.map_or(0, |job| job.waiters.len())))
            .collect();
        if self.rules.deviations.has(Deviation::NumbersMayBeEmpty) {
            let untold = |fields: &[Vec<u8>; 4]| fields[2..].iter().all(|number| number == b"0");
            let emptied = told.iter().filter(|(fields, _)| untold(fields));
            let emptied = emptied.map(|([known, running, ..], clients)| {
                let fields = [known.clone(), running.clone(), Vec::new(), Vec::new()];
                (fields, *clients)
            });
            told.extend(emptied.collect::<Vec<_>>());
        }
        told
    }
}
