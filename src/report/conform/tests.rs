//! The renderings of small reports, of hostile ones, and of a large matrix.

use super::text::{Options, TraceOf};
use super::*;

fn plain(report: &Conformance) -> String {
    text(report, Options::default())
}

fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("{part:?} is missing or out of order in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_failure_tells_all_there_is_to_know() {
    let report = examples::with_cases(vec![
        examples::case("submit/job-runs", Verdict::Pass),
        examples::failing("submit/unique-65-bytes"),
    ]);
    let expected = r#"server      gearmand 1.1.20 at 127.0.0.1:4730
profile     gearmand-1.1, because: `version` answers OK 1.1.20
cases       level should; split none, byte; without hazardous cases; an answer has 2000 ms
run         gearbench 0.1.0; names on the server begin with gb-7f3a

area      PASS   FAIL      time
submit       1      1    2.5 ms
all          1      1     2.3 s

FAIL submit/unique-65-bytes  (1 of 1)
  rule        A unique of 65 bytes is refused, and the connection goes on. (must)
  shows       P-SUB-12 (must): SUBMIT_JOB with a unique of 65 bytes — ERROR, no job
  source      PROTOCOL, Client Requests: SUBMIT_JOB
  at          conformance/submit.toml:42
  step        client < ERROR _ _
  expected    ERROR _ _
  found       JOB_CREATED "H:box:1"
  trace       time since the start, who, > sent or < received; hexadecimal
         0.000 ms  client connects
         0.112 ms  client > SUBMIT_JOB "f" "uuu" "x"
                               005245510000000700000045
         0.310 ms  client < JOB_CREATED "H:box:1"
  repeat      gearbench conform submit/unique-65-bytes --target 127.0.0.1:4730

2 cases: 1 PASS, 1 FAIL in 2.3 s
exit 4: 1 case fails that the profile does not list
"#;
    assert_eq!(plain(&report), expected);
}

#[test]
fn failures_come_last() {
    let text = plain(&examples::report());
    assert_in_order(
        &text,
        &[
            "area ",
            "SKIP: 1 case not played\n     1  needs grab-uniq",
            "KNOWN: 1 case as the profile says",
            "  worker/grab-order: jobs of one priority",
            "NOTE: 1 case",
            "FAIL submit/unique-65-bytes  (1 of 3)",
            "FIXED worker/unique-limit  (2 of 3)",
            "ERROR admin/status (split byte)  (3 of 3)",
            "BLOCKED: 1 case could not be played\n  submit/job-runs failed\n    admin/after\n",
            "8 cases: 1 PASS, 1 FAIL",
            "exit 4: ",
        ],
    );
}

#[test]
fn options_choose_what_is_shown() {
    let report = examples::report();
    assert!(!plain(&report).contains('\x1b'));
    let show = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        text(&report, options)
    };
    assert!(show(|o| o.colour = true).contains("\x1b[1;31mFAIL\x1b[0m"));
    assert!(!show(|o| o.trace = TraceOf::None).contains("client connects"));
    assert!(show(|o| o.verbose = true).contains("PASS      1.2 ms  submit/job-runs\n"));
    let narrow = show(|o| {
        o.width = 60;
        o.trace = TraceOf::None;
    });
    assert!(narrow.contains("A unique of 65 bytes is refused, and the\n              connection"));
}

#[test]
fn a_dead_server_is_told() {
    let mut case = examples::failing("submit/kills");
    if let Some(failure) = &mut case.failure {
        failure.server = Some("ended by signal 11\nlast line of its log".to_owned());
    }
    let report = examples::with_cases(vec![case]);
    let text = plain(&report);
    assert!(
        text.contains("server      ended by signal 11\n              last line"),
        "{text}"
    );
    let xml = junit(&report).unwrap();
    assert!(
        xml.contains("<error message=\"FAIL: client expected"),
        "{xml}"
    );
}

