//! A server simulated between two rows of messages, each of which moves when it pleases: a correct
//! one shows no inversion whatever the delays, one that is not is caught and measured.

use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Jobs in the server's queues above which none is submitted.
const FULL: usize = 200;

/// What the server takes from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vice {
    None,
    Lifo,
    Random,
    /// One of a thousand is taken second instead of first.
    OneInAThousand,
    /// The lowest priority first.
    UpsideDown,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    function: u32,
    priority: Priority,
    place: Place,
    read: bool,
}

/// A connection: what is on its way to the server, and from it.
#[derive(Debug, Default)]
struct Way {
    up: VecDeque<u64>,
    down: VecDeque<Option<u64>>,
}

#[derive(Debug, Default)]
struct Worker {
    way: Way,
    grabs: Grabs,
    /// Jobs that the server has given it and that it has not answered.
    holds: Vec<u64>,
    /// The server has seen its end, and queued its jobs again; the generator has not.
    cut: bool,
}

struct Sim {
    rng: ChaCha8Rng,
    vice: Vice,
    order: Order,
    now: u64,
    jobs: Vec<Job>,
    clients: Vec<Way>,
    workers: Vec<Worker>,
    /// The server's queues, as `queue` numbers them.
    queues: Vec<VecDeque<u64>>,
    functions: u32,
    prefetch: usize,
    losses: bool,
}

