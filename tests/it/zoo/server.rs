//! A small job server with a vice: a thread for each connection, one lock for everything.

use gearbench::protocol::admin::Command;
use gearbench::protocol::{
    Body, Decoder, Frame, Packet, Priority, Request, Response, Submit, Work,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread;

/// The job on which vices show.
pub(crate) const MARKED: u64 = 100;

/// Packets of a flood.
const FLOOD: usize = 1_000_000;

/// What a restart adds to the numbers in handles.
const RENAMED: u64 = 1_000_000;

/// What the server does wrong, to one job unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vice {
    None,
    DropsJob,
    /// Drops one job in ten thousand.
    DropsFew,
    DropsResult,
    RunsTwice,
    /// Hands the result of the last job to this one.
    SwapsResults,
    DamagesPayload,
    AnswersWithoutRunning,
    /// In the second run: runs a job of the first once more.
    RemembersJob,
    /// Ends the connection of its worker, and gives the job to another.
    CutsWorker,
    /// Gives the job of a worker to another, and ends the first one's connection once the second
    /// has answered.
    ReassignsBeforeClose,
    /// Ends all connections, as a restart does, and gives the jobs in its queue new handles.
    Restarts,
    RefusesJob,
    /// Refuses every job.
    RefusesAll,
    /// Ends all connections and takes no new ones.
    Dies,
    BreaksStream,
    /// Answers no submission from the marked one on, and forgets those jobs.
    SwallowsJobs,
    /// Keeps the results of a client until that sends something.
    DeliversLate,
    /// Keeps its connections and answers nothing any more.
    FallsSilent,
    /// Keeps its connections and reads nothing any more.
    StopsReading,
    /// Last in, first out.
    Lifo,
    /// Sends the first job of the queue back to its end now and then.
    SlightlyOutOfOrder,
    /// The lowest priority first.
    LowestFirst,
    /// Has work for one worker only.
    Favours,
    /// Gives this job to its worker under another handle.
    AssignsOtherHandle,
    /// Acknowledges two submissions of a client with each other's handles.
    SwapsHandles,
    /// Acknowledges with a handle that it has given to the job before.
    RepeatsHandle,
    /// Acknowledges without a handle.
    WithholdsHandle,
    /// Acknowledges twice.
    AcknowledgesTwice,
    /// Answers with an ERROR, and goes on and on.
    FloodsErrors,
    /// Sends one WORK_STATUS after the other.
    FloodsStatus,
    /// A packet that no protocol knows.
    InventsPackets,
    /// Announces a packet of almost 4 GiB.
    AnnouncesTooMuch,
    /// Never ends what it answers to `status`.
    StatusWithoutEnd,
    /// Assigns a job to a worker that did not ask.
    Pushes,
    /// Fails jobs that no worker failed.
    FailsJob,
    /// Wakes all sleepers all the time.
    CriesWolf,
}

/// The server; its threads end with their connections.
pub(crate) struct Beast {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

type Peer = u64;

#[derive(Clone)]
struct Job {
    number: u64,
    function: Vec<u8>,
    priority: Priority,
    body: Vec<u8>,
    client: Option<Peer>,
    assigned_before: bool,
    /// Who does not get it.
    not_for: Option<Peer>,
}

struct State {
    vice: Vice,
    jobs: u64,
    queue: VecDeque<Job>,
    running: HashMap<u64, (Peer, Job)>,
    sleeping: HashSet<Peer>,
    abilities: HashMap<Peer, HashSet<Vec<u8>>>,
    peers: HashMap<Peer, TcpStream>,
    last_result: Vec<u8>,
    /// Results that their clients have not been given.
    kept: HashMap<Peer, Vec<u8>>,
    first_body: Vec<u8>,
    /// All submissions, as they came.
    submissions: Vec<u8>,
    /// Some jobs have another priority than others.
    ranked: bool,
    dead: bool,
}

impl Beast {
    pub(crate) fn unleash(vice: Vice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            vice,
            jobs: 0,
            queue: VecDeque::new(),
            running: HashMap::new(),
            sleeping: HashSet::new(),
            abilities: HashMap::new(),
            peers: HashMap::new(),
            last_result: Vec::new(),
            kept: HashMap::new(),
            first_body: Vec::new(),
            submissions: Vec::new(),
            ranked: false,
            dead: false,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for (peer, stream) in (0..).zip(listener.incoming().flatten()) {
                let mut locked = state.lock().expect("no thread panics");
                if locked.dead {
                    return;
                }
                stream.set_nodelay(true).expect("an open socket");
                let writer = stream.try_clone().expect("a second handle");
                locked.peers.insert(peer, writer);
                drop(locked);
                let state = Arc::clone(&state);
                thread::spawn(move || serve(&state, peer, stream));
            }
        });
        Beast {
            address,
            state: shared,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Jobs that are queued or running.
    pub(crate) fn jobs(&self) -> usize {
        let state = self.state.lock().expect("no thread panics");
        state.queue.len() + state.running.len()
    }

    /// The bytes of all submissions, in the order in which they came.
    pub(crate) fn submissions(&self) -> Vec<u8> {
        let state = self.state.lock().expect("no thread panics");
        state.submissions.clone()
    }
}

fn serve(state: &Mutex<State>, peer: Peer, mut stream: TcpStream) {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        while state.lock().expect("no thread panics").stopped_reading() {
            thread::park();
        }
        let result = decoder.feed(&buffer[..count], |frame| {
            let mut state = state.lock().expect("no thread panics");
            match frame {
                Frame::Packet(packet) => state.packet(peer, &packet),
                Frame::Line(line) => state.line(peer, line),
            }
            ControlFlow::Continue(())
        });
        if result.is_err() {
            break;
        }
    }
    state.lock().expect("no thread panics").left(peer);
}

