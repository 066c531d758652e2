use super::*;
use crate::protocol::PACKETS;
use proptest::prelude::*;

fn parse(source: &str) -> Script {
    source
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{source}"))
}

fn error(source: &str) -> String {
    source.parse::<Script>().unwrap_err().to_string()
}

const EVERYTHING: &str = r#"
worker connects
worker > CAN_DO reverse & CAN_DO_TIMEOUT {reverse} 1000 & PRE_SLEEP
client > SUBMIT_JOB reverse u1 "abc"    # a comment
client < JOB_CREATED $h
client > SUBMIT_JOB_EPOCH f - now+2 "\0\x01\n\r\t\"\\\{\$é"
client < JOB_CREATED _
worker < NOOP | nothing |
    closed
worker > 3 times GRAB_JOB & packet 0xffffffff "" & RES ECHO_REQ "x"
worker < 3 times JOB_ASSIGN $h reverse "ab"..
worker > WORK_DATA "$h\0" "$h and {f}" & GET_STATUS_UNIQUE "ab"*32
client > text "maxqueue {reverse} 1"
client < text "OK"
client > text "status" & bytes "a\0"*9 "b" x
client < list {
    row {reverse} 1 0 1
    maybe row "now" _ ..
    never text "ERR"..
    words _ _ $id :
    ..
}
client < packet 77 "x"..
any order {
    client < WORK_FAIL $h | JOB_CREATED $h
    worker < row a
}
at least 2 {
    worker < NOOP
    client < NOOP | JOB_ASSIGN _ _ ""
    third < row $h[1..63] _[0..64] "ab"..[2..2]
}
repeat 10000 {
    # again and again
    fourth connects
    fourth > GRAB_JOB
    fourth < list {
        row $new 1
    }
    any order {
        fourth < NOOP
    }
    at least 1 {
        client < NOOP
    }
    fourth closes
}
worker is quiet
after 2s
after 1500ms
client half-closes
client is closed
worker closes
worker connects
worker resets
web connects to http
web > bytes "GET / HTTP/1.0\r\n" "\r\n"
web < http 200 "{f}" Content-Length $size[1..9] Server _
web < http 400 _ | http _ "ab".. | closed
web half-closes
web is closed
web connects
web is quiet
flood floods 26000 times ECHO_REQ "x"*1000 & text "status"
flood closes
server terminates
server starts
worker > GRAB_JOB
server dies
server starts
server exits gracefully
worker closes
server exits
"#;

/// What happens, wherever it stands in the source.
fn actions(steps: &[Step]) -> Vec<Action> {
    let action = |step: &Step| match &step.action {
        Action::Repeat { times, steps } => Action::Repeat {
            times: *times,
            steps: (actions(steps).into_iter())
                .map(|action| Step { line: 0, action })
                .collect(),
        },
        action => action.clone(),
    };
    steps.iter().map(action).collect()
}

#[test]
fn prints_back_what_it_parsed() {
    let script = parse(EVERYTHING);
    let printed = script.to_string();
    let again = parse(&printed);
    assert_eq!(actions(&again.steps), actions(&script.steps), "{printed}");
    assert_eq!(parse(&printed).to_string(), printed);
}

#[test]
fn steps_know_their_line() {
    let script = parse("\n\na connects\nany order {\na < NOOP\n}\na closes");
    let lines: Vec<usize> = script.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [3, 4, 7]);
}

