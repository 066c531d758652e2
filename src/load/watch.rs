//! The thread that watches a run: once a second it asks the target for its queue, looks at the
//! server's process and tells whoever wants to know. It never touches a job's connection.

use super::Shared;
use super::abort::Abort;
use super::admin::Admin;
use super::machine;
use super::pacer::nanoseconds;
use super::plan::FaultKind;
use super::seconds::{Gathered, Timeline};
use super::tally::Phase;
use crate::report::{Interval, Sample};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// How long after the full second it looks: by then the threads have handed over what was before.
const AFTER: Duration = Duration::from_millis(50);
/// How long the target may take to answer `status`. The end of a run may have to wait for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The phase of the run.
    pub phase: &'static str,
    /// The newest sample.
    pub sample: Sample,
    /// Jobs a second that the schedule asks for; `None` in a closed loop.
    pub offered_per_second: Option<f64>,
    /// Jobs sent per second since the last one.
    pub sent_per_second: f64,
    /// Jobs completed per second since the last one.
    pub completed_per_second: f64,
    /// What went wrong on purpose since the last one, or is not over.
    pub faults: Vec<FaultKind>,
}

/// Whoever wants to know how far a run is.
pub type OnProgress = Box<dyn FnMut(&Progress) + Send>;

/// Where to look.
pub(crate) struct Watch<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) address: SocketAddr,
    pub(crate) prefix: String,
    pub(crate) server_pid: Option<u32>,
    pub(crate) progress: Option<OnProgress>,
    /// Jobs a second that are to be sent, in an open loop.
    pub(crate) offered: Option<f64>,
    /// Ends a run that misses its service levels.
    pub(crate) abort: Option<Abort>,
    /// Where the responses of each second come from.
    pub(crate) seconds: Receiver<Gathered>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Watched {
    /// One sample a second.
    pub(crate) series: Vec<Sample>,
    /// The responses of each second.
    pub(crate) intervals: Vec<Interval>,
}

impl Watch<'_> {
    /// Looks once a second until the sender is dropped; returns what it saw.
    pub(crate) fn run(mut self, until: &Receiver<()>) -> Watched {
        let mut series: Vec<Sample> = Vec::new();
        let mut timeline = Timeline::new(self.shared.counters.len());
        let mut admin = None;
        while let Err(RecvTimeoutError::Timeout) = until.recv_timeout(self.until_next()) {
            let last = series.last().copied().unwrap_or_default();
            let mut sample = self.look(&mut admin);
            self.seconds.try_iter().for_each(|g| timeline.add(g));
            put_figures(&mut sample, &timeline);
            self.abort_if_due(&last, &sample, &timeline);
            self.tell(&last, &sample);
            series.push(sample);
        }
        self.seconds.try_iter().for_each(|g| timeline.add(g));
        let intervals = timeline.finish();
        // What came late has its place now.
        series.iter_mut().for_each(|s| put_figures(s, &timeline));
        Watched { series, intervals }
    }

    /// Time until the next look.
    fn until_next(&self) -> Duration {
        let running = self.shared.origin.elapsed();
        let seconds = running.saturating_sub(AFTER).as_secs() + 1;
        (PERIOD * u32::try_from(seconds).unwrap_or(u32::MAX) + AFTER).saturating_sub(running)
    }

    fn look(&self, admin: &mut Option<Admin>) -> Sample {
        let counters = &self.shared.counters;
        let mut sample = Sample {
            at_seconds: self.shared.origin.elapsed().as_secs_f64(),
            sent: counters.iter().map(|c| c.sent.load(Relaxed)).sum(),
            completed: counters.iter().map(|c| c.completed.load(Relaxed)).sum(),
            errors: counters.iter().map(|c| c.errors.load(Relaxed)).sum(),
            failed: counters.iter().map(|c| c.failed.load(Relaxed)).sum(),
            timeouts: counters.iter().map(|c| c.timeouts.load(Relaxed)).sum(),
            in_flight: counters.iter().map(|c| c.live.load(Relaxed)).sum(),
            ..Sample::default()
        };
        // Only now: a target that is slow to answer delays no count.
        let asked_at = nanoseconds(self.shared.origin, Instant::now());
        sample.queued = self.queued(admin);
        if sample.queued == Some(0) {
            self.shared.empty_at.store(asked_at, Relaxed);
        }
        let process = self.server_pid.and_then(machine::process_use);
        sample.server_rss_bytes = process.map(|process| process.rss_bytes);
        sample
    }

    /// Jobs that the target holds; a connection that fails is made anew the next time.
    fn queued(&self, admin: &mut Option<Admin>) -> Option<u64> {
        let mut open = match admin.take() {
            Some(open) => open,
            None => Admin::connect(self.address, PATIENCE).ok()?,
        };
        let queued = open.queued(&self.prefix, PATIENCE).ok()?;
        *admin = Some(open);
        Some(queued)
    }

    /// Ends the run once it has missed a service level for too long.
    fn abort_if_due(&mut self, last: &Sample, sample: &Sample, timeline: &Timeline) {
        let figures = timeline.figures_at(sample.at_seconds);
        let measuring = self.shared.phase() == Phase::Measure.name();
        let abort = self.abort.as_mut().filter(|_| measuring);
        if abort.is_some_and(|abort| abort.is_due(last, sample, figures)) {
            self.shared.aborted.store(true, Relaxed);
            self.shared.stop.store(true, Relaxed);
        }
    }

    /// The kinds of faults since the last look.
    fn faults(&self) -> Vec<FaultKind> {
        let counters = self.shared.counters.iter();
        let kinds = counters.fold(0, |kinds, c| kinds | c.faults.swap(0, Relaxed));
        FaultKind::all()
            .filter(|kind| kinds & kind.bit() != 0)
            .collect()
    }

    fn tell(&mut self, last: &Sample, sample: &Sample) {
        let seconds = (sample.at_seconds - last.at_seconds).max(1e-9);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let progress = Progress {
            phase: self.shared.phase(),
            sample: *sample,
            offered_per_second: self.offered,
            sent_per_second: rate(sample.sent, last.sent),
            completed_per_second: rate(sample.completed, last.completed),
            faults: self.faults(),
        };
        if let Some(tell) = &mut self.progress {
            tell(&progress);
        }
    }
}

/// Fills in the responses of the second before.
fn put_figures(sample: &mut Sample, timeline: &Timeline) {
    let figures = timeline.figures_at(sample.at_seconds);
    sample.response_p50_ns = figures.p50;
    sample.response_p99_ns = figures.p99;
}
