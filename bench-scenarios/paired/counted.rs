//! What can be counted instead of timed: system calls, and instructions outside the kernel.
//!
//! Both tools make a server many times slower, so more packets come with each read than usually.
//! They count whole lives of a server: two loads of different length, and the difference.

use crate::generator::{Ask, Load, play};
use crate::loads::foreground;
use crate::server::{Anchor, Recipe};
use crate::table::{Row, Target};
use crate::{Result, Wanted};
use std::path::Path;

/// Requests of the shorter and the longer load.
const TOTALS: [u64; 2] = [2_000, 12_000];

const FLOOD: Load = Load {
    ask: Ask::Background { unique: None },
    ..foreground(4, 64, 0, 0)
};

/// Scenario, load, and what is allowed for each job.
type Scenario = (&'static str, Load, f64);

const CALLS: &[Scenario] = &[
    ("fg1", foreground(1, 1, 1, 0), 12.6),
    ("fgw", foreground(4, 32, 8, 0), 2.8),
];

const INSTRUCTIONS: &[Scenario] = &[
    ("fgw", foreground(4, 32, 8, 0), 3_000.0),
    ("fg8", foreground(8, 1, 8, 0), 6_000.0),
    ("flood", FLOOD, 950.0),
];

/// By strace, which leaves nothing out.
pub(crate) fn measure_calls(_: &str, wanted: &Wanted) -> Result<()> {
    let tool = Tool {
        unit: "system calls/job (strace)",
        words: |file| {
            let words = [
                "strace",
                "-f",
                "-c",
                "--summary-columns=calls,name",
                "-o",
                file,
            ];
            words.map(str::to_owned).to_vec()
        },
        total: |text| {
            let line = text.lines().find(|line| line.ends_with(" total"))?;
            line.split_whitespace().next()?.parse().ok()
        },
    };
    tool.compare(CALLS, wanted)
}

/// By callgrind: a virtual machine often has no counters of its own.
pub(crate) fn measure_instructions(_: &str, wanted: &Wanted) -> Result<()> {
    let tool = Tool {
        unit: "instructions/job (callgrind)",
        words: |file| {
            let out = format!("--callgrind-out-file={file}");
            vec!["valgrind".to_owned(), "--tool=callgrind".to_owned(), out]
        },
        total: |text| {
            let mut lines = text.lines();
            let total = lines.find_map(|line| line.strip_prefix("totals: "))?;
            total.trim().parse().ok()
        },
    };
    tool.compare(INSTRUCTIONS, wanted)
}

/// A program that counts what another does.
struct Tool {
    unit: &'static str,
    /// The command to run a server below, which writes its count into the given file.
    words: fn(&str) -> Vec<String>,
    /// The count in what it wrote.
    total: fn(&str) -> Option<f64>,
}

impl Tool {
    fn compare(&self, scenarios: &[Scenario], wanted: &Wanted) -> Result<()> {
        let anchor = Anchor::Tuned;
        if !wanted.anchors.contains(&anchor) {
            return Ok(());
        }
        for &(name, load, most) in scenarios {
            let row = Row {
                name,
                unit: self.unit,
                beside: anchor,
                ours: vec![self.per_job(Recipe::ours, load)?],
                theirs: vec![self.per_job(|| Recipe::gearmand(anchor), load)?],
                rates: Default::default(),
                target: Target::AtMost(most),
            };
            row.print();
        }
        Ok(())
    }

    fn per_job(&self, recipe: impl Fn() -> Recipe, load: Load) -> Result<f64> {
        let [short, long] = TOTALS.map(|total| self.count(recipe(), Load { total, ..load }));
        Ok((long? - short?) / (TOTALS[1] - TOTALS[0]) as f64)
    }

    fn count(&self, recipe: Recipe, load: Load) -> Result<f64> {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("paired-count");
        let words = (self.words)(&file.to_string_lossy());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let server = recipe.below(&words).start()?;
        play(&server, load)?;
        server.end()?;
        let text = std::fs::read_to_string(file)?;
        (self.total)(&text).ok_or_else(|| format!("{} wrote no total", words[0]).into())
    }
}