#[test]
fn errors_say_where_and_what() {
    for (source, message) in [
        (
            "a > SUBMIT_JOBS f u b",
            "line 1, column 5: no packet is called SUBMIT_JOBS; the nearest name is SUBMIT_JOB",
        ),
        (
            "\n a > SUBMIT_JOB f",
            "line 2, column 6: SUBMIT_JOB takes 3 (function, unique, body), found 1",
        ),
        (
            "a > PRE_SLEEP now",
            "line 1, column 5: PRE_SLEEP takes 0 (no arguments), found 1",
        ),
        (
            "a > NOOP",
            "line 1, column 5: NOOP is not sent by clients and workers; `packet 6` sends any number",
        ),
        (
            "a < CAN_DO f",
            "line 1, column 5: CAN_DO is not sent by a job server; `packet 1` sends any number",
        ),
        (
            "a > WORK_FAIL $h",
            "line 1, column 15: $h is not bound here: no line before receives it in all of its outcomes",
        ),
        (
            "a > text \"status",
            "line 1, column 10: expected a closing `\"`, found the end of the line",
        ),
        (
            "a > ECHO_REQ \"\\q\"",
            r#"line 1, column 16: expected one of \0 \n \r \t \" \\ \{ \$ \xNN, found `\q`"#,
        ),
        (
            "a closes\na is quiet",
            "line 2, column 1: a closed before; it cannot send or receive until it connects again",
        ),
        (
            "a > PRE_SLEEP\na connects",
            "line 2, column 1: a is connected already",
        ),
        (
            "a runs",
            "line 1, column 3: expected `>`, `<`, `is`, `floods`, `connects`, `closes`, `half-closes` or `resets`, found `runs`",
        ),
        (
            "after lunch",
            "line 1, column 7: expected a time such as 2s or 300ms, a day at most, found `lunch`",
        ),
        (
            "a > ECHO_REQ \"x\"*99999999999",
            "line 1, column 17: expected how often, up to 64 MiB in all, found `99999999999`",
        ),
        (
            "any order {\na is quiet\n}",
            "line 2, column 3: expected `<`, found `is`",
        ),
        (
            "a floods GRAB_JOB\na > GRAB_JOB",
            "line 2, column 1: a flooded before; it can only close or reset",
        ),
        (
            "a floods GRAB_JOB\na is closed",
            "line 2, column 1: a flooded before; it can only close or reset",
        ),
        (
            "a floods GRAB_JOB\na half-closes",
            "line 2, column 1: a flooded before; it can only close or reset",
        ),
        (
            "a floods GRAB_JOB\na connects",
            "line 2, column 1: a flooded before; it can only close or reset",
        ),
        (
            "a floods lots",
            "line 1, column 10: no packet is called lots; the nearest name is NOOP",
        ),
        (
            "server falls",
            "line 1, column 8: expected `terminates`, `dies`, `starts`, `exits` or `exits gracefully`, found `falls`",
        ),
        (
            "server > GRAB_JOB",
            "line 1, column 8: expected `terminates`, `dies`, `starts`, `exits` or `exits gracefully`, found `>`",
        ),
        (
            "any order {\nserver < NOOP\n}",
            "line 2, column 1: expected the name of a peer, found `server`, which is the process",
        ),
        (
            "web connects to ftp",
            "line 1, column 17: expected `http`, found `ftp`",
        ),
        (
            "web connects to http\nweb > GRAB_JOB",
            "line 2, column 7: expected `bytes` to the HTTP port, found a packet or a line",
        ),
        (
            "web connects to http\nweb < http 200 _ | NOOP",
            "line 2, column 20: expected `http` or `closed` from the HTTP port, found something else",
        ),
        (
            "web connects to http\nweb is quiet",
            "line 2, column 8: expected `closed`: no request proves silence here, found `quiet`",
        ),
        (
            "web connects\nweb < http 200 _",
            "line 2, column 7: expected `http` behind `connects to http` only, found no such line",
        ),
        (
            "web connects to http\nweb < http 200",
            "line 2, column 15: expected a body, found the end of the script",
        ),
        (
            "web connects to http\nweb < http 200 _ \"Server\" _",
            "line 2, column 18: expected the name of a header, found a string",
        ),
        (
            "web connects to http\nweb < http 200 _ Server",
            "line 2, column 24: expected the value of the header, found the end of the script",
        ),
        (
            "web connects to http\nat least 1 {\nweb < http 200 _\n}",
            "line 3, column 7: expected one packet or line in `at least`, which lets the others receive nothing as it is, found `http 200 _`",
        ),
        ("server starts", "line 1, column 1: the server runs already"),
        (
            "server dies\nserver exits",
            "line 2, column 1: the server has ended before; `server starts` comes first",
        ),
        (
            "a > GRAB_JOB\nserver terminates\na is closed",
            "line 3, column 1: the server has ended before; `server starts` comes first",
        ),
        (
            "server exits\na connects",
            "line 2, column 1: the server has ended before; `server starts` comes first",
        ),
        (
            "repeat 2 {\nserver dies\n}",
            "line 2, column 1: in the next round of `repeat`: the server has ended before; `server starts` comes first",
        ),
        (
            "repeat 0 {\na > GRAB_JOB\n}",
            "line 1, column 8: expected a number of rounds from 1 to 10000, found `0`",
        ),
        (
            "repeat 10001 {\na > GRAB_JOB\n}",
            "line 1, column 8: expected a number of rounds from 1 to 10000, found `10001`",
        ),
        (
            "repeat 3 {\n}",
            "line 1, column 8: expected steps in the block, found none",
        ),
        (
            "repeat 3 {\nrepeat 3 {\na > GRAB_JOB\n}\n}",
            "line 2, column 1: expected a `repeat` in no other, found one in another",
        ),
        (
            "repeat 3 {\na > GRAB_JOB",
            "line 2, column 13: expected the name of a peer, `after`, `any order`, `at least` or `}`, found the end of the script",
        ),
        (
            "repeat 2 {\na > GRAB_JOB\na closes\n}",
            "line 2, column 1: in the next round of `repeat`: a closed before; it cannot send or receive until it connects again",
        ),
        (
            "repeat 2 {\na connects\n}",
            "line 2, column 1: in the next round of `repeat`: a is connected already",
        ),
        (
            "repeat 2 {\na < JOB_CREATED $h\n}\na > WORK_FAIL $h",
            "line 4, column 15: $h is not bound here: no line before receives it in all of its outcomes",
        ),
        (
            "repeat 2 {\na > WORK_FAIL $h\na < JOB_CREATED $h\n}",
            "line 2, column 15: $h is not bound here: no line before receives it in all of its outcomes",
        ),
        (
            "at least 2 {\na < NOOP\n}",
            "line 1, column 10: expected a number from 1 to that of the lines in the block, found `2` for 1",
        ),
        (
            "at least one {\na < NOOP\n}",
            "line 1, column 10: expected a number from 1 to that of the lines in the block, found `one` for 1",
        ),
        (
            "at least 1 {\na < NOOP\na < NOOP\n}",
            "line 3, column 1: expected another peer in each line of `at least`, found `a` again",
        ),
        (
            "at least 1 {\na < NOOP | nothing\n}",
            "line 2, column 5: expected one packet or line in `at least`, which lets the others receive nothing as it is, found `nothing`",
        ),
        (
            "at least 1 {\na < list {\n}\n}",
            "line 2, column 5: expected one packet or line in `at least`, which lets the others receive nothing as it is, found a list",
        ),
        (
            "at least 1 {\na < 2 times NOOP\n}",
            "line 2, column 5: expected one packet or line in `at least`, which lets the others receive nothing as it is, found 2 times",
        ),
        (
            "at least 1 {\na < JOB_CREATED $h\n}\na > WORK_FAIL $h",
            "line 4, column 15: $h is not bound here: no line before receives it in all of its outcomes",
        ),
        (
            "a < JOB_CREATED $h[1..]",
            "line 1, column 19: expected a range of lengths such as [1..63], found `[1..`",
        ),
        (
            "a < JOB_CREATED $h[2..1]",
            "line 1, column 19: expected a range of lengths such as [1..63], found `[2..1`",
        ),
        (
            "a > ECHO_REQ \"x\"[1..2]",
            "line 1, column 17: expected the end of the line, found `[1..2]`",
        ),
    ] {
        assert_eq!(error(source), message, "{source}");
    }
}

