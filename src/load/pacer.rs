//! One timer for all that a shard has to do later.
//!
//! The runtime's own timers stand on a wheel of milliseconds; a pacer that is to offer 100,000
//! jobs a second has to be three orders finer. On Linux that is a `timerfd`.

use std::cell::Cell;
use std::io;
use std::time::Instant;

/// Wakes the shard at the earliest time it was asked for.
pub(crate) struct Pacer {
    origin: Instant,
    /// The earliest time asked for, in nanoseconds of the run's clock.
    armed: Cell<u64>,
    timer: Timer,
}

/// Nobody waits for anything.
const NEVER: u64 = u64::MAX;

impl Pacer {
    /// A pacer whose clock began at `origin`.
    pub(crate) fn new(origin: Instant) -> io::Result<Self> {
        Ok(Pacer {
            origin,
            armed: Cell::new(NEVER),
            timer: Timer::new()?,
        })
    }

    /// The run's clock: nanoseconds since the origin, never 0.
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.origin, Instant::now())
    }

    /// Asks to be woken at `at`, or earlier.
    #[inline]
    pub(crate) fn wake_at(&self, at: u64) {
        if at < self.armed.get() {
            self.armed.set(at);
            self.timer.set(at.saturating_sub(self.now()).max(1));
        }
    }

    /// Waits for the earliest time asked for.
    pub(crate) async fn wait(&self) {
        self.timer.wait().await;
        self.armed.set(NEVER);
    }
}

/// Time of the run's clock; 0 is kept for "never".
#[inline]
pub(crate) fn nanoseconds(origin: Instant, now: Instant) -> u64 {
    (now.saturating_duration_since(origin).as_nanos() as u64).max(1)
}

#[cfg(target_os = "linux")]
struct Timer(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Timer {
    // The successor is unsafe for descriptors that are not owned; this one is.
    #[allow(deprecated)]
    fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        tokio::io::unix::AsyncFd::new(fd).map(Timer)
    }

    fn set(&self, ns: u64) {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let once = Timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        };
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let time = Itimerspec {
            it_interval: never,
            it_value: once,
        };
        // Fails only for a time that is no time.
        let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &time);
    }

    async fn wait(&self) {
        loop {
            let Ok(mut ready) = self.0.readable().await else {
                return;
            };
            let mut count = [0; 8];
            if let Ok(Ok(_)) = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut count)?)) {
                // Saves the next wait a read in vain: there is nothing until it is set again.
                ready.clear_ready();
                return;
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
struct Timer {
    due: Cell<Option<tokio::time::Instant>>,
    changed: tokio::sync::Notify,
}

#[cfg(not(target_os = "linux"))]
impl Timer {
    fn new() -> io::Result<Self> {
        Ok(Timer {
            due: Cell::new(None),
            changed: tokio::sync::Notify::new(),
        })
    }

    fn set(&self, ns: u64) {
        let after = std::time::Duration::from_nanos(ns);
        self.due.set(Some(tokio::time::Instant::now() + after));
        self.changed.notify_one();
    }

    async fn wait(&self) {
        loop {
            match self.due.get() {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {
                        self.due.set(None);
                        return;
                    }
                    () = self.changed.notified() => {}
                },
            }
        }
    }
}
