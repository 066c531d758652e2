//! The census says what happened.

use crate::engine::{Census, Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use crate::protocol::{Body, ConnId, GrabKind, Priority, Request, Response, Submit, Work};
use slotmap::SlotMap;

/// Nobody listens; the last handle that was assigned is remembered.
#[derive(Default)]
struct Ear(Vec<u8>);

impl Outbox for Ear {
    fn send(&mut self, _: ConnId, response: Response<'_>) {
        if let Response::JobAssign { handle, .. } = response {
            self.0 = handle.to_vec();
        }
    }

    fn text(&mut self, _: ConnId, _: &[u8]) {}

    fn close(&mut self, _: ConnId) {}
}

struct Play {
    server: JobServer,
    conns: SlotMap<ConnId, ()>,
    ear: Ear,
}

impl Play {
    fn new() -> Self {
        Play {
            server: JobServer::new(Policy::default()),
            conns: SlotMap::with_key(),
            ear: Ear::default(),
        }
    }

    fn connect(&mut self) -> ConnId {
        let conn = self.conns.insert(());
        self.event(Event::Connected(conn, PeerInfo::default()));
        conn
    }

    fn event(&mut self, event: Event<'_>) {
        self.server.handle(Timestamp(1), event, &mut self.ear);
    }

    fn ask(&mut self, conn: ConnId, request: Request<'_>) {
        self.event(Event::Request(conn, request));
    }

    fn submit(&mut self, conn: ConnId, function: &[u8], unique: &[u8], background: bool) {
        let submit = Submit {
            function,
            unique,
            priority: Priority::High,
            background,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        };
        self.ask(conn, Request::Submit(submit));
    }

    fn end(&mut self, conn: ConnId, work: Work<'_>) {
        self.ask(conn, Request::Grab(GrabKind::Classic));
        let handle = std::mem::take(&mut self.ear.0);
        let handle = &*handle;
        self.ask(conn, Request::Work { handle, work });
    }

    fn census(&self) -> Census {
        self.server.census(1000)
    }
}

#[test]
fn each_end_of_a_job_is_counted_once() {
    let mut play = Play::new();
    let (worker, client) = (play.connect(), play.connect());
    let can_do = Request::CanDo {
        function: b"f",
        timeout_ms: None,
    };
    play.ask(worker, can_do);
    play.ask(worker, Request::PreSleep);
    assert_eq!(play.census().sleeping, 1);
    play.submit(client, b"f", b"", false);
    for _ in 0..3 {
        play.submit(client, b"f", b"", true);
    }
    for _ in 0..2 {
        play.submit(client, b"f", b"same", true);
    }
    let census = play.census();
    assert_eq!((census.peers, census.jobs, census.sleeping), (2, 5, 0));
    let counts = census.counts;
    assert_eq!(
        (counts.foreground, counts.background, counts.joined),
        (1, 4, 1)
    );
    assert_eq!(counts.noops, 1);
    let function = &census.functions[0];
    assert_eq!((function.queued, function.workers), ([5, 0, 0], 1));

    play.end(worker, Work::Complete(Body::new(b"")));
    play.end(worker, Work::Fail);
    play.end(worker, Work::Exception(Body::new(b"")));
    play.ask(worker, Request::Grab(GrabKind::Classic));
    assert_eq!(play.census().functions[0].running, 1);
    play.event(Event::Disconnected(worker));
    play.submit(client, b"f", b"", false);
    play.event(Event::Disconnected(client));
    let census = play.census();
    let counts = census.counts;
    assert_eq!(
        (counts.completed, counts.failed, counts.excepted),
        (1, 1, 1)
    );
    assert_eq!((counts.requeued, counts.abandoned), (1, 1));
    assert_eq!((census.jobs, census.peers), (2, 0));
    assert_eq!(census.functions[0].workers, 0);
}

#[test]
fn functions_beyond_the_first_are_summed_up() {
    let mut play = Play::new();
    let client = play.connect();
    for function in [b"a", b"b", b"c"] {
        play.submit(client, function, b"", true);
        play.submit(client, function, b"", true);
    }
    let census = play.server.census(1);
    assert_eq!((census.functions.len(), census.known_functions), (1, 3));
    let others = census.others.expect("two functions");
    assert_eq!((&*others.name, others.queued), (b"".as_slice(), [4, 0, 0]));
    assert_eq!(play.server.census(3).others, None);
}
