//! What comes after what: connect, flood, backlog, warm-up, measure, drain.

use super::arrival::Schedule;
use super::faults;
use super::plan::{LoadPhase, Pace, Rate};
use super::shard::{Actor, Shard};
use super::tally::Phase;
use super::worker::SWEEP_PREFETCH;
use crate::wire::Io;
use std::cmp::Reverse;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The shard looks around at least this often, in nanoseconds.
const PERIOD: u64 = 10_000_000;
/// Jobs on their way, in seconds of the offered rate, above which an open loop sheds.
const SHED_SECONDS: f64 = 5.0;
/// The same in jobs, at the least and at the most.
const SHED_BOUNDS: (f64, f64) = (1e3, 1e6);
/// Late jobs that are sent in one go; between two of them the shard looks around.
const CATCH_UP: usize = 4096;
/// How far an open loop may run over its time to send what was due before, in nanoseconds.
const TOO_LATE: u64 = 500_000_000;
/// Silence after which an empty `status` proves that nothing will come, in nanoseconds.
const SETTLED: u64 = 500_000_000;
/// Looks around for which silence must last.
const LOOKS: u32 = 3;
/// How long an interrupted run drains.
const INTERRUPTED_DRAIN: Duration = Duration::from_secs(2);

fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}

impl Shard {
    /// All are connected: the first phase begins.
    pub(crate) fn begin(&mut self, now: u64, io: &mut Io) {
        match self.plan.backlog {
            0 => self.begin_load(now, io),
            _ => {
                self.enter(Phase::Flood, now);
                self.refill_all(now, io);
            }
        }
    }

    fn begin_load(&mut self, now: u64, io: &mut Io) {
        if !self.plan.measures() {
            return self.begin_drain(now, io);
        }
        let warm = self.plan.warmup.is_zero() || self.phase == Phase::Warmup;
        let phase = if warm { Phase::Measure } else { Phase::Warmup };
        self.begin_step(phase, 0, now, io);
    }

    /// Begins to warm up, or one of the measured phases: the only one, or one of the plan's.
    fn begin_step(&mut self, phase: Phase, step: usize, now: u64, io: &mut Io) {
        if self.phase == Phase::Measure {
            self.scheduled_before += self.tally().scheduled;
        }
        self.enter(phase, now);
        self.step = step;
        self.tally().step = step;
        if phase == Phase::Measure {
            self.measured_from.get_or_insert(now);
        }
        if let Pace::Open { rate, arrival } = self.plan.pace {
            let mut rate = Rate::Steady(rate);
            if let (Phase::Measure, Some(own)) = (phase, self.plan.phases.0.get(step)) {
                rate = own.rate;
            }
            let span = self.length(phase);
            let seed = (self.index as u64) << 8 | phase as u64 | (step as u64) << 40;
            let seed = self.plan.seed ^ seed;
            let span = match (span, self.plan.jobs) {
                (Some(span), _) => Some(nanos(span)),
                (None, Some(jobs)) => Some((jobs as f64 / rate.mean() * 1e9) as u64),
                (None, None) => None,
            };
            self.schedule = Some(Box::new(Schedule::new(rate, arrival, span, seed)));
        }
        self.refill_all(now, io);
    }

    fn begin_drain(&mut self, now: u64, io: &mut Io) {
        self.enter(Phase::Drain, now);
        // After a flood that was cut short they have yet to start.
        self.start_workers(io);
        if self.plan.workers == 0 && self.jobs.live() > 0 {
            self.plan.prefetch = SWEEP_PREFETCH;
            self.lost.push_back((now, Actor::Worker(0)));
        }
    }

    /// When the phase ends at the latest, if time ends it.
    fn phase_end(&mut self) -> Option<u64> {
        let length = self.length(self.phase);
        length.map(|length| self.tally().started + nanos(length))
    }

