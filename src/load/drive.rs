//! Runs one shard: connects its actors, lets it tick, settles its books.

use super::admin::Admin;
use super::fairness::Shares;
use super::faults::Happened;
use super::lateness::Lateness;
use super::pacer::Pacer;
use super::plan::Plan;
use super::shard::{Actor, RECONNECT_AFTER, Shard};
use super::tally::Tally;
use super::{LoadError, Shared};
use crate::report::{Ledger, Order, Updates, Wakeups};
use crate::wire::{self, Config, Hub};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Time for the last bytes to leave, in nanoseconds.
const FAREWELL: u64 = 500_000_000;
/// How long a wait may be deaf to the wish to stop, in nanoseconds.
const STEP: u64 = 20_000_000;
/// How often waiting looks around, in nanoseconds.
const LOOK: u64 = 1_000_000;
/// Questions that must be answered on all connections before a job may be called lost.
const ROUNDS: usize = 3;
/// How long the answers may take, in nanoseconds.
const SETTLING: u64 = 2_000_000_000;
/// How long jobs that the target still has may be swept up, in nanoseconds.
const SWEEP: u64 = 10_000_000_000;
/// Silence after which nothing more is waited for, in nanoseconds.
const SILENCE: u64 = 1_000_000_000;
/// How long the target may take to say what it still holds.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What one shard found.
pub(crate) struct Done {
    pub(crate) ledger: Ledger,
    pub(crate) wakeups: Wakeups,
    pub(crate) order: Order,
    pub(crate) updates: Updates,
    pub(crate) happened: Vec<Happened>,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) shares: Shares,
    pub(crate) lateness: Lateness,
    pub(crate) connections_lost: u64,
    pub(crate) shed_in_restart: u64,
    pub(crate) reconnects: u64,
    pub(crate) unexpected: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) gone: Option<String>,
}

impl Done {
    /// Takes it from a shard that is over.
    pub(crate) fn of(shard: &mut Shard, now: u64) -> Self {
        shard.seconds.hand_over(now);
        Done {
            ledger: shard.ledger,
            wakeups: shard.wakeups,
            order: shard.order.close(),
            updates: shard.updates,
            happened: shard.faults.take_happened(),
            tallies: std::mem::take(&mut shard.tallies),
            shares: std::mem::take(&mut shard.shares),
            lateness: shard.lateness.clone(),
            shed_in_restart: shard.shed_in_restart,
            connections_lost: shard.lost_workers + shard.lost_clients - shard.ended_by_faults,
            reconnects: shard.reconnects,
            unexpected: shard.unexpected,
            first_refusal: shard.first_refusal.take(),
            gone: shard.gone.take(),
        }
    }
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
    driver.close_the_books().await;
    driver.say_farewell().await;
    let now = driver.pacer.now();
    Ok(driver.hub.with(|shard, _| Done::of(shard, now)))
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
                self.stop_when_hopeless()?;
                self.look_again_at(at.min(self.pacer.now() + STEP)).await;
            }
            self.wait_for_a_place(&unserved, total).await?;
            tokio::task::spawn_local(self.clone().connect_first(actor));
        }
        self.wait_until_served(total).await
    }

    /// Waits until the target's listen queue has room for one more.
    async fn wait_for_a_place(&self, unserved: &Semaphore, total: usize) -> Result<(), LoadError> {
        let limit = self.plan.connect_timeout.as_nanos() as u64;
        let since = self.pacer.now();
        loop {
            let place = timeout(Duration::from_nanos(STEP), unserved.acquire()).await;
            self.stop_when_hopeless()?;
            match place {
                Ok(Ok(permit)) => {
                    permit.forget();
                    return Ok(());
                }
                Err(_) if self.pacer.now() - since <= limit => {}
                _ => return Err(self.incomplete(total)),
            }
        }
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
            Err(error) if !shard.connected_any() && !shard.shared.outage.excuses() => {
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

    /// The end of the run, in the order that `closing` tells of.
    async fn close_the_books(&self) {
        let began = self.pacer.now();
        let settled = self.settle().await;
        let now = self.pacer.now();
        let open = self.hub.with(|shard, _| shard.freeze(now));
        let gone = self.hub.with(|shard, _| shard.gone.is_some());
        if gone || open.accepted + open.unknown + open.held == 0 {
            return;
        }
        let prefix = self.hub.with(|shard, _| shard.prefix());
        let queued = Admin::connect(self.address, LAST_WORD)
            .and_then(|mut admin| admin.queued(&prefix, LAST_WORD));
        let silent = matches!(&queued, Err(error) if is_silence(error.kind()));
        self.hub.with(|shard, _| {
            if silent && shard.active_at < began {
                let jobs = open.accepted + open.unknown;
                let what =
                    format!("the target stopped answering, `status` too; {jobs} jobs have no end");
                shard.gone = Some(what);
            }
            shard.classify(open, queued.ok(), settled);
        });
        self.sweep().await;
    }

    /// Waits until nothing is on its way any more. Whether that could be had in time.
    ///
    /// A connection answers in order. After the first round all acknowledgements and all jobs
    /// that were asked for have come, after the second the target has all results, after the
    /// third they have been read.
    async fn settle(&self) -> bool {
        let (hopeless, over) = self.hub.with(|shard, _| {
            shard.begin_settling();
            let over = shard.jobs.live() == 0 && !shard.has_second_runs();
            (shard.gone.is_some(), over)
        });
        if hopeless || over {
            return !hopeless;
        }
        let began = self.pacer.now();
        for _ in 0..ROUNDS {
            self.hub.with(|shard, io| shard.ask_all(io));
            let answered = |shard: &Shard| shard.all_have_answered();
            if !self.wait_for(answered, began, SETTLING).await {
                return false;
            }
        }
        self.hub.with(|shard, _| !shard.closing.disturbed)
    }

    /// Waits for `what`, no longer than `limit` after `began`, nor for a target that has fallen
    /// silent. Whether it came.
    async fn wait_for(&self, what: impl Fn(&Shard) -> bool, began: u64, limit: u64) -> bool {
        loop {
            let (done, active_at) = self.hub.with(|shard, _| (what(shard), shard.active_at));
            let now = self.pacer.now();
            let silent = now.saturating_sub(active_at.max(began)) > SILENCE;
            if done || silent || now - began > limit {
                return done;
            }
            self.look_again_at(now + LOOK).await;
        }
    }

    /// Leaves no job of ours behind, as far as the target gives them out in time.
    async fn sweep(&self) {
        let gone = self.hub.with(|shard, io| {
            if shard.gone.is_none() {
                shard.sweep(io);
            }
            shard.gone.is_some()
        });
        if !gone {
            let began = self.pacer.now();
            self.wait_for(Shard::swept, began, SWEEP).await;
        }
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
}

fn is_silence(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused
    )
}
