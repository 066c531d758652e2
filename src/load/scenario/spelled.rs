//! Values of a scenario, written as in flags: text with a unit, or a bare number.

use crate::load::plan::{LoadPhase, Phases, Rate, is_name};
use crate::load::units::{self, Time, UnitError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

/// Reads text or a number as `parse` reads a flag.
struct Reader<T> {
    parse: fn(&str) -> Result<T, UnitError>,
}

impl<T> Visitor<'_> for Reader<T> {
    /// `None` is JSON's `null`; TOML has none.
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.parse)("") {
            Err(error) => f.write_str(error.expected),
            Ok(_) => f.write_str("a value"),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        (self.parse)(text).map(Some).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}

fn parse<T: FromStr<Err = UnitError>>(text: &str) -> Result<T, UnitError> {
    text.parse()
}

/// A module for `#[serde(with = ...)]` of an optional value.
macro_rules! spelled {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $parse:expr, $print:expr;)+) => {$(
        $(#[$doc])*
        pub(super) mod $name {
            use super::*;

            pub(in super::super) fn serialize<S: Serializer>(
                value: &Option<$type>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                value.as_ref().map($print).serialize(serializer)
            }

            pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$type>, D::Error> {
                deserializer.deserialize_any(Reader { parse: $parse })
            }
        }
    )+};
}

spelled! {
    /// `200k`.
    count: u64, units::count, |value: &u64| *value;
    /// A count that is never large.
    small: u32, units::small_count, |value: &u32| *value;
    /// Any number of 64 bits; as text where TOML has no number as large.
    whole: u64, any_whole, |value: &u64| Whole(*value);
    /// `5k/s`.
    rate: f64, units::rate, |value: &f64| Tidy(*value);
    /// `12.5%`.
    percent: f64, units::percent, |value: &f64| Tidy(*value);
    /// `20s`.
    duration: Duration, units::duration, |value: &Duration| Time(*value).to_string();
}

fn any_whole(text: &str) -> Result<u64, UnitError> {
    let error = |_| UnitError::new("a whole number from 0 to 2^64 - 1", text);
    text.parse().map_err(error)
}

struct Whole(u64);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

/// A number without a fraction of nothing.
struct Tidy(f64);

impl Serialize for Tidy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// From here on not every whole number is a float.
        const EXACT: f64 = 9e15;
        match self.0.fract() == 0.0 && self.0.abs() < EXACT {
            true => serializer.serialize_i64(self.0 as i64),
            false => serializer.serialize_f64(self.0),
        }
    }
}

/// Whatever flags read with `FromStr`.
pub(super) mod text {
    use super::*;

    pub(in super::super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(T::to_string).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err = UnitError>,
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(Reader { parse: parse::<T> })
    }
}

/// Some of those.
pub(super) mod list {
    use super::*;

    pub(in super::super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &Option<Vec<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts = |list: &Vec<T>| list.iter().map(T::to_string).collect::<Vec<_>>();
        value.as_ref().map(texts).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T, D>(
        deserializer: D,
    ) -> Result<Option<Vec<T>>, D::Error>
    where
        T: FromStr<Err = UnitError>,
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(ListReader(PhantomData))
    }
}

/// Reads a list, or a single text as a list of one; nothing is no list.
struct ListReader<T>(PhantomData<T>);

impl<'de, T: FromStr<Err = UnitError>> Visitor<'de> for ListReader<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts such as [\"...\", \"...\"]")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(vec![parse(text).map_err(E::custom)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Item(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Some(list))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// One of a list.
struct Item<T>(T);

impl<'de, T: FromStr<Err = UnitError>> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = deserializer.deserialize_any(Reader { parse: parse::<T> })?;
        item.map(Item)
            .ok_or_else(|| D::Error::custom("expected a text, found nothing"))
    }
}

/// A phase as a table of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseTable {
    #[serde(default)]
    name: Option<String>,
    #[serde(with = "text")]
    rate: Option<Rate>,
    #[serde(with = "duration")]
    duration: Option<Duration>,
}

impl PhaseTable {
    fn phase<E: Error>(self) -> Result<LoadPhase, E> {
        let rate = self.rate.ok_or_else(|| E::missing_field("rate"))?;
        let duration = self.duration.ok_or_else(|| E::missing_field("duration"))?;
        let name = self.name.unwrap_or_else(|| rate.to_string());
        match is_name(&name) {
            true => Ok(LoadPhase {
                name,
                rate,
                duration,
            }),
            false => Err(E::custom(format_args!(
                "expected a name of at most 40 letters, digits, spaces and -_./, found {name:?}"
            ))),
        }
    }
}

impl Serialize for Phases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|phase| PhaseTable {
            name: Some(phase.name.clone()),
            rate: Some(phase.rate),
            duration: Some(phase.duration),
        }))
    }
}

impl<'de> Deserialize<'de> for Phases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PhasesReader)
    }
}

/// Reads `"1k:30s,5k:60s"`, or a list of such texts or of tables.
struct PhasesReader;

impl<'de> Visitor<'de> for PhasesReader {
    type Value = Phases;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("phases such as \"1k:30s,1k..5k:60s\", or [[phases]] tables")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Phases, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Phases, A::Error> {
        let mut phases = Vec::new();
        while let Some(OnePhase(phase)) = items.next_element()? {
            phases.push(phase);
        }
        Ok(Phases(phases))
    }
}

struct OnePhase(LoadPhase);

impl<'de> Deserialize<'de> for OnePhase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnePhaseReader).map(OnePhase)
    }
}

struct OnePhaseReader;

impl<'de> Visitor<'de> for OnePhaseReader {
    type Value = LoadPhase;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a phase such as \"1k:30s\", or a table with rate and duration")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LoadPhase, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LoadPhase, A::Error> {
        PhaseTable::deserialize(MapAccessDeserializer::new(map))?.phase()
    }
}
