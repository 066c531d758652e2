//! Reports made by hand, for tests.

use super::{
    CaseResult, Conformance, Counts, Document, FailureDetail, Level, ProfileInfo, SCHEMA_VERSION,
    ServerInfo, Verdict,
};

/// A case without details.
pub(super) fn case(id: &str, verdict: Verdict) -> CaseResult {
    let area = id.split('/').next().unwrap_or_default();
    let reason = match verdict {
        Verdict::Skip => Some("needs grab-uniq, which the profile does not have"),
        Verdict::Known => Some("jobs of one priority are handed out last in, first out"),
        Verdict::Fixed => Some("the profile lists it: uniques are not limited"),
        Verdict::Blocked => Some("submit/job-runs failed"),
        Verdict::Error => Some("no free port"),
        _ => None,
    };
    CaseResult {
        id: id.to_owned(),
        area: area.to_owned(),
        split: "none".to_owned(),
        level: Level::Must,
        requirements: vec!["P-SUB-12".to_owned()],
        rule: "A unique of 65 bytes is refused, and the connection goes on.".to_owned(),
        source: "PROTOCOL, Client Requests: SUBMIT_JOB".to_owned(),
        verdict,
        reason: reason.map(str::to_owned),
        took_ms: 1.25,
        failure: None,
        repeat: None,
    }
}

/// A case that fails, with all there is to say about it.
pub(super) fn failing(id: &str) -> CaseResult {
    let trace = "     0.000 ms  client connects\n     0.112 ms  client > SUBMIT_JOB \"f\" \"uuu\" \
                 \"x\"\n                           005245510000000700000045\n     0.310 ms  client \
                 < JOB_CREATED \"H:box:1\"\n";
    CaseResult {
        failure: Some(FailureDetail {
            file: "conformance/submit.toml".to_owned(),
            line: 42,
            step: "client < ERROR _ _".to_owned(),
            cause: "client expected ERROR _ _, found JOB_CREATED \"H:box:1\"".to_owned(),
            expected: Some("ERROR _ _".to_owned()),
            found: Some("JOB_CREATED \"H:box:1\"".to_owned()),
            trace: trace.to_owned(),
            server: None,
            requirement_text: vec![
                "P-SUB-12 (must): SUBMIT_JOB with a unique of 65 bytes — ERROR, no job".to_owned(),
            ],
        }),
        repeat: Some(format!("gearbench conform {id} --target 127.0.0.1:4730")),
        ..case(id, Verdict::Fail)
    }
}

/// A report of these cases.
pub(super) fn with_cases(cases: Vec<CaseResult>) -> Conformance {
    let bad = cases.iter().any(|case| case.verdict.is_bad());
    Conformance {
        schema_version: SCHEMA_VERSION,
        kind: Document::Conformance,
        gearbench: "0.1.0".to_owned(),
        server: ServerInfo {
            name: "gearmand".to_owned(),
            version: Some("1.1.20".to_owned()),
            target: "127.0.0.1:4730".to_owned(),
        },
        profile: ProfileInfo {
            name: "gearmand-1.1".to_owned(),
            evidence: vec!["`version` answers OK 1.1.20".to_owned()],
        },
        splits: vec!["none".to_owned(), "byte".to_owned()],
        level: "should".to_owned(),
        hazardous: false,
        started: 1_700_000_000,
        took_ms: 2345.6,
        namespace: "gb-7f3a".to_owned(),
        timeout_ms: 2000,
        counts: Counts::of(&cases),
        notes: Vec::new(),
        interrupted: false,
        exit_code: if bad { 4 } else { 0 },
        exit_codes: vec![if bad { 4 } else { 0 }],
        cases,
    }
}

/// One case of each verdict.
pub(in crate::report) fn report() -> Conformance {
    let mut error = failing("admin/status");
    error.verdict = Verdict::Error;
    error.reason = Some("no free port".to_owned());
    error.split = "byte".to_owned();
    let mut quirk = case("worker/quirk", Verdict::Note);
    quirk.level = Level::Observed;
    with_cases(vec![
        case("submit/job-runs", Verdict::Pass),
        failing("submit/unique-65-bytes"),
        case("worker/grab-order", Verdict::Known),
        case("worker/grab-uniq", Verdict::Skip),
        case("worker/unique-limit", Verdict::Fixed),
        quirk,
        case("admin/after", Verdict::Blocked),
        error,
    ])
}

