//! What was found, as text and JSON.

use super::exit;
use super::{Info, Kill, Suite};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Characters of a line of ids.
const ROOM: usize = 96;

/// Requirements of a line at the most; the JSON has all.
const SHOWN: usize = 5;

/// A defect, and who noticed it.
#[derive(Debug, Serialize)]
pub(super) struct Hunted {
    name: String,
    what: &'static str,
    /// Requirements that were expected to be seen broken.
    expected: &'static [&'static str],
    kills: Vec<Kill>,
    /// Why nobody can see it from outside, where that is so.
    unseen: Option<&'static str>,
}

impl Hunted {
    pub(super) fn new(info: &Info, kills: Vec<Kill>) -> Self {
        Hunted {
            name: info.name(),
            what: info.what(),
            expected: info.rules,
            kills,
            unseen: info.unseen(),
        }
    }

    /// Whether it should have been noticed.
    fn survives(&self) -> bool {
        self.kills.is_empty() && self.unseen.is_none()
    }

    /// In a word, and who says so.
    pub(super) fn verdict(&self) -> String {
        match self.kills.as_slice() {
            [] if self.unseen.is_some() => "cannot be seen from outside".to_owned(),
            [] => "NOT NOTICED".to_owned(),
            [one] => format!("noticed by {}", one.by),
            [one, more @ ..] => format!("noticed by {} and {} more", one.by, more.len()),
        }
    }

    fn rules(&self) -> BTreeSet<&str> {
        let rules = self.kills.iter().flat_map(|kill| &kill.rules);
        rules.map(String::as_str).collect()
    }

    /// Whether a rule that was expected to notice did.
    fn as_expected(&self) -> bool {
        let rules = self.rules();
        self.expected.iter().any(|rule| rules.contains(rule))
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    gearbench: &'static str,
    /// Runs without a defect, and what failed in them.
    baseline_runs: u32,
    false_alarms: Vec<String>,
    pub(super) hunted: Vec<Hunted>,
    asked_for: usize,
    killed: usize,
    /// Killed by a requirement that was expected to notice.
    as_expected: usize,
    /// Defects that one case or session alone has noticed.
    noticed_once: Vec<String>,
    /// Cases that noticed nothing.
    idle_cases: Vec<String>,
    /// Requirements whose cases noticed nothing.
    idle_requirements: Vec<String>,
    #[serde(skip)]
    shows: BTreeMap<String, Vec<String>>,
}

impl Outcome {
    pub(super) fn new(suite: &Suite) -> Self {
        let shows = suite.cases().iter();
        Outcome {
            gearbench: env!("CARGO_PKG_VERSION"),
            baseline_runs: 0,
            false_alarms: Vec::new(),
            hunted: Vec::new(),
            asked_for: 0,
            killed: 0,
            as_expected: 0,
            noticed_once: Vec::new(),
            idle_cases: Vec::new(),
            idle_requirements: Vec::new(),
            shows: shows
                .map(|case| (case.id.clone(), case.shows.clone()))
                .collect(),
        }
    }

    /// Takes in a run without a defect.
    pub(super) fn baseline(&mut self, alarms: Vec<String>) {
        self.baseline_runs += 1;
        self.false_alarms.extend(alarms);
    }

    /// Whether something failed without a defect.
    pub(super) fn alarmed(&self) -> bool {
        !self.false_alarms.is_empty()
    }

