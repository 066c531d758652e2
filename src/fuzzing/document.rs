//! Results that somebody may have edited, cut or made up: refused with one harmless line, or
//! rendered in every form without harm.

use super::shown::assert_harmless;
use crate::report::compare::{self, Side, compare};
use crate::report::conform::{self, text::TraceOf};
use crate::report::document::ReadError;
use crate::report::merge::merge;
use crate::report::{Report, csv, hgrm, hlog, html, json, junit, markdown, text};
use std::slice::from_ref;

/// Percentiles that the terminal shows.
const PERCENTILES: &[f64] = &[0.0, 50.0, 99.9, 100.0];

/// The results of a run.
pub(super) fn result(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Report::from_json(text) {
        Ok(report) => rendered(&report),
        Err(error) => assert_one_line(&error),
    }
}

/// The results of the conformance cases.
pub(super) fn conform(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let report = match conform::from_json(text) {
        Ok(report) => report,
        Err(error) => return assert_one_line(&error),
    };
    let same = reads_back(conform::json(&report).ok(), |text| {
        conform::from_json(text).ok()
    });
    assert_eq!(same.as_ref(), Some(&report));
    for verbose in [false, true] {
        let options = conform::text::Options {
            verbose,
            trace: TraceOf::All,
            ..conform::text::Options::default()
        };
        assert_harmless("text", &conform::text(&report, options));
    }
    assert_harmless("Markdown", &conform::markdown(&report));
    assert_harmless("a matrix", &conform::matrix_markdown(from_ref(&report)));
    assert_page(conform::matrix_html(from_ref(&report)).ok());
    assert_xml(conform::junit(&report).ok());
    let baseline = conform::compare_baseline(&report, &report);
    assert!(!baseline.is_worse());
    assert_harmless("a baseline", &baseline.text());
}

fn rendered(report: &Report) {
    let again = reads_back(json::render(report).ok(), |text| {
        Report::from_json(text).ok()
    });
    assert_eq!(
        again.and_then(|again| json::render(&again).ok()),
        json::render(report).ok()
    );
    assert_harmless("text", &text::render(report, PERCENTILES));
    assert_harmless("Markdown", &markdown::render(from_ref(report)));
    for table in [csv::stages(from_ref(report)), csv::series(report)] {
        assert_harmless("CSV", &table.replace("\r\n", "\n"));
    }
    assert_page(html::render(report, None).ok());
    assert_xml(junit::render(report).ok());
    let stages = report.phases.iter().flat_map(|phase| &phase.stages);
    stages.for_each(|stage| assert_harmless("hgrm", &hgrm::render(&stage.latency)));
    let _ = (hlog::render(report), merge(from_ref(report)));
    let side = |name: &str| Side {
        name: name.to_owned(),
        runs: vec![report.clone()],
    };
    let options = compare::Options {
        confidence: 95.0,
        least_effect: 1.0,
        gates: Vec::new(),
        anyway: true,
    };
    if let Ok(comparison) = compare(&[side("a"), side("b")], &options) {
        assert_harmless("a comparison", &compare::text(&comparison));
        assert_harmless("a comparison", &compare::markdown(&comparison));
    }
}

fn reads_back<T>(text: Option<String>, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let again = text.as_deref().and_then(read);
    assert!(
        again.is_some(),
        "what was read and written is not read again"
    );
    again
}

fn assert_one_line(error: &ReadError) {
    let error = error.to_string();
    assert!(!error.is_empty() && error.lines().count() == 1);
    assert_harmless("an error", &error);
}

/// A page with no script but its own.
fn assert_page(page: Option<String>) {
    let Some(page) = page else {
        panic!("a page cannot be rendered");
    };
    assert_harmless("a page", &page);
    assert!(
        !page.contains("<fuzz"),
        "markup of the results is in the page"
    );
}

fn assert_xml(xml: Option<String>) {
    let Some(xml) = xml else {
        panic!("JUnit cannot be rendered");
    };
    assert_harmless("JUnit", &xml);
    assert!(!xml.contains("<fuzz"), "markup of the results is in JUnit");
}