#[test]
fn a_round_may_connect_again_who_was_closed() {
    parse("repeat 2 {\na connects\na < JOB_CREATED $h\na > WORK_FAIL $h\na closes\n}\na connects");
    parse("repeat 2 {\na > GRAB_JOB\na is closed\na connects\n}");
    parse("repeat 1 {\na > GRAB_JOB\na closes\n}");
}

#[test]
fn a_name_is_bound_only_by_all_outcomes() {
    assert!(error("a < JOB_CREATED $h | NOOP\na > WORK_FAIL $h").contains("$h is not bound"));
    parse("a < JOB_CREATED $h | WORK_FAIL $h\na > WORK_FAIL $h");
}

fn value() -> impl Strategy<Value = Value> {
    let name = "[a-z][a-z0-9_]{0,6}";
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..12),
        "(now|_|-|[a-z0-9:]{1,9})".prop_map(String::into_bytes),
    ];
    // Two pieces of plain bytes in a row would be read as one.
    let piece =
        (bytes.clone(), name).prop_map(|(bytes, name)| [Part::Bytes(bytes), Part::Named(name)]);
    prop_oneof![
        Just(Value::default()),
        bytes.clone().prop_map(Value::bytes),
        (bytes, 0..100usize).prop_map(|(bytes, times)| Value(vec![Part::Repeat(bytes, times)])),
        name.prop_map(|name| Value(vec![Part::Named(name)])),
        (-1_000_000..1_000_000i64).prop_map(|offset| Value(vec![Part::Now(offset)])),
        proptest::collection::vec(piece, 1..3).prop_map(|pieces| Value(pieces.concat())),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let sized = (plain_pattern(), 0..100usize, 0..100usize);
    prop_oneof![
        4 => plain_pattern(),
        1 => sized.prop_map(|(pattern, least, more)| {
            Pattern::Length(Box::new(pattern), least, least + more)
        }),
    ]
}

