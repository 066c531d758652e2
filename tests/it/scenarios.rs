//! Scenarios: those that come with the program each run and lose nothing; files that are none
//! are refused with their place; a plan that was written down is the same plan again.

use crate::support::TempDir;
use gearbench::engine::Policy;
use gearbench::load::scenario::file::{Written, names};
use gearbench::load::{self, Control, LoadPhase, Phases, RunId, Scenario};
use gearbench::report::Kind;
use gearbench::server::{Background, Listener};
use std::time::Duration;

/// The scenario in small: about a second, on any machine.
fn in_small(mut scenario: Scenario) -> Scenario {
    const RATE: f64 = 200.0;
    let at_most = |value: &mut Option<u64>, most| *value = value.map(|value| value.min(most));
    at_most(&mut scenario.clients, 10);
    at_most(&mut scenario.workers, 20);
    at_most(&mut scenario.functions, 50);
    at_most(&mut scenario.outstanding, 2);
    at_most(&mut scenario.backlog, 500);
    scenario.rate = scenario.rate.map(|rate| rate.min(RATE));
    if let Some(Phases(phases)) = &mut scenario.phases {
        let highest = phases.iter().map(|phase| phase.rate.highest());
        let by = RATE / highest.fold(RATE, f64::max);
        for LoadPhase { rate, .. } in phases {
            *rate = rate.scaled(by);
        }
    }
    if scenario.backlog.is_none() {
        scenario.duration = Some(Duration::from_secs(1));
    }
    scenario.warmup = Some(Duration::ZERO);
    scenario.drain = Some(Duration::from_secs(60));
    scenario.timeout = Some(Duration::from_secs(60));
    scenario.epoch = scenario.epoch.map(|_| Duration::from_millis(200));
    scenario.service = scenario.service.map(|_| "exp:1ms".parse().expect("a time"));
    // A machine that is busy with other things meets no service level.
    scenario.slo = None;
    if let Some(faults) = &mut scenario.fault {
        for fault in faults {
            let sooner = |time: Duration| time / 40;
            fault.at = fault.at.map(sooner);
            fault.every = fault.every.map(|time| time.min(Duration::from_millis(200)));
            fault.length = fault.length.map(sooner);
        }
    }
    scenario
}

#[test]
fn every_scenario_runs_and_loses_nothing() {
    let listener = Listener::bind("127.0.0.1", 0, 1024).expect("a port");
    let server = Background::start(listener, Policy::default()).expect("a server");
    let target = server.address().to_string();
    for name in names() {
        let written = Written::open(&format!("@{name}")).expect("a scenario");
        let plan = in_small(written.scenario)
            .plan(&target, RunId::fresh(), 7)
            .unwrap_or_else(|error| panic!("@{name}: {error}"));
        let report = load::run(plan, Control::default())
            .unwrap_or_else(|error| panic!("@{name}: {error}"))
            .report;
        let books = report.ledger;
        let findings = &report.verdict.findings;
        let broken = findings
            .iter()
            .any(|finding| finding.kind == Kind::Invariant);
        assert!(
            !broken && books.lost == 0,
            "@{name}: {findings:?} {books:?}"
        );
        assert!(books.ok > 0, "@{name}: {findings:?} {books:?}");
    }
}

#[test]
fn every_scenario_opens_with_the_question_it_answers() {
    for name in names() {
        let path = format!("{}/bench-scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.starts_with("question = \""), "{path}");
        assert!(
            text.contains("?\"\n\n# "),
            "{path}: a question, then what it means"
        );
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(110), "{path}");
    }
}

#[test]
fn a_plan_is_a_scenario_of_an_equal_plan() {
    for name in names() {
        let scenario = Written::open(&format!("@{name}"))
            .expect("a scenario")
            .scenario;
        let plan = scenario
            .plan("localhost:4730", RunId(1), 7)
            .expect("a plan");
        let text = toml::to_string(&plan).expect("TOML");
        let again = Written::parse("plan.toml", text.clone())
            .expect("a scenario")
            .scenario;
        let again = again.plan("elsewhere:1", RunId(1), 8).expect("a plan");
        assert_eq!(again, plan, "@{name}:\n{text}");
    }
}

