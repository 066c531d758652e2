//! Jobs and the disk: what is written when, and who is told.

use crate::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Record, Timestamp};
use crate::protocol::{Body, ConnId, GrabKind, Priority, Request, Response, Submit, Work};
use slotmap::{Key, SlotMap};

/// What the server said, in a word or two each: `a` and `b` are the first two connections.
#[derive(Default)]
struct Notes {
    said: Vec<String>,
    handle: Vec<u8>,
}

fn name(conn: ConnId) -> char {
    // The lower half of a key is its slot, the first of which is 1.
    let slot = conn.data().as_ffi() as u8;
    char::from(b'a' + slot - 1)
}

fn word(response: Response<'_>) -> String {
    match response {
        Response::JobCreated { .. } => "created".to_owned(),
        Response::JobAssign { .. } => "assign".to_owned(),
        Response::NoJob => "no job".to_owned(),
        Response::Noop => "noop".to_owned(),
        Response::Error { text, .. } => String::from_utf8_lossy(text).into_owned(),
        Response::Work { .. } => "work".to_owned(),
        _ => "?".to_owned(),
    }
}

impl Outbox for Notes {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        if let Response::JobAssign { handle, .. } = response {
            self.handle = handle.to_vec();
        }
        self.said.push(format!("{} {}", name(conn), word(response)));
    }

    fn text(&mut self, _: ConnId, _: &[u8]) {}

    fn close(&mut self, _: ConnId) {}

    fn store(&mut self, ticket: u64, record: &Record<'_>) {
        let unique = String::from_utf8_lossy(record.unique);
        self.said.push(format!("store {ticket} {unique}"));
    }

    fn unstore(&mut self, _: u64) {
        self.said.push("unstore".to_owned());
    }

    fn hold(&mut self, conn: ConnId) {
        self.said.push(format!("{} holds", name(conn)));
    }

    fn fill(&mut self, conn: ConnId, response: Response<'_>) {
        self.said
            .push(format!("{} gets {}", name(conn), word(response)));
    }
}

struct Play {
    server: JobServer,
    conns: SlotMap<ConnId, ()>,
    notes: Notes,
}

impl Play {
    /// A durable server with three connections; the third is a worker.
    fn new() -> (Self, [ConnId; 3]) {
        let mut play = Play {
            server: JobServer::new(Policy {
                durable: true,
                ..Policy::default()
            }),
            conns: SlotMap::with_key(),
            notes: Notes::default(),
        };
        let conns = [(); 3].map(|()| play.conns.insert(()));
        for conn in conns {
            play.event(Event::Connected(conn, PeerInfo::default()));
        }
        let (function, timeout_ms) = (b"f", None);
        let able = Request::CanDo {
            function,
            timeout_ms,
        };
        play.event(Event::Request(conns[2], able));
        (play, conns)
    }

    fn event(&mut self, event: Event<'_>) {
        self.server.handle(Timestamp(1), event, &mut self.notes);
        self.server.check_invariants();
    }

    fn submit(&mut self, conn: ConnId, unique: &[u8], background: bool) {
        let submit = Submit {
            function: b"f",
            unique,
            priority: Priority::Normal,
            background,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        };
        self.event(Event::Request(conn, Request::Submit(submit)));
    }

    fn grab(&mut self, conn: ConnId) {
        self.event(Event::Request(conn, Request::Grab(GrabKind::Classic)));
    }

    fn complete(&mut self, conn: ConnId) {
        let handle = &*std::mem::take(&mut self.notes.handle);
        let work = Work::Complete(Body::new(b"y"));
        self.event(Event::Request(conn, Request::Work { handle, work }));
    }

    /// What was said since the last time.
    fn expect(&mut self, said: &[&str]) {
        assert_eq!(std::mem::take(&mut self.notes.said), said);
    }
}

#[test]
fn a_job_is_written_then_acknowledged_then_assigned() {
    let (mut play, [a, _, worker]) = Play::new();
    play.submit(a, b"u", true);
    play.expect(&["store 1 u", "a holds"]);
    play.grab(worker);
    play.expect(&["c no job"]);
    play.event(Event::Stored(1));
    play.expect(&["a gets created"]);
    play.grab(worker);
    play.complete(worker);
    play.expect(&["c assign", "unstore"]);
}

