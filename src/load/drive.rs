//! Runs one shard: connects its actors, lets it tick, settles its books.

use super::admin::Admin;
use super::client::End;
use super::pacer::Pacer;
use super::plan::Plan;
use super::shard::{Actor, RECONNECT_AFTER, Shard};
use super::tally::Tally;
use super::{LoadError, Shared};
use crate::report::{Ledger, Wakeups};
use crate::wire::{self, Config, Hub};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time for the last bytes to leave, in nanoseconds.
const FAREWELL: u64 = 500_000_000;
/// How often waiting looks around, in nanoseconds.
const LOOK: u64 = 1_000_000;
/// How long the target may take to say what it still holds.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What one shard found.
pub(crate) struct Done {
    pub(crate) ledger: Ledger,
    pub(crate) wakeups: Wakeups,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) jobs_per_worker: Vec<u64>,
    pub(crate) connections_lost: u64,
    pub(crate) reconnects: u64,
    pub(crate) unexpected: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) gone: Option<String>,
}

/// Runs shard `index` of a plan to its end, on the calling thread.
pub(crate) fn run(
    plan: &Plan,
    index: usize,
    shared: &Arc<Shared>,
    address: SocketAddr,
) -> Result<Done, LoadError> {
    let plan = plan.shard(index);
    let result = wire::block_on(drive(plan, index, Arc::clone(shared), address));
    let result = result.map_err(LoadError::Runtime).and_then(|done| done);
    if result.is_err() {
        shared.failed.store(true, SeqCst);
    }
    result
}

async fn drive(
    plan: Plan,
    index: usize,
    shared: Arc<Shared>,
    address: SocketAddr,
) -> Result<Done, LoadError> {
    let pacer = Rc::new(Pacer::new(shared.origin).map_err(LoadError::Runtime)?);
    let shard = Shard::new(plan.clone(), index, Arc::clone(&shared), Rc::clone(&pacer))?;
    let driver = Driver {
        hub: Hub::new(shard, Config::default()),
        pacer,
        address,
        plan,
        shared,
    };
    driver.connect_all().await?;
    driver.wait_for_others().await?;
    driver.tick_until_over().await;
    driver.settle();
    driver.say_farewell().await;
    Ok(driver.done())
}

#[derive(Clone)]
struct Driver {
    hub: Hub<Shard>,
    pacer: Rc<Pacer>,
    address: SocketAddr,
    plan: Plan,
    shared: Arc<Shared>,
}

impl Driver {
    async fn look_again_at(&self, at: u64) {
        self.pacer.wake_at(at);
        self.pacer.wait().await;
    }

    /// Connects all actors at the plan's rate, never more at a time than a short listen queue
    /// holds, and waits until the target has answered each of them.
    async fn connect_all(&self) -> Result<(), LoadError> {
        let wanted = self.hub.with(|shard, _| shard.wanted());
        let total = wanted.len();
        let unserved = self.hub.with(|shard, _| Rc::clone(&shard.unserved));
        let gap = 1e9 / self.plan.connect_rate;
        let start = self.pacer.now();
        for (count, actor) in wanted.into_iter().enumerate() {
            let at = start + (count as f64 * gap) as u64;
            while self.pacer.now() < at {
                self.look_again_at(at).await;
            }
            match timeout(self.plan.connect_timeout, unserved.acquire()).await {
                Ok(Ok(permit)) => permit.forget(),
                _ => return Err(self.incomplete(total)),
            }
            self.stop_when_hopeless()?;
            tokio::task::spawn_local(self.clone().connect_first(actor));
        }
        self.wait_until_served(total).await
    }

    async fn wait_until_served(&self, total: usize) -> Result<(), LoadError> {
        let limit = self.plan.connect_timeout.as_nanos() as u64;
        let (mut last, mut since) = (0, self.pacer.now());
        loop {
            self.stop_when_hopeless()?;
            let served = self.hub.with(|shard, _| shard.served);
            if served >= total {
                return Ok(());
            }
            let now = self.pacer.now();
            if served > last {
                (last, since) = (served, now);
            }
            if now - since > limit {
                return Err(self.incomplete(total));
            }
            self.look_again_at(now + LOOK).await;
        }
    }

    fn stop_when_hopeless(&self) -> Result<(), LoadError> {
        if self.shared.stop.load(Relaxed) {
            return Err(LoadError::Interrupted);
        }
        match self.hub.with(|shard, _| shard.gone.clone()) {
            Some(why) => Err(self.failed_to_connect(why)),
            None => Ok(()),
        }
    }

    fn failed_to_connect(&self, why: String) -> LoadError {
        let (made, wanted) = self
            .hub
            .with(|shard, _| (shard.served, shard.wanted().len()));
        LoadError::Connect {
            target: self.plan.target.clone(),
            made,
            wanted,
            why,
        }
    }

    fn incomplete(&self, wanted: usize) -> LoadError {
        let limit = self.plan.connect_timeout.as_secs_f64();
        let error = self.failed_to_connect(format!("the next was not answered within {limit} s"));
        match error {
            LoadError::Connect {
                target, made, why, ..
            } => LoadError::Connect {
                target,
                made,
                wanted,
                why,
            },
            other => other,
        }
    }

