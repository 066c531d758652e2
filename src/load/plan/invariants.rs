//! Which promises of a job server a run holds it to.

use crate::load::units::UnitError;
use std::fmt;
use std::str::FromStr;

/// A promise of a job server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// An accepted job ends.
    Lost,
    /// Only what was submitted is run, and only what ran is answered.
    Phantom,
    /// A job runs once, unless its worker was lost.
    Duplicated,
    /// Payloads and results arrive whole, at the job they are for.
    WrongBody,
    /// A job fails only when its worker says so.
    Failed,
    /// A job does not run before its time.
    Early,
    /// First in, first out; and the higher priority first.
    Order,
}

const NAMES: [(&str, Invariant); 7] = [
    ("lost", Invariant::Lost),
    ("phantom", Invariant::Phantom),
    ("duplicated", Invariant::Duplicated),
    ("wrong-body", Invariant::WrongBody),
    ("failed", Invariant::Failed),
    ("early", Invariant::Early),
    ("order", Invariant::Order),
];

/// The promises that are findings when broken: `all`, `none`, or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariants(u8);

impl Invariants {
    /// All of them.
    pub const ALL: Invariants = Invariants((1 << NAMES.len()) - 1);
    /// None of them.
    pub const NONE: Invariants = Invariants(0);

    /// Whether `invariant` is one of them.
    pub fn hold(self, invariant: Invariant) -> bool {
        self.0 & bit(invariant) != 0
    }
}

fn bit(invariant: Invariant) -> u8 {
    1 << invariant as u8
}

impl FromStr for Invariants {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text {
            "all" => return Ok(Invariants::ALL),
            "none" => return Ok(Invariants::NONE),
            _ => {}
        }
        let mut set = Invariants::NONE;
        for name in text.split(',').map(str::trim) {
            let known = NAMES.iter().find(|(known, _)| *known == name);
            let (_, invariant) = known.ok_or_else(|| {
                UnitError::new(
                    "all, none, or some of lost,phantom,duplicated,wrong-body,failed,early,order",
                    text,
                )
            })?;
            set.0 |= bit(*invariant);
        }
        Ok(set)
    }
}

impl fmt::Display for Invariants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Invariants::ALL {
            return f.write_str("all");
        }
        if *self == Invariants::NONE {
            return f.write_str("none");
        }
        let names = NAMES.iter().filter(|(_, invariant)| self.hold(*invariant));
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        f.write_str(&names.join(","))
    }
}
