//! Grabs that find nothing, where the policy has them held.

use crate::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use crate::protocol::{Body, ConnId, GrabKind, Priority, Request, Response, Submit};
use slotmap::SlotMap;

/// What was sent, to whom.
#[derive(Default)]
struct Heard(Vec<(ConnId, &'static str)>);

impl Outbox for Heard {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        let word = match response {
            Response::NoJob => "NO_JOB",
            Response::Noop => "NOOP",
            Response::JobAssign { .. } => "JOB_ASSIGN",
            Response::JobCreated { .. } => "JOB_CREATED",
            Response::EchoRes { .. } => "ECHO_RES",
            _ => "something else",
        };
        self.0.push((conn, word));
    }
    fn text(&mut self, _: ConnId, _: &[u8]) {}
    fn close(&mut self, _: ConnId) {}
}

struct Play {
    server: JobServer,
    heard: Heard,
    /// A client, and two workers that can do the same.
    client: ConnId,
    workers: [ConnId; 2],
}

impl Play {
    fn new() -> Self {
        let mut ids: SlotMap<ConnId, ()> = SlotMap::with_key();
        let mut play = Play {
            server: JobServer::new(Policy {
                hold_grabs: true,
                ..Policy::default()
            }),
            heard: Heard::default(),
            client: ids.insert(()),
            workers: [ids.insert(()), ids.insert(())],
        };
        for conn in [play.client, play.workers[0], play.workers[1]] {
            play.event(Event::Connected(conn, PeerInfo::default()));
        }
        for worker in play.workers {
            let (function, timeout_ms) = (b"f", None);
            play.ask(
                worker,
                Request::CanDo {
                    function,
                    timeout_ms,
                },
            );
        }
        play
    }

    fn event(&mut self, event: Event<'_>) {
        self.server.handle(Timestamp(1), event, &mut self.heard);
        self.server.check_invariants();
    }

    fn ask(&mut self, conn: ConnId, request: Request<'_>) {
        self.event(Event::Request(conn, request));
    }

    fn grab(&mut self, worker: usize) {
        self.ask(self.workers[worker], Request::Grab(GrabKind::Classic));
    }

    fn submit(&mut self) {
        let submit = Submit {
            function: b"f",
            unique: b"",
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        };
        self.ask(self.client, Request::Submit(submit));
    }

    fn heard(&mut self) -> Vec<(ConnId, &'static str)> {
        std::mem::take(&mut self.heard.0)
    }
}

#[test]
fn job_that_comes_goes_to_who_asked_and_wakes_nobody() {
    let mut play = Play::new();
    let (client, [asleep, asks]) = (play.client, play.workers);
    play.ask(asleep, Request::PreSleep);
    play.grab(1);
    assert_eq!(play.heard(), []);
    play.submit();
    assert_eq!(
        play.heard(),
        [(client, "JOB_CREATED"), (asks, "JOB_ASSIGN")]
    );
    play.event(Event::Idle);
    assert_eq!(play.heard(), []);
    assert!(!play.server.holds_grabs());
    play.submit();
    assert_eq!(play.heard(), [(client, "JOB_CREATED"), (asleep, "NOOP")]);
}

#[test]
fn nothing_else_to_do_answers_them_all() {
    let mut play = Play::new();
    let [one, two] = play.workers;
    play.grab(0);
    play.grab(1);
    assert!(play.server.holds_grabs());
    play.event(Event::Idle);
    assert_eq!(play.heard(), [(one, "NO_JOB"), (two, "NO_JOB")]);
}

#[test]
fn answers_keep_the_order_of_the_requests() {
    let mut play = Play::new();
    let [worker, _] = play.workers;
    play.grab(0);
    let body = Body::new(b"x");
    play.ask(worker, Request::Echo { body });
    play.grab(0);
    play.grab(0);
    let expected = ["NO_JOB", "ECHO_RES", "NO_JOB"].map(|word| (worker, word));
    assert_eq!(play.heard(), expected);
}

#[test]
fn who_leaves_is_not_given_a_job() {
    let mut play = Play::new();
    let (client, [gone, asks]) = (play.client, play.workers);
    play.grab(0);
    play.grab(1);
    play.event(Event::Disconnected(gone));
    play.submit();
    assert_eq!(
        play.heard(),
        [(client, "JOB_CREATED"), (asks, "JOB_ASSIGN")]
    );
}
