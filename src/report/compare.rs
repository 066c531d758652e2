//! Results side by side: what differs, whether that is more than noise, and whether it matters.
//!
//! A difference counts when it is *significant* (its interval does not hold zero) and larger than
//! a *minimum effect*. Where the interval comes from:
//!
//! * One run a side: from within the run. Seconds of a run depend on each other, so consecutive
//!   ones are put together into batches, and the batches' spread counts ("batch means"). That gives
//!   throughput its interval directly. For a percentile it gives the error of the share of jobs
//!   beyond it, never less than the binomial one; the order statistics at both ends of that share
//!   are the bounds. Two intervals become that of the ratio by MOVER (Zou and Donner 2008).
//! * Several runs on either side: from between the runs, which also holds what differs from one
//!   run to the next: the pooled spread of the logarithms of their figures, by Student's t. The
//!   estimate is the median of all ratios of a run to one of the baseline (Hodges and Lehmann);
//!   no percentile is averaged.
//!
//! The level holds for all figures that are judged together (Bonferroni).

mod estimate;
pub mod headline;
mod metric;
mod show;
mod stats;
#[cfg(test)]
mod tests;

pub use metric::{Gate, Metric, MetricError};
pub use show::{markdown, text};

use super::document;
use super::merge::{differences, phase_names};
use super::{Kind, Report, Verdict};
use estimate::Judge;
use schemars::JsonSchema;
use serde::Serialize;

/// Entries of a plan in which runs that are compared may differ.
const FREE: [&str; 7] = [
    "id",
    "seed",
    "label",
    "labels",
    "server_pid",
    "target",
    "question",
];

/// One side: the runs of one thing.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is called, such as its file.
    pub name: String,
    /// At least one run.
    pub runs: Vec<Report>,
}

/// How results are compared.
#[derive(Clone, Debug)]
pub struct Options {
    /// Probability, in percent, that no difference is called significant where there is none.
    pub confidence: f64,
    /// Smallest change that counts, in percent.
    pub least_effect: f64,
    /// What must not happen.
    pub gates: Vec<Gate>,
    /// Compare runs that are unlike, or that were no measurement.
    pub anyway: bool,
}

/// Why results are not compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are not two sides with runs.
    #[error("two sides are needed, each with at least one run")]
    Nothing,
    /// Not the same was done.
    #[error(
        "{first} and {other} did not do the same, so a difference would say nothing; they differ \
         in {}. --anyway compares them nevertheless", fields.join(", ")
    )]
    Unlike {
        /// A side.
        first: String,
        /// One that differs from it.
        other: String,
        /// In what, with both values.
        fields: Vec<String>,
    },
}

/// Sides, compared.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// Tells this document from the other ones of gearbench.
    pub kind: ComparisonDocument,
    /// Grows when a field changes its meaning or goes.
    pub schema_version: u32,
    /// Level of all intervals together, in percent.
    pub confidence: f64,
    /// Smallest change that counts, in percent.
    pub least_effect_percent: f64,
    /// What the others are compared with.
    pub baseline: Named,
    /// The others, in the order in which they were given.
    pub others: Vec<Other>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// The kind of this document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComparisonDocument {
    /// Results side by side.
    Comparison,
}

/// A side, named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Who was driven.
    pub target: String,
    /// The ids of its runs.
    pub runs: Vec<String>,
}

/// A side beside the baseline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Other {
    /// The side.
    pub side: Named,
    /// How its figures differ.
    pub differences: Vec<Difference>,
    /// How the gates came out.
    pub gates: Vec<GateResult>,
}

/// A figure of two sides.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// Which.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// Its unit: ns, jobs/s, µs or percent.
    pub unit: &'static str,
    /// The figure of each run of the baseline.
    pub baseline: Vec<f64>,
    /// The figure of each run of the other.
    pub other: Vec<f64>,
    /// Change against the baseline: percent, or percentage points for errors.
    pub change: f64,
    /// Bounds of the change; `None` where there is no telling.
    pub interval: Option<Interval>,
    /// What it comes to.
    pub judgement: Judgement,
    /// Where the interval comes from, or why there is none.
    pub evidence: &'static str,
}

/// Bounds of a change; an end that is `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ChangeInterval")]
pub struct Interval {
    /// At least.
    pub low: Option<f64>,
    /// At most.
    pub high: Option<f64>,
}

impl Interval {
    /// Whether no change lies outside.
    pub fn is_significant(self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }
}