    /// Counts, once all is played.
    pub(super) fn sum_up(&mut self, asked_for: usize) {
        self.asked_for = asked_for;
        let killed = self.hunted.iter().filter(|hunted| !hunted.kills.is_empty());
        self.killed = killed.count();
        let expected = self.hunted.iter().filter(|hunted| hunted.as_expected());
        self.as_expected = expected.count();
        let once = self.hunted.iter().filter(|hunted| hunted.kills.len() == 1);
        self.noticed_once = once.map(|hunted| hunted.name.clone()).collect();
        let kills = || self.hunted.iter().flat_map(|hunted| &hunted.kills);
        let busy: BTreeSet<&str> = kills().map(|kill| kill.by.as_str()).collect();
        let idle = self.shows.keys().filter(|id| !busy.contains(id.as_str()));
        self.idle_cases = idle.cloned().collect();
        let seen: BTreeSet<&String> = kills().flat_map(|kill| &kill.rules).collect();
        let shown: BTreeSet<&String> = self.shows.values().flatten().collect();
        self.idle_requirements = shown.difference(&seen).map(|id| (*id).clone()).collect();
    }

    /// The exit codes that apply.
    pub(super) fn codes(&self) -> Vec<u8> {
        let unnoticed = self.hunted.iter().any(Hunted::survives);
        let unnoticed = unnoticed.then_some(exit::CONFORMANCE);
        let alarmed = self.alarmed().then_some(exit::INVARIANT);
        unnoticed.into_iter().chain(alarmed).collect()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // A string takes every write.
        let _ = writeln!(
            out,
            "without a defect: {} runs, {} false alarms",
            self.baseline_runs,
            self.false_alarms.len()
        );
        self.false_alarms.iter().for_each(|alarm| {
            let _ = writeln!(out, "  {alarm}");
        });
        let width = self.hunted.iter().map(|hunted| hunted.name.len()).max();
        let width = width.unwrap_or(0).max(6);
        let _ = writeln!(
            out,
            "\n{:width$}  cases  sessions  requirements seen broken",
            "defect"
        );
        for hunted in &self.hunted {
            out.push_str(&row(hunted, width));
        }
        let _ = writeln!(
            out,
            "\n{} of {} defects noticed, {} of them by the requirement that was expected to",
            self.killed,
            self.hunted.len(),
            self.as_expected
        );
        if self.hunted.len() < self.asked_for {
            let _ = writeln!(out, "{} were not tried", self.asked_for - self.hunted.len());
        }
        out.push_str(&list("noticed once only", &self.noticed_once));
        out.push_str(&list(
            "requirements whose cases noticed nothing",
            &self.idle_requirements,
        ));
        out.push_str(&list("cases that noticed nothing", &self.idle_cases));
        out
    }
}

/// A line for a defect: how many cases noticed, whether sessions did, and the requirements.
fn row(hunted: &Hunted, width: usize) -> String {
    let of = |sessions: bool| {
        hunted
            .kills
            .iter()
            .filter(move |kill| (kill.arm == "sessions") == sessions)
    };
    let (expected, others): (Vec<&str>, Vec<&str>) =
        (hunted.rules().into_iter()).partition(|rule| hunted.expected.contains(rule));
    let shown: Vec<&str> = expected
        .iter()
        .chain(&others)
        .copied()
        .take(SHOWN)
        .collect();
    let rules = match (expected.len() + others.len()).checked_sub(SHOWN) {
        _ if shown.is_empty() => match hunted.unseen {
            Some(why) => format!("cannot be seen: {why}"),
            None => format!("NOT NOTICED: {}", hunted.what),
        },
        None | Some(0) => shown.join(" "),
        Some(more) => format!("{} and {more} more", shown.join(" ")),
    };
    let sessions = if of(true).next().is_some() {
        "yes"
    } else {
        "-"
    };
    format!(
        "{:width$}  {:>5}  {sessions:>8}  {rules}\n",
        hunted.name,
        of(false).count()
    )
}

/// Ids under a heading that counts them, as many on a line as it takes.
fn list(title: &str, ids: &[String]) -> String {
    let mut out = format!("\n{title}: {}\n", ids.len());
    let mut line = String::new();
    for id in ids {
        if !line.is_empty() && line.len() + id.len() > ROOM {
            out += &format!("  {}\n", line.trim_end());
            line.clear();
        }
        line += id;
        line.push(' ');
    }
    if !line.is_empty() {
        out += &format!("  {}\n", line.trim_end());
    }
    out
}
