//! Stand-in.
use super::*;
#[derive(Default)]
pub struct TextOptions {
    pub colour: bool,
    pub traces: bool,
}
pub fn text(report: &Conformance, _: &TextOptions) -> String {
    let mut out = String::new();
    for case in &report.cases {
        out += &format!(
            "{:8} {:9} {:60} {:.0} ms {}\n",
            case.verdict.word(),
            case.split,
            case.id,
            case.took_ms,
            case.reason.clone().unwrap_or_default()
        );
        if let Some(f) = &case.failure {
            if case.verdict != Verdict::Known {
                out += &format!(
                    "   {}:{}: {}\n   {}\n{}\n{}\n",
                    f.file,
                    f.line,
                    f.step,
                    f.cause,
                    f.trace,
                    f.server.clone().unwrap_or_default()
                );
            } else {
                out += &format!("   {}\n", f.cause)
            }
        }
    }
    out += &format!(
        "{:?} {:?} exit {} in {:.1} s\n",
        report.notes,
        report.counts,
        report.exit_code,
        report.took_ms / 1e3
    );
    out
}
pub fn junit(_: &Conformance) -> String {
    String::new()
}
pub fn json(_: &Conformance) -> String {
    String::new()
}
pub fn markdown(_: &Conformance) -> String {
    String::new()
}
pub fn schema() -> String {
    String::new()
}
pub fn matrix_markdown(_: &[Conformance]) -> String {
    String::new()
}
pub fn matrix_html(_: &[Conformance]) -> String {
    String::new()
}
pub fn from_json(_: &str) -> Result<Conformance, std::fmt::Error> {
    Err(std::fmt::Error)
}
pub struct Baseline {
    pub newly_failing: Vec<String>,
}
impl Baseline {
    pub fn text(&self) -> String {
        String::new()
    }
}
pub fn compare_baseline(_: &Conformance, _: &Conformance) -> Baseline {
    Baseline {
        newly_failing: vec![],
    }
}
