//! Every subcommand that speaks to a server, on servers that are none or have a vice: it ends by
//! itself within its own deadline, with a code that its help names, says why, and stays small.

#![expect(
    clippy::print_stdout,
    reason = "how long each took, for who runs it with --nocapture"
)]

use super::server::{Beast, Vice};
use crate::support::{Finished, Running, TempDir};
use gearbench::cli::exit;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Seconds that a command may take beyond its own deadline.
const SLACK: u64 = 2;
/// Seconds more on a machine that has no time for it: only what hangs takes as long.
const STARVED: u64 = 40;
/// Most memory of a command, in kibibytes.
const MOST_MEMORY: u64 = 100 * 1024;
/// Commands that are under way at a time.
const AT_A_TIME: usize = 16;

/// A command, the seconds that its own flags give it, and the codes that its help names.
struct Verb {
    words: &'static str,
    deadline: u64,
    codes: &'static [u8],
}

/// `TARGET` stands for the server, `FILES` for a directory.
const VERBS: [Verb; 9] = [
    Verb {
        // The least that its parts may take is more than such a budget.
        words: "check -t TARGET --budget 5s",
        deadline: 12,
        codes: &[0, 3, 4, 5, 8],
    },
    Verb {
        words: "run -t TARGET --duration 500ms --connect-timeout 500ms --timeout 1s --drain 1s \
                --out none",
        deadline: 4,
        codes: &[0, 3, 5, 8],
    },
    Verb {
        words: "submit -t TARGET -f zoo --data x --connect-timeout 500ms --timeout 1s",
        deadline: 3,
        codes: &[0, 1, 3, 6],
    },
    Verb {
        words: "saturate -t TARGET --budget 5s --connect-timeout 500ms --timeout 1s --from 100 \
                --out none",
        deadline: 9,
        codes: &[0, 3, 6, 8],
    },
    Verb {
        words: "versus --target TARGET --against TARGET --pairs 1 --duration 500ms \
                --connect-timeout 500ms --timeout 1s --drain 1s --out none",
        deadline: 8,
        codes: &[0, 3, 5, 8],
    },
    Verb {
        words: "sweep -t TARGET --vary clients=1,2 --duration 500ms --connect-timeout 500ms \
                --timeout 1s --drain 1s --out none",
        deadline: 8,
        codes: &[0, 3, 5, 8],
    },
    Verb {
        // One case sends more than 16 MiB itself.
        words: "conform framing/* -t TARGET --timeout 200ms --skip framing/length-beyond-24-bits",
        deadline: 30,
        codes: &[0, 3, 4, 8],
    },
    Verb {
        words: "diff framing/echo* --target TARGET --target TARGET --timeout 200ms",
        deadline: 20,
        codes: &[0, 3, 4],
    },
    Verb {
        words: "fuzz -t TARGET --sessions 2 --steps 20 --duration 2s --seed 7 --out FILES",
        deadline: 30,
        codes: &[0, 3, 5],
    },
];

/// Works for as long as it is let, so only what is no server ends it.
const WORK: Verb = Verb {
    words: "work -t TARGET -f zoo --connect-timeout 500ms -- true",
    deadline: 3,
    codes: &[3],
};

