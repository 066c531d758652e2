//! A latency histogram that travels inside JSON: figures for people, HDR V2 for machines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2Serializer};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Percentiles that reports show unless told otherwise.
pub const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// Samples beyond a percentile without which it is a rumour.
const BEYOND: f64 = 10.0;

/// A histogram of nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram(pub hdrhistogram::Histogram<u64>);

/// The JSON form. The figures are there to be read; the histogram is what counts.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Histogram")]
struct Form {
    unit: String,
    count: u64,
    min: u64,
    mean: f64,
    max: u64,
    percentiles: BTreeMap<String, u64>,
    hdr_v2_base64: String,
}

impl Histogram {
    /// Samples.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value at a percentile, or `None` where too few samples lie beyond it.
    pub fn percentile(&self, percentile: f64) -> Option<u64> {
        let beyond = self.0.len() as f64 * (100.0 - percentile) / 100.0;
        // A hair's breadth for percentiles that binary fractions cannot hold.
        (beyond + 1e-6 >= BEYOND).then(|| self.0.value_at_percentile(percentile))
    }

    /// Adds all samples of another one.
    pub fn merge(&mut self, other: &Histogram) {
        // Fails where a value is out of range, and this one grows before that.
        self.0.auto(true);
        let _ = self.0.add(&other.0);
    }

    fn form(&self) -> Result<Form, String> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.0, &mut bytes)
            .map_err(|error| format!("histogram does not serialise: {error:?}"))?;
        let shown = |p: f64| Some((p.to_string(), self.percentile(p)?));
        Ok(Form {
            unit: "ns".to_owned(),
            count: self.0.len(),
            min: if self.0.is_empty() { 0 } else { self.0.min() },
            mean: self.0.mean(),
            max: self.0.max(),
            percentiles: PERCENTILES.into_iter().filter_map(shown).collect(),
            hdr_v2_base64: STANDARD.encode(bytes),
        })
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = self.form().map_err(ser::Error::custom)?;
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let bytes = STANDARD
            .decode(&form.hdr_v2_base64)
            .map_err(|error| de::Error::custom(format!("hdr_v2_base64: {error}")))?;
        let histogram =
            decode(&bytes).map_err(|error| de::Error::custom(format!("hdr_v2_base64: {error}")))?;
        form.check(&histogram).map_err(de::Error::custom)?;
        Ok(histogram)
    }
}

impl JsonSchema for Histogram {
    fn schema_name() -> Cow<'static, str> {
        Form::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Form::json_schema(generator)
    }
}

/// Where HDR V2 has its cookie, the length of what follows the header, and the digits.
const COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
const HEADER: usize = 40;
/// Digits above which a histogram would take more memory than all that gearbench makes.
const MOST_DIGITS: u32 = 3;

/// Decodes HDR V2. What its header claims is held against what is there before anything is
/// allocated for it.
fn decode(bytes: &[u8]) -> Result<Histogram, String> {
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let payload = bytes.len().saturating_sub(HEADER);
    match (bytes.get(..4), word(4), word(12)) {
        (Some(cookie), Some(length), Some(digits))
            if *cookie == COOKIE && length as usize == payload && digits <= MOST_DIGITS => {}
        _ => return Err("no HDR V2 histogram: its header is damaged".to_owned()),
    }
    let mut rest = bytes;
    HdrDeserializer::new()
        .deserialize(&mut rest)
        .map(Histogram)
        .map_err(|error| format!("no HDR V2 histogram: {error}"))
}

impl Form {
    /// Whether the figures are those of the histogram.
    fn check(&self, histogram: &Histogram) -> Result<(), String> {
        if self.unit != "ns" {
            return Err(format!("unit: expected \"ns\", found {:?}", self.unit));
        }
        let hdr = &histogram.0;
        let min = if hdr.is_empty() { 0 } else { hdr.min() };
        for (name, stated, held) in [
            ("count", self.count, hdr.len()),
            ("min", self.min, min),
            ("max", self.max, hdr.max()),
        ] {
            if stated != held {
                return Err(format!("{name}: {stated}, but the histogram has {held}"));
            }
        }
        for (name, stated) in &self.percentiles {
            let percentile = name.parse().ok().filter(|p| (0.0..=100.0).contains(p));
            let held = percentile.map(|percentile| hdr.value_at_percentile(percentile));
            if held != Some(*stated) {
                return Err(format!(
                    "percentiles: {name:?} is {stated}, but not of this histogram"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = hdrhistogram::Histogram::new_with_bounds(1, 3_600_000_000_000, 3)
            .expect("bounds in range");
        for value in values {
            histogram.saturating_record(value);
        }
        Histogram(histogram)
    }

    #[test]
    fn json_holds_the_whole_histogram() {
        let histogram = sample((1..5000).map(|n| n * 977));
        let json = serde_json::to_string(&histogram).unwrap();
        let back: Histogram = serde_json::from_str(&json).unwrap();
        assert_eq!(histogram, back);
        assert!(json.contains("\"unit\":\"ns\""));
    }

    #[test]
    fn broken_json_names_what_it_is_not() {
        let json = serde_json::to_string(&sample([5])).unwrap();
        let start = json.find("HISTEw").unwrap();
        let broken = json.replace(&json[start..start + 6], "AAAAAA");
        let error = serde_json::from_str::<Histogram>(&broken).unwrap_err();
        assert!(error.to_string().contains("HDR V2"), "{error}");
    }

    #[test]
    fn percentiles_need_ten_samples_beyond_them() {
        assert_eq!(sample(1..=19).percentile(50.0), None);
        assert!(sample(1..=20).percentile(50.0).is_some());
        assert_eq!(sample(1..=999).percentile(99.0), None);
        assert!(sample(1..=1000).percentile(99.0).is_some());
        assert!(sample(1..=10_000).percentile(99.9).is_some());
    }
}
