//! Quantities that are drawn anew for each job: sizes of bodies, times of service.

use crate::load::payload::HEADER;
use crate::load::units::{self, UnitError};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// So many standard deviations above its median a log-normal size is cut off: one of 31,000 draws.
const CUT_OFF: f64 = 4.0;
/// No body is larger, in bytes.
const LARGEST: f64 = 1_073_741_824.0;
/// Most sizes that a file may list.
const MAX_SIZES: usize = 1_000_000;

/// A size in bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Size {
    /// Drawn evenly from a range, both ends included; fixed where they are the same.
    Range {
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// Log-normally distributed, between the smallest body that says whose it is and four standard
    /// deviations above the median.
    LogNormal {
        /// Half of the sizes are smaller.
        median: u32,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Drawn evenly from the lines of a file, such as sizes seen elsewhere.
    File {
        /// Where they were read from.
        path: PathBuf,
        /// The sizes, at least one.
        sizes: Arc<[u32]>,
    },
}

impl Size {
    /// Always the same.
    pub const fn fixed(bytes: u32) -> Self {
        Size::Range {
            min: bytes,
            max: bytes,
        }
    }

    /// The smallest that is ever drawn.
    pub fn smallest(&self) -> u32 {
        match self {
            Size::Range { min, .. } => *min,
            Size::LogNormal { median, .. } => (*median).min(HEADER as u32),
            Size::File { sizes, .. } => sizes.iter().copied().min().unwrap_or(0),
        }
    }

    /// The largest that is ever drawn.
    pub fn largest(&self) -> u32 {
        match self {
            Size::Range { max, .. } => *max,
            Size::LogNormal { median, sigma } => {
                (f64::from(*median) * (CUT_OFF * sigma).exp()).min(LARGEST) as u32
            }
            Size::File { sizes, .. } => sizes.iter().copied().max().unwrap_or(0),
        }
    }

    fn read(text: &str, path: &str) -> Result<Self, UnitError> {
        let expected = "a file that can be read, with a size such as 4k in each line";
        let error = || UnitError::new(expected, text);
        let lines = std::fs::read_to_string(path).map_err(|_| error())?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        let sizes: Result<Vec<u32>, _> = lines.take(MAX_SIZES).map(units::size).collect();
        match sizes {
            Ok(sizes) if !sizes.is_empty() => Ok(Size::File {
                path: Path::new(path).to_owned(),
                sizes: sizes.into(),
            }),
            _ => Err(error()),
        }
    }
}

impl FromStr for Size {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let expected = "a size such as 64, 64..4k, lognormal:1k,0.8 (median and sigma) or \
                        file:PATH (one size a line)";
        match text.split_once(':') {
            Some(("file", path)) => return Self::read(text, path),
            Some(("lognormal", parameters)) => {
                let (median, sigma) = log_normal(parameters, units::size)
                    .ok_or_else(|| UnitError::new(expected, text))?;
                return Ok(Size::LogNormal { median, sigma });
            }
            Some(_) => return Err(UnitError::new(expected, text)),
            None => {}
        }
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let (min, max) = (units::size(min)?, units::size(max)?);
        match min <= max {
            true => Ok(Size::Range { min, max }),
            false => Err(UnitError::new("a range that grows, such as 64..4k", text)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Range { min, max } if min == max => write!(f, "{min}"),
            Size::Range { min, max } => write!(f, "{min}..{max}"),
            Size::LogNormal { median, sigma } => write!(f, "lognormal:{median},{sigma}"),
            Size::File { path, .. } => write!(f, "file:{}", path.display()),
        }
    }
}

/// `MEDIAN,SIGMA`.
fn log_normal<T>(text: &str, median: fn(&str) -> Result<T, UnitError>) -> Option<(T, f64)> {
    /// With more, the largest of a thousand draws is some millions of times the median.
    const MAX_SIGMA: f64 = 5.0;
    let (first, sigma) = text.split_once(',')?;
    let sigma: f64 = sigma.trim().parse().ok()?;
    let fits = (0.0..=MAX_SIGMA).contains(&sigma);
    Some((median(first).ok()?, fits.then_some(sigma)?))
}

/// How long a worker takes for a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServiceTime {
    /// It answers at once.
    None,
    /// Always as long.
    Fixed(Duration),
    /// Exponentially distributed with this mean.
    Exponential(Duration),
    /// Log-normally distributed: most jobs are short, a few are very long.
    LogNormal {
        /// Half of the jobs take less.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

impl ServiceTime {
    /// The mean, where a worker takes any time.
    pub fn mean(self) -> Option<Duration> {
        match self {
            ServiceTime::None => None,
            ServiceTime::Fixed(time) | ServiceTime::Exponential(time) => Some(time),
            ServiceTime::LogNormal { median, sigma } => {
                Some(median.mul_f64((sigma * sigma / 2.0).exp()))
            }
        }
    }
}

impl FromStr for ServiceTime {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || {
            UnitError::new(
                "none, fixed:1ms, exp:5ms (mean) or lognormal:5ms,1.0 (median and sigma)",
                text,
            )
        };
        match text.split_once(':') {
            None if text == "none" => Ok(ServiceTime::None),
            Some(("fixed", time)) => units::duration(time).map(ServiceTime::Fixed),
            Some(("exp", mean)) => units::duration(mean).map(ServiceTime::Exponential),
            Some(("lognormal", parameters)) => {
                let (median, sigma) = log_normal(parameters, units::duration).ok_or_else(error)?;
                Ok(ServiceTime::LogNormal { median, sigma })
            }
            _ => Err(error()),
        }
    }
}

impl fmt::Display for ServiceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceTime::None => f.write_str("none"),
            ServiceTime::Fixed(time) => write!(f, "fixed:{}", units::Time(*time)),
            ServiceTime::Exponential(mean) => write!(f, "exp:{}", units::Time(*mean)),
            ServiceTime::LogNormal { median, sigma } => {
                write!(f, "lognormal:{},{sigma}", units::Time(*median))
            }
        }
    }
}