/// What a hostile server can put into a report.
pub(super) const HOSTILE: &str = "\x1b[31m\0]]> <script>alert(1)</script> </td> | ` ``` \
                                  {{ 7*7 }} @octocat &amp; \u{202e}\u{9b}\u{ffff}\" ' \r\n# x";

/// A report in which everything that comes from a peer is hostile.
pub(super) fn hostile() -> Conformance {
    let text = || HOSTILE.to_owned();
    let mut case = failing("submit/unique-65-bytes");
    if let Some(failure) = &mut case.failure {
        failure.cause = text();
        failure.expected = Some(text());
        failure.found = Some(text());
        failure.trace = text();
        failure.server = Some(text());
        failure.step = text();
    }
    case.repeat = Some(text());
    let mut known = self::case("submit/known", Verdict::Known);
    known.reason = Some(text());
    let mut skip = self::case("submit/skip", Verdict::Skip);
    skip.reason = Some(text());
    let mut report = with_cases(vec![case, known, skip]);
    report.server.name = text();
    report.server.version = Some(text());
    report.server.target = text();
    report.profile.evidence = vec![text()];
    report.notes = vec![text()];
    report
}

/// What several servers might come to, the same at every call.
pub(super) fn servers(cases: usize, servers: usize) -> Vec<Conformance> {
    const NAMES: [(&str, &str, &str); 6] = [
        ("gearmand", "1.1.20", "gearmand-1.1"),
        ("gearmand", "1.1.22", "gearmand-1.1"),
        ("Gearman::Server", "1.130.2", "perl"),
        ("java-gearman-service", "0.6.6", "java"),
        ("gearbench serve", "0.1.0", "gearbench"),
        ("gearhulk", "1.2.0", "gearhulk"),
    ];
    let each = NAMES.iter().take(servers).enumerate();
    each.map(|(server, (name, version, profile))| {
        let cases = (0..cases).map(|index| some_case(index, server));
        let mut report = with_cases(cases.collect());
        report.server.name = (*name).to_owned();
        report.server.version = Some((*version).to_owned());
        report.profile.name = (*profile).to_owned();
        report
    })
    .collect()
}

fn some_case(index: usize, server: usize) -> CaseResult {
    const AREAS: [&str; 9] = [
        "submit",
        "worker",
        "grab",
        "status",
        "options",
        "admin",
        "framing",
        "coalescing",
        "limits",
    ];
    const ROWS: [(&str, &str); 6] = [
        (
            "job-runs",
            "A job that is submitted reaches a worker that can do it.",
        ),
        (
            "not-woken-for-other-function",
            "A sleeping worker is not woken for a function that it cannot do.",
        ),
        (
            "late-client-joins-running-job",
            "A client that submits the unique of a running job receives its result.",
        ),
        (
            "exception-without-option",
            "WORK_EXCEPTION becomes WORK_FAIL for a client that has not asked for exceptions.",
        ),
        (
            "handle-unknown",
            "WORK_COMPLETE for a handle that does not exist is answered by ERROR, and the connection goes on.",
        ),
        (
            "empty-function-name",
            "A function without a name is refused.",
        ),
    ];
    let area = AREAS[(index / 30) % AREAS.len()];
    let (name, rule) = ROWS[index % ROWS.len()];
    let id = format!("{area}/{name}-{}", index % 30 / ROWS.len() + 1);
    // A multiplicative hash: spread, and the same everywhere.
    let lot = (index * 31 + server * 17).wrapping_mul(2_654_435_761) >> 8 & 0xff;
    let rough = [12, 10, 40, 30, 2, 36][server % 6];
    let level = match index % 9 {
        0..5 => Level::Must,
        5..8 => Level::Should,
        _ => Level::Observed,
    };
    let mut case = match (lot, level) {
        (240.., _) => case(&id, Verdict::Skip),
        (lot, Level::Observed) if lot < rough * 3 => case(&id, Verdict::Note),
        (lot, _) if lot < rough / 8 => failing(&id),
        (lot, _) if lot < rough => case(&id, Verdict::Known),
        _ => case(&id, Verdict::Pass),
    };
    if case.verdict == Verdict::Known && index.is_multiple_of(2) {
        case.reason =
            Some("answers ERROR only when the packet is the first of the connection".into());
    }
    case.rule = rule.to_owned();
    case.level = level;
    case
}
