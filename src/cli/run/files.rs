//! The files of one run.

use crate::load::{LoadPhase, Plan};
use crate::report::{Report, hgrm, hlog, html, json, origin};
use anyhow::Context;
use serde_json::json;
use std::path::Path;

/// The name of a directory for the files of a run.
pub(crate) fn name(report: &Report) -> String {
    origin::directory(&report.command, &report.run_id, report.started_unix)
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
pub(in crate::cli) fn make(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

pub(in crate::cli) fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
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
