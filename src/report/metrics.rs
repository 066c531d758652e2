//! What every figure of a report means: for `explain`, for `list metrics`, for the pages.

/// The definition of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as reports and their JSON have it.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it is, in a sentence.
    pub what: &'static str,
    /// What it tells, and what it does not.
    pub tells: &'static str,
}

/// A stage of a job: the time between two of its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageDefinition {
    /// Its name.
    pub name: &'static str,
    /// Its stamps.
    pub stamps: &'static str,
    /// What it answers.
    pub question: &'static str,
}

/// The moments of a job that are written down.
pub const STAMPS: [(&str, &str); 6] = [
    ("t0", "the intended start, from the schedule"),
    ("t1", "the submission handed to the kernel"),
    ("t2", "JOB_CREATED decoded by the client"),
    ("t3", "JOB_ASSIGN decoded by the worker"),
    ("t4", "WORK_COMPLETE handed to the kernel"),
    ("t5", "WORK_COMPLETE decoded by the client"),
];

/// The stages, in the order of reports.
pub const STAGES: [StageDefinition; 10] = [
    StageDefinition {
        name: "schedule_lag",
        stamps: "t0 to t1",
        question: "was the generator, or back-pressure, late?",
    },
    StageDefinition {
        name: "submit_ack",
        stamps: "t1 to t2",
        question: "how fast does the server accept?",
    },
    StageDefinition {
        name: "queue_wait",
        stamps: "t1 to t3",
        question: "waiting in the queue, and dispatch",
    },
    StageDefinition {
        name: "wake",
        stamps: "t1 to t3",
        question: "as queue_wait, of jobs that met a sleeper",
    },
    StageDefinition {
        name: "service",
        stamps: "t3 to t4",
        question: "the simulated work of the workers",
    },
    StageDefinition {
        name: "delivery",
        stamps: "t4 to t5",
        question: "how fast is the result relayed?",
    },
    StageDefinition {
        name: "response",
        stamps: "t0 to t5",
        question: "what a user feels; free of coordinated omission",
    },
    StageDefinition {
        name: "overhead",
        stamps: "t1 to t5, less t3 to t4",
        question: "the cost of the server and the network",
    },
    StageDefinition {
        name: "round_trip",
        stamps: "t1 to t5",
        question: "what a closed-loop tool would report",
    },
    StageDefinition {
        name: "lateness",
        stamps: "the time of an epoch job to t3",
        question: "how long after its time does a job start?",
    },
];

/// The figures that are no stages.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "offered_per_second",
        unit: "jobs/s",
        what: "Jobs that the schedule of an open loop asks for.",
        tells: "A closed loop offers nothing: there the server's answers set the pace.",
    },
    Metric {
        name: "sent_per_second",
        unit: "jobs/s",
        what: "Jobs handed to the kernel in a phase, over its length.",
        tells: "Below the offered rate the generator was the limit, or connections were missing.",
    },
    Metric {
        name: "completed_per_second",
        unit: "jobs/s",
        what: "Jobs that ended well in a phase, over its length.",
        tells: "Below the offered rate the server did not keep up.",
    },
    Metric {
        name: "cpu_us_per_job",
        unit: "µs",
        what: "Processor time of the server, user and system, for each job of a phase.",
        tells: "The figure that survives a busy machine best; it needs --server-pid.",
    },
    Metric {
        name: "rss_bytes",
        unit: "bytes",
        what: "Resident memory of the server.",
        tells: "It needs --server-pid; the series has it once a second.",
    },
    Metric {
        name: "shed",
        unit: "jobs",
        what: "Scheduled jobs that were not sent, because too many were on their way.",
        tells: "More than none makes a run inconclusive: the load was not the one asked for.",
    },
    Metric {
        name: "ok",
        unit: "jobs",
        what: "Jobs that ended well: answered in the foreground, run in the background.",
        tells: "Payload and result carried the right run, job and checksum.",
    },
    Metric {
        name: "failed",
        unit: "jobs",
        what: "Jobs ended by WORK_FAIL, WORK_EXCEPTION or a result that was not theirs.",
        tells: "Unless workers were told to fail them, somebody made it up.",
    },
    Metric {
        name: "error",
        unit: "jobs",
        what: "Jobs refused by an ERROR, or whose connection ended first.",
        tells: "The first ERROR is in the verdict.",
    },
    Metric {
        name: "timeout",
        unit: "jobs",
        what: "Jobs not answered within --timeout.",
        tells: "They count in the response with the time that was waited at least.",
    },
    Metric {
        name: "in_flight",
        unit: "jobs",
        what: "Jobs without an end when the run ended.",
        tells: "Those of them that `status` shows are still queued.",
    },
    Metric {
        name: "lost",
        unit: "jobs",
        what: "Jobs that were accepted, never ended, and are not known to the server any more.",
        tells: "A broken promise: exit code 5.",
    },
    Metric {
        name: "phantom",
        unit: "jobs",
        what: "Jobs that nobody submitted, and answers to jobs that nobody ran.",
        tells: "A broken promise: exit code 5.",
    },
    Metric {
        name: "duplicated",
        unit: "jobs",
        what: "Jobs run or answered twice although no worker was lost.",
        tells: "A broken promise: exit code 5.",
    },
    Metric {
        name: "wrong_body",
        unit: "jobs",
        what: "Payloads, results and functions that were another's or were damaged.",
        tells: "A broken promise: exit code 5. Every body carries its run, job and checksum.",
    },
    Metric {
        name: "rerun",
        unit: "jobs",
        what: "Jobs run again because the worker that had them was lost.",
        tells: "Legal: Gearman promises at least once to background jobs.",
    },
    Metric {
        name: "recovered",
        unit: "jobs",
        what: "Jobs run although their submission was never acknowledged.",
        tells: "Legal: the connection ended between the two.",
    },
    Metric {
        name: "jain",
        unit: "1",
        what: "Jain's index of the jobs per worker: 1 is even, 1/workers is all on one.",
        tells: "jain_if_random is what drawing lots would give with as many jobs.",
    },
    Metric {
        name: "gini",
        unit: "1",
        what: "Gini coefficient of the jobs per worker: 0 is even.",
        tells: "It weighs the middle, where Jain's index weighs the ends.",
    },
    Metric {
        name: "cv",
        unit: "1",
        what: "Standard deviation of the jobs per worker over their mean.",
        tells: "By lot it is about one over the root of the jobs per worker.",
    },
    Metric {
        name: "noops",
        unit: "packets",
        what: "Wake-ups that workers received.",
        tells: "Far more of them than jobs is a herd: all sleepers woken for one job.",
    },
    Metric {
        name: "no_jobs",
        unit: "packets",
        what: "GRAB_JOBs that were answered with NO_JOB.",
        tells: "Wake-ups for nothing, and the last look before falling asleep.",
    },
    Metric {
        name: "schedule_lag_p999_ns",
        unit: "ns",
        what: "99.9th percentile of the schedule lag.",
        tells: "The generator was late, or the target let its submissions wait; `late` tells which.",
    },
    Metric {
        name: "late",
        unit: "ns",
        what: "How late the generator itself did what was due: it made a job after its intended \
               start, or noticed a beat of 2 ms after its time.",
        tells: "What was due then was sent or read as late. Where the median or the 90th percentile \
                of the response may be off by more than 1 ms and 2 % because of it, the run is \
                inconclusive; of the last percentiles a note says so.",
    },
    Metric {
        name: "cpu_wait_percent",
        unit: "%",
        what: "Share of the measured time that the generator's threads were ready to run while \
               others ran.",
        tells: "Why the generator was late: too few processors for all that runs on the machine.",
    },
    Metric {
        name: "stolen_percent",
        unit: "%",
        what: "Share of all processors that the host of a virtual machine kept for others.",
        tells: "Why everything was late: move the run to another machine, or another hour.",
    },
    Metric {
        name: "busy_percent",
        unit: "%",
        what: "Share of their time that the generator's threads were busy.",
        tells: "Near 100 the throughput may be the generator's own.",
    },
];

