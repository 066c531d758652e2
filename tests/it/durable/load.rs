//! The worst mix of jobs, from several connections at once, until the server is gone.
//!
//! Jobs are numbered, and the number decides everything: its unique, its priority, its time.

use super::peer::{FUNCTION, JOB_CREATED, Wire};
use gearbench::protocol::{Body, Priority, Request, Submit};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Submissions on their way at once.
const WINDOW: u64 = 64;
/// Kinds of uniques.
const KINDS: u64 = 6;
/// More than this are never submitted.
const MOST: u64 = 100_000;

/// What is the same job: two numbers share a unique.
pub(super) fn identity(number: u64) -> u64 {
    match number % KINDS {
        3 => number - 1,
        _ => number,
    }
}

/// Whether no other submission is the same job.
pub(super) fn is_alone(number: u64) -> bool {
    !matches!(number % KINDS, 2 | 3)
}

/// Numbers that share a unique share the priority, too.
pub(super) fn priority(number: u64) -> Priority {
    match epoch(number) {
        Some(_) => Priority::Normal,
        None => Priority::ALL[(identity(number) / KINDS % 3) as usize],
    }
}

fn epoch(number: u64) -> Option<u64> {
    // Long past: it runs at once, and goes another way until then.
    (is_alone(number) && number.is_multiple_of(17)).then_some(1)
}

fn unique(number: u64) -> Vec<u8> {
    match number % KINDS {
        0 => Vec::new(),
        1 => b"-".to_vec(),
        2 | 3 => format!("shared {}", identity(number)).into_bytes(),
        4 => format!("{number:064}").into_bytes(),
        _ => [&[0xff, 0x80, b'*', b'-'], number.to_string().as_bytes()].concat(),
    }
}

/// The number, and then bytes of all kinds.
fn body(number: u64) -> Vec<u8> {
    let mut body = format!("{number:020}").into_bytes();
    body.extend((0..number % 300).map(|at| at as u8));
    body
}

/// The number in a payload, all of which must be as it was.
pub(super) fn number(found: &[u8]) -> u64 {
    let digits = std::str::from_utf8(&found[..20]).expect("digits");
    let number = digits.parse().expect("digits");
    assert!(body(number) == found, "the payload of {number} changed");
    number
}

/// What was known of the jobs when the server was gone.
pub(super) struct Told {
    /// Jobs that the server acknowledged.
    pub(super) acknowledged: Vec<u64>,
    /// Jobs, by identity, whose completion was sent.
    pub(super) completed: HashSet<u64>,
    /// The first number that was not used.
    pub(super) next: u64,
}

/// Connections that submit and work.
pub(super) struct Load {
    count: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    client: JoinHandle<(Vec<u64>, u64)>,
    guest: JoinHandle<()>,
    worker: JoinHandle<HashSet<u64>>,
}

impl Load {
    pub(super) fn start(address: SocketAddr, first: u64) -> Self {
        let count = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let (counted, ended) = (Arc::clone(&count), Arc::clone(&over));
        let [client, guest, worker] = [(); 3].map(|()| Wire::connect(address));
        Load {
            client: std::thread::spawn(move || {
                let told = submit(client, first, &counted);
                ended.store(true, Ordering::SeqCst);
                told
            }),
            guest: std::thread::spawn(move || join(guest, first)),
            worker: std::thread::spawn(move || work(worker)),
            count,
            over,
        }
    }

    /// Waits until so many jobs were acknowledged, or the server is gone.
    pub(super) fn wait_for(&self, acknowledged: u64) {
        while self.count.load(Ordering::SeqCst) < acknowledged && !self.over.load(Ordering::SeqCst)
        {
            std::thread::yield_now();
        }
    }

    /// What was told, now that the server is gone.
    pub(super) fn end(self) -> Told {
        let (acknowledged, next) = self.client.join().expect("the client");
        self.guest.join().expect("the guest");
        let completed = self.worker.join().expect("the worker");
        Told {
            acknowledged,
            completed,
            next,
        }
    }
}

/// Sends one more whenever one is answered. Answers come in the order of the submissions.
fn submit(mut wire: Wire, first: u64, count: &AtomicU64) -> (Vec<u64>, u64) {
    let mut acknowledged = Vec::new();
    let mut next = first;
    let mut send = |wire: &mut Wire| {
        let sent = wire.send(&[Request::Submit(Submit {
            function: FUNCTION,
            unique: &unique(next),
            priority: priority(next),
            background: true,
            epoch: epoch(next),
            reducer: None,
            body: Body::new(&body(next)),
        })]);
        next += 1;
        sent.is_ok()
    };
    let mut alive = (0..WINDOW).all(|_| send(&mut wire));
    for answered in first..first + MOST {
        match wire.receive() {
            Ok((JOB_CREATED, _)) => acknowledged.push(answered),
            Ok(other) => panic!("expected JOB_CREATED for {answered}, found {other:?}"),
            Err(_) => break,
        }
        count.fetch_add(1, Ordering::SeqCst);
        alive = alive && send(&mut wire);
    }
    (acknowledged, next)
}

/// A client that waits for jobs which others submit in the background: sometimes it comes first,
/// sometimes later, and it never lives to see the end.
fn join(mut wire: Wire, first: u64) {
    let shared = (first..first + MOST).filter(|number| number % KINDS == 2);
    for number in shared.step_by(5) {
        let sent = wire.send(&[Request::Submit(Submit {
            function: FUNCTION,
            unique: &unique(number),
            priority: priority(number),
            background: false,
            epoch: None,
            reducer: None,
            body: Body::new(&body(number)),
        })]);
        // The handle, or the result of an earlier one.
        if sent.is_err() || wire.receive().is_err() {
            return;
        }
    }
}

/// Does some of the jobs.
fn work(mut wire: Wire) -> HashSet<u64> {
    let mut completed = HashSet::new();
    while let Ok(job) = wire.grab() {
        let Some((handle, body)) = job else {
            continue;
        };
        let number = number(&body);
        // Some are running when the server ends.
        if number.is_multiple_of(7) {
            continue;
        }
        completed.insert(identity(number));
        if wire.complete(&handle).is_err() {
            break;
        }
    }
    completed
}