fn plain_pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        Just(Pattern::Any),
        value().prop_map(Pattern::Exactly),
        value().prop_map(Pattern::StartsWith),
        "[a-z]{1,3}".prop_map(|name| Pattern::Exactly(Value(vec![Part::Bound(name)]))),
    ]
}

/// Values for the arguments of some row of the packet table.
fn arguments<T: std::fmt::Debug>(
    rows: fn(&PacketInfo) -> bool,
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = (PacketType, Vec<T>)> {
    let rows: Vec<&'static PacketInfo> = PACKETS.iter().filter(|row| rows(row)).collect();
    proptest::sample::select(rows).prop_flat_map(move |row| {
        let count = row.args.len() + usize::from(row.body);
        (
            Just(row.kind),
            proptest::collection::vec(one.clone(), count),
        )
    })
}

fn content() -> impl Strategy<Value = Content> {
    let packet = |(kind, args)| Content::Packet {
        magic: Magic::Req,
        kind,
        args,
    };
    prop_oneof![
        4 => arguments(PacketInfo::is_request, value().boxed()).prop_map(packet),
        1 => (any::<u32>(), value()).prop_map(|(number, data)| Content::Number {
            kind: PacketType(number),
            data,
        }),
        1 => value().prop_map(Content::Text),
        1 => proptest::collection::vec(value(), 1..4).prop_map(Content::Bytes),
    ]
}

fn line() -> impl Strategy<Value = LinePattern> {
    let separator = prop_oneof![Just(Separator::Tab), Just(Separator::Space)];
    let fields = proptest::collection::vec(pattern(), 0..5);
    prop_oneof![
        pattern().prop_map(LinePattern::Text),
        (separator, fields, any::<bool>()).prop_map(|(separator, fields, open)| {
            LinePattern::Fields {
                separator,
                fields,
                open,
            }
        }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        arguments(PacketInfo::is_response, pattern().boxed())
            .prop_map(|(kind, args)| Outcome::Packet(PacketPattern { kind, args })),
        (any::<u32>(), pattern()).prop_map(|(number, data)| Outcome::Number {
            kind: PacketType(number),
            data,
        }),
        line().prop_map(Outcome::Line),
    ]
}

fn list() -> impl Strategy<Value = Vec<Outcome>> {
    let presence = prop_oneof![
        Just(Presence::Required),
        Just(Presence::Optional),
        Just(Presence::Forbidden),
    ];
    let item = (presence, line()).prop_map(|(presence, line)| ListItem { presence, line });
    (proptest::collection::vec(item, 0..4), any::<bool>())
        .prop_map(|(items, open)| vec![Outcome::List(ListPattern { items, open })])
}

fn expectation() -> impl Strategy<Value = Expectation> {
    let outcomes = prop_oneof![
        4 => proptest::collection::vec(outcome(), 1..4),
        1 => list(),
        1 => Just(vec![Outcome::Nothing]),
        1 => Just(vec![Outcome::Closed]),
    ];
    ("[a-z]{1,5}", 1..3usize, outcomes).prop_map(|(peer, times, outcomes)| Expectation {
        peer,
        times,
        outcomes,
    })
}

/// For a peer that is connected to the HTTP port.
fn http() -> impl Strategy<Value = Action> {
    let headers = proptest::collection::vec(("[A-Za-z][A-Za-z-]{0,9}", pattern()), 0..3);
    let response = (pattern(), pattern(), headers).prop_map(|(status, body, headers)| {
        Outcome::Http(HttpPattern {
            status,
            body,
            headers,
        })
    });
    (1..3usize, proptest::collection::vec(response, 1..3)).prop_map(|(times, outcomes)| {
        Action::Expect(Expectation {
            peer: "webpeer".to_owned(),
            times,
            outcomes,
        })
    })
}

fn at_least() -> impl Strategy<Value = Action> {
    let outcomes = proptest::collection::vec(outcome(), 1..3);
    proptest::collection::vec(outcomes, 1..5).prop_map(|lines| {
        let peers = ["a", "b", "c", "d", "e"].into_iter();
        let expectation = |(peer, outcomes): (&str, _)| Expectation {
            peer: peer.to_owned(),
            times: 1,
            outcomes,
        };
        Action::AtLeast {
            count: lines.len().div_ceil(2),
            expectations: peers.zip(lines).map(expectation).collect(),
        }
    })
}

fn repeat() -> impl Strategy<Value = Action> {
    let steps = proptest::collection::vec(one_action(), 1..4);
    (1..=10_000usize, steps).prop_map(|(times, actions)| {
        let steps = actions.into_iter().map(|action| Step { line: 0, action });
        Action::Repeat {
            times,
            steps: steps.collect(),
        }
    })
}

fn action() -> impl Strategy<Value = Action> {
    let message = (1..4usize, content()).prop_map(|(times, content)| Message { times, content });
    let messages = proptest::collection::vec(message, 1..4);
    // By a peer of its own, which can do nothing else afterwards.
    let flood = ("flood[a-z0-9]{9}", messages)
        .prop_map(|(peer, messages)| Action::Flood { peer, messages });
    prop_oneof![8 => one_action(), 1 => repeat(), 1 => flood]
}

fn one_action() -> impl Strategy<Value = Action> {
    let message = (1..4usize, content()).prop_map(|(times, content)| Message { times, content });
    prop_oneof![
        Just(Action::Server(ServerStep::ExitGracefully)),
        ("[a-z]{1,5}", proptest::collection::vec(message, 1..4))
            .prop_map(|(peer, messages)| Action::Send { peer, messages }),
        expectation().prop_map(Action::Expect),
        at_least(),
        http(),
        (0..100_000u64).prop_map(|ms| Action::After(Duration::from_millis(ms))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_script_prints_back_what_it_was(wanted in proptest::collection::vec(action(), 0..8)) {
        let peer = "webpeer".to_owned();
        let wanted: Vec<Action> = [Action::ConnectHttp { peer }].into_iter().chain(wanted).collect();
        let steps = wanted.iter().cloned().map(|action| Step { line: 0, action });
        let printed = Script { steps: steps.collect() }.to_string();
        let parsed = match printed.parse::<Script>() {
            Ok(parsed) => parsed,
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{printed}"))),
        };
        prop_assert_eq!(actions(&parsed.steps), wanted, "{}", printed);
    }

    #[test]
    fn any_text_is_a_script_or_an_error(text in "(?s).{0,200}") {
        let _ = text.parse::<Script>();
    }

    #[test]
    fn any_words_are_a_script_or_an_error(
        words in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just(">"), Just("<"), Just("&"), Just("|"), Just("\n"), Just("$h"),
                Just("{f}"), Just("{"), Just("}"), Just(".."), Just("_"), Just("\"x\""),
                Just("*"), Just("3 times"), Just("list"), Just("any order"), Just("after 1s"),
                Just("ECHO_REQ"), Just("ECHO_RES"), Just("JOB_CREATED"), Just("row"), Just("text"),
                Just("packet"), Just("closes"), Just("is quiet"), Just("nothing"), Just("now+1"),
                Just("repeat 2 {"), Just("floods"), Just("connects"), Just("to http"), Just("http"), Just("server"), Just("dies"), Just("starts"),
                Just("exits"), Just("at least 1 {"), Just("[1..2]"), Just("["),
            ],
            0..30,
        )
    ) {
        let _ = words.join(" ").parse::<Script>();
    }
}
