//! What happened in each phase of a run.

use super::jobs::Job;
use super::machine::{self, ProcessUse, ThreadUse};
use super::recorder::Recorder;

/// The parts of a run, in order. Which of them there are is up to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connections are made, workers register and fall asleep.
    Connect,
    /// The backlog is submitted; no worker runs.
    Flood,
    /// Workers empty it.
    Backlog,
    /// Load that is not measured.
    Warmup,
    /// Load that is.
    Measure,
    /// Nothing is sent any more; what is on its way may end.
    Drain,
    /// All is over.
    Over,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Flood => "flood",
            Phase::Backlog => "backlog",
            Phase::Warmup => "warmup",
            Phase::Measure => "measure",
            Phase::Drain => "drain",
            Phase::Over => "over",
        }
    }

    /// Whether its figures are reported.
    pub(crate) fn reported(self) -> bool {
        matches!(
            self,
            Phase::Flood | Phase::Backlog | Phase::Warmup | Phase::Measure
        )
    }
}

/// One phase of one shard.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) phase: Phase,
    /// Which of the plan's phases it is, while it measures.
    pub(crate) step: usize,
    pub(crate) started: u64,
    pub(crate) ended: u64,
    /// When it was over, where that is noticed late.
    pub(crate) over_at: Option<u64>,
    pub(crate) scheduled: u64,
    pub(crate) sent: u64,
    pub(crate) completed: u64,
    /// Processor time of this thread: at the start, then of the phase.
    pub(crate) used: ThreadUse,
    pub(crate) server_start: Option<ProcessUse>,
    pub(crate) server_end: Option<ProcessUse>,
    /// `None` where latency means nothing.
    pub(crate) recorder: Option<Recorder>,
}

impl Tally {
    pub(crate) fn begin(
        phase: Phase,
        now: u64,
        server: Option<u32>,
        recorder: Option<Recorder>,
    ) -> Self {
        Tally {
            phase,
            step: 0,
            started: now,
            ended: 0,
            over_at: None,
            scheduled: 0,
            sent: 0,
            completed: 0,
            used: ThreadUse::now(),
            server_start: server.and_then(machine::process_use),
            server_end: None,
            recorder,
        }
    }

    pub(crate) fn end(&mut self, now: u64, server: Option<u32>) {
        self.ended = self.over_at.map_or(now, |at| at.clamp(self.started, now));
        self.used = ThreadUse::now().since(self.used);
        self.server_end = server.and_then(machine::process_use);
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.ended.saturating_sub(self.started) as f64 / 1e9
    }

    #[inline]
    pub(crate) fn record(&mut self, f: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut self.recorder {
            f(recorder);
        }
    }

    /// A background job has been acknowledged and run.
    #[inline]
    pub(crate) fn record_background(&mut self, job: &Job) {
        self.record(|recorder| recorder.worked(job));
    }

    /// Adds the same phase of another shard.
    pub(crate) fn merge(&mut self, other: &Tally) {
        self.started = self.started.min(other.started);
        self.ended = self.ended.max(other.ended);
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.completed += other.completed;
        self.used.add(other.used);
        if let (Some(ours), Some(theirs)) = (&mut self.recorder, &other.recorder) {
            ours.merge(theirs);
        }
    }
}
