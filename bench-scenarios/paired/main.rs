//! `gearbench serve` beside C gearmand: the same load on both in turn, again and again.
//!
//! `cargo bench --bench paired` (all), `cargo bench --bench paired -- fgw flood 9` (two scenarios,
//! nine pairs). Single runs on one machine differ by a factor; the ratio of two runs one after the
//! other does not. The server's processor time per job is the figure that survives noise: it is
//! read from /proc. C gearmand runs twice: as fast as it can be made, and as it comes.

#![allow(clippy::print_stdout, reason = "a table on stdout is what this is for")]

use gearbench::load::{self, Control, Pace, Plan, RunId, Size};
use gearbench::report::{Phase, Report};
use std::error::Error;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Pairs of each scenario unless told otherwise.
const PAIRS: usize = 5;
const GEARMAND: &str = "/usr/sbin/gearmand";
/// The fastest that C gearmand can be made; hardly anybody runs it so.
const TUNED: &[&str] = &[
    "--threads",
    "0",
    "--worker-wakeup",
    "1",
    "--hashtable-buckets",
    "1000003",
    "--backlog",
    "4096",
];
const DEFAULT: &[&str] = &[];

/// A load, and the phases of it that are compared.
struct Scenario {
    name: &'static str,
    clients: usize,
    outstanding: usize,
    workers: usize,
    jobs: u64,
    /// Background jobs that wait before a worker comes, instead of foreground jobs.
    backlog: bool,
    /// The phase, and what its row is called.
    phases: &'static [(&'static str, &'static str)],
}

const SCENARIOS: &[Scenario] = &[
    foreground("fg1", 1, 1, 1, 40_000),
    foreground("fg8", 8, 1, 8, 100_000),
    foreground("fg50", 50, 1, 50, 100_000),
    foreground("fgw", 4, 32, 8, 200_000),
    foreground("fgw256", 16, 64, 32, 300_000),
    Scenario {
        name: "flood",
        clients: 4,
        outstanding: 64,
        workers: 4,
        jobs: 200_000,
        backlog: true,
        phases: &[("flood", "flood"), ("backlog", "drain")],
    },
];

const fn foreground(
    name: &'static str,
    clients: usize,
    outstanding: usize,
    workers: usize,
    jobs: u64,
) -> Scenario {
    Scenario {
        name,
        clients,
        outstanding,
        workers,
        jobs,
        backlog: false,
        phases: &[("measure", "")],
    }
}

impl Scenario {
    fn plan(&self, server: &Server) -> Plan {
        let target = format!("127.0.0.1:{}", server.port);
        Plan {
            pace: Pace::Closed {
                outstanding: self.outstanding,
            },
            jobs: (!self.backlog).then_some(self.jobs),
            backlog: if self.backlog { self.jobs } else { 0 },
            clients: self.clients,
            workers: self.workers,
            payload: Size::fixed(100),
            result: Size::fixed(0),
            server_pid: Some(server.child.id()),
            ..Plan::new(target, RunId::fresh(), 1)
        }
    }
}

/// A server process; it ends with this.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn ours() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_gearbench"));
        command.args(["serve", "--log-file", "none"]);
        Self::start(command, port)
    }

    fn gearmand(options: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(GEARMAND);
        let pid_file = std::env::temp_dir().join(format!("gearbench-paired-{port}.pid"));
        command.args(["--listen", "127.0.0.1", "--log-file", "none"]);
        command.arg("--pid-file").arg(pid_file).args(options);
        Self::start(command, port)
    }

    fn start(mut command: Command, port: u16) -> Result<Self> {
        command.args(["--port", &port.to_string()]);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Server { child, port };
        let started = Instant::now();
        while load::probe(&format!("127.0.0.1:{port}"), Duration::from_secs(1)).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                return Err("a server does not answer within 10 s of its start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The figures of one phase of one run.
#[derive(Clone, Copy)]
struct Figures {
    cpu_us: f64,
    per_second: f64,
}

fn figures(phase: &Phase) -> Option<Figures> {
    let jobs = phase.completed.max(phase.sent) as f64;
    Some(Figures {
        cpu_us: phase.server?.cpu_us_per_job,
        per_second: jobs / phase.seconds,
    })
}

fn run(scenario: &Scenario, server: &Server) -> Result<Vec<Figures>> {
    let report: Report = load::run(scenario.plan(server), Control::default())?.report;
    if report.ledger.ok != report.ledger.sent {
        return Err(format!("not all jobs ended well: {:?}", report.ledger).into());
    }
    let of_phase = |(name, _): &(&str, &str)| {
        let phase = report.phases.iter().find(|phase| phase.name == *name);
        phase
            .and_then(figures)
            .ok_or_else(|| format!("no figures of {name}").into())
    };
    scenario.phases.iter().map(of_phase).collect()
}

/// Smallest, median and largest.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    [values[0], values[last / 2], values[last]]
}

fn compare(scenario: &Scenario, name: &str, options: &[&str], pairs: usize) -> Result<()> {
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..pairs {
        ours.push(run(scenario, &Server::ours()?)?);
        theirs.push(run(scenario, &Server::gearmand(options)?)?);
    }
    for (index, (_, row)) in scenario.phases.iter().enumerate() {
        let label = if row.is_empty() { scenario.name } else { row };
        let column = |runs: &[Vec<Figures>], of: fn(&Figures) -> f64| -> Vec<f64> {
            runs.iter().map(|run| of(&run[index])).collect()
        };
        let [cpu, cpu_theirs] = [&ours, &theirs].map(|runs| column(runs, |f| f.cpu_us));
        let [rate, rate_theirs] = [&ours, &theirs].map(|runs| column(runs, |f| f.per_second));
        let ratio = |a: &[f64], b: &[f64]| {
            let [min, median, max] = spread(a.iter().zip(b).map(|(a, b)| a / b));
            format!("{median:.2} ({min:.2}–{max:.2})")
        };
        let median = |values: &[f64]| spread(values.iter().copied())[1];
        println!(
            "| {label} | {name} | {:.2} | {:.2} | {} | {:.0} | {:.0} | {} |",
            median(&cpu),
            median(&cpu_theirs),
            ratio(&cpu_theirs, &cpu),
            median(&rate),
            median(&rate_theirs),
            ratio(&rate, &rate_theirs),
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    // `cargo bench` passes options of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| !w.starts_with('-'))
        .collect();
    let pairs = words
        .iter()
        .find_map(|word| word.parse().ok())
        .unwrap_or(PAIRS)
        .max(1);
    let named = |name: &str| words.iter().any(|word| word == name);
    let all = !SCENARIOS.iter().any(|scenario| named(scenario.name));
    println!("{pairs} pairs each; median (smallest–largest); ratios above 1 are in our favour\n");
    println!(
        "| scenario | C gearmand | CPU µs/job, ours | theirs | ratio | jobs/s, ours | theirs | ratio |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for scenario in SCENARIOS
        .iter()
        .filter(|scenario| all || named(scenario.name))
    {
        compare(scenario, "tuned", TUNED, pairs)?;
        compare(scenario, "default", DEFAULT, pairs)?;
    }
    Ok(())
}
