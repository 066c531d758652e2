//! Files that are no results, or results that somebody edited, cut or made up: each is refused
//! with its place, and none is read for something that it is not.

use super::{a_run, report};
use crate::cli::refuses;
use crate::support::TempDir;
use gearbench::report::Report;
use serde_json::{Value, json};

/// Files that the program itself is given; what is wrong with all others is held in this process.
const BY_THE_PROGRAM: usize = 25;

/// A file's content, and words that the refusal must have.
struct Odd {
    content: Vec<u8>,
    words: String,
}

fn odd(content: impl Into<Vec<u8>>, words: impl Into<String>) -> Odd {
    Odd {
        content: content.into(),
        words: words.into(),
    }
}

/// Every place of a document, as a JSON pointer and as errors write it.
fn places(value: &Value, pointer: &str, name: &str, found: &mut Vec<(String, String)>) {
    if !pointer.is_empty() {
        found.push((pointer.to_owned(), name.to_owned()));
    }
    let inside: Vec<(String, String, &Value)> = match value {
        Value::Object(entries) => {
            let dot = if name.is_empty() { "" } else { "." };
            let named = entries.iter();
            named
                .map(|(key, inner)| (key.clone(), format!("{dot}{key}"), inner))
                .collect()
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            // Alike elements need no more than one visit.
            let some = numbered.take(2);
            some.map(|(at, inner)| (at.to_string(), format!("[{at}]"), inner))
                .collect()
        }
        _ => Vec::new(),
    };
    for (step, words, inner) in inside {
        let (pointer, name) = (format!("{pointer}/{step}"), format!("{name}{words}"));
        places(inner, &pointer, &name, found);
    }
}

/// Where anything may stand.
fn is_free(name: &str) -> bool {
    name.starts_with("plan") || name.starts_with("labels")
}

/// The document with another value, another key, or the same key twice at each place.
fn mutations(result: &Value) -> Vec<Odd> {
    let mut all = Vec::new();
    let mut found = Vec::new();
    places(result, "", "", &mut found);
    for (pointer, name) in found.iter().filter(|(_, name)| !is_free(name)) {
        let mut wrong = result.clone();
        if let Some(value) = wrong.pointer_mut(pointer) {
            *value = match value {
                Value::Array(_) | Value::Object(_) => json!(true),
                _ => json!([[]]),
            };
        }
        // A histogram is judged as a whole, so its errors name the place around it.
        let place = name.split(".latency").next().unwrap_or(name);
        let place = place.split(".response.").next().unwrap_or(place);
        all.push(odd(wrong.to_string(), place));

        let (around, key) = pointer.rsplit_once('/').expect("a pointer");
        let Some(Value::Object(entries)) = result.pointer(around) else {
            continue;
        };
        let mut renamed = entries.clone();
        let value = renamed.remove(key).expect("the key");
        renamed.insert(format!("{key}_"), value.clone());
        let text = with(result, around, &Value::Object(renamed).to_string());
        if !name.contains("percentiles.") && !matches!(key, "kind" | "run_id" | "schema_version") {
            all.push(odd(text, format!("{key}_")));
        }
        let inner = Value::Object(entries.clone()).to_string();
        let twice = format!("{},{}:{value}}}", &inner[..inner.len() - 1], json!(key));
        all.push(odd(
            with(result, around, &twice),
            format!("the key \"{key}\" is there twice"),
        ));
    }
    all
}

/// The document with other text at one place.
fn with(document: &Value, pointer: &str, text: &str) -> String {
    const MARK: &str = "the place of the other text";
    let mut marked = document.clone();
    if let Some(value) = marked.pointer_mut(pointer) {
        *value = json!(MARK);
    }
    marked.to_string().replace(&json!(MARK).to_string(), text)
}

