//! What the exit code of a conformance run means, in a sentence.

use super::Conformance;

/// The verdict on the run: the sentence that ends a rendering.
pub(super) fn sentence(report: &Conformance) -> String {
    let counts = &report.counts;
    let played = counts.pass + counts.fail + counts.known + counts.fixed + counts.note;
    match report.exit_code {
        0 => format!(
            "{} of {played} cases that were played pass{}",
            counts.pass,
            and_known(counts.known)
        ),
        1 => "gearbench itself failed; the results are not complete".to_owned(),
        2 => "the request made no sense, or no case matched it".to_owned(),
        3 => "the server cannot be reached, or is no Gearman server".to_owned(),
        4 => failed(counts.fail, counts.fixed),
        8 => format!(
            "inconclusive: no case was played, {} skipped and {} blocked",
            counts.skip, counts.blocked
        ),
        130 => "interrupted; these are the results until then".to_owned(),
        143 => "terminated; these are the results until then".to_owned(),
        code => format!("see `gearbench explain exit` for {code}"),
    }
}

fn and_known(known: usize) -> String {
    match known {
        0 => String::new(),
        1 => ", 1 fails as its profile says".to_owned(),
        _ => format!(", {known} fail as their profile says"),
    }
}

fn failed(fail: usize, fixed: usize) -> String {
    let verb = |n: usize| if n == 1 { "fails" } else { "fail" };
    let failing = format!(
        "{} {} that the profile does not list",
        cases(fail),
        verb(fail)
    );
    let passing = format!(
        "{} {} though the profile lists {} as failing",
        cases(fixed),
        if fixed == 1 { "passes" } else { "pass" },
        if fixed == 1 { "it" } else { "them" }
    );
    match (fail, fixed) {
        (_, 0) => failing,
        (0, _) => passing,
        _ => format!("{failing}; {passing}"),
    }
}

/// A number of cases.
pub(super) fn cases(number: usize) -> String {
    match number {
        1 => "1 case".to_owned(),
        _ => format!("{number} cases"),
    }
}
