//! From figures to OpenMetrics text.

use super::process::ProcessFigures;
use crate::engine::{Census, FunctionCensus};
use crate::protocol::Priority;
use crate::server::figures::{Figures, StoreFigures, Traffic};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// The text for these figures.
pub(super) fn of(figures: &Figures, process: ProcessFigures) -> Result<String, fmt::Error> {
    let page = Page {
        figures: figures.clone(),
        process,
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Page {
    figures: Figures,
    process: ProcessFigures,
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        sheet.gauges("gearbench_build_info", "The program", [(version, 1)])?;
        sheet.census(&self.figures.census)?;
        sheet.traffic(self.figures.traffic)?;
        if let Some(store) = &self.figures.store {
            sheet.store(store)?;
        }
        sheet.process(self.process)
    }
}

/// The text as it grows.
struct Sheet<'a>(DescriptorEncoder<'a>);

type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

impl Sheet<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        let metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        gauge.encode(metric)
    }

    fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        let metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        counter.encode(metric)
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        rows: [(&str, u64); N],
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in rows {
            let labels = [(label, value)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn census(&mut self, census: &Census) -> fmt::Result {
        let known = census.known_functions as u64;
        self.gauge("gearbench_functions", "Known functions", known)?;
        self.functions(census)?;
        let jobs = census.jobs as u64;
        self.gauge("gearbench_jobs", "Jobs of any state", jobs)?;
        let help = "Bytes that the jobs count for";
        self.gauge("gearbench_jobs_bytes", help, census.bytes)?;
        let open = census.peers as u64;
        self.gauge("gearbench_connections", "Open connections", open)?;
        let sleeping = census.sleeping as u64;
        let help = "Connections that wait for a NOOP";
        self.gauge("gearbench_workers_sleeping", help, sleeping)?;
        self.counts(census)
    }

    fn functions(&mut self, census: &Census) -> fmt::Result {
        let all = census.functions.iter().chain(&census.others);
        let all: Vec<(String, &FunctionCensus)> = all.map(|one| (label(&one.name), one)).collect();
        let queued = all.iter().flat_map(|(name, one)| {
            let name = name.as_str();
            Priority::ALL.map(|priority| {
                let labels = [("function", name), ("priority", word(priority))];
                (labels, one.queued[priority as usize] as u64)
            })
        });
        let help = "Jobs that wait for a worker";
        self.gauges("gearbench_jobs_queued", help, queued)?;
        let mut each = |name, help, value: fn(&FunctionCensus) -> usize| {
            let rows = all
                .iter()
                .map(|(name, one)| ([("function", name.as_str())], value(one) as u64));
            self.gauges(name, help, rows)
        };
        each(
            "gearbench_jobs_running",
            "Jobs that a worker holds",
            |one| one.running,
        )?;
        each(
            "gearbench_jobs_delayed",
            "Jobs whose time has not come",
            |one| one.delayed,
        )?;
        each(
            "gearbench_workers",
            "Connections that can run the function",
            |one| one.workers,
        )
    }

    fn counts(&mut self, census: &Census) -> fmt::Result {
        let counts = &census.counts;
        self.counter("gearbench_wakeups", "NOOPs sent", counts.noops)?;
        let submits = [
            ("foreground", counts.foreground),
            ("background", counts.background),
            ("joined", counts.joined),
            ("refused_full", counts.refused_full),
            ("refused_draining", counts.refused_draining),
        ];
        let help = "Submissions, by what became of them";
        self.counters("gearbench_submits", help, "outcome", submits)?;
        let ended = [
            ("completed", counts.completed),
            ("failed", counts.failed),
            ("exception", counts.excepted),
            ("given_up", counts.given_up),
            ("abandoned", counts.abandoned),
            ("cancelled", counts.cancelled),
        ];
        self.counters(
            "gearbench_jobs_ended",
            "Jobs that ended, by how",
            "how",
            ended,
        )?;
        let help = "Jobs that went back to their queue";
        self.counter("gearbench_jobs_requeued", help, counts.requeued)?;
        let help = "Jobs whose worker took longer than allowed";
        self.counter("gearbench_jobs_timed_out", help, counts.timed_out)
    }

    fn traffic(&mut self, traffic: Traffic) -> fmt::Result {
        let Traffic { accepted, refused } = traffic;
        let name = "gearbench_connections_accepted";
        self.counter(name, "Connections that were taken in", accepted)?;
        let name = "gearbench_connections_refused";
        self.counter(
            name,
            "Connections closed at once since there were too many",
            refused,
        )
    }

    fn store(&mut self, store: &StoreFigures) -> fmt::Result {
        let healthy = u64::from(store.failure.is_none());
        self.gauge(
            "gearbench_store_healthy",
            "Whether jobs can be stored",
            healthy,
        )?;
        let waiting = store.waiting as u64;
        self.gauge("gearbench_store_waiting", "Records not yet stored", waiting)?;
        let mut histogram = self.0.encode_descriptor(
            "gearbench_store_commit",
            "How long commits take",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        let (sum, count) = (store.commit_seconds, store.commits);
        histogram.encode_histogram::<[(&str, &str); 0]>(sum, count, &store.commit_buckets, None)
    }

    fn process(&mut self, process: ProcessFigures) -> fmt::Result {
        if let Some(resident) = process.resident {
            let help = "Memory of the process in bytes";
            self.gauge("process_resident_memory_bytes", help, resident)?;
        }
        if let Some(open) = process.descriptors {
            self.gauge("process_open_fds", "Open descriptors", open)?;
        }
        Ok(())
    }
}

fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

/// A name as the value of a label, such that two names never become one.
fn label(name: &[u8]) -> String {
    let plain = |text: &&str| !text.chars().any(|c| c.is_control() || c == '\\');
    match std::str::from_utf8(name).ok().filter(plain) {
        Some(text) => text.to_owned(),
        // Whatever is escaped holds a backslash, and what is not holds none.
        None => name.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_and_never_become_one() {
        assert_eq!(label("größe f".as_bytes()), "größe f");
        assert_eq!(label(b"a\xff"), r"a\xff");
        assert_eq!(label(br"a\xff"), r"a\\xff");
        assert_eq!(label(b"\x1b[2J\n"), r"\x1b[2J\n");
    }

    #[test]
    fn the_text_holds_each_figure_once() {
        let census = Census {
            functions: vec![FunctionCensus {
                name: (*b"say \"hi\"").into(),
                queued: [1, 2, 3],
                running: 4,
                delayed: 5,
                workers: 6,
            }],
            others: Some(FunctionCensus::default()),
            ..Census::default()
        };
        let store = StoreFigures {
            failure: Some("disk full".to_owned()),
            commit_seconds: 0.5,
            commits: 3,
            commit_buckets: vec![(0.1, 2), (f64::INFINITY, 1)],
            ..StoreFigures::default()
        };
        let figures = Figures {
            census,
            store: Some(store),
            ..Figures::default()
        };
        let text = of(&figures, ProcessFigures::default()).expect("a text");
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            r#"gearbench_jobs_queued{function="say \"hi\"",priority="normal"} 2"#,
            r#"gearbench_jobs_running{function="say \"hi\""} 4"#,
            r#"gearbench_workers{function=""} 0"#,
            r#"gearbench_submits_total{outcome="joined"} 0"#,
            "gearbench_store_healthy 0",
            r#"gearbench_store_commit_seconds_bucket{le="0.1"} 2"#,
            r#"gearbench_store_commit_seconds_bucket{le="+Inf"} 3"#,
            "gearbench_store_commit_seconds_sum 0.5",
            "# EOF",
        ] {
            let found = lines.iter().filter(|&&one| one == line).count();
            assert_eq!(found, 1, "{line} in\n{text}");
        }
    }
}
