//! Where the server listens.

use crate::server::Keepalive;
use clap::Args;
use clap::builder::BoolishValueParser;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(next_help_heading = "Network")]
pub(in crate::cli::serve) struct Network {
    /// Port to listen on; 0 is any free one.
    #[arg(short, long, env = "GEARBENCH_PORT", default_value_t = 4730)]
    pub(in crate::cli::serve) port: u16,
    /// Address to listen on. There is no password in Gearman: whoever reaches it may use it.
    #[arg(
        short = 'L',
        long,
        env = "GEARBENCH_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    pub(in crate::cli::serve) listen: String,
    /// Second address; with it, verbs that change the server are taken only there.
    ///
    /// These are maxqueue, create function, drop function and cancel job.
    #[arg(long, env = "GEARBENCH_ADMIN_LISTEN", value_name = "ADDRESS:PORT", value_parser = super::address)]
    pub(in crate::cli::serve) admin_listen: Option<(String, u16)>,
    /// Connections that may wait to be accepted; the system may allow fewer.
    #[arg(short, long, env = "GEARBENCH_BACKLOG", value_name = "N", default_value_t = 4096,
          value_parser = clap::value_parser!(i32).range(1..))]
    pub(in crate::cli::serve) backlog: i32,
    /// Have the system look after silent peers: TCP keep-alive.
    #[arg(long, env = "GEARBENCH_KEEPALIVE", value_parser = BoolishValueParser::new())]
    keepalive: bool,
    /// Seconds of silence before the first probe: 1 to 32767; -1 is the system's own value.
    #[arg(long, env = "GEARBENCH_KEEPALIVE_IDLE", value_name = "SECONDS", default_value = "-1",
          allow_negative_numbers = true, value_parser = seconds)]
    keepalive_idle: Probe,
    /// Seconds between two probes: 1 to 32767; -1 is the system's own value.
    #[arg(long, env = "GEARBENCH_KEEPALIVE_INTERVAL", value_name = "SECONDS", default_value = "-1",
          allow_negative_numbers = true, value_parser = seconds)]
    keepalive_interval: Probe,
    /// Probes without an answer that end a connection: 1 to 127; -1 is the system's own value.
    #[arg(long, env = "GEARBENCH_KEEPALIVE_COUNT", value_name = "N", default_value = "-1",
          allow_negative_numbers = true, value_parser = probes)]
    keepalive_count: Probe,
}

/// A value of TCP keep-alive; `None` is the system's own.
#[derive(Clone, Copy, Debug)]
struct Probe(Option<u32>);

fn seconds(text: &str) -> Result<Probe, String> {
    probe(text, 32_767)
}

fn probes(text: &str) -> Result<Probe, String> {
    probe(text, 127)
}

/// The largest values are those that Linux takes.
fn probe(text: &str, max: u32) -> Result<Probe, String> {
    match text.parse::<u32>() {
        _ if text == "-1" => Ok(Probe(None)),
        Ok(number) if (1..=max).contains(&number) => Ok(Probe(Some(number))),
        _ => Err(format!("expected 1 to {max}, or -1")),
    }
}

impl Network {
    pub(in crate::cli::serve) fn keepalive(&self) -> Option<Keepalive> {
        let duration = |seconds: Probe| Some(Duration::from_secs(seconds.0?.into()));
        self.keepalive.then(|| Keepalive {
            idle: duration(self.keepalive_idle),
            interval: duration(self.keepalive_interval),
            count: self.keepalive_count.0,
        })
    }
}
