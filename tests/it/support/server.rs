//! Job servers on loopback, each on a free port, each ended by its own id.

use super::process::end;
use super::{Admin, PATIENCE, TempDir, ask_until};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

/// A job server that a test talks to.
pub(crate) trait Server {
    fn address(&self) -> SocketAddr;

    /// The id of the server's process.
    fn pid(&self) -> u32;

    /// Kills it, so that it has no time to say good-bye.
    fn kill(&mut self);

    fn admin(&self) -> Admin {
        Admin::connect(self.address()).expect("a server that accepts")
    }
}

/// C gearmand.
#[derive(Debug)]
pub(crate) struct Gearmand(Process);

/// `gearbench serve`.
#[derive(Debug)]
pub(crate) struct Serve(Process);

#[derive(Debug)]
struct Process {
    child: Child,
    address: SocketAddr,
    files: TempDir,
}

impl Gearmand {
    /// Its path, since the Perl server's program has the same name.
    pub(crate) const PATH: &str = "/usr/sbin/gearmand";

    /// Starts gearmand with more options; ours come first.
    pub(crate) fn start(args: &[&str]) -> Self {
        // It cannot choose a free port itself, and another process may take ours in between.
        const ATTEMPTS: usize = 10;
        (0..ATTEMPTS)
            .find_map(|_| Self::start_on(free_port(), args))
            .unwrap_or_else(|| panic!("gearmand {args:?} did not start on {ATTEMPTS} free ports"))
    }

    fn start_on(port: u16, args: &[&str]) -> Option<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let files = TempDir::new();
        let child = Command::new(Self::PATH)
            .args(["--listen", "127.0.0.1", "--port", &port.to_string()])
            .args(["--log-file", "stderr", "--pid-file"])
            .arg(files.file("pid"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(files.log())
            .spawn()
            .expect("gearmand starts");
        let mut server = Self(Process {
            child,
            address,
            files,
        });
        // Its own id, or whoever took the port would be mistaken for it.
        let own = format!("OK {}", server.pid());
        let answers = ask_until("gearmand to answer or to end", || {
            if server.0.child.try_wait().expect("our own child").is_some() {
                return Some(false);
            }
            let answer = Admin::connect(address).and_then(|mut admin| admin.ask("getpid"));
            (answer.ok()? == own).then_some(true)
        });
        answers.then_some(server)
    }
}

impl Serve {
    /// Starts `gearbench serve` with more options; ours come first.
    pub(crate) fn start(args: &[&str]) -> Self {
        let files = TempDir::new();
        let mut child = Command::new(env!("CARGO_BIN_EXE_gearbench"))
            .args(["serve", "--port", "0", "--listen", "127.0.0.1"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(files.log())
            .spawn()
            .expect("gearbench starts");
        let stdout = child.stdout.take().expect("piped");
        let mut server = Self(Process {
            child,
            address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into(),
            files,
        });
        let (sender, lines) = channel();
        thread::spawn(move || {
            // Reads on after the first line: a pipe nobody reads would stop the server one day.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let first = lines
            .recv_timeout(PATIENCE)
            .expect("a first line from `gearbench serve`");
        server.0.address = first
            .strip_prefix("listening on ")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("expected `listening on 127.0.0.1:PORT`, found {first:?}"));
        server
    }
}

impl Serve {
    /// Asks it to end, and waits until it has, well.
    pub(crate) fn terminate(&mut self) {
        let mut kill = Command::new("kill");
        let told = kill.args(["-TERM", &self.pid().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let child = &mut self.0.child;
        let status = ask_until("the server to end", || {
            child.try_wait().expect("our own child")
        });
        assert_eq!(status.code(), Some(0));
    }
}

impl Server for Gearmand {
    fn address(&self) -> SocketAddr {
        self.0.address
    }

    fn pid(&self) -> u32 {
        self.0.child.id()
    }

    fn kill(&mut self) {
        end(&mut self.0.child);
    }
}

impl Server for Serve {
    fn address(&self) -> SocketAddr {
        self.0.address
    }

    fn pid(&self) -> u32 {
        self.0.child.id()
    }

    fn kill(&mut self) {
        end(&mut self.0.child);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
        self.files.show_log_of_failure("server");
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
