//! The report as Markdown, for a comment on a pull request.

use super::exit::{self, cases};
use super::group;
use super::{CaseResult, Conformance, Counts, Verdict};
use crate::report::escape::{fenced, line, markdown as safe, markdown_code as code};

/// Characters that a comment may have, less room for the note on what was cut.
const ROOM: usize = 65_000;
/// Bytes of the list of what is skipped and known.
const NOTES: usize = 24 * 1024;
/// Bytes of one trace that a comment shows.
const TRACE: usize = 8 * 1024;

/// The report as Markdown: a table of areas, then the failures. It stays below 65,536 characters;
/// what does not fit is left out, and a note says how much that is.
pub fn markdown(report: &Conformance) -> String {
    let mut out = head(report);
    table(&mut out, report);
    notes(&mut out, report);
    let mut left = Vec::new();
    let mut used = out.len();
    for case in group::bad(report) {
        let part = failure(case);
        match used + part.len() <= ROOM {
            true => {
                used += part.len();
                out.push_str(&part);
            }
            false => left.push(case),
        }
    }
    if !left.is_empty() {
        out.push_str(&format!(
            "\n_{} more did not fit into a comment; the JSON and text reports have them._\n",
            cases(left.len())
        ));
    }
    out
}

fn head(report: &Conformance) -> String {
    let sign = if report.exit_code == 0 { "✅" } else { "❌" };
    let profile = &report.profile.name;
    format!(
        "### {sign} gearbench conform: {}\n\n**exit {}**: {}.\n\nProfile {}, level {}, split {}; \
         gearbench {}.\n\n",
        safe(&short(&group::server(report))),
        report.exit_code,
        safe(&exit::sentence(report)),
        code(&short(profile)),
        safe(&short(&report.level)),
        safe(&short(&report.splits.join(", "))),
        safe(&short(&report.gearbench)),
    )
}

fn table(out: &mut String, report: &Conformance) {
    let verdicts: Vec<Verdict> = Verdict::ALL
        .into_iter()
        .filter(|verdict| {
            matches!(verdict, Verdict::Pass | Verdict::Fail) || report.counts.get(*verdict) > 0
        })
        .collect();
    let words: Vec<&str> = verdicts.iter().map(|verdict| verdict.word()).collect();
    out.push_str(&format!("| area | {} |\n|---|", words.join(" | ")));
    out.push_str(&"---:|".repeat(verdicts.len()));
    out.push('\n');
    let mut row = |name: &str, counts: Counts, mark: &str| {
        let cells = verdicts.iter().map(|verdict| match counts.get(*verdict) {
            0 => " |".to_owned(),
            count => format!(" {mark}{count}{mark} |"),
        });
        let cells: String = cells.collect();
        out.push_str(&format!("| {mark}{name}{mark} |{cells}\n"));
    };
    let groups = group::areas(report);
    for (area, members) in groups.iter().take(100) {
        row(&safe(&short(area)), Counts::of(members.iter().copied()), "");
    }
    row("all", report.counts, "**");
    if let Some(more @ 1..) = groups.len().checked_sub(100) {
        out.push_str(&format!("\n_{more} more areas are in the sums only._\n"));
    }
}

fn notes(out: &mut String, report: &Conformance) {
    let mut items: Vec<String> = report.notes.iter().map(|note| safe(&short(note))).collect();
    for (reason, members) in group::reasons(report, Verdict::Skip) {
        let reason = safe(&short(&reason));
        items.push(format!("{} skipped: {reason}", cases(members.len())));
    }
    let known = group::with(report, Verdict::Known);
    items.extend(known.iter().map(|case| {
        let reason = case.reason.as_deref().unwrap_or(&case.rule);
        format!(
            "known: {}: {}",
            code(&short(&group::name(case))),
            safe(&short(reason))
        )
    }));
    if items.is_empty() {
        return;
    }
    let mut used = 0;
    let fits = |item: &&String| {
        used += item.len() + 3;
        used <= NOTES
    };
    let shown = items.iter().take_while(fits).count();
    out.push_str("\n<details><summary>Skipped, known and notes</summary>\n\n");
    for item in &items[..shown] {
        out.push_str(&format!("- {item}\n"));
    }
    if items.len() > shown {
        out.push_str(&format!("- _{} more are left out._\n", items.len() - shown));
    }
    out.push_str("\n</details>\n");
}