/// What a difference comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Within the noise, or too small to count.
    Same,
    /// Significant, large enough, for the better.
    Better,
    /// Significant, large enough, for the worse.
    Worse,
    /// There is no interval.
    Unknown,
}

/// How a gate came out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GateResult {
    /// The gate.
    #[schemars(with = "String")]
    pub gate: Gate,
    /// `Some(true)` if it holds; `None` if that cannot be told.
    pub holds: Option<bool>,
    /// Why, in words.
    pub why: String,
}

/// Compares all sides with the first.
pub fn compare(sides: &[Side], options: &Options) -> Result<Comparison, Refusal> {
    let [baseline, others @ ..] = sides else {
        return Err(Refusal::Nothing);
    };
    if others.is_empty() || sides.iter().any(|side| side.runs.is_empty()) {
        return Err(Refusal::Nothing);
    }
    if !options.anyway {
        alike(sides)?;
    }
    let mut verdict = Verdict::default();
    for side in sides {
        no_measurement(side, options.anyway, &mut verdict);
    }
    let judge = Judge::new(options);
    let others: Vec<_> = others
        .iter()
        .map(|other| versus(baseline, other, options, &judge))
        .collect();
    for other in &others {
        for result in &other.gates {
            let text = format!("{}: {}", other.side.name, result.why);
            match result.holds {
                Some(true) => {}
                Some(false) => verdict.find(Kind::Regression, text),
                None => verdict.find(Kind::Inconclusive, text),
            }
        }
    }
    if sides.iter().all(|side| side.runs.len() == 1) {
        let note = "one run a side: what differs from one run to the next is not in the intervals; \
                    several runs a side hold it";
        verdict.notes.push(note.to_owned());
    }
    Ok(Comparison {
        kind: ComparisonDocument::Comparison,
        schema_version: 1,
        confidence: options.confidence,
        least_effect_percent: options.least_effect,
        baseline: named(baseline),
        others,
        verdict,
    })
}

/// The JSON Schema of a comparison.
pub fn schema() -> Result<String, serde_json::Error> {
    document::schema::<Comparison>("Results of gearbench compare")
}

/// A comparison as JSON.
pub fn json(comparison: &Comparison) -> Result<String, serde_json::Error> {
    document::indented(comparison)
}

fn named(side: &Side) -> Named {
    let mut targets: Vec<_> = side.runs.iter().map(|run| &*run.target.address).collect();
    targets.dedup();
    Named {
        name: side.name.clone(),
        target: targets.join(", "),
        runs: side.runs.iter().map(|run| run.run_id.clone()).collect(),
    }
}

/// Refuses runs that did not do the same.
fn alike(sides: &[Side]) -> Result<(), Refusal> {
    let mut runs = sides
        .iter()
        .flat_map(|side| side.runs.iter().map(move |run| (&side.name, run)));
    let Some((first, one)) = runs.next() else {
        return Ok(());
    };
    for (other, two) in runs {
        let mut fields = Vec::new();
        for (name, one, two) in [
            (
                "load",
                one.load.word().to_owned(),
                two.load.word().to_owned(),
            ),
            ("phases", phase_names(one), phase_names(two)),
        ] {
            if one != two {
                fields.push(format!("{name} ({one:?}, {two:?})"));
            }
        }
        differences("plan", &one.plan, &two.plan, &FREE, &mut fields);
        if !fields.is_empty() {
            return Err(Refusal::Unlike {
                first: first.clone(),
                other: other.clone(),
                fields,
            });
        }
    }
    Ok(())
}

/// Names the runs whose figures say nothing about their target.
fn no_measurement(side: &Side, anyway: bool, verdict: &mut Verdict) {
    for run in &side.runs {
        let nothing = |kind| matches!(kind, Kind::Generator | Kind::Inconclusive);
        let findings = &run.verdict.findings;
        let Some(finding) = findings.iter().find(|finding| nothing(finding.kind)) else {
            continue;
        };
        let text = format!("{}, run {}: {}", side.name, run.run_id, finding.text);
        match anyway {
            true => verdict.notes.push(text),
            false => verdict.find(Kind::Inconclusive, text),
        }
    }
}

fn versus(baseline: &Side, other: &Side, options: &Options, judge: &Judge) -> Other {
    let of = |metric: &Metric| judge.difference(*metric, &baseline.runs, &other.runs);
    let results = options.gates.iter().map(|gate| {
        let difference = of(&gate.metric);
        gate.judge(difference.as_ref())
    });
    Other {
        side: named(other),
        differences: Metric::shown(&options.gates)
            .iter()
            .filter_map(of)
            .collect(),
        gates: results.collect(),
    }
}
