//! Lines of the text protocol: parsed, and answered by an engine.

use crate::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use crate::protocol::admin::Command;
use crate::protocol::{Body, ConnId, Priority, Request, Response, Submit};
use slotmap::SlotMap;

/// What the server has said to the one who asks.
#[derive(Default)]
struct Answer(Vec<u8>);

impl Outbox for Answer {
    fn send(&mut self, _: ConnId, response: Response<'_>) {
        assert!(matches!(response, Response::JobCreated { .. }));
    }

    fn text(&mut self, _: ConnId, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    fn close(&mut self, _: ConnId) {}
}

/// Each line is a command or none, whatever its line end and the case of its letters; each is
/// answered with whole lines, and with no other control characters.
pub(super) fn admin(data: &[u8]) {
    let mut server = JobServer::new(Policy::default());
    let mut ids = SlotMap::<ConnId, ()>::with_key();
    let conn = ids.insert(());
    let now = Timestamp::from_secs(1_700_000_000);
    let mut answer = Answer::default();
    server.handle(
        now,
        Event::Connected(conn, PeerInfo::default()),
        &mut answer,
    );
    for unique in [b"".as_slice(), b"u"] {
        let job = Request::Submit(Submit {
            function: b"f",
            unique,
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        });
        server.handle(now, Event::Request(conn, job), &mut answer);
    }
    for line in data.split(|&byte| byte == b'\n') {
        let parsed = Command::parse(line);
        if !line.ends_with(b"\0") && !line.ends_with(b"\r") {
            let ended = [line, b"\r"].concat();
            assert_eq!(Command::parse(&ended), parsed);
        }
        let shouted = line.to_ascii_uppercase();
        assert_eq!(Command::parse(&shouted).is_ok(), parsed.is_ok());
        answer.0.clear();
        server.handle(now, Event::Admin(conn, parsed), &mut answer);
        server.check_invariants();
        assert_is_text(&answer.0);
    }
}

/// Whole lines, and nothing in them that a terminal obeys.
pub(super) fn assert_is_text(answer: &[u8]) {
    assert!(answer.ends_with(b"\n"));
    let is_plain = |byte: u8| matches!(byte, b'\n' | b'\r' | b'\t') || !byte.is_ascii_control();
    let shown = answer.escape_ascii();
    assert!(answer.iter().all(|&byte| is_plain(byte)), "{shown}");
}
