//! Load that changes over time: phases, each with a rate or a ramp.

use crate::load::units::{self, UnitError};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A part of a run with a load of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPhase {
    /// What reports call it.
    pub name: String,
    /// Jobs offered a second.
    pub rate: Rate,
    /// How long it takes.
    pub duration: Duration,
}

/// Jobs offered a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// As many all the time.
    Steady(f64),
    /// More and more, or less and less, in a straight line over the phase.
    Ramp {
        /// At the start.
        from: f64,
        /// At the end.
        to: f64,
    },
}

impl Rate {
    /// On average over the phase.
    pub fn mean(self) -> f64 {
        match self {
            Rate::Steady(rate) => rate,
            Rate::Ramp { from, to } => (from + to) / 2.0,
        }
    }

    /// The highest.
    pub fn highest(self) -> f64 {
        match self {
            Rate::Steady(rate) => rate,
            Rate::Ramp { from, to } => from.max(to),
        }
    }

    /// The lowest.
    pub fn lowest(self) -> f64 {
        match self {
            Rate::Steady(rate) => rate,
            Rate::Ramp { from, to } => from.min(to),
        }
    }

    /// So many times as high.
    pub fn scaled(self, by: f64) -> Self {
        match self {
            Rate::Steady(rate) => Rate::Steady(rate * by),
            Rate::Ramp { from, to } => Rate::Ramp {
                from: from * by,
                to: to * by,
            },
        }
    }
}

impl FromStr for Rate {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text.split_once("..") {
            None => units::rate(text).map(Rate::Steady),
            Some((from, to)) => Ok(Rate::Ramp {
                from: units::rate(from)?,
                to: units::rate(to)?,
            }),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Steady(rate) => write!(f, "{rate}"),
            Rate::Ramp { from, to } => write!(f, "{from}..{to}"),
        }
    }
}

/// `[NAME=]RATE:TIME` or `[NAME=]FROM..TO:TIME`; without a name it is called after its rate.
impl FromStr for LoadPhase {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError::new("a phase such as 1k:30s, 1k..5k:60s or peak=5k:30s", text);
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let (rate, duration) = rest.split_once(':').ok_or_else(error)?;
        let name = name.unwrap_or(rate).trim();
        match is_name(name) {
            true => Ok(LoadPhase {
                name: name.to_owned(),
                rate: rate.trim().parse()?,
                duration: units::duration(duration)?,
            }),
            false => Err(error()),
        }
    }
}

/// Whether reports and lists of phases can carry it.
pub(crate) fn is_name(name: &str) -> bool {
    const LONGEST: usize = 40;
    let plain = |c: char| c.is_alphanumeric() || " -_./".contains(c);
    !name.is_empty() && name.len() <= LONGEST && name.trim() == name && name.chars().all(plain)
}

impl fmt::Display for LoadPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadPhase {
            name,
            rate,
            duration,
        } = self;
        write!(f, "{name}={rate}:{}", units::Time(*duration))
    }
}

/// The phases of a run, in order; none where the load is the same all the time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phases(pub Vec<LoadPhase>);

impl Phases {
    /// How long all of them take.
    pub fn duration(&self) -> Duration {
        self.0.iter().fold(Duration::ZERO, |sum, phase| {
            sum.saturating_add(phase.duration)
        })
    }

    /// Jobs offered a second, on average over all of them.
    pub fn mean_rate(&self) -> f64 {
        let jobs = |phase: &LoadPhase| phase.rate.mean() * phase.duration.as_secs_f64();
        self.0.iter().map(jobs).sum::<f64>() / self.duration().as_secs_f64().max(1e-9)
    }

    /// Makes all of them longer or shorter, so that they take `duration` together.
    pub fn stretch(&mut self, duration: Duration) {
        let whole = self.duration();
        if whole == duration || whole.is_zero() {
            return;
        }
        let by = duration.as_secs_f64() / whole.as_secs_f64();
        for phase in &mut self.0 {
            phase.duration = phase.duration.mul_f64(by);
        }
    }
}

impl FromStr for Phases {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.split(',')
            .map(|phase| phase.trim().parse())
            .collect::<Result<_, _>>()
            .map(Phases)
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases: Vec<String> = self.0.iter().map(LoadPhase::to_string).collect();
        f.write_str(&phases.join(","))
    }
}
