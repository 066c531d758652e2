//! Random events on few names: whatever happens, the state stays whole and no wake-up is lost.

use crate::engine::{Event, JobServer, Outbox, PeerInfo, Policy, Timestamp};
use crate::protocol::admin::Command;
use crate::protocol::{Body, ConnId, GrabKind, Priority, Request, Response, Submit, Work};
use slotmap::SlotMap;
use std::num::NonZeroU32;

const SEEDS: u64 = 300;
const STEPS: usize = 300;
const CONNECTIONS: usize = 5;
const NAMES: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];

/// Remembers the jobs that it hears of.
#[derive(Default)]
struct Heard {
    created: Vec<Vec<u8>>,
    assigned: Vec<(ConnId, Vec<u8>)>,
}

impl Outbox for Heard {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        match response {
            Response::JobCreated { handle } => self.created.push(handle.to_vec()),
            Response::JobAssignUniq { handle, .. } => self.assigned.push((conn, handle.to_vec())),
            _ => {}
        }
    }
    fn text(&mut self, _: ConnId, _: &[u8]) {}
    fn close(&mut self, _: ConnId) {}
}

/// Numbers that only look random.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    /// One of the last few, or what a stranger would send.
    fn recent<T: Clone>(&mut self, values: &[T], stranger: T) -> T {
        match values.len() {
            0 => stranger,
            _ if self.below(9) == 0 => stranger,
            count => values[count - 1 - self.below(count.min(6))].clone(),
        }
    }
}

struct Session {
    draws: Draws,
    server: JobServer,
    ids: SlotMap<ConnId, ()>,
    conns: Vec<ConnId>,
    heard: Heard,
    now: Timestamp,
}

impl Session {
    fn new(seed: u64) -> Self {
        let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let policy = Policy {
            job_retries: draws.of(&[None, Some(0), Some(1), Some(2)]),
            worker_wakeup: draws.of(&[NonZeroU32::new(1), NonZeroU32::new(2), None]),
            idle_functions: draws.of(&[0, 2, 10_000]),
            kept_functions: draws.of(&[0, 2, 10_000]),
            hold_grabs: draws.of(&[false, true]),
            ..Policy::default()
        };
        Session {
            draws,
            server: JobServer::new(policy),
            ids: SlotMap::with_key(),
            conns: Vec::new(),
            heard: Heard::default(),
            now: Timestamp::from_secs(1_700_000_000),
        }
    }

    fn handle(&mut self, event: Event<'_>) {
        self.server.handle(self.now, event, &mut self.heard);
        self.server.check_invariants();
    }

    fn step(&mut self) {
        self.now.0 += self.draws.of(&[0, 10, 1000, 60_000, 300_000]);
        let due = self
            .server
            .next_deadline()
            .is_some_and(|time| time <= self.now);
        if due || self.draws.below(3) == 0 {
            self.handle(Event::Deadline);
        }
        if self.draws.below(4) == 0 {
            self.handle(Event::Idle);
        }
        if self.conns.len() < CONNECTIONS {
            let conn = self.ids.insert(());
            self.conns.push(conn);
            self.handle(Event::Connected(conn, PeerInfo::default()));
        }
        let index = self.draws.below(self.conns.len());
        let conn = self.conns[index];
        match self.draws.below(22) {
            0..=5 => self.submit(conn),
            6..=14 => self.ask_as_worker(conn),
            15..=17 => self.work(conn),
            18 => {
                self.conns.swap_remove(index);
                self.ids.remove(conn);
                self.handle(Event::Disconnected(conn));
            }
            _ => self.administer(conn),
        }
    }

    fn submit(&mut self, conn: ConnId) {
        let soon = self.now.0 / 1_000_000 + self.draws.below(3) as u64;
        let submit = Submit {
            function: self.draws.of(&NAMES),
            unique: self.draws.of(&[b"".as_slice(), b"u", b"v", b"-"]),
            priority: self.draws.of(&Priority::ALL),
            background: self.draws.below(2) == 0,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        };
        let delayed = Submit {
            background: true,
            epoch: Some(soon),
            ..submit
        };
        let submit = self.draws.of(&[submit, submit, submit, delayed]);
        self.handle(Event::Request(conn, Request::Submit(submit)));
    }

    fn ask_as_worker(&mut self, conn: ConnId) {
        let function = self.draws.of(&NAMES);
        let timeout_ms = self.draws.of(&[None, NonZeroU32::new(100)]);
        let can_do = Request::CanDo {
            function,
            timeout_ms,
        };
        let grab = Request::Grab(GrabKind::Uniq);
        let request = self.draws.of(&[
            can_do,
            can_do,
            Request::CantDo { function },
            Request::ResetAbilities,
            Request::PreSleep,
            Request::PreSleep,
            Request::PreSleep,
            grab,
            grab,
        ]);
        self.handle(Event::Request(conn, request));
    }

    fn work(&mut self, conn: ConnId) {
        let stranger = (conn, b"H:localhost:1".to_vec());
        let (conn, handle) = self.draws.recent(&self.heard.assigned, stranger);
        let work = self.draws.of(&[
            Work::Complete(Body::new(b"")),
            Work::Complete(Body::new(b"")),
            Work::Fail,
            Work::Exception(Body::new(b"")),
            Work::Data(Body::new(b"")),
            Work::Status {
                numerator: b"1",
                denominator: b"2",
            },
        ]);
        let handle = &handle;
        self.handle(Event::Request(conn, Request::Work { handle, work }));
    }

    fn administer(&mut self, conn: ConnId) {
        let function = self.draws.of(&NAMES);
        let handle = self
            .draws
            .recent(&self.heard.created, b"H:other:1".to_vec());
        let limits = self.draws.of(&[[None; 3], [NonZeroU32::new(2); 3]]);
        let command = self.draws.of(&[
            Command::CancelJob { handle: &handle },
            Command::DropFunction { function },
            Command::CreateFunction { function },
            Command::MaxQueue { function, limits },
            Command::ShowJobs,
            Command::Workers,
        ]);
        self.handle(Event::Admin(conn, Ok(command)));
    }

    /// All peers leave: only background jobs stay, and nobody runs them.
    fn end(mut self) {
        for conn in std::mem::take(&mut self.conns) {
            self.handle(Event::Disconnected(conn));
        }
        let mut jobs = self.server.jobs.iter();
        assert!(
            jobs.all(|(_, job)| job.kept != super::super::jobs::Kept::No && job.worker().is_none())
        );
    }
}

#[test]
fn random_events_keep_the_state_whole_and_lose_no_wake_up() {
    for seed in 1..=SEEDS {
        let run = || {
            let mut session = Session::new(seed);
            for _ in 0..STEPS {
                session.step();
            }
            session.end();
        };
        if std::panic::catch_unwind(run).is_err() {
            panic!("seed {seed}");
        }
    }
}