fn failure(case: &CaseResult) -> String {
    let mut out = format!(
        "\n<details><summary>{} {}: {}</summary>\n\n",
        case.verdict.word(),
        code(&short(&group::name(case))),
        safe(&short(&case.rule))
    );
    let failure = case.failure.as_ref();
    for text in failure.map_or(&case.requirements, |failure| &failure.requirement_text) {
        out.push_str(&format!("- shows {}\n", safe(&short(text))));
    }
    let mut item = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!("- {name} {value}\n"));
        }
    };
    item("source:", Some(safe(&short(&case.source))));
    item("reason:", case.reason.as_deref().map(|r| safe(&short(r))));
    if let Some(failure) = failure {
        item(
            "at",
            Some(code(&format!("{}:{}", failure.file, failure.line))),
        );
        item("step", Some(code(&short(&failure.step))));
        item("cause:", Some(safe(&short(&failure.cause))));
        item(
            "expected",
            failure.expected.as_deref().map(|e| code(&short(e))),
        );
        item("found", failure.found.as_deref().map(|f| code(&short(f))));
        item(
            "server:",
            failure.server.as_deref().map(|s| code(&short(s))),
        );
    }
    item("repeat:", case.repeat.as_deref().map(|r| code(&short(r))));
    if let Some(failure) = failure.filter(|failure| !failure.trace.is_empty()) {
        out.push_str(&format!("\n{}", fenced(&cut(&failure.trace, TRACE))));
    }
    out.push_str("\n</details>\n");
    out
}

/// One line, of a length that leaves room for the others.
fn short(text: &str) -> String {
    const LONGEST: usize = 400;
    let text = line(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

/// Whole lines of the start of a text, and a line that says how many are missing.
fn cut(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |line: &&str| {
        used += line.len() + 1;
        used <= room
    };
    let kept: Vec<&str> = text.lines().take_while(fits).collect();
    let missing = text.lines().count() - kept.len();
    format!("{}\n({missing} more lines)\n", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    #[test]
    fn a_comment_has_a_table_and_the_failures() {
        let text = markdown(&examples::report());
        assert!(
            text.starts_with("### ❌ gearbench conform: gearmand 1.1.20\n"),
            "{text}"
        );
        assert!(text.contains("| area | PASS | FAIL |"), "{text}");
        assert!(text.contains("| submit | 1 | 1 |"), "{text}");
        assert!(
            text.contains("<details><summary>FAIL <code>submit/unique-65-bytes</code>"),
            "{text}"
        );
        assert!(text.contains("```text\n"), "{text}");
        assert!(
            text.contains("known: <code>worker/grab-order</code>"),
            "{text}"
        );
    }

    #[test]
    fn a_comment_fits() {
        let mut report = examples::report();
        for index in 0..200 {
            let mut case = examples::failing(&format!("many/case-{index}"));
            if let Some(failure) = &mut case.failure {
                failure.trace = "0.001 ms client < \"||||||\"\n".repeat(1000);
                failure.found = Some("<@#".repeat(1000));
            }
            report.cases.push(case);
        }
        let text = markdown(&report);
        assert!(text.len() < 65_536, "{}", text.len());
        assert!(
            text.contains("cases more did not fit"),
            "{}",
            &text[text.len() - 200..]
        );
        assert!(text.contains(" more lines)\n"));
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
    }

    #[test]
    fn nothing_of_a_peer_becomes_markup() {
        let text = markdown(&examples::hostile());
        let outside: Vec<&str> = text.split("````text").collect();
        assert!(!outside[0].contains("<script"), "{}", outside[0]);
        assert!(!outside[0].contains("@octocat"));
        assert!(!text.contains(['\x1b', '\0', '\r', '\u{202e}']));
    }
}
