//! How late the generator itself is.
//!
//! Whatever keeps its thread from running (other processes, a machine that is taken away, too much
//! to do) makes it send and read late, and its figures too large. Two clocks tell. In an open loop
//! every job has a time at which it was to be made. And in every run there is a beat, each 2 ms: how
//! late that is noticed is how late an answer would have been read that came then. What the target
//! does has no part in either, in contrast to the schedule lag, which ends when the kernel takes
//! the submission.

use hdrhistogram::{CreationError, Histogram as Hdr};

/// Time between two beats, in nanoseconds.
const BEAT: u64 = 2_000_000;
/// Longest lateness that is told apart, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// Beats that are looked at one by one after a long absence.
const MISSED: u64 = 10_000;
/// Beats without which nothing is said: those of half a second.
const ENOUGH: u64 = 250;

/// How late one thread was, or all of them.
#[derive(Clone)]
pub(crate) struct Lateness {
    jobs: Hdr<u64>,
    beats: Hdr<u64>,
    next: u64,
}

impl Lateness {
    pub(crate) fn new() -> Result<Self, CreationError> {
        let empty = Hdr::new_with_bounds(1, LONGEST, 2)?;
        Ok(Lateness {
            jobs: empty.clone(),
            beats: empty,
            next: u64::MAX,
        })
    }

    /// From now on it counts.
    pub(crate) fn begin(&mut self, now: u64) {
        self.next = self.next.min(now + BEAT);
    }

    /// Nothing counts any more.
    pub(crate) fn end(&mut self) {
        self.next = u64::MAX;
    }

    /// When the next beat is due.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Notices the beats that were due by `now`. Whether there were any.
    #[inline]
    pub(crate) fn beat(&mut self, now: u64) -> bool {
        if now < self.next {
            return false;
        }
        let due = 1 + (now - self.next) / BEAT;
        for beat in 0..due.min(MISSED) {
            self.beats
                .saturating_record((now - self.next - beat * BEAT).max(1));
        }
        self.next += due * BEAT;
        true
    }

    /// A job was made so many nanoseconds after it was due.
    #[inline]
    pub(crate) fn job(&mut self, ns: u64) {
        self.jobs.saturating_record(ns.max(1));
    }

    pub(crate) fn merge(&mut self, other: &Lateness) {
        // All have the range of `new`.
        let _ = self.jobs.add(&other.jobs);
        let _ = self.beats.add(&other.beats);
    }

    /// A percentile, in nanoseconds: of the jobs or of the beats, whichever were later. `None`
    /// with too few beats.
    pub(crate) fn percentile(&self, percentile: f64) -> Option<u64> {
        let of = |histogram: &Hdr<u64>| histogram.value_at_percentile(percentile);
        (self.beats.len() >= ENOUGH).then(|| of(&self.jobs).max(of(&self.beats)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_half_of_the_time_is_late_for_half_of_the_beats() {
        let mut lateness = Lateness::new().unwrap();
        lateness.begin(0);
        // Ten milliseconds here, ten away.
        for ms in 0..2_000 {
            if ms / 10 % 2 == 0 {
                lateness.beat(ms * 1_000_000);
            }
        }
        let at = |percentile| lateness.percentile(percentile).unwrap();
        assert!(at(40.0) < 1_000_000, "{}", at(40.0));
        assert!((5_000_000..7_000_000).contains(&at(75.0)), "{}", at(75.0));
        assert!((9_000_000..11_000_000).contains(&at(99.0)), "{}", at(99.0));
    }

    #[test]
    fn a_job_that_is_made_late_counts_as_a_beat_does() {
        let mut lateness = Lateness::new().unwrap();
        lateness.begin(0);
        (0..=1_000).for_each(|beat| _ = lateness.beat(beat * BEAT));
        assert_eq!(lateness.percentile(99.9), Some(1));
        (0..100).for_each(|job| lateness.job(job * 1_000_000));
        let at = lateness.percentile(90.0).unwrap();
        assert!((89_000_000..91_000_000).contains(&at), "{at}");
    }

    #[test]
    fn of_a_moment_nothing_is_said() {
        let mut lateness = Lateness::new().unwrap();
        lateness.begin(0);
        lateness.beat(100 * BEAT);
        assert_eq!(lateness.percentile(50.0), None);
        // A machine that slept for a week is not looked at beat by beat.
        lateness.beat(604_800_000_000_000);
        assert!(lateness.percentile(50.0).is_some());
    }
}