/// Clients see the order in which they submitted: what was kept back goes before what came later.
#[test]
fn a_job_keeps_its_place_while_it_is_written() {
    let (mut play, [a, b, worker]) = Play::new();
    play.submit(a, b"first", false);
    play.submit(a, b"u", true);
    play.submit(b, b"v", true);
    play.submit(a, b"later", false);
    play.submit(b, b"last", false);
    play.event(Event::Stored(2));
    let mut order = Vec::new();
    for _ in 0..5 {
        play.grab(worker);
        order.push(std::mem::take(&mut play.notes.handle));
    }
    let number = |handle: &Vec<u8>| {
        let text = String::from_utf8_lossy(handle);
        let digits = text.rsplit(':').next().map(str::parse::<u64>);
        digits.unwrap().unwrap()
    };
    let order: Vec<u64> = order.iter().map(number).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn who_joins_a_job_that_is_being_written_waits_with_the_first() {
    let (mut play, [a, b, _]) = Play::new();
    play.submit(a, b"u", true);
    play.submit(b, b"u", true);
    play.expect(&["store 1 u", "a holds", "b holds"]);
    play.event(Event::Stored(1));
    play.expect(&["a gets created", "b gets created"]);
    play.submit(b, b"u", true);
    play.expect(&["b created"]);
}

#[test]
fn a_job_that_is_not_written_is_refused_to_all_who_submitted_it() {
    let (mut play, [a, b, worker]) = Play::new();
    play.submit(a, b"u", true);
    play.submit(b, b"u", true);
    play.submit(b, b"v", true);
    play.expect(&["store 1 u", "a holds", "b holds", "store 2 v", "b holds"]);
    play.event(Event::NotStored(1, "full"));
    let refused = "gets The job was not accepted: full";
    play.expect(&[&format!("a {refused}"), &format!("b {refused}")]);
    play.event(Event::Stored(2));
    play.expect(&["b gets created"]);
    play.grab(worker);
    play.complete(worker);
    play.grab(worker);
    play.expect(&["c assign", "unstore", "c no job"]);
}

#[test]
fn a_later_write_that_fails_refuses_nobody_whose_job_is_written() {
    let (mut play, [a, b, _]) = Play::new();
    play.submit(a, b"u", true);
    play.submit(a, b"v", true);
    play.submit(b, b"u", true);
    play.expect(&["store 1 u", "a holds", "store 2 v", "a holds", "b holds"]);
    play.event(Event::Stored(1));
    play.expect(&["a gets created"]);
    play.event(Event::NotStored(2, "full"));
    play.expect(&["a gets The job was not accepted: full", "b gets created"]);
}

#[test]
fn a_job_that_a_client_waits_for_runs_though_it_is_not_written() {
    let (mut play, [a, b, worker]) = Play::new();
    play.submit(a, b"u", false);
    play.submit(b, b"u", true);
    play.expect(&["a created", "store 1 u", "b holds"]);
    play.event(Event::NotStored(1, "full"));
    play.expect(&["b gets The job was not accepted: full"]);
    play.grab(worker);
    play.complete(worker);
    play.expect(&["c assign", "a work"]);
}

#[test]
fn a_background_submission_makes_a_running_job_durable() {
    let (mut play, [a, b, worker]) = Play::new();
    play.submit(a, b"u", false);
    play.grab(worker);
    play.submit(b, b"u", true);
    play.expect(&["a created", "c assign", "store 1 u", "b holds"]);
    play.event(Event::Disconnected(a));
    play.event(Event::Stored(1));
    play.expect(&["b gets created"]);
    play.complete(worker);
    play.expect(&["unstore"]);
}

#[test]
fn a_submitter_that_leaves_does_not_take_the_job_away() {
    let (mut play, [a, _, worker]) = Play::new();
    play.submit(a, b"u", true);
    play.event(Event::Disconnected(a));
    play.event(Event::Stored(1));
    play.grab(worker);
    assert!(play.notes.said.contains(&"c assign".to_owned()));
}

#[test]
fn a_job_comes_back_once_and_keeps_its_number() {
    let (mut play, [a, _, worker]) = Play::new();
    let mut restore = |number, unique: &[u8]| {
        let record = Record {
            number,
            function: b"f",
            unique,
            body: Body::new(b"x"),
            priority: Priority::High,
            epoch: None,
            reducer: None,
        };
        play.server.restore(Timestamp(1), &record)
    };
    assert!(restore(7, b"u"));
    assert!(!restore(7, b"w"), "the same number");
    assert!(!restore(8, b"u"), "the same unique");
    assert!(restore(9, b""));
    assert!(restore(10, b""), "no unique is no identity");
    // It is on disk already.
    play.submit(a, b"u", true);
    play.expect(&["a created"]);
    play.grab(worker);
    assert!(play.notes.handle.ends_with(b":7"));
    play.complete(worker);
    play.expect(&["c assign", "unstore"]);
}