impl State {
    fn send(&mut self, peer: Peer, response: &Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        self.write(peer, &bytes);
    }

    fn write(&mut self, peer: Peer, bytes: &[u8]) {
        if let Some(stream) = self.peers.get_mut(&peer) {
            // A peer that has gone is noticed by its reader.
            let _ = stream.write_all(bytes);
        }
    }

    fn stopped_reading(&self) -> bool {
        self.vice == Vice::StopsReading && self.jobs > MARKED
    }

    fn silent(&self) -> bool {
        self.vice == Vice::FallsSilent && self.jobs > MARKED
    }

    fn line(&mut self, peer: Peer, line: &[u8]) {
        if self.silent() {
            return;
        }
        let answer = match Command::parse(line) {
            Ok(Command::Version) => "OK zoo\n".to_owned(),
            Ok(Command::Status) => self.status(),
            _ => "ERR unknown_command Unknown+server+command\n".to_owned(),
        };
        self.write(peer, answer.as_bytes());
    }

    fn status(&self) -> String {
        let mut totals: HashMap<&[u8], usize> = HashMap::new();
        let running = self.running.values().map(|(_, job)| job);
        for job in self.queue.iter().chain(running) {
            *totals.entry(&job.function).or_default() += 1;
        }
        let mut text = String::new();
        for (function, total) in totals {
            text.push_str(&format!(
                "{}\t{total}\t0\t1\n",
                String::from_utf8_lossy(function)
            ));
        }
        match self.vice {
            Vice::StatusWithoutEnd => text,
            _ => text + ".\n",
        }
    }

    fn packet(&mut self, peer: Peer, packet: &Packet<'_>) {
        let Ok(request) = Request::parse(packet) else {
            return;
        };
        if self.silent() {
            return;
        }
        if let Some(kept) = self.kept.remove(&peer) {
            self.write(peer, &kept);
        }
        match request {
            Request::Echo { body } => self.send(peer, &Response::EchoRes { body }),
            Request::Option { name } => self.send(peer, &Response::OptionRes { name }),
            Request::Submit(submit) => self.submit(peer, &submit),
            Request::CanDo { function, .. } => {
                let abilities = self.abilities.entry(peer).or_default();
                abilities.insert(function.to_vec());
            }
            Request::Grab(_) => self.grab(peer),
            Request::PreSleep => match self.next_for(peer) {
                None => _ = self.sleeping.insert(peer),
                Some(_) => self.send(peer, &Response::Noop),
            },
            Request::Work {
                handle,
                work: Work::Complete(body),
            } => self.complete(peer, handle, &body),
            _ => {}
        }
    }

