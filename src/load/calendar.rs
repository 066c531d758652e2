//! The run's clock and the time of day, for jobs that may not run before a given second.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SECOND: u64 = 1_000_000_000;

/// Knows what time of day it was when the run's clock began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    /// Nanoseconds since 1970.
    origin: u64,
}

impl Calendar {
    pub(crate) fn new(origin: Instant) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = unix.unwrap_or_default().saturating_sub(origin.elapsed());
        Calendar {
            origin: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX / 2),
        }
    }

    /// The first whole second that is `delay` after `at`, in seconds since 1970 and on the run's
    /// clock.
    pub(crate) fn after(&self, at: u64, delay: Duration) -> (u64, u64) {
        let delay = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX / 4);
        let unix = self.origin.saturating_add(at).saturating_add(delay);
        let second = unix.div_ceil(SECOND);
        (second, (second * SECOND).saturating_sub(self.origin).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_never_earlier_than_asked_for_nor_a_second_later() {
        let calendar = Calendar {
            origin: 1_700_000_000 * SECOND + 300_000_000,
        };
        let at = |at, ms| calendar.after(at, Duration::from_millis(ms));
        assert_eq!(at(1, 0), (1_700_000_001, 700_000_000));
        assert_eq!(at(700_000_000, 0), (1_700_000_001, 700_000_000));
        assert_eq!(at(700_000_001, 2000), (1_700_000_004, 3_700_000_000));
    }
}
