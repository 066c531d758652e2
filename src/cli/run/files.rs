//! The files of one run.

use crate::load::{LoadPhase, Plan};
use crate::report::{Report, hgrm, hlog, html, json, quantity};
use anyhow::Context;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where the files of a run go; `None` where none are wanted.
pub(crate) fn directory(out: Option<&Path>, report: &Report) -> Option<PathBuf> {
    match out {
        Some(dir) if dir.as_os_str() == "none" => None,
        Some(dir) => Some(dir.to_owned()),
        None => Some(PathBuf::from("gearbench-out").join(directory_name(report))),
    }
}

/// Writes the plan, the events and the results into a directory, which is made.
pub(crate) fn write_all(dir: &Path, plan: &Plan, report: &Report) -> anyhow::Result<()> {
    write_to(dir, report)?;
    write(dir, "plan.toml", &plan_toml(plan)?)?;
    write(dir, "events.jsonl", &events(plan, report)?)
}

/// Writes `result.json`, `report.html`, `latency.hlog` and `response.hgrm` into a directory, which
/// is made.
pub(crate) fn write_to(dir: &Path, report: &Report) -> anyhow::Result<()> {
    make(dir)?;
    write(dir, "result.json", &json::render(report)?)?;
    let response = report.headline().and_then(|phase| phase.stage("response"));
    if let Some(stage) = response {
        write(dir, "response.hgrm", &hgrm::render(&stage.latency))?;
    }
    write(dir, "latency.hlog", &hlog::render(report)?)?;
    write(dir, "report.html", &html::render(report, None)?)
}

/// Makes a directory, and those that it stands in.
pub(super) fn make(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = dir.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn plan_toml(plan: &Plan) -> anyhow::Result<String> {
    let text = toml::to_string(plan)?;
    Ok(format!(
        "# A scenario with every default written out; `gearbench run` runs it again.\n{text}"
    ))
}

/// What happened when, one event a line: phases, and one sample a second.
fn events(plan: &Plan, report: &Report) -> anyhow::Result<String> {
    let mut events = vec![json!({
        "event": "run",
        "at_seconds": 0.0,
        "run_id": report.run_id,
        "started_unix": report.started_unix,
        "target": report.target,
        "faults": plan.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "phases": plan.phases.0.iter().map(LoadPhase::to_string).collect::<Vec<_>>(),
    })];
    for phase in &report.phases {
        events.push(json!({
            "event": "phase",
            "name": phase.name,
            "seconds": phase.seconds,
            "offered_per_second": phase.offered_per_second,
            "sent": phase.sent,
            "completed": phase.completed,
        }));
    }
    for sample in &report.series {
        let mut event = serde_json::to_value(sample)?;
        event["event"] = "sample".into();
        events.push(event);
    }
    for finding in &report.verdict.findings {
        events.push(json!({ "event": "finding", "code": finding.code, "text": finding.text }));
    }
    events.push(json!({ "event": "end", "exit_code": report.verdict.exit_code }));
    let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    Ok(lines.concat())
}

/// Sorts by time: `<UTC time>-run-<id>`.
fn directory_name(report: &Report) -> String {
    format!(
        "{}-{}-{}",
        utc(report.started_unix),
        report.command,
        report.run_id
    )
}

/// `20261123T185631Z`.
fn utc(unix: u64) -> String {
    let [year, month, day, hour, minute, second] = quantity::civil(unix);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_sort_by_time() {
        assert_eq!(utc(0), "19700101T000000Z");
        assert_eq!(utc(951_782_400), "20000229T000000Z");
        assert_eq!(utc(1_795_460_191), "20261123T185631Z");
    }
}
