//! Choices that are a word or two: when jobs start, how workers ask, what jobs are called.

use crate::load::units::{self, UnitError};
use crate::protocol::{GrabKind, Priority};
use std::fmt;
use std::str::FromStr;

/// Whether jobs wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next job waits for an answer.
    Closed,
    /// Jobs start when the schedule says so.
    Open,
}

/// When the next job starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// When one of the client's last jobs is answered.
    Closed {
        /// Jobs of a client on their way at a time.
        outstanding: usize,
    },
    /// When the schedule says so.
    Open {
        /// Jobs a second, over all clients; with phases, their average.
        rate: f64,
        /// How the gaps between them vary.
        arrival: Arrival,
    },
}

impl Pace {
    /// Jobs a second that are to be started, in an open loop.
    pub fn rate(self) -> Option<f64> {
        match self {
            Pace::Closed { .. } => None,
            Pace::Open { rate, .. } => Some(rate),
        }
    }

    pub(crate) fn outstanding(self) -> usize {
        match self {
            Pace::Closed { outstanding } => outstanding,
            Pace::Open { .. } => 1,
        }
    }
}

/// How the gaps between intended starts vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Not at all.
    Constant,
    /// As with many independent users.
    Poisson,
    /// So many at once, and then nothing until the next so many are due.
    Burst(u32),
}

/// How workers ask for jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grab(pub GrabKind);

/// What jobs are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// Nothing.
    None,
    /// Each its own name.
    Each,
    /// One of so many names, drawn evenly: jobs of the same name that meet are coalesced.
    Pool(u64),
}

/// Names a choice by its words.
macro_rules! words {
    ($type:ty, $expected:literal, $($word:literal => $value:pat => $make:expr),+ $(,)?) => {
        impl FromStr for $type {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                match text {
                    $($word => Ok($make),)+
                    _ => Err(UnitError::new($expected, text)),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($value => $word),+ })
            }
        }
    };
}

words!(Mode, "closed or open",
    "closed" => Mode::Closed => Mode::Closed,
    "open" => Mode::Open => Mode::Open,
);
words!(Grab, "classic, uniq or all",
    "classic" => Grab(GrabKind::Classic) => Grab(GrabKind::Classic),
    "uniq" => Grab(GrabKind::Uniq) => Grab(GrabKind::Uniq),
    "all" => Grab(GrabKind::All) => Grab(GrabKind::All),
);

impl FromStr for Arrival {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError::new("constant, poisson or burst:100 (so many at once)", text);
        match text.split_once(':') {
            None if text == "constant" => Ok(Arrival::Constant),
            None if text == "poisson" => Ok(Arrival::Poisson),
            Some(("burst", size)) => match units::count(size).map(u32::try_from) {
                Ok(Ok(size @ 1..)) => Ok(Arrival::Burst(size)),
                _ => Err(error()),
            },
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arrival::Constant => f.write_str("constant"),
            Arrival::Poisson => f.write_str("poisson"),
            Arrival::Burst(size) => write!(f, "burst:{size}"),
        }
    }
}

impl FromStr for Unique {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError::new("none, each or pool:1000 (so many names)", text);
        match text.split_once(':') {
            None if text == "none" => Ok(Unique::None),
            None if text == "each" => Ok(Unique::Each),
            Some(("pool", names)) => match units::count(names) {
                Ok(names @ 1..) => Ok(Unique::Pool(names)),
                _ => Err(error()),
            },
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unique::None => f.write_str("none"),
            Unique::Each => f.write_str("each"),
            Unique::Pool(names) => write!(f, "pool:{names}"),
        }
    }
}

/// Shares of high, normal and low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix(pub [u32; 3]);

/// What a priority is called in options and reports.
const PRIORITY_NAMES: [&str; 3] = ["high", "normal", "low"];

impl FromStr for Mix {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || {
            UnitError::new(
                "shares such as high=1,normal=8,low=1, or one of the names",
                text,
            )
        };
        let mut shares = [0u32; 3];
        for part in text.split(',') {
            let (name, share) = part.split_once('=').unwrap_or((part, "1"));
            let slot = PRIORITY_NAMES
                .iter()
                .position(|known| *known == name.trim());
            shares[slot.ok_or_else(error)?] = share.trim().parse().map_err(|_| error())?;
        }
        let total = shares
            .iter()
            .try_fold(0u32, |sum, share| sum.checked_add(*share));
        match total {
            Some(1..) => Ok(Mix(shares)),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = PRIORITY_NAMES
            .iter()
            .zip(self.0)
            .filter(|(_, share)| *share > 0);
        let shares: Vec<String> = shares
            .map(|(name, share)| format!("{name}={share}"))
            .collect();
        f.write_str(&shares.join(","))
    }
}

impl Mix {
    /// The priority at `at`, below the sum of all shares.
    pub(crate) fn at(&self, mut at: u32) -> Priority {
        for (priority, share) in Priority::ALL.into_iter().zip(self.0) {
            if at < share {
                return priority;
            }
            at -= share;
        }
        Priority::Normal
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}
