//! The report as JUnit XML, for CI systems.

use super::group;
use super::{CaseResult, Conformance, FailureDetail, Verdict};
use crate::report::escape::{block, line};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// One test suite for each area and split.
///
/// A rule that does not hold is a failure, a test that could not be carried out is an error, and
/// so is one in which the server died. Known failures pass, and say so in their output.
pub fn junit(report: &Conformance) -> Result<String, SerializeError> {
    let mut xml = Report::new(line(&format!(
        "gearbench conform {}",
        group::server(report)
    )));
    xml.set_time(millis(report.took_ms));
    let suites = group::by(&report.cases, |case| match case.split.as_str() {
        "none" | "" => case.area.clone(),
        split => format!("{} (split {split})", case.area),
    });
    for (name, cases) in suites {
        xml.add_test_suite(suite(report, &name, &cases));
    }
    xml.to_string()
}

fn suite(report: &Conformance, name: &str, cases: &[&CaseResult]) -> TestSuite {
    let mut suite = TestSuite::new(line(name));
    suite.set_time(cases.iter().map(|case| millis(case.took_ms)).sum());
    let properties = [
        ("gearbench", report.gearbench.as_str()),
        ("server", &group::server(report)),
        ("target", &report.server.target),
        ("profile", &report.profile.name),
    ];
    suite.add_properties(properties.map(|(name, value)| (name.to_owned(), line(value))));
    suite.add_test_cases(cases.iter().map(|case| self::case(case)));
    suite
}

fn case(case: &CaseResult) -> TestCase {
    let mut test = TestCase::new(line(&case.id), status(case));
    test.set_classname(line(&format!("conformance.{}", case.area)));
    test.set_time(millis(case.took_ms));
    let properties = [
        ("level", case.level.word().to_owned()),
        ("requirements", case.requirements.join(" ")),
        ("rule", case.rule.clone()),
        ("source", case.source.clone()),
    ];
    test.add_properties(properties.map(|(name, value)| (name.to_owned(), line(&value))));
    if matches!(case.verdict, Verdict::Known | Verdict::Note) {
        let about = format!("{}: {}", case.verdict.word(), reason(case));
        test.set_system_out(block(&about));
    }
    test
}

fn status(case: &CaseResult) -> TestCaseStatus {
    let died = case.failure.as_ref().is_some_and(|f| f.server.is_some());
    let mut status = match case.verdict {
        Verdict::Pass | Verdict::Known | Verdict::Note => return TestCaseStatus::success(),
        Verdict::Skip | Verdict::Blocked => TestCaseStatus::skipped(),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Fail if died => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Fail | Verdict::Fixed => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    let message = format!("{}: {}", case.verdict.word(), reason(case));
    status.set_message(line(&message));
    status.set_type(case.verdict.word());
    if let Some(failure) = &case.failure {
        status.set_description(block(&description(case, failure)));
    }
    status
}

fn reason(case: &CaseResult) -> &str {
    let cause = case.failure.as_ref().map(|failure| failure.cause.as_str());
    match case.verdict {
        Verdict::Fail | Verdict::Note => cause.or(case.reason.as_deref()),
        _ => case.reason.as_deref().or(cause),
    }
    .unwrap_or(&case.rule)
}

fn description(case: &CaseResult, failure: &FailureDetail) -> String {
    let mut out = format!("{}\n", case.rule);
    let at = format!("{}:{}: {}", failure.file, failure.line, failure.step);
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("{name}: {value}\n"));
        }
    };
    for requirement in &failure.requirement_text {
        add("requirement", Some(requirement));
    }
    add("at", Some(&at));
    add("cause", Some(&failure.cause));
    add("expected", failure.expected.as_deref());
    add("found", failure.found.as_deref());
    add("server", failure.server.as_deref());
    add("repeat", case.repeat.as_deref());
    format!("{out}\n{}", failure.trace)
}

fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
}
