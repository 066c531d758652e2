//! The combinations of a sweep: their plans, their turns, and the runs of them that are there.

use super::vary::Vary;
use super::{SweepArgs, varied};
use crate::cli::exit;
use crate::cli::run::chosen::{self, Chosen};
use crate::cli::run::repeat::is_whole;
use crate::cli::target::Target;
use crate::load::{Plan, Scenario};
use crate::report::Report;
use crate::report::merge::unlike_entries;
use crate::report::sweep::Varied;
use std::path::{Path, PathBuf};

/// Most runs of a sweep.
const MOST_RUNS: usize = 1000;

/// An exit code, and why there is nothing to run.
pub(super) type Refusal = (String, u8);

/// A sweep that can be carried out.
pub(super) struct Planned {
    pub(super) target: Target,
    pub(super) varied: Vec<Varied>,
    /// Runs of each point.
    pub(super) repeat: u32,
    pub(super) points: Vec<PlannedPoint>,
}

/// A combination of values.
pub(super) struct PlannedPoint {
    pub(super) values: Vec<String>,
    pub(super) plan: Plan,
}

/// One run of a sweep.
pub(super) struct Sought {
    /// Which time it is that this point is run, from 0.
    pub(super) round: usize,
    /// Which point, from 0.
    pub(super) point: usize,
}

impl PlannedPoint {
    /// `payload=1k clients=8`
    pub(super) fn name(&self, varied: &[Varied]) -> String {
        named(varied, &self.values)
    }
}

fn named(varied: &[Varied], values: &[String]) -> String {
    let pairs = varied.iter().zip(values);
    let pairs = pairs.map(|(varied, value)| format!("{}={value}", varied.key));
    pairs.collect::<Vec<_>>().join(" ")
}

impl SweepArgs {
    /// The plan of each combination; all are made before any is run.
    pub(super) fn plan(&self) -> Result<Planned, Refusal> {
        let usage = |text: String| (text, exit::USAGE);
        let flags = self.flags.scenario();
        self.varied_once(&flags).map_err(usage)?;
        let varied = varied(&self.vary);
        let (mut points, mut seed, mut planned_target) = (Vec::new(), flags.seed, None);
        for values in combinations(&varied) {
            let mut over = Scenario::default();
            for (vary, value) in self.vary.iter().zip(&values) {
                over = vary.with(value).map_err(usage)?.over(over);
            }
            let mut over = over.over(flags.clone());
            // One that is drawn is drawn once.
            over.seed = over.seed.or(seed);
            let scenario = self.scenario.as_deref();
            let chosen = chosen::choose(scenario, over, self.driven.target.as_ref());
            let Chosen { mut plan, target } = chosen.map_err(|error| {
                let point = named(&varied, &values);
                (format!("{point}: {error}"), error.code())
            })?;
            plan.server_pid = self.server_pid;
            seed = seed.or(Some(plan.seed));
            planned_target = Some((target, plan.repeat));
            points.push(PlannedPoint { values, plan });
        }
        let (target, repeat) = planned_target.ok_or_else(|| usage("nothing is varied".into()))?;
        let runs = points.len() * repeat as usize;
        if runs > MOST_RUNS {
            return Err(usage(format!("{runs} runs are more than {MOST_RUNS}")));
        }
        Ok(Planned {
            target,
            varied,
            repeat,
            points,
        })
    }

    /// Refuses a parameter that is given twice, or has a flag of its own too.
    fn varied_once(&self, flags: &Scenario) -> Result<(), String> {
        let given = toml::Value::try_from(flags).map_err(|error| error.to_string())?;
        for (at, Vary(one)) in self.vary.iter().enumerate() {
            let key = &one.key;
            if self.vary[..at].iter().any(|Vary(other)| other.key == *key) {
                return Err(format!(
                    "--vary {key} is given twice: name all values at once"
                ));
            }
            if given.get(key).is_some() {
                return Err(format!("{key} is varied: leave --{key} out"));
            }
        }
        Ok(())
    }
}

/// Every value of each, the first changing fastest.
fn combinations(varied: &[Varied]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for one in varied {
        let with = |value| {
            all.iter()
                .map(move |before| [before.as_slice(), value].concat())
        };
        all = one.values.chunks(1).flat_map(with).collect();
    }
    all
}

impl Planned {
    /// The runs in their order: every point takes its turn before any is run again.
    pub(super) fn turns(&self) -> impl Iterator<Item = Sought> {
        let points = self.points.len();
        let rounds = 0..self.repeat as usize;
        rounds.flat_map(move |round| (0..points).map(move |point| Sought { round, point }))
    }

    /// Columns of the longest name of a point.
    pub(super) fn width(&self) -> usize {
        let names = self.points.iter().map(|point| point.name(&self.varied));
        names.map(|name| name.chars().count()).max().unwrap_or(0)
    }

    /// Where the files of a run go.
    pub(super) fn directory(&self, dir: &Path, point: usize, round: usize) -> PathBuf {
        let name = self.points[point].name(&self.varied);
        let plain = |c: char| match c {
            ' ' => ',',
            c if c.is_ascii_alphanumeric() || "=.-".contains(c) => c,
            _ => '_',
        };
        let name: String = name.chars().take(80).map(plain).collect();
        dir.join(format!("{:03}-{name}", point + 1))
            .join(format!("{:03}", round + 1))
    }

    /// No run of any point.
    pub(super) fn nothing(&self) -> Vec<Vec<Option<Report>>> {
        self.points.iter().map(|_| Vec::new()).collect()
    }

    /// The whole runs that a directory holds; those of another plan are refused.
    pub(super) fn held(&self, dir: &Path) -> Result<Vec<Vec<Option<Report>>>, Refusal> {
        let mut held = self.nothing();
        for Sought { round, point } in self.turns() {
            let file = self.directory(dir, point, round).join("result.json");
            held[point].push(match file.exists() {
                true => self.read(&file, point)?,
                false => None,
            });
        }
        Ok(held)
    }

    fn read(&self, file: &Path, point: usize) -> Result<Option<Report>, Refusal> {
        let report = Report::read(file).map_err(|error| (error.to_string(), exit::USAGE))?;
        let plan = Plan {
            repeat: 1,
            ..self.points[point].plan.clone()
        };
        let internal = |error: serde_json::Error| (error.to_string(), exit::INTERNAL);
        let plan = serde_json::to_value(plan).map_err(internal)?;
        let differing = unlike_entries(&report.plan, &plan);
        match differing.is_empty() {
            true => Ok(Some(report).filter(is_whole)),
            false => Err((
                format!(
                    "{}: a run of another plan; they differ in {}",
                    file.display(),
                    differing.join(", ")
                ),
                exit::USAGE,
            )),
        }
    }
}
