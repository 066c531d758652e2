//! What is written down of a run, what is made of it later, and what there is to look up.

use super::{BOUND, exits, file_of_cases, gearmand, launching, ours, report, serve};
use crate::cli::refuses;
use crate::support::{TempDir, require_or_skip, run_with_deadline};
use gearbench::report::conform::{Conformance, Verdict, from_json};
use quick_xml::events::Event;
use std::path::Path;
use std::process::Command;

/// The standard output of a command that succeeds and has nothing to complain about.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let finished = run_with_deadline(command, BOUND);
    exits(&finished, 0);
    assert_eq!(finished.err(), "");
    finished.out()
}

#[track_caller]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Elements of a document that is sound.
#[track_caller]
fn elements(xml: &str, name: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut count = 0;
    loop {
        match reader.read_event().expect("XML") {
            Event::Eof => return count,
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == name.as_bytes() => {
                assert!(tag.attributes().all(|attribute| attribute.is_ok()));
                count += 1;
            }
            _ => {}
        }
    }
}

/// Plays on the server and writes the results as JSON.
fn results(server: &str, patterns: &str, json: &Path) -> Conformance {
    let mut conform = launching(server, patterns);
    let finished = run_with_deadline(conform.arg("--json").arg(json), BOUND);
    exits(&finished, 0);
    from_json(&read(json)).expect("results")
}

#[test]
fn results_are_written_in_directories_that_are_made() {
    let files = TempDir::new();
    let file = |name: &str| files.file("made/for/it").join(name);
    let mut conform = ours("conform options");
    for (flag, name) in [("--json", "a.json"), ("--junit", "a.xml"), ("--md", "a.md")] {
        conform.arg(flag).arg(file(name));
    }
    let text = report(&mut conform, 0);
    let results = from_json(&read(&file("a.json"))).expect("results");
    let cases = results.cases.len();
    assert!(text.contains(&format!("\n{cases} cases: ")), "{text}");
    assert_eq!(results.exit_code, 0);
    assert_eq!(results.counts.pass, cases);
    assert_eq!(results.profile.name, "gearbench");
    let xml = read(&file("a.xml"));
    assert_eq!(elements(&xml, "testcase"), cases);
    assert_eq!(elements(&xml, "failure") + elements(&xml, "error"), 0);
    let md = read(&file("a.md"));
    assert!(md.contains("gearbench serve"), "{md}");

    // The same again, of what was written.
    let stored = file("a.json");
    let as_format = |format: &str| {
        let mut report = ours(&format!("report --format {format}"));
        printed(report.arg(&stored))
    };
    assert_eq!(as_format("junit"), xml);
    assert_eq!(as_format("text"), text);
}

#[test]
fn results_that_cannot_be_written_are_refused_before_any_case() {
    let files = TempDir::new();
    let file = files.file("file");
    std::fs::write(&file, "").expect("a file");
    let mut conform = ours("conform submit/job-runs --json");
    let finished = run_with_deadline(conform.arg(file.join("a.json")), BOUND);
    refuses(&finished, 2, &["cannot make "]);
}

/// Whether its answer is right depends on `ANSWER`.
const ECHO: &str = r#"
[[case]]
id     = "echo"
rule   = "What is sent comes back."
shows  = ["P-FRAME-01"]
level  = "must"
source = "This test"
script = '''
client > ECHO_REQ "right"
client < ECHO_RES "ANSWER"
'''
"#;

#[test]
fn only_what_has_changed_since_the_baseline_is_a_failure() {
    let files = TempDir::new();
    let file = |name: &str| files.file(name).display().to_string();
    let play = |answer: &str, flags: &str, code: u8| {
        let path = file_of_cases(&files, &ECHO.replace("ANSWER", answer));
        let mut conform = ours(&format!("conform mine/ submit/job-runs {flags}"));
        report(conform.arg("--cases").arg(path), code)
    };
    let (good, bad) = (file("good.json"), file("bad.json"));
    play("right", &format!("--json {good}"), 0);
    play("wrong", &format!("--json {bad}"), 4);

    let text = play("right", &format!("--baseline {good}"), 0);
    assert!(text.contains("nothing changed"), "{text}");
    let text = play("wrong", &format!("--baseline {good}"), 4);
    assert!(text.contains("newly failing: 1 case"), "{text}");
    // It failed before; that it still does is no news.
    play("wrong", &format!("--baseline {bad}"), 0);
    let text = play("right", &format!("--baseline {bad}"), 0);
    assert!(text.contains("newly passing: 1 case"), "{text}");
}

#[test]
fn a_server_does_not_differ_from_itself() {
    let mut diff = ours("diff options submit status worker/ability*");
    diff.args(["--launch", &serve(), "--launch", &serve()]);
    let text = printed(&mut diff);
    assert!(text.starts_with("1  gearbench serve "), "{text}");
    let (_, last) = text.trim_end().rsplit_once('\n').expect("lines");
    assert!(last.starts_with("0 of "), "{text}");
    assert!(last.ends_with(" cases differ"), "{text}");
}