    fn submit(&mut self, peer: Peer, submit: &Submit<'_>) {
        self.jobs += 1;
        self.ranked |= submit.priority != Priority::Normal;
        Request::Submit(*submit).encode(&mut self.submissions);
        let marked = self.jobs == MARKED;
        match self.vice {
            Vice::SwallowsJobs if self.jobs >= MARKED => return,
            Vice::RefusesAll => {
                let (code, text) = (b"QUEUE_ERROR".as_slice(), b"no".as_slice());
                return self.send(peer, &Response::Error { code, text });
            }
            Vice::Dies if marked => return self.die(),
            Vice::BreaksStream if marked => return self.write(peer, b"\0HUH????????"),
            Vice::RefusesJob if marked => {
                let (code, text) = (b"QUEUE_ERROR".as_slice(), b"no".as_slice());
                return self.send(peer, &Response::Error { code, text });
            }
            _ => {}
        }
        let job = Job {
            number: self.jobs,
            function: submit.function.to_vec(),
            priority: submit.priority,
            body: submit.body.to_vec(),
            client: (!submit.background).then_some(peer),
            assigned_before: false,
            not_for: None,
        };
        if self.jobs == 1 {
            self.first_body = job.body.clone();
        }
        let handle = handle(job.number);
        self.acknowledge(peer, &job, &handle);
        match self.vice {
            Vice::FloodsErrors if marked => {
                let (code, text) = (b"NO".as_slice(), b"no".as_slice());
                self.flood(peer, &Response::Error { code, text });
            }
            Vice::FloodsStatus if marked => {
                let (numerator, denominator) = (b"1".as_slice(), b"2".as_slice());
                let handle = &handle;
                let work = Work::Status {
                    numerator,
                    denominator,
                };
                self.flood(peer, &Response::Work { handle, work });
            }
            Vice::InventsPackets if marked => {
                self.write(peer, b"\0RES\0\0\x27\x0f\0\0\0\x03huh");
            }
            Vice::AnnouncesTooMuch if marked => {
                return self.write(peer, b"\0RES\0\0\0\x08\xff\xff\xff\xffH:");
            }
            Vice::FailsJob if marked => {
                let handle = &handle;
                let work = Work::Fail;
                return self.send(peer, &Response::Work { handle, work });
            }
            Vice::DropsJob if marked => return,
            Vice::DropsFew if self.jobs.is_multiple_of(10_000) => return,
            Vice::AnswersWithoutRunning if marked => {
                let body = Body::default();
                let handle = &handle;
                return self.send(
                    peer,
                    &Response::Work {
                        handle,
                        work: Work::Complete(body),
                    },
                );
            }
            Vice::RunsTwice if marked => self.enqueue(job.clone()),
            Vice::RemembersJob if self.jobs == 3 * MARKED => {
                let mut remembered = job.clone();
                (remembered.number, remembered.client) = (u64::MAX, None);
                remembered.body = self.first_body.clone();
                self.enqueue(remembered);
            }
            _ => {}
        }
        self.enqueue(job);
        if self.vice == Vice::Restarts && marked {
            self.restart();
        }
    }

    /// JOB_CREATED, as the vice has it.
    fn acknowledge(&mut self, peer: Peer, job: &Job, own: &[u8]) {
        let (marked, next) = (job.number == MARKED, job.number == MARKED + 1);
        let created = |handle: &[u8]| {
            let mut bytes = Vec::new();
            Response::JobCreated { handle }.encode(&mut bytes);
            bytes
        };
        let bytes = match self.vice {
            Vice::SwapsHandles if marked => created(&handle(MARKED + 1)),
            Vice::SwapsHandles if next => created(&handle(MARKED)),
            Vice::RepeatsHandle if marked => created(&handle(MARKED - 1)),
            Vice::WithholdsHandle if marked => created(b""),
            Vice::AcknowledgesTwice if marked => created(own).repeat(2),
            _ => created(own),
        };
        self.write(peer, &bytes);
    }

    /// More of the same than anybody wants.
    fn flood(&mut self, peer: Peer, response: &Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        let many = bytes.repeat(FLOOD / 100);
        (0..100).for_each(|_| self.write(peer, &many));
    }

    fn enqueue(&mut self, job: Job) {
        if self.vice == Vice::Pushes && job.number == MARKED {
            return self.push(job);
        }
        self.queue.push_back(job);
        let mut sleepers: Vec<Peer> = self.sleeping.drain().collect();
        if self.vice == Vice::CriesWolf {
            sleepers = self.abilities.keys().copied().collect();
        }
        for sleeper in sleepers {
            self.send(sleeper, &Response::Noop);
        }
    }

    /// Gives a job to a worker, whether it asked or not.
    fn push(&mut self, job: Job) {
        if let Some(&worker) = self.abilities.keys().min() {
            let handle = handle(job.number);
            let assign = Response::JobAssign {
                handle: &handle,
                function: &job.function,
                body: Body::new(&job.body),
            };
            self.send(worker, &assign);
            self.running.insert(job.number, (worker, job));
        }
    }

