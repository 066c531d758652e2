//! `gearbench doctor`: whether this machine can put load on a server, and what to do where not.

use super::exit;
use crate::report::quantity;
use std::fmt::Write;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench doctor          a second, and nothing is changed";

const EXITS: &str = "\
Exit codes: 0 looked at, whatever was found; 2 usage.";

/// Look at this machine: files, ports, backlog, clock, processors, timers.
#[derive(clap::Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct DoctorArgs {}

/// How long the processors and timers are watched.
const WATCHED: Duration = Duration::from_secs(1);
/// The pause that timers are asked for.
const PAUSE: Duration = Duration::from_millis(1);
/// Lateness that shows in a latency.
const LATE: Duration = Duration::from_millis(1);
/// Connections that are to be possible.
const CONNECTIONS: u64 = 10_000;
/// Connections that are to be able to wait for an accept.
const BACKLOG: u64 = 1024;
/// Share of a processor's time that others may take, in percent.
const STOLEN: f64 = 2.0;

/// One thing that was looked at.
#[derive(Debug, PartialEq)]
struct Finding {
    what: &'static str,
    found: String,
    /// What to do; `None` if all is well.
    cure: Option<String>,
}

/// Prints what was found.
pub(super) fn doctor(_: &DoctorArgs) -> anyhow::Result<u8> {
    let before = Ticks::read();
    let lateness = timers();
    let findings = [
        Some(files(crate::wire::raise_file_limit())),
        number_pair("/proc/sys/net/ipv4/ip_local_port_range").map(ports),
        number("/proc/sys/net/core/somaxconn").map(backlog),
        text("/sys/devices/system/clocksource/clocksource0/current_clocksource").map(clock),
        Some(processors(
            std::thread::available_parallelism().map_or(1, usize::from),
        )),
        text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").map(governor),
        before.zip(Ticks::read()).map(|(a, b)| stolen(a, b)),
        Some(late(lateness)),
    ];
    let findings: Vec<_> = findings.into_iter().flatten().collect();
    super::print(&screen(&findings))?;
    Ok(exit::OK)
}

fn screen(findings: &[Finding]) -> String {
    let mut out = String::from("gearbench doctor\n\n");
    for finding in findings {
        let word = if finding.cure.is_some() { "warn" } else { "ok" };
        let _ = writeln!(out, "{word:<5} {:<16} {}", finding.what, finding.found);
        if let Some(cure) = &finding.cure {
            let _ = writeln!(out, "{:<22} {cure}", "");
        }
    }
    let warnings = findings.iter().filter(|f| f.cure.is_some()).count();
    let _ = match warnings {
        0 => writeln!(out, "\nall is well"),
        1 => writeln!(out, "\n1 warning"),
        _ => writeln!(out, "\n{warnings} warnings"),
    };
    out
}

fn finding(what: &'static str, found: String, well: bool, cure: &str) -> Finding {
    Finding {
        what,
        found,
        cure: (!well).then(|| cure.to_owned()),
    }
}

fn files(limit: u64) -> Finding {
    let found = match limit {
        u64::MAX => "no limit".to_owned(),
        _ => format!("{} at the most", quantity::count(limit)),
    };
    let cure = "each client and worker needs one: raise the hard limit with `ulimit -Hn 65536` as \
                root, or LimitNOFILE=";
    finding("open files", found, limit > CONNECTIONS, cure)
}

fn ports((first, last): (u64, u64)) -> Finding {
    let ports = (last + 1).saturating_sub(first);
    let found = format!("{} for connections out", quantity::count(ports));
    let cure = "each connection needs one: sysctl -w net.ipv4.ip_local_port_range='1024 65535'";
    finding("ports", found, ports > CONNECTIONS, cure)
}

fn backlog(limit: u64) -> Finding {
    let found = format!("{} connections may wait", quantity::count(limit));
    let cure =
        "a server started here drops bursts of connections: sysctl -w net.core.somaxconn=4096";
    finding("accept queue", found, limit >= BACKLOG, cure)
}

