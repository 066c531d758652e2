//! The servers that are measured: processes of their own, looked at through /proc.

use crate::Result;
use gearbench::load;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const GEARMAND: &str = "/usr/sbin/gearmand";

/// How long a server may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How C gearmand is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// As fast as it can be made; hardly anybody runs it so.
    Tuned,
    /// As it comes.
    Default,
}

impl Anchor {
    pub(crate) const BOTH: [Anchor; 2] = [Anchor::Tuned, Anchor::Default];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Anchor::Tuned => "tuned",
            Anchor::Default => "default",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Anchor::Tuned => &[
                "--threads",
                "0",
                "--worker-wakeup",
                "1",
                "--hashtable-buckets",
                "1000003",
                "--backlog",
                "4096",
            ],
            Anchor::Default => &[],
        }
    }
}

/// Which server to start, with which options, below which tool.
pub(crate) struct Recipe {
    words: Vec<String>,
}

impl Recipe {
    pub(crate) fn ours() -> Self {
        // A queue of a million jobs, and some more, is one of the scenarios.
        Recipe::of(env!("CARGO_BIN_EXE_gearbench")).with(&["serve", "--max-jobs", "2m"])
    }

    pub(crate) fn gearmand(anchor: Anchor) -> Self {
        let pid_file = std::env::temp_dir().join(format!("paired-{}.pid", std::process::id()));
        let recipe = Recipe::of(GEARMAND).with(&["--listen", "127.0.0.1", "--pid-file"]);
        recipe
            .with(&[&pid_file.to_string_lossy()])
            .with(anchor.options())
    }

    fn of(program: &str) -> Self {
        Recipe {
            words: vec![program.to_owned()],
        }
    }

    pub(crate) fn with(mut self, options: &[&str]) -> Self {
        self.words
            .extend(options.iter().map(|&word| word.to_owned()));
        self
    }

    /// Runs it below `tool`, which takes the command at its end.
    pub(crate) fn below(mut self, tool: &[&str]) -> Self {
        let tool = tool.iter().map(|&word| word.to_owned());
        self.words = tool.chain(self.words).collect();
        self
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(self) -> Result<Server> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(&self.words[0])
            .args(&self.words[1..])
            .args(["--log-file", "none", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Server { child, port };
        let started = Instant::now();
        while load::probe(&server.address(), Duration::from_secs(1)).is_err() {
            if started.elapsed() > PATIENCE {
                return Err(format!("{:?} does not answer", self.words).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

/// A server process; it ends with this.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    #[allow(dead_code, reason = "of interest where a report looks at the server")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of all its threads, from the scheduler's own books: /proc/PID/stat counts
    /// in steps of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let books = fs::read_to_string(task?.path().join("schedstat"))?;
            let on_cpu = books.split(' ').next().unwrap_or_default();
            nanoseconds += on_cpu.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Open files.
    #[allow(dead_code, reason = "of interest where bounds are looked at")]
    pub(crate) fn files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Resident bytes.
    pub(crate) fn rss(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Ends it as an operator would, so that the tool it runs below writes what it found. The
    /// tool is not told: it ends with it.
    pub(crate) fn end(mut self) -> Result<()> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let pid: i32 = match children.split_whitespace().next() {
            Some(child) => child.parse()?,
            None => i32::try_from(id)?,
        };
        kill_process(Pid::from_raw(pid).ok_or("no process")?, Signal::TERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                return Err("a server does not end".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