#[test]
fn nothing_of_a_peer_reaches_the_terminal() {
    let text = plain(&examples::hostile());
    let bad: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}')
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn junit_tells_failures_from_errors() {
    let xml = junit(&examples::report()).unwrap();
    assert_in_order(
        &xml,
        &[
            "<testsuites name=\"gearbench conform gearmand 1.1.20\"",
            "tests=\"8\" skipped=\"2\" failures=\"2\" errors=\"1\"",
            "<testsuite name=\"submit\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"1\"",
            "<failure message=\"FAIL: client expected ERROR _ _, found",
            "<system-out>KNOWN: jobs of one priority",
            "<skipped message=\"SKIP: needs grab-uniq",
            "<failure message=\"FIXED: ",
            "<skipped message=\"BLOCKED: submit/job-runs failed\"",
            "<testsuite name=\"admin (split byte)\"",
            "<error message=\"ERROR: no free port\"",
        ],
    );
}

#[test]
fn junit_is_xml_whatever_a_peer_sends() {
    let xml = junit(&examples::hostile()).unwrap();
    let legal = |c: char| matches!(c, '\t' | '\n' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(legal));
    let mut reader = quick_xml::Reader::from_str(&xml);
    reader.config_mut().check_end_names = true;
    let mut cases = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) if tag.name().as_ref() == b"testcase" => {
                cases += 1;
                assert!(tag.attributes().all(|attribute| attribute.is_ok()));
            }
            _ => {}
        }
    }
    assert_eq!(cases, 3);
    assert!(xml.contains("\\x1b[31m\\x00]]&gt; &lt;script&gt;"), "{xml}");
}

#[test]
fn a_matrix_shows_servers_side_by_side() {
    let mut other = examples::with_cases(vec![examples::case("submit/job-runs", Verdict::Pass)]);
    other.server.name = "other".to_owned();
    other.server.version = None;
    let text = matrix_markdown(&[examples::report(), other.clone()]);
    assert_in_order(
        &text,
        &[
            "|  | gearmand 1.1.20 | other |\n|---|---|---|\n",
            "| must | 2/4 | 1/1 |\n",
            "| known failures | 1 | 0 |\n",
            "## submit\n",
            "| <code>job-runs</code> (must)<br>A unique",
            " | ✓ PASS | ✓ PASS |\n",
            " | ✗ FAIL <sup>[1](#note-1)</sup> | not in this run |\n",
            "△ KNOWN <sup>[2](#note-2)</sup>",
            "2: gearmand 1.1.20, <code>worker/grab-order</code>: jobs of one priority",
        ],
    );
    let html = matrix_html(&[examples::report(), other]).unwrap();
    assert!(html.contains("<span class=\"v\"><b>△</b> KNOWN</span><sup><a href=\"#note-2\">2</a>"));
    assert!(html.contains("2 of 4"));
}

#[test]
fn splits_are_one_cell_with_the_worst_of_them() {
    let mut byte = examples::failing("submit/a");
    byte.split = "byte".to_owned();
    let report = examples::with_cases(vec![examples::case("submit/a", Verdict::Pass), byte]);
    let text = matrix_markdown(&[report]);
    assert!(text.contains("✗ FAIL"), "{text}");
    assert!(text.contains("(only with split byte)"), "{text}");
}

#[test]
fn nothing_of_a_peer_becomes_html() {
    let html = matrix_html(&[examples::hostile()]).unwrap();
    assert!(!html.contains("<script"));
    assert!(!html.contains(['\x1b', '\0', '\u{202e}']));
    assert!(html.contains("{{ 7*7 }}"));
    assert!(html.contains("&lt;script&gt;"));
    let text = matrix_markdown(&[examples::hostile()]);
    assert!(!text.contains("<script"));
}

/// A matrix as large as it gets; with `MATRIX=file` it is written, to be looked at.
#[test]
fn a_large_matrix_is_below_a_megabyte() {
    let reports = examples::servers(300, 6);
    let html = matrix_html(&reports).unwrap();
    assert!(html.len() < 1_000_000, "{}", html.len());
    if let Some(path) = std::env::var_os("MATRIX") {
        let realistic = matrix_html(&examples::servers(270, 5)).unwrap();
        std::fs::write(path, realistic).unwrap();
    }
}