    /// Where the next job lies that the peer can do.
    fn next_for(&self, peer: Peer) -> Option<usize> {
        let abilities = self.abilities.get(&peer)?;
        let is_for = |job: &Job| abilities.contains(&job.function) && job.not_for != Some(peer);
        let jobs = self.queue.iter().enumerate();
        let mut fitting = jobs.filter(|(_, job)| is_for(job));
        if self.vice == Vice::Favours && self.abilities.keys().min() != Some(&peer) {
            return None;
        }
        let next = match self.vice {
            Vice::Lifo => fitting.next_back(),
            Vice::LowestFirst => fitting.rev().max_by_key(|(_, job)| job.priority as u8),
            // All are equal.
            _ if !self.ranked => fitting.next(),
            // The first of the equal ones.
            _ => fitting.min_by_key(|(_, job)| job.priority as u8),
        };
        next.map(|(index, _)| index)
    }

    /// One in a hundred goes back to the end of the queue, once.
    fn send_back(&mut self) {
        let late = |job: &&mut Job| job.number.is_multiple_of(MARKED) && !job.assigned_before;
        if let Some(first) = self.queue.front_mut().filter(late) {
            first.assigned_before = true;
            self.queue.rotate_left(1);
        }
    }

    fn grab(&mut self, peer: Peer) {
        if self.vice == Vice::SlightlyOutOfOrder {
            self.send_back();
        }
        let next = self.next_for(peer);
        let Some(mut job) = next.and_then(|index| self.queue.remove(index)) else {
            return self.send(peer, &Response::NoJob);
        };
        let marked = job.number == MARKED;
        if let (Vice::DamagesPayload, true, [.., last]) = (self.vice, marked, &mut job.body[..]) {
            *last ^= 1;
        }
        let twice = self.vice == Vice::ReassignsBeforeClose && marked && !job.assigned_before;
        let cut = self.vice == Vice::CutsWorker && marked && !job.assigned_before;
        job.assigned_before = true;
        let other = self.vice == Vice::AssignsOtherHandle && marked;
        let handle = handle(job.number + u64::from(other) * RENAMED);
        let assign = Response::JobAssignUniq {
            handle: &handle,
            function: &job.function,
            unique: b"",
            body: Body::new(&job.body),
        };
        self.send(peer, &assign);
        if twice {
            // It waits for another worker, whatever this one answers.
            job.not_for = Some(peer);
            return self.enqueue(job);
        }
        self.running.insert(job.number, (peer, job));
        if cut {
            // The reader sees the end, and the job goes back to the queue.
            let _ = self.peers[&peer].shutdown(Shutdown::Both);
        }
    }

    fn complete(&mut self, peer: Peer, handle: &[u8], body: &[u8]) {
        let number = handle.strip_prefix(b"H:zoo:").and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            digits.parse().ok()
        });
        let running = number.and_then(|number: u64| self.running.remove(&number));
        let Some((worker, job)) = running else {
            return;
        };
        if worker != peer {
            // It has been given to another, which goes on.
            self.running.insert(job.number, (worker, job));
            return;
        }
        let marked = job.number == MARKED;
        let result = match self.vice {
            Vice::SwapsResults if marked => self.last_result.clone(),
            _ => body.to_vec(),
        };
        self.last_result = body.to_vec();
        if self.vice == Vice::DropsResult && marked {
            return;
        }
        if let (Vice::ReassignsBeforeClose, Some(first)) = (self.vice, job.not_for) {
            let _ = self.peers[&first].shutdown(Shutdown::Both);
        }
        if let Some(client) = job.client {
            let work = Work::Complete(Body::new(&result));
            let response = Response::Work { handle, work };
            match self.vice {
                Vice::DeliversLate => response.encode(self.kept.entry(client).or_default()),
                _ => self.send(client, &response),
            }
        }
    }

    /// The jobs of a worker that left go to another.
    fn left(&mut self, peer: Peer) {
        self.peers.remove(&peer);
        self.sleeping.remove(&peer);
        self.abilities.remove(&peer);
        let held = self.running.extract_if(|_, (worker, _)| *worker == peer);
        let held: Vec<Job> = held.map(|(_, (_, job))| job).collect();
        for job in held {
            self.enqueue(job);
        }
    }

    /// Everything is as after a start with a queue that lasts.
    fn restart(&mut self) {
        let running = self.running.drain().map(|(_, (_, job))| job);
        self.queue.extend(running);
        for job in &mut self.queue {
            job.number += RENAMED;
        }
        for stream in self.peers.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn die(&mut self) {
        self.dead = true;
        for stream in self.peers.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // The listener is in `accept`: one more connection lets it see that all is over.
        if let Some(address) = self.peers.values().find_map(|peer| peer.local_addr().ok()) {
            let _ = TcpStream::connect(address);
        }
    }
}

fn handle(number: u64) -> Vec<u8> {
    format!("H:zoo:{number}").into_bytes()
}