/// What a server is.
#[derive(Clone, Copy, Debug)]
enum Host {
    /// A job server with a vice.
    Vice(Vice),
    /// Accepts, and says nothing.
    Silent,
    /// Says this to everybody, and nothing more.
    Says(&'static [u8]),
    /// Ends every connection at once.
    HangsUp,
    /// Resets a connection once it has read something.
    Resets,
    /// Writes text for as long as somebody takes it.
    Endless,
    /// Takes no more connections than its backlog.
    Closed,
}

/// Servers that are none: whatever is asked of them fails with exit code 3.
const STRANGERS: [Host; 10] = [
    Host::Silent,
    Host::HangsUp,
    Host::Resets,
    Host::Endless,
    Host::Closed,
    Host::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    Host::Says(b"\x15\x03\x01\0\x02\x02\x0a"),
    Host::Says(b"\0RES\0\0\0\x11\xff\xff\xff\xff"),
    Host::Says(b"\0RES\0\0\0\x08\0\0\0\0"),
    Host::Says(b"\0\0\0\0\0\0\0\0\0\0\0\0"),
];

/// Servers that are one, more or less.
const VICES: [Vice; 9] = [
    Vice::None,
    Vice::FallsSilent,
    Vice::StopsReading,
    Vice::Dies,
    Vice::BreaksStream,
    Vice::RefusesAll,
    Vice::AnnouncesTooMuch,
    Vice::StatusWithoutEnd,
    Vice::FloodsStatus,
];

impl Host {
    fn open(self) -> SocketAddr {
        if let Host::Vice(vice) = self {
            return Beast::unleash(vice).address();
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        if let Host::Closed = self {
            return address;
        }
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || self.serve(stream));
            }
        });
        address
    }

    fn serve(self, mut stream: TcpStream) {
        match self {
            Host::Says(words) => _ = stream.write_all(words),
            Host::HangsUp => _ = stream.shutdown(Shutdown::Both),
            Host::Resets => {
                let _ = stream.read(&mut [0; 64]);
                let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                return;
            }
            Host::Endless => while stream.write_all(&[b'x'; 4096]).is_ok() {},
            Host::Vice(_) | Host::Silent | Host::Closed => {}
        }
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// How a command came out.
struct Ended {
    host: Host,
    verb: &'static Verb,
    finished: Finished,
    /// The most memory that it had, in kibibytes.
    memory: u64,
}

fn run(host: Host, verb: &'static Verb) -> Ended {
    let (address, files) = (host.open().to_string(), TempDir::new());
    let dir = files.path().display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    for word in verb.words.split_whitespace() {
        command.arg(match word {
            "TARGET" => &address,
            "FILES" => &dir,
            word => word,
        });
    }
    let running = Running::start(command.current_dir(files.path()), b"");
    let pid = running.pid();
    let memory = thread::spawn(move || most_memory(pid));
    let finished = running.finish(verb.deadline + SLACK + STARVED);
    Ended {
        host,
        verb,
        finished,
        memory: memory.join().expect("no panic"),
    }
}

/// The most memory that a process has until its end, in kibibytes.
fn most_memory(pid: u32) -> u64 {
    let mut last = 0;
    // A process that has ended has no such line. The figure never falls, but for the first one,
    // which may still be that of the process it was forked from.
    while let Some(peak) = peak(pid) {
        last = peak;
        thread::sleep(Duration::from_millis(5));
    }
    last
}

fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

impl Ended {
    /// What is wrong with it; nothing, if it is as documented.
    fn wrong(&self) -> Option<String> {
        let (out, err) = (self.finished.out(), self.finished.err());
        let code = self.finished.status.code();
        let known = code.is_some_and(|code| self.verb.codes.iter().any(|c| i32::from(*c) == code));
        let stranger = !matches!(self.host, Host::Vice(_));
        let said = match code {
            Some(0) => true,
            // The report says it, or, where there is none, the complaint.
            _ if out.is_empty() => err.contains("gearbench "),
            _ => true,
        };
        let why = match () {
            () if err.contains("panicked") || out.contains("panicked") => "a panic",
            () if !known => "a code that its help does not name",
            () if stranger && code != Some(exit::TARGET.into()) => "it should be 3",
            () if !said => "it does not say why",
            () if self.memory > MOST_MEMORY => "more memory than 100 MiB",
            () => return None,
        };
        Some(format!("{}: {why}\n{out}\n{err}", self.line()))
    }

    fn line(&self) -> String {
        format!(
            "{:6.2} s {:6} KiB  code {:?}  {} on {:?}",
            self.finished.elapsed.as_secs_f64(),
            self.memory,
            self.finished.status.code(),
            self.verb.words.split(' ').next().unwrap_or_default(),
            self.host
        )
    }
}

/// A few at a time: most of them wait for their server.
fn all(mut pairs: Vec<(Host, &'static Verb)>) {
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    // The longest first.
    pairs.sort_by_key(|(_, verb)| verb.deadline);
    let left = Mutex::new(pairs);
    let next = || left.lock().expect("no panic").pop();
    let work = || {
        let mut ended = Vec::new();
        while let Some((host, verb)) = next() {
            ended.push(run(host, verb));
        }
        ended
    };
    let ended: Vec<Ended> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join());
        ended
            .flat_map(|ended| ended.expect("all end in time"))
            .collect()
    });
    for ended in &ended {
        wrong.extend(ended.wrong());
        lines.push(ended.line());
    }
    lines.sort();
    println!("{}", lines.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn no_command_hangs_on_what_is_no_server() {
    let verbs = VERBS.iter().chain([&WORK]);
    let pairs = verbs.flat_map(|verb| STRANGERS.map(|host| (host, verb)));
    all(pairs.collect());
}

#[test]
fn no_command_hangs_on_a_server_with_a_vice() {
    let pairs = VERBS
        .iter()
        .flat_map(|verb| VICES.map(|vice| (Host::Vice(vice), verb)));
    all(pairs.collect());
}