impl Sim {
    fn new(seed: u64, vice: Vice, clients: usize, workers: usize) -> Self {
        let functions = 2;
        Sim {
            rng: ChaCha8Rng::seed_from_u64(seed),
            vice,
            order: Order::new(functions, workers),
            now: 0,
            jobs: Vec::new(),
            clients: (0..clients).map(|_| Way::default()).collect(),
            workers: (0..workers).map(|_| Worker::default()).collect(),
            queues: vec![VecDeque::new(); functions * LEVELS],
            functions: functions as u32,
            prefetch: 1,
            losses: false,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn submit(&mut self, priority: Priority) {
        let function = self.rng.random_range(0..self.functions);
        let place = self.order.sent(function, priority);
        let (number, read) = (self.jobs.len() as u64, false);
        self.jobs.push(Job {
            function,
            priority,
            place,
            read,
        });
        let client = self.below(self.clients.len());
        self.clients[client].up.push_back(number);
    }

    /// Jobs in the server's queues.
    fn waiting(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// The server takes a submission, and acknowledges it.
    fn accept(&mut self, client: usize) {
        if let Some(number) = self.clients[client].up.pop_front() {
            let job = self.jobs[number as usize];
            self.queues[queue(job.function, job.priority)].push_back(number);
            self.clients[client].down.push_back(Some(number));
        }
    }

    fn acknowledge(&mut self, client: usize) {
        if let Some(Some(number)) = self.clients[client].down.pop_front() {
            let job = &mut self.jobs[number as usize];
            self.order.acked(job.function, job.priority, &mut job.place);
        }
    }

    fn grab(&mut self, worker: usize) {
        let grabbed = self.order.grabbed();
        let worker = &mut self.workers[worker];
        if worker.grabs.len() < self.prefetch {
            worker.grabs.push_back(grabbed);
            worker.way.up.push_back(0);
        }
    }

    /// The server answers a GRAB_JOB.
    fn give(&mut self, worker: usize) {
        if self.workers[worker].cut || self.workers[worker].way.up.pop_front().is_none() {
            return;
        }
        let job = self.take();
        let worker = &mut self.workers[worker];
        worker.holds.extend(job);
        worker.way.down.push_back(job);
    }

    fn take(&mut self) -> Option<u64> {
        let first = self.below(self.functions as usize) * LEVELS;
        let mut levels: Vec<usize> = (first..first + LEVELS).collect();
        if self.vice == Vice::UpsideDown {
            levels.reverse();
        }
        let queue = levels.into_iter().find(|at| !self.queues[*at].is_empty())?;
        let length = self.queues[queue].len();
        let at = match self.vice {
            Vice::None | Vice::UpsideDown => 0,
            Vice::Lifo => length - 1,
            Vice::Random => self.below(length),
            Vice::OneInAThousand => usize::from(length > 1 && self.below(1000) == 0),
        };
        self.queues[queue].remove(at)
    }

    fn read(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        let Some(answer) = worker.way.down.pop_front() else {
            return;
        };
        let grabbed = worker
            .grabs
            .pop_front()
            .expect("a GRAB_JOB for each answer");
        let Some(number) = answer else {
            return;
        };
        let job = &mut self.jobs[number as usize];
        if !std::mem::replace(&mut job.read, true) {
            let of = (job.function, job.priority);
            self.order
                .assigned(number, of, job.place, grabbed, self.now);
        }
        if self.order.is_full() {
            let open = self.workers.iter().filter_map(|w| w.grabs.front());
            self.order.settle(open.min_by_key(|g| g.assigned).copied());
        }
        // Some are answered at once, others stay in service.
        if self.below(2) == 0 {
            self.workers[index].holds.retain(|held| *held != number);
        }
    }

    /// The server sees the end of a worker: its jobs go to the end of their queues.
    fn cut(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.cut = true;
        let kept = self.rng.random_range(0..=worker.way.down.len());
        worker.way.down.truncate(kept);
        for number in std::mem::take(&mut worker.holds) {
            let job = self.jobs[number as usize];
            self.queues[queue(job.function, job.priority)].push_back(number);
        }
    }

    /// The generator sees it, once it has read what came before, and connects again.
    fn lose(&mut self, index: usize) {
        let worker = &self.workers[index];
        if worker.cut && worker.way.down.is_empty() {
            let open = worker.grabs.front().copied();
            self.order.disturbed(self.jobs.len() as u64, open);
            self.workers[index] = Worker::default();
        }
    }

    /// Something happens.
    fn step(&mut self) {
        self.now += 1;
        let client = self.below(self.clients.len());
        let worker = self.below(self.workers.len());
        match self.below(if self.losses { 130 } else { 120 }) {
            0..20 if self.waiting() < FULL => {
                let priority = Priority::ALL[self.below(LEVELS)];
                self.submit(priority);
            }
            0..40 => self.accept(client),
            40..60 => self.acknowledge(client),
            60..80 => self.grab(worker),
            80..100 => self.give(worker),
            100..120 => self.read(worker),
            120 if self.below(10) == 0 => self.cut(worker),
            _ => self.lose(worker),
        }
    }

    fn run(mut self, steps: usize) -> report::Order {
        (0..steps).for_each(|_| self.step());
        self.order.close()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_correct_server_shows_no_inversion(
        seed: u64, clients in 1usize..6, workers in 1usize..6, prefetch in 1usize..5, losses: bool,
    ) {
        let mut sim = Sim::new(seed, Vice::None, clients, workers);
        (sim.prefetch, sim.losses) = (prefetch, losses);
        let order = sim.run(4000);
        prop_assert_eq!(order.fifo, report::Inversions::default());
        prop_assert_eq!(order.priority, report::Inversions::default());
    }
}

/// A run in which a queue builds up.
fn found(vice: Vice) -> report::Order {
    Sim::new(1, vice, 3, 3).run(200_000)
}

#[test]
fn a_correct_server_has_its_jobs_judged() {
    let order = found(Vice::None);
    assert!(order.judged > 5_000, "{order:?}");
    assert_eq!(order.fifo.jobs + order.priority.jobs + order.unproven, 0);
}

#[test]
fn last_in_first_out_is_caught_and_measured() {
    let order = found(Vice::Lifo);
    assert!(order.percent(&order.fifo) > 10.0, "{order:?}");
    assert!(order.fifo.places_max > 100 && order.fifo.late_ns_max > 1000);
    assert!(order.fifo.places_mean() > 2.0 && order.fifo.late_ns_mean() > 0);
}

#[test]
fn a_server_that_draws_lots_is_caught() {
    let order = found(Vice::Random);
    assert!(order.percent(&order.fifo) > 10.0, "{order:?}");
}

#[test]
fn one_in_a_thousand_is_caught_and_no_more_than_that() {
    let order = found(Vice::OneInAThousand);
    assert!(order.fifo.jobs > 0, "{order:?}");
    assert!(order.percent(&order.fifo) <= 0.5, "{order:?}");
    assert_eq!(order.priority.jobs, 0);
}

#[test]
fn the_lowest_priority_first_is_caught() {
    let order = found(Vice::UpsideDown);
    assert!(order.percent(&order.priority) > 10.0, "{order:?}");
    assert_eq!(order.fifo.jobs, 0, "within a priority it is right");
}

#[test]
fn what_a_lost_worker_may_explain_is_not_counted() {
    let mut sim = Sim::new(1, Vice::Lifo, 3, 3);
    sim.losses = true;
    let order = sim.run(100_000);
    assert!(order.unproven > 0 && order.fifo.jobs > 0, "{order:?}");
}