/// Files that are no scenarios: where they are wrong, and words that say what would be right.
const ODD: &[(&str, &str, &str)] = &[
    ("clients = \"many\"", "1:11", "whole number"),
    ("clients = -1", "1:11", "whole number"),
    ("clients = 1.5", "1:11", "whole number"),
    ("clients = true", "1:11", "whole number"),
    ("clients = [1]", "1:11", "whole number"),
    ("clients = { a = 1 }", "1:11", "whole number"),
    ("clients = nan", "1:11", "whole number"),
    ("clients = 99999999999999999999", "1:11", "integer"),
    ("clients = 1e300", "1:11", "whole number"),
    ("clients = 1979-05-27", "1:11", "whole number"),
    ("clients =", "1:10", "value"),
    ("clients", "1:8", "="),
    ("clients = 3\nclients = 4", "2:1", "duplicate"),
    ("client = 3", "1:1", "clients"),
    ("Clients = 3", "1:1", "clients"),
    ("\n\nratee = 5", "3:1", "rate"),
    ("[load]\nrate = 5", "1:2", "unknown key load"),
    ("rate = nan", "1:8", "rate per second"),
    ("rate = inf", "1:8", "rate per second"),
    ("rate = 0", "1:8", "rate per second"),
    ("rate = \"5 parsecs\"", "1:8", "rate per second"),
    ("rate = \"5k/min\"", "1:8", "rate per second"),
    ("rate = 1e300", "1:1", "--rate"),
    ("duration = \"5 years\"", "1:12", "duration"),
    ("duration = -3", "1:12", "duration"),
    ("duration = \"1e300s\"", "1:12", "duration"),
    ("duration = \"4000000h\"", "1:1", "720h"),
    ("duration = 0", "1:1", "--duration"),
    ("payload = \"4x\"", "1:11", "size"),
    ("payload = \"4k..64\"", "1:11", "grows"),
    ("payload = \"9g\"", "1:11", "1g"),
    ("payload = 3", "1:1", "24"),
    ("payload = \"lognormal:1k\"", "1:11", "sigma"),
    ("payload = \"lognormal:1k,99\"", "1:11", "sigma"),
    ("payload = \"lognormal:1k,nan\"", "1:11", "sigma"),
    ("payload = \"file:/nowhere/at/all\"", "1:11", "file"),
    ("priority = \"urgent=1\"", "1:12", "high=1"),
    ("background = 101", "1:14", "0 to 100"),
    ("fail = 60\nexception = 60", "2:1", "100"),
    ("service = \"slow\"", "1:11", "fixed:1ms"),
    ("service = \"exp:5 m s\"", "1:11", "duration"),
    ("arrival = \"burst:0\"", "1:11", "burst:100"),
    ("arrival = \"poisson\"", "1:1", "--rate"),
    ("unique = \"pool:0\"", "1:10", "pool:1000"),
    ("grab = \"one\"", "1:8", "classic"),
    ("mode = \"ajar\"", "1:8", "closed or open"),
    ("mode = \"open\"", "1:1", "--rate"),
    ("mode = \"closed\"\nrate = 5", "1:1", "--rate"),
    ("rate = 5\noutstanding = 3", "2:1", "--outstanding"),
    ("rate = 5\nphases = \"1k:1s\"", "1:1", "--rate"),
    ("phases = \"1k\"", "1:10", "1k:30s"),
    ("phases = [\"1k:1s\", 5]", "1:20", "phase"),
    ("[[phases]]\nrate = \"1k\"", "1:1", "duration"),
    (
        "[[phases]]\nrate = \"1k\"\nduration = \"1s\"\nduraton = 3",
        "4:1",
        "duration",
    ),
    (
        "[[phases]]\nname = \"\\u0007\"\nrate = 5\nduration = 1",
        "1:1",
        "name",
    ),
    ("fault = \"kill-server:at=1s\"", "1:9", "kill-worker"),
    ("fault = [\"kill-worker\"]", "1:10", "every=5s"),
    ("fault = [\"kill-worker:every=0s\"]", "1:10", "longer"),
    ("fault = [\"stall-worker:at=1s\"]", "1:10", "for=2s"),
    ("fault = [\"server-restart:at=1s\"]", "", "--restart-cmd"),
    (
        "slo = [\"response.p99 > 20ms\"]",
        "1:8",
        "response.p99 < 20ms",
    ),
    ("slo = [\"respons.p99 < 20ms\"]", "1:8", "response.p99"),
    ("slo = [\"errors < 20ms\"]", "1:8", "percentage"),
    ("invariants = \"lots\"", "1:14", "lost"),
    ("workers = 0", "1:1", "--background 100"),
    ("threads = 1000", "1:1", "--threads"),
    ("clients = 0", "1:1", "nothing to do"),
    ("seed = -1", "1:8", "2^64"),
    ("question = 5", "1:12", "string"),
    ("target = 4730", "1:10", "string"),
    ("label = \"a\"", "1:9", "map"),
    ("{\"schema_version\": 1, \"plan\": {}}", "1:1", "key"),
    ("<?xml version=\"1.0\"?>", "1:7", "key"),
    ("question = \"half a", "1:", "\""),
    ("# \u{0} nothing", "1:3", "comment"),
];

