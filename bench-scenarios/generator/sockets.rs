//! Sockets on a bare epoll: no runtime, no tasks; one read for each ready connection and one write
//! for each that has something to say, in each pass.

use gearbench::protocol::{Request, Response};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const TIMER: u64 = u64::MAX;
const LISTENER: u64 = u64::MAX - 1;
/// Bytes read at once.
const SCRATCH: usize = 64 * 1024;
/// Of a packet.
const HEADER: usize = 12;

struct Socket {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    dirty: bool,
    /// The kernel takes nothing now.
    blocked: bool,
}

/// All sockets of one thread, by number.
pub(crate) struct Sockets {
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Instant>,
    listener: Option<TcpListener>,
    sockets: Vec<Socket>,
    events: Vec<Event>,
    dirty: Vec<usize>,
    scratch: Vec<u8>,
}

impl Sockets {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        Ok(Sockets {
            epoll,
            timer,
            armed: None,
            listener: None,
            sockets: Vec::new(),
            events: Vec::with_capacity(256),
            dirty: Vec::new(),
            scratch: vec![0; SCRATCH],
        })
    }

    /// Takes the connections that come to a port.
    pub(crate) fn listen(&mut self, listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let data = EventData::new_u64(LISTENER);
        epoll::add(&self.epoll, &listener, data, EventFlags::IN)?;
        self.listener = Some(listener);
        Ok(())
    }

    pub(crate) fn connect(&mut self, address: &str) -> io::Result<usize> {
        self.adopt(TcpStream::connect(address)?)
    }

    fn adopt(&mut self, stream: TcpStream) -> io::Result<usize> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let number = self.sockets.len();
        let data = EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &stream, data, EventFlags::IN)?;
        self.sockets.push(Socket {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            dirty: false,
            blocked: false,
        });
        Ok(number)
    }

    /// What is to be written to a socket.
    pub(crate) fn out(&mut self, number: usize) -> &mut Vec<u8> {
        let socket = &mut self.sockets[number];
        if !std::mem::replace(&mut socket.dirty, true) {
            self.dirty.push(number);
        }
        &mut socket.output
    }

    pub(crate) fn request(&mut self, number: usize, request: &Request<'_>) {
        request.encode(self.out(number));
    }

    pub(crate) fn respond(&mut self, number: usize, response: &Response<'_>) {
        response.encode(self.out(number));
    }

    /// Writes what there is.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for number in dirty.drain(..) {
            self.write(number)?;
        }
        self.dirty = dirty;
        Ok(())
    }

    /// Writes what there is, and waits until something comes, no longer than `until`. Which sockets
    /// have something to read.
    pub(crate) fn wait(
        &mut self,
        until: Option<Instant>,
        ready: &mut Vec<usize>,
    ) -> io::Result<()> {
        self.flush()?;
        let at_once = until.is_some_and(|until| until <= Instant::now());
        if let (false, Some(until)) = (at_once, until) {
            self.arm(until)?;
        }
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        self.events.clear();
        let timeout = at_once.then_some(&none);
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout)?;
        ready.clear();
        for at in 0..self.events.len() {
            let Event { flags, data } = self.events[at];
            match data.u64() {
                TIMER => {
                    let _ = rustix::io::read(&self.timer, &mut [0; 8]);
                    self.armed = None;
                }
                LISTENER => self.accept()?,
                number => {
                    let number = number as usize;
                    if flags.contains(EventFlags::OUT) {
                        self.write(number)?;
                    }
                    ready.push(number);
                }
            }
        }
        Ok(())
    }

    fn arm(&mut self, until: Instant) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= until) {
            return Ok(());
        }
        let time = |time: Duration| Timespec {
            tv_sec: time.as_secs() as i64,
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let left = until.saturating_duration_since(Instant::now());
        let once = Itimerspec {
            it_interval: time(Duration::ZERO),
            it_value: time(left.max(Duration::from_nanos(1))),
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.armed = Some(until);
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some(Ok((stream, _))) = self.listener.as_ref().map(TcpListener::accept) {
            self.adopt(stream)?;
        }
        Ok(())
    }

    fn write(&mut self, number: usize) -> io::Result<()> {
        let socket = &mut self.sockets[number];
        socket.dirty = false;
        let mut written = 0;
        while written < socket.output.len() {
            match socket.stream.write(&socket.output[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Its end is seen by who reads it.
                Err(_) => written = socket.output.len(),
            }
        }
        socket.output.drain(..written);
        let blocked = !socket.output.is_empty();
        if blocked != socket.blocked {
            socket.blocked = blocked;
            let mut flags = EventFlags::IN;
            flags.set(EventFlags::OUT, blocked);
            let data = EventData::new_u64(number as u64);
            epoll::modify(&self.epoll, &socket.stream, data, flags)?;
        }
        Ok(())
    }

    /// Reads once: what has come so far of packets, to be given back by [`Sockets::keep`]. `None`
    /// once the peer has gone.
    pub(crate) fn read(&mut self, number: usize) -> io::Result<Option<Vec<u8>>> {
        let socket = &mut self.sockets[number];
        let mut input = std::mem::take(&mut socket.input);
        match socket.stream.read(&mut self.scratch) {
            Ok(0) => {
                epoll::delete(&self.epoll, &socket.stream)?;
                return Ok(None);
            }
            Ok(count) => input.extend_from_slice(&self.scratch[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => {
                epoll::delete(&self.epoll, &socket.stream)?;
                return Ok(None);
            }
        }
        Ok(Some(input))
    }

    /// Keeps what is left of the input: the begin of a packet.
    pub(crate) fn keep(&mut self, number: usize, mut input: Vec<u8>, used: usize) {
        input.drain(..used);
        self.sockets[number].input = input;
    }
}

/// The next whole packet: its type, where its data are, and where the next begins.
pub(crate) fn next_packet(input: &[u8], from: usize) -> Option<(u32, Range<usize>)> {
    let header = input.get(from..from + HEADER)?;
    let number = |at: usize| header[at..at + 4].try_into().map_or(0, u32::from_be_bytes);
    let data = from + HEADER..from + HEADER + number(8) as usize;
    (data.end <= input.len()).then(|| (number(4), data))
}
