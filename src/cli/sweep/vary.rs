//! `--vary KEY=VALUES`: a parameter of a scenario and the values that it takes.

use crate::load::Scenario;
use crate::load::scenario::file::Written;
use crate::load::units::{self, Time};
use crate::report::sweep::Varied;
use std::str::FromStr;

/// Most values of a parameter.
const MOST_VALUES: usize = 100;

/// Keys that are no parameter of a load.
const FIXED: [&str; 5] = ["question", "target", "repeat", "label", "phases"];

/// Keys whose numbers are bytes, in powers of 1024.
const SIZES: [&str; 2] = ["payload", "result"];

/// A parameter and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vary(pub(super) Varied);

impl FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "expected a parameter and its values: payload=64,1k,16k, clients=1..64x2 \
                    (times 2) or rate=1k..5k+1k (1k more each time)";
        let (key, values) = text.split_once('=').ok_or(form)?;
        let key = key.trim().trim_start_matches("--");
        if FIXED.contains(&key) {
            return Err(format!(
                "{key} is no parameter of a load that can be varied"
            ));
        }
        let separator = if values.contains(';') { ';' } else { ',' };
        let mut all: Vec<String> = Vec::new();
        for part in values.split(separator).map(str::trim) {
            match part {
                "" => return Err(format!("a value of {key} is missing: {form}")),
                part => all.extend(progression(key, part)?.unwrap_or_else(|| vec![part.into()])),
            }
        }
        if all.len() > MOST_VALUES {
            return Err(format!("{key} has more than {MOST_VALUES} values"));
        }
        if let Some(twice) = (1..all.len()).find(|&at| all[..at].contains(&all[at])) {
            return Err(format!("{key} has the value {} twice", all[twice]));
        }
        let vary = Vary(Varied {
            key: key.to_owned(),
            values: all,
        });
        // Every value is one that the parameter can have.
        for value in &vary.0.values {
            vary.with(value)?;
        }
        Ok(vary)
    }
}

impl Vary {
    /// A scenario that says nothing but this value.
    pub(super) fn with(&self, value: &str) -> Result<Scenario, String> {
        let key = &self.0.key;
        let is_key = |c: char| c.is_ascii_lowercase() || c == '-';
        if key.is_empty() || !key.chars().all(is_key) {
            return Err(format!(
                "{key:?} is no parameter: a long flag of `gearbench run`, without its dashes"
            ));
        }
        let value = match value {
            "true" | "false" => value.to_owned(),
            text => toml::Value::from(text).to_string(),
        };
        let written = Written::parse("--vary", format!("{key} = {value}\n"));
        let written = written.map_err(|error| error.to_string())?;
        Ok(written.scenario)
    }
}

/// The values of `A..BxF` or `A..B+S`; `None` if it is neither.
fn progression(key: &str, text: &str) -> Result<Option<Vec<String>>, String> {
    let Some((from, rest)) = text.split_once("..") else {
        return Ok(None);
    };
    let Some(at) = rest.find(['x', '+']) else {
        return Ok(None);
    };
    let (until, step) = rest.split_at(at);
    let wrong = |text: &str| format!("{key}: {text:?} is no number that can be counted up");
    let number = |text: &str| read(key, text).ok_or_else(|| wrong(text));
    let (from, until) = (number(from)?, number(until)?);
    let step: Box<dyn Fn(f64) -> f64> = match step.split_at(1) {
        ("x", factor) => {
            let factor: f64 = factor.parse().map_err(|_| wrong(factor))?;
            if factor.is_nan() || factor <= 1.0 || from <= 0.0 {
                return Err(format!(
                    "{key}: {text} has no end: x2 doubles a number above 0"
                ));
            }
            Box::new(move |value| value * factor)
        }
        (_, more) => {
            let more = number(more)?;
            if more <= 0.0 {
                return Err(format!("{key}: {text} has no end: +10 adds ten each time"));
            }
            Box::new(move |value| value + more)
        }
    };
    // What is reached but for rounding is reached.
    let end = until * (1.0 + 1e-9);
    let values = std::iter::successors(Some(from), |value| Some(step(*value)));
    let values: Vec<String> = values
        .take_while(|value| *value <= end)
        .take(MOST_VALUES + 1)
        .map(|value| written(key, value))
        .collect();
    match values.is_empty() {
        true => Err(format!("{key}: {text} holds no value")),
        false => Ok(Some(values)),
    }
}