fn clock(source: String) -> Finding {
    let fast = [
        "tsc",
        "kvm-clock",
        "arch_sys_counter",
        "hyperv_clocksource_tsc_page",
    ];
    let well = fast.contains(&source.as_str());
    let cure = "reading this clock is slow: see `available_clocksource` beside it, and choose tsc \
                where the machine has it";
    finding("clock", source, well, cure)
}

fn processors(count: usize) -> Finding {
    let cure = "generator and server share them when both are here: measure from another machine, \
                or keep them apart with taskset";
    finding("processors", count.to_string(), count >= 4, cure)
}

fn governor(name: String) -> Finding {
    let well = name == "performance";
    let cure = "the clock rate follows the load, and latency with it: cpupower frequency-set -g \
                performance";
    finding("governor", name, well, cure)
}

/// Time of all processors since the start, in ticks.
#[derive(Clone, Copy)]
struct Ticks {
    all: u64,
    stolen: u64,
}

impl Ticks {
    fn read() -> Option<Self> {
        Ticks::of(&text("/proc/stat")?)
    }

    /// user nice system idle iowait irq softirq steal; guest time is in user already.
    fn of(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let numbers = line.split_whitespace().take(8);
        let numbers: Vec<u64> = numbers.map_while(|n| n.parse().ok()).collect();
        Some(Ticks {
            all: numbers.iter().fold(0, |sum, n| sum.saturating_add(*n)),
            stolen: *numbers.get(7)?,
        })
    }
}

fn stolen(before: Ticks, after: Ticks) -> Finding {
    let all = after.all.saturating_sub(before.all).max(1) as f64;
    let percent = after.stolen.saturating_sub(before.stolen) as f64 / all * 100.0;
    let cure = "others use this machine's processors: figures will not repeat; measure on one of \
                your own, or compare several runs a side";
    finding(
        "stolen time",
        format!("{percent:.1} %"),
        percent <= STOLEN,
        cure,
    )
}

/// How late a pause ends, for [`WATCHED`]; sorted.
fn timers() -> Vec<Duration> {
    let start = Instant::now();
    let mut late = Vec::new();
    while start.elapsed() < WATCHED {
        let before = Instant::now();
        std::thread::sleep(PAUSE);
        late.push(before.elapsed().saturating_sub(PAUSE));
    }
    late.sort();
    late
}

fn late(sorted: Vec<Duration>) -> Finding {
    let at = |share: usize| {
        sorted
            .get(sorted.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    let shown =
        |time: Duration| quantity::duration(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let found = format!("p50 {}, p99 {} late", shown(at(50)), shown(at(99)));
    let cure = "jobs will start late: end what else runs here, or measure with fewer --threads \
                than processors";
    finding("timers", found, at(99) < LATE, cure)
}

fn text(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

fn number(path: &str) -> Option<u64> {
    text(path)?.parse().ok()
}

fn number_pair(path: &str) -> Option<(u64, u64)> {
    let text = text(path)?;
    let (first, last) = text.split_once(char::is_whitespace)?;
    Some((first.parse().ok()?, last.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_little_has_a_cure() {
        assert_eq!(files(u64::MAX).cure, None);
        assert!(files(1024).cure.unwrap().contains("ulimit"));
        assert_eq!(ports((1024, 65_535)).cure, None);
        assert!(ports((60_000, 61_000)).cure.is_some());
        assert!(ports((9, 3)).cure.is_some());
        assert!(clock("acpi_pm".to_owned()).cure.is_some());
        assert!(late(vec![Duration::from_millis(3); 100]).cure.is_some());
        assert_eq!(late(vec![Duration::from_micros(60); 100]).cure, None);
    }

    #[test]
    fn stolen_time_is_the_eighth_column() {
        let ticks =
            |stolen| Ticks::of(&format!("cpu  10 0 10 80 0 0 0 {stolen} 7 7\ncpu0 1")).unwrap();
        let found = stolen(ticks(0), ticks(100));
        assert!(found.found.starts_with("100"), "{found:?}");
        assert!(found.cure.is_some());
        assert!(Ticks::of("cpu 1 2 3").is_none());
        assert!(Ticks::of("").is_none());
    }
}
