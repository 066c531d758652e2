//! `gearbench submit`.

use super::exit;
use super::signals::Interruption;
use super::target::Server;
use crate::client::{ClientError, Connection, Wait};
use crate::load::units;
use crate::protocol::request::{MAX_FUNCTION, MAX_UNIQUE};
use crate::protocol::{Body, Priority, Request, Response, Submit, Work};
use anyhow::Context;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench submit -f wc < file                 the result goes to stdout
  gearbench submit -f resize -p high --timeout 10s < in.png > out.png
  gearbench submit -f mail -b -u order-17 --data '{\"order\":17}'     prints the handle";

const EXITS: &str = "\
Exit codes: 0 done, or accepted in the background; 1 the job failed; 2 usage; 3 target unreachable,
no Gearman server, or it refused; 6 not done within --timeout; 130 and 143 interrupted.";

/// Largest payload: what fits into a packet that every server takes.
const LARGEST: u64 = 64 * 1024 * 1024 - 1024;

/// Submit one job: the payload from stdin, the result to stdout.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct SubmitArgs {
    #[command(flatten)]
    server: Server,
    /// Function that is to run it
    #[arg(short, long, env = "GEARBENCH_FUNCTION", value_name = "NAME", value_parser = function)]
    function: String,
    /// The payload, in place of stdin
    #[arg(long, env = "GEARBENCH_DATA", value_name = "TEXT")]
    data: Option<String>,
    /// Do not wait for the result; print the handle
    #[arg(short, long, env = "GEARBENCH_BACKGROUND")]
    background: bool,
    /// How soon
    #[arg(
        short,
        long,
        env = "GEARBENCH_PRIORITY",
        value_enum,
        default_value = "normal"
    )]
    priority: Urgency,
    /// What makes two submissions the same job
    #[arg(short, long, env = "GEARBENCH_UNIQUE", value_name = "TEXT", value_parser = unique, default_value = "")]
    unique: String,
    /// How long the job may take altogether; for ever when not given
    #[arg(long, env = "GEARBENCH_TIMEOUT", value_name = "TIME", value_parser = units::some_time)]
    timeout: Option<Duration>,
    /// How long the server may take for each of its own answers
    #[arg(long, env = "GEARBENCH_CONNECT_TIMEOUT", value_name = "TIME", value_parser = units::some_time, default_value = "5s")]
    connect_timeout: Duration,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Urgency {
    High,
    Normal,
    Low,
}

