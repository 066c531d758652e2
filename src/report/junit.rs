//! A run as JUnit, for whoever shows test results: a case for each thing that is checked.

use super::{Kind, Report, escape};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// What is checked, and the findings that say otherwise.
const CHECKS: [(&str, &[Kind]); 6] = [
    (
        "the run came to its end",
        &[Kind::Interrupted, Kind::Internal, Kind::Usage],
    ),
    ("the target answered throughout", &[Kind::Target]),
    (
        "every promise was kept",
        &[Kind::Invariant, Kind::Conformance],
    ),
    ("the service levels were met", &[Kind::Slo]),
    ("nothing is worse than the baseline", &[Kind::Regression]),
    (
        "the figures say something about the target",
        &[Kind::Inconclusive, Kind::Generator],
    ),
];

/// One suite, with a case for each check.
pub fn render(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let name = format!("gearbench {}", escape::line(&report.command));
    let mut suite = TestSuite::new(format!("{name} {}", escape::line(&report.target.address)));
    for (check, kinds) in CHECKS {
        let findings = report.verdict.findings.iter();
        let texts = findings.filter(|finding| kinds.contains(&finding.kind));
        let texts: Vec<String> = texts.map(|finding| escape::line(&finding.text)).collect();
        let status = match texts.first() {
            None => TestCaseStatus::success(),
            Some(first) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(first).set_description(texts.join("\n"));
                status
            }
        };
        suite.add_test_case(TestCase::new(check, status));
    }
    for level in &report.slos {
        let status = match level.met {
            Some(true) => TestCaseStatus::success(),
            Some(false) => TestCaseStatus::non_success(NonSuccessKind::Failure),
            None => TestCaseStatus::skipped(),
        };
        let mut case = TestCase::new(escape::line(&level.slo), status);
        case.set_system_out(format!("found {}", level.shown()));
        suite.add_test_case(case);
    }
    let seconds: f64 = report.phases.iter().map(|phase| phase.seconds).sum();
    suite.set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let mut junit = Junit::new(name);
    junit.add_test_suite(suite);
    junit.to_string()
}