/// Contradictions, units, other tools' files, and what was never JSON.
fn handmade(result: &Value, pretty: &str) -> Vec<Odd> {
    let set = |pointer: &str, text: &str, words: &str| odd(with(result, pointer, text), words);
    let mut all = vec![
        odd("", "line 1"),
        odd(" \n\n", "line 3"),
        odd("{}", "neither a \"kind\" nor a \"run_id\""),
        odd("[]", "line 1"),
        odd("null", "line 1"),
        odd("\"result\"", "line 1"),
        odd("12", "line 1"),
        odd("jobs per second: 12", "line 1"),
        odd("<html></html>", "line 1"),
        odd([0xff, 0xfe, 0, 1], "byte 0 is not UTF-8"),
        odd(b"{\"run_id\": \"\xc3\x28\"}", "byte 12 is not UTF-8"),
        odd("[".repeat(1 << 20), "recursion limit"),
        odd("{\"a\":".repeat(100_000), "recursion limit"),
        odd("{\"metrics\": {\"http_reqs\": {\"count\": 5}}}", "neither"),
        odd("{\"kind\": \"load\\u001b[2J\"}", "kind \"load\\x1b[2J\""),
        odd("{\"kind\": 5}", "kind \"5\""),
        odd("{\"kind\": \"load\"}", "missing field"),
        odd(format!("{pretty}{pretty}"), "trailing characters"),
        odd(format!("\u{feff}{pretty}"), "line 1, column 1"),
        odd(pretty.replace("\"seed\"", "\"seed"), "line "),
        set("/schema_version", "2", "schema_version: 2"),
        set("/schema_version", "-1", "schema_version: -1"),
        set("/schema_version", "1.5", "schema_version: 1.5"),
        set("/phases/0/seconds", "NaN", "line 1"),
        set("/phases/0/seconds", "Infinity", "line 1"),
        set("/phases/0/seconds", "1e999", "out of range"),
        set(
            "/phases/0/seconds",
            "-1",
            "phases[0].seconds: -1 is less than nothing",
        ),
        set(
            "/phases/0/seconds",
            "1e300",
            "phases[0].seconds: 1e300 is more than any run has",
        ),
        set("/phases/0/seconds", "\"10s\"", "phases[0].seconds"),
        set("/phases/0/sent", "-1", "phases[0].sent"),
        set("/phases/0/sent", "1.5", "phases[0].sent"),
        set("/phases/0/sent", "99999999999999999999", "phases[0].sent"),
        set("/load", "\"ajar\"", "load: unknown variant `ajar`"),
        set("/verdict/exit_code", "256", "verdict.exit_code"),
        set(
            "/verdict/exit_code",
            "5",
            "verdict.exit_code: 5 with 0 findings",
        ),
        set("/ledger/ok", "1", "ledger.sent: is not"),
        set(
            "/ledger/shed",
            "18446744073709551615",
            "ledger.scheduled: is not",
        ),
        set(
            "/series",
            "[{\"at_seconds\":2,\"sent\":0,\"completed\":0,\"in_flight\":0},\
             {\"at_seconds\":1,\"sent\":0,\"completed\":0,\"in_flight\":0}]",
            "series[1].at_seconds: 1 comes after 2",
        ),
    ];
    let latency = "/phases/0/stages/0/latency";
    for (field, text, words) in [
        ("unit", "\"ms\"", "unit: expected \"ns\", found \"ms\""),
        ("count", "7", "count: 7, but the histogram has "),
        ("max", "7", "max: 7, but the histogram has "),
        ("percentiles", "{\"50\": 1}", "percentiles: \"50\" is 1"),
        ("percentiles", "{\"101\": 1}", "percentiles: \"101\""),
        ("hdr_v2_base64", "\"\"", "no HDR V2 histogram"),
        ("hdr_v2_base64", "\"!\"", "hdr_v2_base64"),
        ("hdr_v2_base64", "\"AAAA\"", "no HDR V2 histogram"),
        // Claims four gigabytes to come.
        (
            "hdr_v2_base64",
            "\"HISTE/////8AAAAAAAAAAwAAAAAAAAABAAADRjC4oAA/8AAAAAAAAA==\"",
            "no HDR V2 histogram",
        ),
    ] {
        all.push(set(&format!("{latency}/{field}"), text, words));
    }
    let twice = format!("{0},{0}", result["phases"][0]["stages"][0]);
    all.push(set(
        "/phases/0/stages",
        &format!("[{twice}]"),
        "phases[0].stages[1].name",
    ));
    // Cut at every hundredth part.
    for part in 1..100 {
        let at = pretty.len() * part / 100;
        let at = (at..)
            .find(|at| pretty.is_char_boundary(*at))
            .expect("a boundary");
        all.push(odd(&pretty[..at], "line "));
    }
    all
}

#[test]
fn odd_files_are_refused_with_their_place() {
    let files = a_run("--jobs 400 --workers 2 --outstanding 4 --clients 2");
    let pretty = crate::cli::read(&files, "result.json");
    let result: Value = serde_json::from_str(&pretty).expect("JSON");
    assert!(Report::from_json(&pretty).is_ok());
    let mutated = mutations(&result);
    let handmade = handmade(&result, &pretty);
    assert!(mutated.len() + handmade.len() >= 200);
    let scratch = TempDir::new();
    let path = scratch.file("odd.json");
    let every = mutated.len() / BY_THE_PROGRAM;
    for (index, odd) in mutated.iter().chain(&handmade).enumerate() {
        std::fs::write(&path, &odd.content).expect("a file");
        let shown = String::from_utf8_lossy(&odd.content);
        let shown = shown.chars().take(300).collect::<String>();
        let Err(error) = Report::read(&path) else {
            panic!("no error about {:?}: {shown}", odd.words);
        };
        let error = error.to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(
            error.contains(&odd.words),
            "{:?} is not in {error}: {shown}",
            odd.words
        );
        assert!(
            !error.contains('\u{1b}') && error.lines().count() == 1,
            "{error}"
        );
        if index % every.max(1) == 0 {
            refuses(
                &report(&[&path], "--format html"),
                2,
                &[&odd.words, "odd.json"],
            );
        }
    }
}

#[test]
fn what_is_no_file_of_a_bearable_size_is_refused() {
    let scratch = TempDir::new();
    let missing = scratch.file("missing.json");
    refuses(
        &report(&[&missing], ""),
        2,
        &["missing.json: cannot read it"],
    );
    refuses(&report(&[scratch.path()], ""), 2, &["cannot read it"]);
    // A terabyte of nothing, which takes no room on the disk.
    let huge = scratch.file("huge.json");
    let file = std::fs::File::create(&huge).expect("a file");
    file.set_len(1 << 40).expect("a length");
    refuses(
        &report(&[&huge], ""),
        2,
        &["huge.json: more than 268435456 bytes"],
    );
}
