//! How jobs end: once each in the books, also those that nobody answers.

use super::Client;
use crate::load::draw::Fate;
use crate::load::jobs::NOBODY;
use crate::load::recorder::Stage;
use crate::load::shard::Shard;
use crate::mutants::{Mutant, on};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ok,
    /// It failed as its worker was told.
    Told,
    Failed,
    Error,
    Timeout,
    /// Its client was killed.
    Abandoned,
    /// The server was restarted.
    Restart,
}

impl End {
    pub(super) fn of(fate: Fate) -> Self {
        match fate {
            Fate::Complete => End::Ok,
            Fate::Fail | Fate::Exception => End::Told,
        }
    }
}

impl Shard {
    /// Puts a job's end into the books, once.
    pub(crate) fn count(&mut self, number: u64, end: End) -> bool {
        let Some(job) = self.jobs.get(number) else {
            return false;
        };
        if std::mem::replace(&mut job.counted, true) {
            return false;
        }
        job.timed_out = end == End::Timeout;
        match end {
            End::Ok => self.ledger.ok += 1,
            End::Told => self.ledger.failed_as_told += 1,
            End::Failed => self.ledger.failed += 1,
            End::Error => self.ledger.error += 1,
            End::Timeout => self.ledger.timeout += 1,
            End::Abandoned => self.ledger.abandoned += 1,
            End::Restart => self.ledger.lost_in_restart += 1,
        }
        true
    }

    /// The client's connection ended: its foreground jobs will never be answered, and whether an
    /// unacknowledged one arrived is unknown. All of them have this `end`.
    pub(crate) fn client_lost(&mut self, index: u32, end: End) -> bool {
        let client = &mut self.clients[index as usize];
        let served = client.served;
        let numbers: Vec<u64> = client.concerns().collect();
        *client = Client {
            torn: client.torn,
            ..Client::default()
        };
        self.lost_clients += 1;
        for number in numbers {
            self.count(number, end);
            if let Some(job) = self.jobs.get(number) {
                job.orphan = true;
            }
        }
        served
    }

    /// Counts the foreground jobs that have waited too long. Jobs are as old as their numbers
    /// say, so this looks at each of them once.
    pub(crate) fn time_out(&mut self, now: u64) {
        let limit = self.plan.timeout.as_nanos() as u64;
        while self.oldest < self.jobs.next() {
            let number = self.oldest;
            if let Some(job) = self.jobs.get(number) {
                if now.saturating_sub(job.t0) < limit {
                    return;
                }
                let (job, phase) = (*job, usize::from(job.phase));
                let waits = !job.spec.background && job.client != NOBODY && !job.orphan;
                if waits && self.count(number, End::Timeout) {
                    // At least this long: leaving it out would flatter the server.
                    let waited = now.saturating_sub(job.t0);
                    if !on(Mutant::TimeoutsLeftOut) {
                        self.tallies[phase].record(|r| r.record(Stage::Response, waited));
                        self.seconds.record(waited);
                    }
                    // It stays in `waiting`: its result may still come.
                    let client = &mut self.clients[job.client as usize];
                    client.busy = client.busy.saturating_sub(1);
                }
            }
            self.oldest += 1;
        }
    }
}