#[test]
fn two_servers_differ_where_their_answers_do() {
    if !require_or_skip("gearmand") {
        return;
    }
    let mut diff = ours("diff submit/empty-function-name submit/job-runs");
    diff.args(["--launch", &serve(), "--launch", &gearmand()]);
    let finished = run_with_deadline(&mut diff, BOUND);
    exits(&finished, 4);
    let text = finished.out();
    assert!(text.contains("\n2  C gearmand 1"), "{text}");
    assert!(text.contains("\nsubmit/empty-function-name  "), "{text}");
    assert!(text.contains("\n    1  ERROR \""), "{text}");
    assert!(
        text.contains("\n    2  JOB_CREATED \"handle-1\"\n"),
        "{text}"
    );
    assert!(text.ends_with("\n1 of 2 cases differ\n"), "{text}");
}

#[test]
fn results_of_several_servers_are_a_matrix() {
    let files = TempDir::new();
    let (ours_at, theirs_at) = (files.file("ours.json"), files.file("theirs.json"));
    let patterns = "submit/job-runs submit/empty-function-name";
    results(&serve(), patterns, &ours_at);
    let server = match require_or_skip("gearmand") {
        true => gearmand(),
        false => serve(),
    };
    let theirs = results(&server, patterns, &theirs_at);
    let matrix = |format: &str| {
        let mut report = ours(&format!("report --format {format}"));
        printed(report.arg(&ours_at).arg(&theirs_at))
    };
    for (format, sign) in [("md", "|---"), ("html", "</table>")] {
        let text = matrix(format);
        for word in [sign, "gearbench serve", "submit", &theirs.server.name] {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
        let known = theirs
            .cases
            .iter()
            .any(|case| case.verdict == Verdict::Known);
        assert_eq!(text.contains("empty-function-name"), known, "{text}");
    }
    assert!(!matrix("html").contains("<script"));

    let mut two = ours("report --format junit");
    let finished = run_with_deadline(two.arg(&ours_at).arg(&theirs_at), BOUND);
    super::refuses(&finished, 2, &["one result"]);
}

#[test]
fn the_schema_is_that_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stored = read(&root.join("conformance/result.schema.json"));
    assert_eq!(printed(&mut ours("schema")), stored);
    assert_eq!(printed(&mut ours("schema conform")), stored);
}

#[test]
fn cases_requirements_and_exit_codes_are_explained() {
    let case = printed(&mut ours("explain submit/job-runs"));
    for part in [
        "submit/job-runs\n\n",
        "\nlevel      must\n",
        "\nsource     PROTOCOL, ",
        "\nfile       conformance/submit.toml:",
        "\nP-SUB-01 (must, ",
        "\nclient > SUBMIT_JOB f \"\" \"abc\"\n",
    ] {
        assert!(case.contains(part), "{part:?} is not in: {case}");
    }
    let known = printed(&mut ours("explain submit/empty-function-name"));
    assert!(known.contains("\nC gearmand 1.1 is known to fail: "));
    for id in ["P-SUB-12", "p-sub-12"] {
        let row = printed(&mut ours(&format!("explain {id}")));
        assert!(row.starts_with("P-SUB-12 (should, "), "{row}");
        assert!(row.contains("\nsubmit/unique-of-65-bytes  "), "{row}");
    }
    let codes = printed(&mut ours("explain exit"));
    assert_eq!(codes, gearbench::cli::exit::markdown());
}

#[test]
fn what_there_is_can_be_listed() {
    let cases = printed(&mut ours("list cases"));
    assert!(cases.contains("\nsubmit/job-runs "), "{cases}");
    assert!(cases.contains("  (hazardous)\n"), "{cases}");
    let rows = cases.lines().count() - 1;
    assert!(cases.ends_with(&format!("\n{rows} cases\n")));

    let requirements = printed(&mut ours("list requirements"));
    assert!(
        requirements.contains("\nP-SUB-12    should "),
        "{requirements}"
    );

    let profiles = printed(&mut ours("list profiles"));
    let names = profiles.lines().filter_map(|line| line.split(' ').next());
    let names: Vec<&str> = names.collect();
    for name in ["gearbench", "gearmand-1.1", "perl-gearman-server", "none"] {
        let count = names.iter().filter(|known| **known == name).count();
        assert_eq!(count, 1, "{name} in {profiles}");
    }

    let coverage = printed(&mut ours("list coverage"));
    assert!(coverage.starts_with("# "), "{coverage}");
    assert!(coverage.contains("| **P-SUB-12** "), "{coverage}");
    assert!(coverage.contains("`submit/unique-of-65-bytes`"));
}