/// The name of a function that every server takes.
pub(super) fn function(text: &str) -> Result<String, String> {
    match text {
        "" => Err("expected a name".to_owned()),
        _ if text.len() > MAX_FUNCTION => Err(format!("longer than {MAX_FUNCTION} bytes")),
        _ if text.chars().any(char::is_control) => Err("it holds control characters".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn unique(text: &str) -> Result<String, String> {
    match text.len() <= MAX_UNIQUE && !text.contains('\0') {
        true => Ok(text.to_owned()),
        false => Err(format!("expected at most {MAX_UNIQUE} bytes")),
    }
}

/// How a job ended.
enum End {
    Done,
    Failed(String),
}

/// Submits a job; returns the exit code.
pub(super) fn submit(args: &SubmitArgs) -> anyhow::Result<u8> {
    let payload = match &args.data {
        Some(text) => text.clone().into_bytes(),
        None => stdin()?,
    };
    if payload.len() as u64 > LARGEST {
        let error = format!("the payload is larger than {LARGEST} bytes");
        return Ok(super::complain("submit", &error, exit::USAGE));
    }
    let interruption = Interruption::watch()?;
    let addresses = match args.server.target.resolve() {
        Ok(addresses) => addresses,
        Err(error) => return Ok(super::complain("submit", &error, exit::TARGET)),
    };
    let connection = Connection::open(&addresses, args.connect_timeout, interruption.stop());
    match connection.and_then(|mut connection| args.carry_out(&mut connection, &payload)) {
        Ok(End::Done) => Ok(exit::OK),
        Ok(End::Failed(why)) => Ok(super::complain("submit", &why, exit::INTERNAL)),
        Err(error) => {
            let code = interruption.code().unwrap_or_else(|| args.code(&error));
            let named = format!("{}: {error}", args.server.target);
            Ok(super::complain("submit", &named, code))
        }
    }
}

fn stdin() -> anyhow::Result<Vec<u8>> {
    let mut payload = Vec::new();
    let mut input = std::io::stdin().lock().take(LARGEST + 1);
    input
        .read_to_end(&mut payload)
        .context("cannot read the payload from stdin")?;
    Ok(payload)
}

impl SubmitArgs {
    fn code(&self, error: &ClientError) -> u8 {
        match error {
            ClientError::Silent(limit) if Some(*limit) == self.timeout => exit::SLO,
            _ => exit::TARGET,
        }
    }

    fn carry_out(&self, server: &mut Connection, payload: &[u8]) -> Result<End, ClientError> {
        let started = Instant::now();
        let own = Wait::For(self.connect_timeout);
        if !self.background {
            // Without it, servers report an exception as a plain failure, which will do.
            server.send(&Request::Option {
                name: b"exceptions",
            })?;
            let answer = server.next(own)?;
            match answer.response() {
                Ok(Response::OptionRes { .. }) | Err(ClientError::Refused { .. }) => {}
                Ok(_) => return Err(answer.unexpected()),
                Err(error) => return Err(error),
            }
        }
        server.send(&Request::Submit(self.job(payload)))?;
        let answer = server.next(own)?;
        let Response::JobCreated { handle } = answer.response()? else {
            return Err(answer.unexpected());
        };
        if self.background {
            out(format!("{}\n", handle.escape_ascii()).as_bytes())?;
            return Ok(End::Done);
        }
        loop {
            let wait = match self.timeout {
                None => Wait::Ever,
                Some(limit) if started.elapsed() >= limit => {
                    return Err(ClientError::Silent(limit));
                }
                Some(limit) => Wait::For(limit - started.elapsed()),
            };
            let next = server
                .next(wait)
                .map_err(|error| match (error, self.timeout) {
                    (ClientError::Silent(_), Some(limit)) => ClientError::Silent(limit),
                    (error, _) => error,
                });
            if let Some(end) = said(&next?, handle)? {
                return Ok(end);
            }
        }
    }

    fn job<'a>(&'a self, payload: &'a [u8]) -> Submit<'a> {
        Submit {
            function: self.function.as_bytes(),
            unique: self.unique.as_bytes(),
            priority: match self.priority {
                Urgency::High => Priority::High,
                Urgency::Normal => Priority::Normal,
                Urgency::Low => Priority::Low,
            },
            background: self.background,
            epoch: None,
            reducer: None,
            body: Body::new(payload),
        }
    }
}

/// Passes on what a worker says of our job; how it ended, once it has.
fn said(answer: &crate::client::Answer, ours: &[u8]) -> Result<Option<End>, ClientError> {
    let Response::Work { handle, work } = answer.response()? else {
        return Err(answer.unexpected());
    };
    if handle != ours {
        let other = handle.escape_ascii();
        let what = format!("it speaks of a job {other} that is not ours");
        return Err(ClientError::Strange(what));
    }
    match work {
        Work::Data(body) => out(body.bytes())?,
        Work::Warning(body) => tell("warning", body.bytes()),
        Work::Status {
            numerator,
            denominator,
        } => tell("progress", &[numerator, b"/", denominator].concat()),
        Work::Complete(body) => {
            out(body.bytes())?;
            return Ok(Some(End::Done));
        }
        Work::Fail => return Ok(Some(End::Failed("the job failed".to_owned()))),
        Work::Exception(body) => {
            let text = body.bytes().escape_ascii();
            let why = format!("the job failed with an exception: {text}");
            return Ok(Some(End::Failed(why)));
        }
    }
    Ok(None)
}

/// A part of the result. A reader that has seen enough ends the job as an interruption would.
fn out(bytes: &[u8]) -> Result<(), ClientError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(ClientError::Lost(error)),
        _ => Ok(()),
    }
}

fn tell(what: &str, text: &[u8]) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{what}: {}", text.escape_ascii());
}