/// The page of `explain latency`.
pub fn latency() -> String {
    let mut text = String::from(
        "Latency\n\n\
         One monotonic clock for all clients and workers of a run, which share a process.\n\n",
    );
    for (stamp, what) in STAMPS {
        text.push_str(&format!("  {stamp}  {what}\n"));
    }
    text.push_str("\n  stage         from .. to               question\n");
    for StageDefinition {
        name,
        stamps,
        question,
    } in STAGES
    {
        text.push_str(&format!("  {name:<12}  {stamps:<23}  {question}\n"));
    }
    text.push_str(
        "\n\
         In an open loop jobs start when the schedule says so, and response counts from that\n\
         intended start, even if the job could only be sent later: a server that stalls for a\n\
         second makes all jobs of that second slow, not one. round_trip, there only in an open loop,\n\
         counts from the sending; the gap between the two is what coordinated omission hides.\n\n\
         A closed loop has no intended start: the next job waits for an answer. There response is\n\
         t1 to t5, and every report says \"closed loop\".\n\n\
         Background jobs have no t5: they are judged by t1 to t3, and by their end at the worker.\n\
         Jobs that time out count with the time that was waited at least.\n\n\
         Histograms (HDR, three digits, to an hour) are merged; percentiles are never averaged.\n\
         A percentile is shown only where at least ten samples lie beyond it.\n",
    );
    text
}

/// A line for each figure, stages first.
pub fn list() -> String {
    let mut text = String::new();
    for stage in STAGES {
        let (name, stamps, question) = (stage.name, stage.stamps, stage.question);
        text.push_str(&format!("{name:<21} {:<8} {stamps}: {question}\n", "ns"));
    }
    for metric in METRICS {
        let (name, unit, what) = (metric.name, metric.unit, metric.what);
        text.push_str(&format!("{name:<21} {unit:<8} {what}\n"));
    }
    text
}

/// A figure in full; `None` if there is none of that name.
pub fn explain(name: &str) -> Option<String> {
    if let Some(stage) = STAGES.iter().find(|stage| stage.name == name) {
        let mut text = format!(
            "{name} (nanoseconds)\n\n  {}: {}\n\n",
            stage.stamps, stage.question
        );
        for (stamp, what) in STAMPS {
            if stage.stamps.contains(stamp) {
                text.push_str(&format!("  {stamp}  {what}\n"));
            }
        }
        text.push_str("\nAll stages: gearbench explain latency\n");
        return Some(text);
    }
    let metric = METRICS.iter().find(|metric| metric.name == name)?;
    let Metric {
        unit, what, tells, ..
    } = metric;
    Some(format!("{name} ({unit})\n\n  {what}\n  {tells}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_figure_has_one_definition() {
        let stages = STAGES.iter().map(|stage| stage.name);
        let names: Vec<&str> = stages.chain(METRICS.iter().map(|m| m.name)).collect();
        let once: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(once.len(), names.len());
        for name in names {
            assert!(explain(name).is_some_and(|text| text.starts_with(name)));
        }
        assert_eq!(explain("speed"), None);
    }

    #[test]
    fn the_page_fits_a_screen() {
        let page = latency();
        assert!(page.lines().count() < 45);
        for line in page.lines() {
            assert!(line.chars().count() <= 92, "{line}");
        }
    }
}
