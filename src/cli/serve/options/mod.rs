//! What `gearbench serve` may be told: gearmand's own options, and ours.
//!
//! Every long option `--a-b` may also come from the environment, as `GEARBENCH_A_B`; four of them
//! under gearmand's names too. Weaker is the configuration file than the command line, and the
//! environment than both.

mod foreign;
mod front;
mod jobs;
mod limits;
mod log;
mod network;
mod process;
mod store;

pub(super) use foreign::Foreign;
pub(super) use front::{Http, Security};
pub(super) use jobs::Jobs;
pub(super) use limits::LimitOptions;
pub(super) use log::{Logging, Place, Verbose};
pub(super) use network::Network;
pub(super) use process::Process;
pub(super) use store::Storing;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  gearbench serve                            on 127.0.0.1:4730
  gearbench serve -p 0                       on any free port, which the first line names
  gearbench serve -L 0.0.0.0 -j 3 -l none    open to the network, three attempts for each job
  gearbench serve -d -P /run/gb.pid -l /var/log/gb.log --store sqlite:/var/lib/gb.sqlite
";

const EXITS: &str = "\
Signals: TERM, INT end it at once; USR1 ends it when the running jobs have ended, a second one at
once; HUP opens the log file and reads the certificates again.
Environment: every long option --a-b also as GEARBENCH_A_B, flags as true or false. --port also as
GEARMAND_PORT, --ssl-ca-file as GEARMAND_CA_CERTIFICATE, --ssl-certificate as GEARMAND_SERVER_PEM,
--ssl-key as GEARMAND_SERVER_KEY.

Exit codes: 0 ended by a signal, or --check-args found nothing wrong; 1 it cannot start, such as on
a port in use or with an unknown option.";

/// gearmand's names of what may come from the environment, beside ours.
const GEARMAND_ENVIRONMENT: [(&str, &str, &str); 4] = [
    ("port", "GEARBENCH_PORT", "GEARMAND_PORT"),
    (
        "ssl_ca_file",
        "GEARBENCH_SSL_CA_FILE",
        "GEARMAND_CA_CERTIFICATE",
    ),
    (
        "ssl_certificate",
        "GEARBENCH_SSL_CERTIFICATE",
        "GEARMAND_SERVER_PEM",
    ),
    ("ssl_key", "GEARBENCH_SSL_KEY", "GEARMAND_SERVER_KEY"),
];

/// Serve Gearman: a compact job server, started with gearmand's own options.
///
/// Jobs are kept in memory; with a store, background jobs outlive the server.
#[derive(Args, Debug)]
#[command(version, before_help = EXAMPLES, after_help = EXITS)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    pub(super) network: Network,
    #[command(flatten)]
    pub(super) jobs: Jobs,
    #[command(flatten)]
    pub(super) store: Storing,
    #[command(flatten)]
    pub(super) security: Security,
    #[command(flatten)]
    pub(super) http: Http,
    #[command(flatten)]
    pub(super) logging: Logging,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
    #[command(flatten)]
    pub(super) process: Process,
    #[command(flatten)]
    pub(super) foreign: Foreign,
}

/// Where gearmand's name is set and ours is not, an option comes from gearmand's.
pub(in crate::cli) fn with_environment(command: clap::Command) -> clap::Command {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    GEARMAND_ENVIRONMENT
        .into_iter()
        .filter(|(_, ours, theirs)| !is_set(ours) && is_set(theirs))
        .fold(command, |command, (option, _, theirs)| {
            command.mut_arg(option, |argument| argument.env(theirs))
        })
        // The end of the help says it once.
        .mut_args(|argument| argument.hide_env(true))
}

/// `HOST:PORT`; the host may be a name, an IPv4 address or an IPv6 address in brackets.
pub(super) fn address(text: &str) -> Result<(String, u16), String> {
    let expected = || "expected ADDRESS:PORT, such as 127.0.0.1:9730 or [::1]:9730".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    if host.is_empty() || (inner.is_none() && host.contains([':', '[', ']'])) {
        return Err(expected());
    }
    let port = port.parse().map_err(|_| expected())?;
    Ok((inner.unwrap_or(host).to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_long_option_has_a_variable_of_its_name() {
        let command = Options::augment_args(clap::Command::new("serve"));
        for argument in command.get_arguments() {
            let long = argument.get_long().expect("a long form");
            let name = format!("GEARBENCH_{}", long.to_uppercase().replace('-', "_"));
            let env = argument.get_env().and_then(|env| env.to_str());
            assert_eq!(env, Some(&*name), "--{long}");
        }
    }

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(address("a.b:1"), Ok(("a.b".to_owned(), 1)));
        assert_eq!(address("[::1]:0"), Ok(("::1".to_owned(), 0)));
        for bad in ["", ":1", "a", "a:", "a:x", "a:70000", "::1:4", "[::1:4"] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}