    async fn connect(&self, actor: Actor) -> io::Result<()> {
        let stream = timeout(self.plan.connect_timeout, TcpStream::connect(self.address)).await;
        let stream = stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let conn = self.hub.adopt(stream)?;
        self.hub.with(|shard, io| shard.connected(actor, conn, io));
        Ok(())
    }

    async fn connect_first(self, actor: Actor) {
        if let Err(error) = self.connect(actor).await {
            self.hub.with(|shard, _| {
                shard.unserved.add_permits(1);
                shard.gone.get_or_insert(error.to_string());
            });
        }
    }

    async fn connect_again(self, actor: Actor) {
        let result = self.connect(actor).await;
        let now = self.pacer.now();
        self.hub.with(|shard, _| match result {
            Ok(()) => shard.reconnects += 1,
            Err(error) if !shard.connected_any() => {
                let what =
                    format!("the target ended all connections, and a new one failed: {error}");
                shard.gone.get_or_insert(what);
            }
            Err(_) => shard.lost.push_back((now + RECONNECT_AFTER, actor)),
        });
        // The shard may have to end.
        self.pacer.wake_at(now + LOOK);
    }

    /// All shards begin together.
    async fn wait_for_others(&self) -> Result<(), LoadError> {
        self.shared.ready.fetch_add(1, SeqCst);
        while self.shared.ready.load(SeqCst) < self.plan.threads {
            if self.shared.failed.load(SeqCst) {
                return Err(LoadError::Interrupted);
            }
            self.stop_when_hopeless()?;
            self.look_again_at(self.pacer.now() + LOOK).await;
        }
        Ok(())
    }

    async fn tick_until_over(&self) {
        self.hub.with(|shard, io| shard.begin(self.pacer.now(), io));
        loop {
            let now = self.pacer.now();
            let (next, again) = self
                .hub
                .with(|shard, io| (shard.tick(now, io), shard.take_due_reconnects(now)));
            for actor in again {
                tokio::task::spawn_local(self.clone().connect_again(actor));
            }
            match next {
                Some(at) => self.look_again_at(at).await,
                None => return,
            }
        }
    }

    /// Says of each job without an end whether the target still has it, or lost it.
    fn settle(&self) {
        let (prefix, held, open) = self.hub.with(|shard, _| {
            let held = shard
                .workers
                .iter()
                .map(|worker| worker.holds())
                .sum::<usize>();
            let open = shard.close_books();
            (shard.prefix(), held as u64, open)
        });
        let still_there = match open {
            0 => Ok(0),
            _ => Admin::connect(self.address, LAST_WORD)
                .and_then(|mut admin| admin.queued(&prefix, LAST_WORD)),
        };
        self.hub.with(|shard, _| {
            if open == 0 || shard.gone.is_some() {
                return;
            }
            let silent = |kind| {
                matches!(
                    kind,
                    io::ErrorKind::TimedOut
                        | io::ErrorKind::WouldBlock
                        | io::ErrorKind::ConnectionRefused
                )
            };
            let queued = match still_there {
                Ok(count) => count.saturating_sub(held),
                Err(error) if silent(error.kind()) => {
                    let what = format!(
                        "the target stopped answering, `status` too; {open} jobs have no end"
                    );
                    shard.gone = Some(what);
                    return;
                }
                // No text protocol: nothing speaks for the target.
                Err(_) => 0,
            };
            shard.ledger.still_queued = open.min(queued);
            shard.ledger.lost = open.saturating_sub(queued);
        });
    }

    /// Lets the last bytes leave.
    async fn say_farewell(&self) {
        let gone = self.hub.with(|shard, io| {
            shard.hang_up(io);
            shard.gone.is_some()
        });
        if gone {
            return;
        }
        let until = self.pacer.now() + FAREWELL;
        while self.pacer.now() < until && self.hub.with(|_, io| io.connections()) > 0 {
            self.look_again_at(self.pacer.now() + LOOK).await;
        }
    }

    fn done(&self) -> Done {
        self.hub.with(|shard, _| Done {
            ledger: shard.ledger,
            wakeups: shard.wakeups,
            tallies: std::mem::take(&mut shard.tallies),
            jobs_per_worker: match shard.plan.workers {
                0 => Vec::new(),
                _ => shard.workers.iter().map(|worker| worker.jobs).collect(),
            },
            connections_lost: shard.lost_workers + shard.lost_clients,
            reconnects: shard.reconnects,
            unexpected: shard.unexpected,
            first_refusal: shard.first_refusal.take(),
            gone: shard.gone.take(),
        })
    }
}

impl Shard {
    /// Counts the jobs in flight; returns how many of those without an end the target should
    /// still hold: not those in the hands of our own workers, nor those whose client is gone.
    fn close_books(&mut self) -> u64 {
        let (mut in_flight, mut open) = (0, 0);
        let mut ran_unacknowledged = Vec::new();
        let workers = &self.workers;
        for (number, job) in self.jobs.iter() {
            if job.spec.background && job.t4 > 0 {
                ran_unacknowledged.push(number);
                continue;
            }
            in_flight += u64::from(!job.counted);
            let worker = workers.get(job.worker as usize);
            let in_service = worker.is_some_and(|worker| worker.has(number));
            open += u64::from(!job.orphan && !in_service);
        }
        for number in ran_unacknowledged {
            self.ledger.recovered += 1;
            self.count(number, End::Ok);
        }
        self.ledger.in_flight = in_flight;
        open
    }
}
