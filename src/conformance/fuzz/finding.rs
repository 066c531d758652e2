//! What a campaign finds, as a conformance case.

use super::settings;
use crate::conformance::Script;
use crate::conformance::features::Settings;
use crate::conformance::generate::Op;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The requirement that a server breaks which dies or falls silent: it answers what it is asked.
const ANSWERS: &str = "P-FRAME-01";

/// How a session failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The requirement that is not met; or `death`, `silence`, `unreachable`.
    pub rule: String,
    /// What was done last.
    pub act: String,
    /// What was expected and what came, in words.
    pub text: String,
    /// Whether the server has died of it.
    pub died: bool,
}

impl Failing {
    pub(super) fn new(rule: &str, act: String, text: String) -> Self {
        Failing {
            rule: rule.to_owned(),
            act,
            text,
            died: false,
        }
    }

    /// Whether it is the same failure, as far as can be told: the same rule, broken by the same
    /// kind of act.
    pub(super) fn is(&self, other: &Failing) -> bool {
        self.rule == other.rule && (self.act == other.act || self.died)
    }

    /// What was expected and what came, without names and numbers.
    pub(super) fn shape(&self) -> String {
        let expected = self.text.find("expected ");
        let told = expected.map_or(&*self.text, |at| &self.text[at..]);
        let mut shape = String::new();
        for (place, part) in told
            .lines()
            .next()
            .unwrap_or_default()
            .split('"')
            .enumerate()
        {
            match place % 2 {
                0 => shape.extend(part.chars().filter(|c| !c.is_ascii_digit())),
                _ => shape.push('_'),
            }
        }
        // Lists of any length are alike.
        while shape.contains("_, _") {
            shape = shape.replace("_, _", "_");
        }
        shape
    }
}

/// A way to fail, and the shortest session that was found for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How it fails.
    pub failing: Failing,
    /// The seed of the session that it was found in.
    pub seed: u64,
    /// Sessions that failed so.
    pub times: u64,
    /// What they said when they were not shrunk yet.
    pub(super) shapes: BTreeSet<String>,
    /// What the server was started with.
    pub settings: Settings,
    /// The steps that are left of the session.
    pub ops: Vec<Op>,
    /// What was said, and what should have been.
    pub script: Script,
    /// How often the shrunk session failed, and how often it was played for that.
    pub confirmed: (u32, u32),
}

impl Finding {
    /// Whether it failed again when it was played again.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.0 > 0
    }

    /// Whether a session that was not shrunk failed in this way.
    pub(super) fn covers(&self, failing: &Failing) -> bool {
        let same = self.failing.is(failing);
        same && (failing.died || self.shapes.contains(&failing.shape()))
    }

    /// Whether it is the same defect as far as can be told from what is left of the sessions: the
    /// same rule is broken by the same acts.
    pub(super) fn is_same(&self, other: &Finding) -> bool {
        let acts = |finding: &Finding| finding.ops.iter().map(Op::name).collect::<BTreeSet<_>>();
        let same = self.failing.is(&other.failing) && acts(self) == acts(other);
        same && self.failing.shape() == other.failing.shape()
    }

    /// A name for the case, and for its file.
    pub fn name(&self) -> String {
        let Failing { rule, act, .. } = &self.failing;
        format!("{rule}-{act}-{}", self.seed).to_lowercase()
    }

    /// A file with one case, which `gearbench replay` and `gearbench conform --cases` play.
    pub fn case(&self) -> String {
        let requirement = match self.failing.rule.strip_prefix("P-") {
            Some(_) => quoted(&self.failing.rule),
            None => quoted(ANSWERS),
        };
        let first = self.failing.text.lines().next().unwrap_or_default();
        let mut out = String::new();
        // A string takes every write.
        let _ = write!(
            out,
            "source = \"a generated session, seed {}\"\n\n[[case]]\n\
             id = {}\nrule = {}\nshows = [{requirement}]\nlevel = \"must\"\n\
             hazardous = {}\n{}script = '''\n{}'''\n",
            self.seed,
            quoted(&self.name()),
            quoted(first),
            self.failing.died,
            settings::field(&self.settings),
            self.script
        );
        out
    }
}

/// A string of a TOML file.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::case;
    use crate::conformance::features::Setting;
    use crate::conformance::generate::{Kind, Op};

    fn finding(rule: &str, text: &str) -> Finding {
        let kind = Kind::PreSleep;
        Finding {
            failing: Failing::new(rule, "PreSleep".to_owned(), text.to_owned()),
            seed: 7,
            times: 1,
            shapes: BTreeSet::new(),
            settings: [Setting::JobRetries(2), Setting::RoundRobin]
                .into_iter()
                .collect(),
            ops: vec![Op::Act { peer: 0, kind }],
            script: "ann > PRE_SLEEP\nann is quiet\n".parse().unwrap(),
            confirmed: (5, 5),
        }
    }

    /// Also one of a server that fell silent, which broke no rule in particular.
    #[test]
    fn a_finding_is_a_file_of_cases() {
        for rule in ["P-WRK-17", "silence", "death"] {
            let finding = finding(rule, "step 0: it said \"nothing\"");
            let cases = case::parse("found.toml", "found", &finding.case()).unwrap();
            let [case] = &cases[..] else {
                panic!("one case, not {}", cases.len());
            };
            assert!(case.shows[0].starts_with("P-"), "{:?}", case.shows);
            assert_eq!(case.settings, finding.settings);
        }
    }

    #[test]
    fn names_and_numbers_make_no_other_defect() {
        let texts = [
            r#"step 4, Act { peer: 1 }: P-STAT-02: expected "H:vm:1", "b" at peer 1, found nothing"#,
            r#"step 92, Act { peer: 0 }: P-STAT-02: expected "H:vm:77" at peer 0, found nothing"#,
        ];
        let [one, other] = texts.map(|text| finding("P-STAT-02", text));
        assert_eq!(one.failing.shape(), "expected _ at peer , found nothing");
        assert!(one.is_same(&other));
        let third = finding(
            "P-STAT-02",
            "step 1: expected NO_JOB at peer 1, found nothing",
        );
        assert!(!one.is_same(&third));
    }
}
