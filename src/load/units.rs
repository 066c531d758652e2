//! Text to quantities: durations, sizes, rates and counts with their units.

use std::fmt;
use std::time::Duration;

/// Text that is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct UnitError {
    /// What is wanted, with an example.
    pub expected: &'static str,
    /// The text.
    pub found: String,
}

/// `500us`, `20ms`, `20s`, `2m`, `1h`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let expected = "a duration such as 500us, 20ms, 20s, 2m or 1h";
    let units = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
        ("", 1.0),
    ];
    let seconds = scaled(text, &units, expected)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| UnitError::new(expected, text))
}

/// The same, longer than none.
pub fn some_time(text: &str) -> Result<Duration, UnitError> {
    match duration(text)? {
        Duration::ZERO => Err(UnitError::new("a duration above 0, such as 20s", text)),
        time => Ok(time),
    }
}

/// A duration in the words that [`duration`] reads: the largest unit that leaves no fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        let units = [
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1000, "us"),
            (1, "ns"),
        ];
        let fits = units
            .into_iter()
            .find(|(scale, _)| ns.is_multiple_of(*scale));
        let (scale, unit) = fits.unwrap_or((1, "ns"));
        write!(f, "{}{unit}", ns / scale)
    }
}

/// `64`, `4k`, `4KiB`, `1m`: bytes, in powers of 1024; at most a GiB.
pub fn size(text: &str) -> Result<u32, UnitError> {
    const GIB: f64 = 1_073_741_824.0;
    let expected = "a size in bytes such as 64, 4k or 1m (at most 1g)";
    match in_bytes(text, expected)? {
        bytes if bytes <= GIB => Ok(bytes as u32),
        _ => Err(UnitError::new(expected, text)),
    }
}

/// The same, and more of them: at most a PiB.
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    const PIB: f64 = 1_125_899_906_842_624.0;
    let expected = "a size in bytes such as 512k, 64MiB or 4g";
    match in_bytes(text, expected)? {
        bytes if bytes <= PIB => Ok(bytes as u64),
        _ => Err(UnitError::new(expected, text)),
    }
}

fn in_bytes(text: &str, expected: &'static str) -> Result<f64, UnitError> {
    let (k, m, g) = (1024.0, 1_048_576.0, 1_073_741_824.0);
    let units = [
        ("kib", k),
        ("mib", m),
        ("gib", g),
        ("k", k),
        ("m", m),
        ("g", g),
        ("b", 1.0),
        ("", 1.0),
    ];
    scaled(&text.to_ascii_lowercase(), &units, expected)
}

/// `500`, `5k`, `2.5k/s`, `1M`: how many a second, more than none.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    let expected = "a rate per second such as 500, 5k or 2.5k/s";
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = scaled(&number.to_ascii_lowercase(), &THOUSANDS, expected)?;
    match rate > 0.0 {
        true => Ok(rate),
        false => Err(UnitError::new(expected, text)),
    }
}

/// `500`, `200k`, `1M`: a number of things.
pub fn count(text: &str) -> Result<u64, UnitError> {
    let expected = "a whole number such as 500, 200k or 1M";
    let count = scaled(&text.to_ascii_lowercase(), &THOUSANDS, expected)?;
    match count.fract() == 0.0 && count < 1e15 {
        true => Ok(count as u64),
        false => Err(UnitError::new(expected, text)),
    }
}

/// A count that is never large: at most a million.
pub fn small_count(text: &str) -> Result<u32, UnitError> {
    let expected = "a whole number such as 10, at most 1M";
    match count(text)? {
        count @ 0..=1_000_000 => Ok(count as u32),
        _ => Err(UnitError::new(expected, text)),
    }
}

/// `0` to `100`, with or without a percent sign.
pub fn percent(text: &str) -> Result<f64, UnitError> {
    let expected = "a percentage from 0 to 100";
    let value = scaled(text, &[("%", 1.0), ("", 1.0)], expected)?;
    match value <= 100.0 {
        true => Ok(value),
        false => Err(UnitError::new(expected, text)),
    }
}

const THOUSANDS: [(&str, f64); 4] = [("k", 1e3), ("m", 1e6), ("g", 1e9), ("", 1.0)];

/// The number before the first unit that fits, in the unit's scale; never negative.
fn scaled(text: &str, units: &[(&str, f64)], expected: &'static str) -> Result<f64, UnitError> {
    let error = || UnitError::new(expected, text);
    let text = text.trim();
    let number = |unit: &str| text.strip_suffix(unit)?.trim_end().parse::<f64>().ok();
    let (value, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((number(unit)?, scale)))
        .ok_or_else(error)?;
    match value.is_finite() && value >= 0.0 {
        true => Ok(value * scale),
        false => Err(error()),
    }
}

impl UnitError {
    pub(crate) fn new(expected: &'static str, found: &str) -> Self {
        UnitError {
            expected,
            found: found.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_carry_their_units() {
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert_eq!(size("4k"), Ok(4096));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(bytes("64gib"), Ok(64 << 30));
        assert_eq!(rate("5k"), Ok(5000.0));
        assert_eq!(rate("2.5k/s"), Ok(2500.0));
        assert_eq!(count("200k"), Ok(200_000));
        assert_eq!(percent("12.5%"), Ok(12.5));
    }

    #[test]
    fn nonsense_is_named_with_an_example() {
        for text in ["", "ms", "-1s", "1 parsec", "inf", "nan"] {
            let error = duration(text).unwrap_err().to_string();
            assert!(error.contains("20s"), "{error}");
        }
        let error = some_time("0s").unwrap_err().to_string();
        assert_eq!(
            error,
            "expected a duration above 0, such as 20s, found \"0s\""
        );
        assert!(size("2g").is_err());
        assert!(bytes("9999999g").is_err());
        assert!(rate("0").is_err());
        assert!(count("1.5").is_err());
        assert!(percent("101").is_err());
    }
}
