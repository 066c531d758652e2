//! A job server of which it is known what a client should see: it answers each job after a fixed
//! time and, every so often, does nothing at all for a while. It writes down when it did what.

use super::sockets::{Sockets, next_packet};
use gearbench::protocol::admin::Command;
use gearbench::protocol::{Body, Magic, Packet, PacketType, Request, Response, Work};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How it beats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    /// A job is answered after this time.
    pub(crate) answer: Duration,
    /// It stalls once in each of these spans, counted from the first job, in their middle.
    pub(crate) span: Duration,
    /// For so long.
    pub(crate) stall: Duration,
}

/// A thread that is the server; it ends with [`Metronome::end`].
pub(crate) struct Metronome {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Record>>,
}

/// What it wrote down.
#[derive(Default)]
pub(crate) struct Record {
    /// Of each client, in the order of its jobs: when they came, and when they were answered.
    clients: HashMap<usize, Vec<(Instant, Option<Instant>)>>,
    stalls: Vec<(Instant, Instant)>,
}

impl Metronome {
    pub(crate) fn start(beat: Beat, prepare: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            prepare();
            let mut sockets = Sockets::new()?;
            sockets.listen(listener)?;
            Server::new(sockets, beat).run(&stopped)
        });
        Ok(Metronome {
            address,
            stop,
            thread,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn end(self) -> io::Result<Record> {
        self.stop.store(true, Relaxed);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the metronome panicked")))
    }
}

struct Job {
    client: usize,
    /// Which of the client's.
    index: usize,
    function: Vec<u8>,
    body: Vec<u8>,
    due: Instant,
    /// Its result, once there is one.
    result: Option<Vec<u8>>,
    /// It was due before its result had come.
    overdue: bool,
}

struct Server {
    sockets: Sockets,
    beat: Beat,
    jobs: HashMap<u64, Job>,
    count: u64,
    queue: VecDeque<u64>,
    /// When jobs are due, in the order of time.
    due: VecDeque<(Instant, u64)>,
    sleeping: VecDeque<usize>,
    next_stall: Option<Instant>,
    /// Jobs whose answers have not been written.
    answered: Vec<(usize, usize)>,
    record: Record,
}

/// Looks for the wish to end so often.
const LOOK: Duration = Duration::from_millis(20);

impl Server {
    fn new(sockets: Sockets, beat: Beat) -> Self {
        Server {
            sockets,
            beat,
            jobs: HashMap::new(),
            count: 0,
            queue: VecDeque::new(),
            due: VecDeque::new(),
            sleeping: VecDeque::new(),
            next_stall: None,
            answered: Vec::new(),
            record: Record::default(),
        }
    }

    fn run(mut self, stop: &AtomicBool) -> io::Result<Record> {
        let mut ready = Vec::new();
        while !stop.load(Relaxed) {
            let mut until = Instant::now() + LOOK;
            for at in [self.due.front().map(|(due, _)| *due), self.next_stall] {
                until = at.map_or(until, |at| at.min(until));
            }
            self.sockets.wait(Some(until), &mut ready)?;
            self.stall_when_due();
            for &peer in &ready {
                self.read(peer)?;
            }
            self.answer_when_due();
            self.sockets.flush()?;
            self.stamp_answers();
        }
        Ok(self.record)
    }

    fn stall_when_due(&mut self) {
        let now = Instant::now();
        if let Some(at) = self.next_stall.filter(|at| *at <= now) {
            thread::sleep((at + self.beat.stall).saturating_duration_since(now));
            self.next_stall = Some(at + self.beat.span);
            self.record.stalls.push((now, Instant::now()));
        }
    }

    fn read(&mut self, peer: usize) -> io::Result<()> {
        let Some(input) = self.sockets.read(peer)? else {
            return Ok(());
        };
        if input.first().is_some_and(|first| *first != 0) {
            self.line(peer, &input);
            self.sockets.keep(peer, input, 0);
            return Ok(());
        }
        let now = Instant::now();
        let mut used = 0;
        while let Some((kind, data)) = next_packet(&input, used) {
            used = data.end;
            let packet = Packet {
                magic: Magic::Req,
                kind: PacketType(kind),
                data: Body::new(&input[data]),
            };
            if let Ok(request) = Request::parse(&packet) {
                self.hear(peer, request, now);
            }
        }
        self.sockets.keep(peer, input, used);
        Ok(())
    }

    /// The last line of what a peer has said as text so far.
    fn line(&mut self, peer: usize, text: &[u8]) {
        let Some(text) = text.strip_suffix(b"\n") else {
            return;
        };
        let line = text
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let answer = match Command::parse(line.trim_ascii_end()) {
            Ok(Command::Version) => "OK metronome\n".to_owned(),
            Ok(Command::Status) => self.status(),
            _ => "ERR unknown_command Unknown+server+command\n".to_owned(),
        };
        self.sockets.out(peer).extend_from_slice(answer.as_bytes());
    }

    /// The jobs without an answer, by function.
    fn status(&self) -> String {
        let mut totals: HashMap<&[u8], usize> = HashMap::new();
        for job in self.jobs.values() {
            *totals.entry(&job.function).or_default() += 1;
        }
        let row = |(function, total): (&&[u8], &usize)| {
            format!("{}\t{total}\t0\t1\n", function.escape_ascii())
        };
        totals.iter().map(row).collect::<String>() + ".\n"
    }

    fn hear(&mut self, peer: usize, request: Request<'_>, now: Instant) {
        match request {
            Request::Echo { body } => self.sockets.respond(peer, &Response::EchoRes { body }),
            Request::Submit(submit) => {
                let middle = (self.beat.span - self.beat.stall) / 2;
                self.next_stall.get_or_insert(now + middle);
                self.count += 1;
                let handle = self.count.to_string();
                let handle = handle.as_bytes();
                self.sockets.respond(peer, &Response::JobCreated { handle });
                let own = self.record.clients.entry(peer).or_default();
                own.push((now, None));
                let job = Job {
                    client: peer,
                    index: own.len() - 1,
                    function: submit.function.to_vec(),
                    body: submit.body.to_vec(),
                    due: now + self.beat.answer,
                    result: None,
                    overdue: false,
                };
                self.due.push_back((job.due, self.count));
                self.jobs.insert(self.count, job);
                self.queue.push_back(self.count);
                if let Some(sleeper) = self.sleeping.pop_front() {
                    self.sockets.respond(sleeper, &Response::Noop);
                }
            }
            Request::Grab(_) => self.grab(peer),
            Request::PreSleep if self.queue.is_empty() => self.sleeping.push_back(peer),
            Request::PreSleep => self.sockets.respond(peer, &Response::Noop),
            Request::Work {
                handle,
                work: Work::Complete(body),
            } => self.worked(handle, &body),
            _ => {}
        }
    }

    fn grab(&mut self, worker: usize) {
        let number = self.queue.pop_front();
        let job = number.and_then(|number| Some((number, self.jobs.get(&number)?)));
        let Some((number, job)) = job else {
            return self.sockets.respond(worker, &Response::NoJob);
        };
        let handle = number.to_string();
        let assign = Response::JobAssign {
            handle: handle.as_bytes(),
            function: &job.function,
            body: Body::new(&job.body),
        };
        self.sockets.respond(worker, &assign);
    }

    fn worked(&mut self, handle: &[u8], body: &[u8]) {
        let number = std::str::from_utf8(handle).ok();
        let number: Option<u64> = number.and_then(|handle| handle.parse().ok());
        let Some(number) = number else {
            return;
        };
        if let Some(job) = self.jobs.get_mut(&number) {
            job.result = Some(body.to_vec());
            if job.overdue {
                self.answer(number);
            }
        }
    }

    fn answer_when_due(&mut self) {
        let now = Instant::now();
        while let Some(&(_, number)) = self.due.front().filter(|(due, _)| *due <= now) {
            self.due.pop_front();
            match self.jobs.get_mut(&number) {
                Some(job) if job.result.is_none() => job.overdue = true,
                _ => self.answer(number),
            }
        }
    }

    fn answer(&mut self, number: u64) {
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        let result = job.result.unwrap_or_default();
        let handle = number.to_string();
        let response = Response::Work {
            handle: handle.as_bytes(),
            work: Work::Complete(Body::new(&result)),
        };
        self.sockets.respond(job.client, &response);
        self.answered.push((job.client, job.index));
    }

    /// The answers of this pass have left.
    fn stamp_answers(&mut self) {
        let now = Instant::now();
        for (client, index) in self.answered.drain(..) {
            let own = self.record.clients.get_mut(&client);
            if let Some(entry) = own.and_then(|own| own.get_mut(index)) {
                entry.1 = Some(now);
            }
        }
    }
}

/// Response times in nanoseconds, smallest first.
pub(crate) struct Truth(Vec<u64>);

impl Truth {
    fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        Truth(times)
    }

    pub(crate) fn jobs(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn percentile(&self, percentile: f64) -> u64 {
        let rank = (percentile / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.max(1) - 1).copied().unwrap_or_default()
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Record {
    /// When the jobs of each client were meant to start, given that all clients take turns at an
    /// even `rate`: where the least late of them says.
    fn intended(&self, rate: f64) -> Vec<Vec<Instant>> {
        let gap = self.clients.len() as f64 / rate;
        let at = |index: usize| Duration::from_secs_f64(index as f64 * gap);
        let of_one = |jobs: &Vec<(Instant, Option<Instant>)>| {
            let starts = jobs.iter().enumerate();
            let start = starts
                .filter_map(|(index, (came, _))| came.checked_sub(at(index)))
                .min();
            let times = |start: Instant| (0..jobs.len()).map(|index| start + at(index)).collect();
            start.map_or_else(Vec::new, times)
        };
        self.clients.values().map(of_one).collect()
    }

    /// What clients saw: from the intended start to the answer.
    pub(crate) fn answered(&self, rate: f64) -> Truth {
        let intended = self.intended(rate);
        let jobs = self.clients.values().zip(&intended);
        let times = jobs.flat_map(|(jobs, starts)| {
            let pairs = jobs.iter().zip(starts);
            pairs.filter_map(|((_, answered), start)| {
                Some(nanoseconds(
                    answered.as_ref()?.saturating_duration_since(*start),
                ))
            })
        });
        Truth::of(times.collect())
    }

    /// What they would have seen, had every job come when it was meant to.
    pub(crate) fn on_schedule(&self, rate: f64, beat: Beat) -> Truth {
        let awake = |at: Instant| {
            let mut stalls = self.stalls.iter();
            let stalled = stalls.find(|(from, until)| (*from..*until).contains(&at));
            stalled.map_or(at, |(_, until)| *until)
        };
        let intended = self.intended(rate);
        let times = intended.iter().flatten().map(|start| {
            let answered = awake(awake(*start) + beat.answer);
            nanoseconds(answered.saturating_duration_since(*start))
        });
        Truth::of(times.collect())
    }
}