#[test]
fn odd_files_are_refused_with_their_place_and_the_cure() {
    let mut wrong = Vec::new();
    for (text, place, words) in ODD {
        let message = refusal(text);
        let at = match place.is_empty() {
            true => message.is_some(),
            false => message
                .as_ref()
                .is_some_and(|m| m.starts_with(&format!("odd.toml:{place}"))),
        };
        let message = message.unwrap_or_else(|| "it is a plan".to_owned());
        if !at || !message.contains(words) {
            wrong.push(format!("{text:?} at {place}, {words:?}: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Why the text is no plan.
fn refusal(text: &str) -> Option<String> {
    let written = match Written::parse("odd.toml", text.to_owned()) {
        Ok(written) => written,
        Err(error) => return Some(error.to_string()),
    };
    let scenario = written.scenario.clone();
    let error = scenario.plan("localhost:4730", RunId(1), 1).err()?;
    let placed = written.place(&error).map(|placed| placed.to_string());
    Some(placed.unwrap_or_else(|| error.to_string()))
}

#[test]
fn files_that_are_no_text_are_refused_by_their_names() {
    let dir = TempDir::new();
    let path = dir.file("odd.toml");
    for (bytes, words) in [
        (
            b"clients = 3\nworkers = \xff\xfe".to_vec(),
            "odd.toml:2:11: not UTF-8",
        ),
        (vec![b'#'; 3 << 20], "odd.toml: more than 1048576 bytes"),
        (
            [0x7f, b'E', b'L', b'F', 2, 1, 1, 0].to_vec(),
            "odd.toml:1:9",
        ),
    ] {
        std::fs::write(&path, bytes).expect("a file");
        let error = Written::open(path.to_str().expect("UTF-8")).expect_err("no scenario");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = Written::open(dir.file("none.toml").to_str().expect("UTF-8"));
    assert!(
        error
            .expect_err("no file")
            .to_string()
            .contains("none.toml: cannot read")
    );
    let error = Written::open("@spyke")
        .expect_err("no scenario")
        .to_string();
    assert!(
        error.contains("@spike") && error.contains("list scenarios"),
        "{error}"
    );
}

#[test]
fn the_directory_lists_all_scenarios_with_their_questions() {
    let path = format!("{}/bench-scenarios/README.md", env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(path).expect("a file");
    for name in names() {
        let written = Written::open(&format!("@{name}")).expect("a scenario");
        let question = written.scenario.question.expect("a question");
        let row = format!("| [`@{name}`]({name}.toml) | {question} |\n");
        assert!(readme.contains(&row), "{row}");
    }
}
