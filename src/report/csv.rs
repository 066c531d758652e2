//! The figures as CSV (RFC 4180), for spreadsheets and plotters.

use super::{Report, escape, histogram};

/// A row for each stage of each phase of each result; times in nanoseconds.
pub fn stages(reports: &[Report]) -> String {
    let percentiles = histogram::PERCENTILES.map(|p| format!("p{p}_ns")).join(",");
    let mut text = format!(
        "run_id,target,server_version,loop,phase,seconds,offered_per_second,sent_per_second,\
         completed_per_second,stage,samples,min_ns,mean_ns,{percentiles},max_ns\r\n"
    );
    for report in reports {
        for phase in &report.phases {
            let offered = phase.offered_per_second.map(|rate| rate.to_string());
            let before = [
                cell(&report.run_id),
                cell(&report.target.address),
                cell(report.target.version.as_deref().unwrap_or_default()),
                report.load.word().to_owned(),
                cell(&phase.name),
                phase.seconds.to_string(),
                offered.unwrap_or_default(),
                phase.sent_per_second.to_string(),
                phase.completed_per_second.to_string(),
            ];
            for stage in &phase.stages {
                let hdr = &stage.latency.0;
                let percentile = |p| stage.latency.percentile(p).map(|ns| ns.to_string());
                let percentiles = histogram::PERCENTILES.map(|p| percentile(p).unwrap_or_default());
                let figures = [
                    cell(&stage.name),
                    hdr.len().to_string(),
                    hdr.min().to_string(),
                    format!("{:.0}", hdr.mean()),
                    percentiles.join(","),
                    hdr.max().to_string(),
                ];
                line(&mut text, before.iter().chain(&figures));
            }
        }
    }
    text
}

/// A row for each second of a run; counts are those so far.
pub fn series(report: &Report) -> String {
    let mut text = String::from(
        "at_seconds,sent,completed,in_flight,queued,errors,failed,timeouts,response_p50_ns,\
         response_p99_ns,server_rss_bytes\r\n",
    );
    let optional = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    for sample in &report.series {
        let cells = [
            sample.at_seconds.to_string(),
            sample.sent.to_string(),
            sample.completed.to_string(),
            sample.in_flight.to_string(),
            optional(sample.queued),
            sample.errors.to_string(),
            sample.failed.to_string(),
            sample.timeouts.to_string(),
            optional(sample.response_p50_ns),
            optional(sample.response_p99_ns),
            optional(sample.server_rss_bytes),
        ];
        line(&mut text, cells.iter());
    }
    text
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a String>) {
    let cells: Vec<&str> = cells.map(String::as_str).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// Words from outside: one cell whatever is in them, and no formula for a spreadsheet.
fn cell(words: &str) -> String {
    let words = escape::line(words);
    let formula = words.starts_with(['=', '+', '-', '@']);
    let words = if formula { format!("'{words}") } else { words };
    match words.contains([',', '"', ';']) {
        true => format!("\"{}\"", words.replace('"', "\"\"")),
        false => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_in_their_cell() {
        assert_eq!(cell("1.1.20"), "1.1.20");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\\n\"");
        assert_eq!(cell("=cmd()"), "'=cmd()");
    }
}