/// Whether the values of a key are times, as its numbers without a unit would be seconds.
fn is_time(key: &str) -> bool {
    let probe = Vary(Varied {
        key: key.to_owned(),
        values: Vec::new(),
    });
    probe.with("1us").is_ok()
}

/// A number in the unit of a key: bytes, nanoseconds, or just that.
fn read(key: &str, text: &str) -> Option<f64> {
    if SIZES.contains(&key) {
        return units::size(text).ok().map(f64::from);
    }
    if is_time(key) {
        return units::duration(text)
            .ok()
            .map(|time| time.as_nanos() as f64);
    }
    let number = |text: &str| {
        units::rate(text).or_else(|error| match text {
            "0" => Ok(0.0),
            _ => Err(error),
        })
    };
    number(text.strip_suffix('%').unwrap_or(text)).ok()
}

/// The same, written.
fn written(key: &str, value: f64) -> String {
    if SIZES.contains(&key) {
        let bytes = value.round() as u64;
        return match bytes {
            0..1024 => bytes.to_string(),
            _ if bytes.is_multiple_of(1 << 20) => format!("{}m", bytes >> 20),
            _ if bytes.is_multiple_of(1 << 10) => format!("{}k", bytes >> 10),
            _ => bytes.to_string(),
        };
    }
    if is_time(key) {
        let time = std::time::Duration::from_nanos(value.round() as u64);
        return Time(time).to_string();
    }
    // Most have no fraction, and those that cannot have one are rounded.
    let whole = value.round();
    match (value - whole).abs() < 1e-6 * value.abs().max(1.0) || value >= 100.0 {
        true => format!("{whole}"),
        false => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        text.parse::<Vary>().unwrap().0.values
    }

    #[test]
    fn values_are_listed_multiplied_or_added_up() {
        assert_eq!(values("payload=64,1k,16k"), ["64", "1k", "16k"]);
        assert_eq!(values("payload=256..16kx4"), ["256", "1k", "4k", "16k"]);
        assert_eq!(values("clients=1..64x2").len(), 7);
        assert_eq!(values("rate=1k..3k+1k"), ["1000", "2000", "3000"]);
        assert_eq!(values("epoch=1ms..4msx2"), ["1ms", "2ms", "4ms"]);
        assert_eq!(values("background=0..100+50"), ["0", "50", "100"]);
        assert_eq!(values("payload=64..4k,1k"), ["64..4k", "1k"]);
        assert_eq!(
            values("payload=lognormal:1k,0.8;64"),
            ["lognormal:1k,0.8", "64"]
        );
        assert_eq!(values("grab=classic,uniq"), ["classic", "uniq"]);
        assert_eq!(values("durable=true,false"), ["true", "false"]);
        assert_eq!(values("threads=1,2,8..16x2"), ["1", "2", "8", "16"]);
    }

    #[test]
    fn what_cannot_be_varied_is_named_with_what_was_meant() {
        for (text, words) in [
            ("payload", "payload=64,1k,16k"),
            ("paylod=64", "the nearest is payload"),
            ("payload=", "missing"),
            ("payload=64,,1k", "missing"),
            ("clients=many", "200k"),
            ("clients=1,2,1", "twice"),
            ("clients=1..64x1", "no end"),
            ("clients=0..64x2", "no end"),
            ("clients=1..64+0", "no end"),
            ("clients=64..1x2", "no value"),
            ("clients=1..5k+1", "more than 100"),
            ("clients=a..5x2", "\"a\""),
            ("target=a,b", "target"),
            ("=1", "no parameter"),
            ("a b=1", "no parameter"),
        ] {
            let error = text.parse::<Vary>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