    /// How long the phase lasts, if time ends it.
    fn length(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Warmup => Some(self.plan.warmup),
            Phase::Measure => match self.plan.phases.0.get(self.step) {
                Some(own) => Some(own.duration),
                None => self.plan.duration,
            },
            _ => None,
        }
    }

    /// Whether the phase still wants jobs.
    #[inline]
    pub(crate) fn may_send(&mut self) -> bool {
        let scheduled = self.tally().scheduled;
        match self.phase {
            Phase::Flood => scheduled < self.plan.backlog,
            Phase::Warmup => true,
            Phase::Measure => {
                let all = self.scheduled_before + scheduled;
                self.plan.jobs.is_none_or(|jobs| all < jobs)
            }
            _ => false,
        }
    }

    /// Does what is due; returns when to look again, or `None` once all is over.
    pub(crate) fn tick(&mut self, now: u64, io: &mut Io) -> Option<u64> {
        self.lateness.beat(now);
        self.serve_due(now, io);
        if now < self.look_at {
            return Some(self.wake_at());
        }
        self.arrive(now, io);
        self.time_out(now);
        self.go_wrong(now, io);
        let interrupted = self.shared.stop.load(Relaxed);
        if self.gone.is_some() {
            return self.over(now);
        }
        if interrupted && !matches!(self.phase, Phase::Drain | Phase::Over) {
            self.begin_drain(now, io);
        }
        match self.phase {
            Phase::Connect => {}
            Phase::Flood => self.flooding(now, io),
            Phase::Backlog => self.emptying(now, io),
            Phase::Warmup | Phase::Measure => self.loading(now, io),
            Phase::Drain => {
                if self.drained(now, interrupted) {
                    return self.over(now);
                }
            }
            Phase::Over => return None,
        }
        self.publish(now);
        self.look_at = self.next_look(now);
        Some(self.wake_at())
    }

    /// When there is something to do: a look around, a step of a job, or a beat.
    fn wake_at(&self) -> u64 {
        let due = self.due.peek().map_or(u64::MAX, |Reverse((due, ..))| *due);
        self.look_at.min(self.lateness.next()).min(due)
    }

    fn over(&mut self, now: u64) -> Option<u64> {
        self.enter(Phase::Over, now);
        self.publish(now);
        None
    }

    fn next_look(&mut self, now: u64) -> u64 {
        let mut at = now + PERIOD;
        if let Some(end) = self.phase_end() {
            at = at.min(end);
        }
        if self.faults.any_open() {
            at = at.min(now + faults::LOOK);
        }
        if let (Some(start), Some(next)) = (self.measured_from, self.faults.next()) {
            at = at.min((start + next).max(now + faults::LOOK));
        }
        // Once all jobs are sent the schedule is in the past: looking for it would never end.
        let arrives = self.may_arrive() && self.may_send();
        let start = self.tally().started;
        if let (Some(schedule), true) = (&self.schedule, arrives) {
            at = at.min(start + schedule.peek());
        }
        at
    }

    fn may_arrive(&self) -> bool {
        matches!(self.phase, Phase::Warmup | Phase::Measure)
    }

    /// Open loop: submits all jobs whose intended start has come.
    fn arrive(&mut self, now: u64, io: &mut Io) {
        if !self.may_arrive() {
            return;
        }
        let Some(mut schedule) = self.schedule.take() else {
            return;
        };
        let start = self.tally().started;
        let end = self
            .phase_end()
            .unwrap_or(u64::MAX)
            .min(now.saturating_add(1));
        let cap = self.shed_at();
        let mut under_way = self.under_way();
        for _ in 0..CATCH_UP {
            if start + schedule.peek() >= end || !self.may_send() {
                break;
            }
            let intended = start + schedule.peek();
            schedule.advance();
            self.ledger.scheduled += 1;
            self.tally().scheduled += 1;
            if self.phase == Phase::Measure {
                self.lateness.job(now - intended);
            }
            match self.next_client() {
                Some((index, conn)) if under_way < cap => {
                    under_way += 1;
                    self.submit(index, conn, intended, io);
                }
                client => {
                    self.ledger.shed += 1;
                    let restarted = client.is_none() && self.shared.outage.excuses();
                    self.shed_in_restart += u64::from(restarted);
                }
            }
        }
        self.schedule = Some(schedule);
    }

    /// Jobs on their way. Without workers one is there as soon as it is acknowledged.
    fn under_way(&self) -> usize {
        match self.plan.workers {
            0 => self.clients.iter().map(|client| client.unanswered()).sum(),
            _ => self.jobs.live(),
        }
    }

    /// Jobs on their way above which more would only measure the queue's growth.
    fn shed_at(&self) -> usize {
        match self.plan.pace {
            Pace::Open { rate, .. } => {
                let (least, most) = SHED_BOUNDS;
                let highest = |phase: &LoadPhase| phase.rate.highest();
                let rate = self.plan.phases.0.iter().map(highest).fold(rate, f64::max);
                let delay = self
                    .plan
                    .epoch
                    .map_or(0.0, |delay| delay.as_secs_f64() + 1.0);
                (rate * (SHED_SECONDS + delay)).clamp(least, most) as usize
            }
            Pace::Closed { .. } => usize::MAX,
        }
    }

    fn flooding(&mut self, now: u64, io: &mut Io) {
        self.refill_all(now, io);
        if self.may_send() || self.any_client_busy() {
            return self.give_up_when_stalled(now, io);
        }
        self.ends_with_last_frame();
        if self.plan.workers == 0 {
            return self.begin_load(now, io);
        }
        self.enter(Phase::Backlog, now);
        self.start_workers(io);
    }

    fn emptying(&mut self, now: u64, io: &mut Io) {
        if self.jobs.live() > 0 {
            return self.give_up_when_stalled(now, io);
        }
        self.ends_with_last_frame();
        self.begin_load(now, io);
    }

    /// A phase that waits for the target ends when that has been silent for too long.
    fn give_up_when_stalled(&mut self, now: u64, io: &mut Io) {
        let since = self.active_at.max(self.tally().started);
        if now.saturating_sub(since) > nanos(self.plan.timeout) {
            self.begin_drain(now, io);
        }
    }

    /// The phase was over when its last answer came, not when this was noticed.
    fn ends_with_last_frame(&mut self) {
        let at = self.active_at;
        self.tally().over_at = Some(at);
    }

    /// Whether all jobs that were to arrive before `end` have, or are far too late.
    fn has_arrived(&mut self, now: u64, end: u64) -> bool {
        let start = self.tally().started;
        let behind = |schedule: &Schedule| start + schedule.peek() < end;
        let behind = self.schedule.as_deref().is_some_and(behind);
        !behind || !self.may_send() || now > end + TOO_LATE
    }

    fn loading(&mut self, now: u64, io: &mut Io) {
        let end = self.phase_end().filter(|end| now >= *end);
        if let Some(end) = end.filter(|end| self.has_arrived(now, *end)) {
            let next = self.step + 1;
            return match self.phase {
                Phase::Warmup => self.begin_load(now, io),
                // It begins when it should, though that is noticed later.
                _ if next < self.plan.phases.0.len() => {
                    self.begin_step(Phase::Measure, next, end, io);
                }
                _ => self.begin_drain(now, io),
            };
        }
        if self.may_send() {
            return self.refill_all(now, io);
        }
        // All jobs are sent: the phase lasts until the last is answered.
        if self.quiet_from == 0 {
            self.quiet_from = now;
        }
        let accepted = self.plan.workers == 0 && !self.any_client_busy();
        if self.jobs.live() == 0 || accepted {
            self.ends_with_last_frame();
            self.begin_drain(now, io);
        } else {
            let quiet_from = self.quiet_from.max(self.last_due);
            let late = now.saturating_sub(quiet_from) > nanos(self.plan.drain);
            if self.holds(late || self.settled()) {
                self.begin_drain(now, io);
            }
        }
    }

    fn any_client_busy(&self) -> bool {
        self.clients.iter().any(|client| client.is_busy())
    }

    /// Whether `condition` has held for some looks around. Between two of them everything that
    /// has arrived is read: a thread that was kept waiting must not take that for silence.
    fn holds(&mut self, condition: bool) -> bool {
        self.held_for = if condition { self.held_for + 1 } else { 0 };
        self.held_for >= LOOKS
    }

    fn drained(&mut self, now: u64, interrupted: bool) -> bool {
        let limit = match interrupted {
            true => self.plan.drain.min(INTERRUPTED_DRAIN),
            false => self.plan.drain,
        };
        let waited = now.saturating_sub(self.tally().started.max(self.last_due));
        let ended = waited >= nanos(limit) || self.settled();
        self.jobs.live() == 0 || self.holds(ended)
    }

    /// Nothing has come for a while, and the target says that it holds nothing of ours.
    fn settled(&self) -> bool {
        // What is not due yet need not be told of, nor what a server that is down has.
        let active_at = self.active_at.max(self.last_due);
        let empty = self.shared.empty_at.load(Relaxed) > active_at + SETTLED;
        empty && !self.shared.outage.is_on()
    }

    /// The actors to be connected again now.
    pub(crate) fn take_due_reconnects(&mut self, now: u64) -> Vec<Actor> {
        if matches!(self.phase, Phase::Connect | Phase::Over) {
            return Vec::new();
        }
        let due = self.lost.iter().take_while(|(at, _)| *at <= now).count();
        self.lost.drain(..due).map(|(_, actor)| actor).collect()
    }

    /// Lets the watching thread see how far this one is.
    fn publish(&mut self, now: u64) {
        self.seconds.pass(now);
        let counters = &self.shared.counters[self.index];
        let completed = self.tallies.iter().filter(|t| t.phase != Phase::Flood);
        counters.sent.store(self.ledger.sent, Relaxed);
        counters
            .completed
            .store(completed.map(|t| t.completed).sum(), Relaxed);
        counters.errors.store(self.ledger.error, Relaxed);
        counters.failed.store(self.ledger.failed, Relaxed);
        counters.timeouts.store(self.ledger.timeout, Relaxed);
        counters.live.store(self.jobs.live() as u64, Relaxed);
        counters.phase.store(self.phase as u8, Relaxed);
    }
}
