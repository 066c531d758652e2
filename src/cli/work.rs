//! `gearbench work`.

mod command;

use super::exit;
use super::signals::Interruption;
use super::submit::function;
use super::target::Server;
use crate::client::{ClientError, Connection, Wait};
use crate::load::units;
use crate::protocol::{Body, GrabKind, Request, Response, Work};
use command::{Ended, Job};
use std::io::Write;
use std::num::NonZeroU32;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  gearbench work -f wc -- wc -l                   stdin is the payload, stdout the result
  gearbench work -f resize --timeout 30s -- convert - -resize 100 png:-
  gearbench work -f mail -f sms -n 100 -- sh -c 'send \"$GEARMAN_FUNCTION\"'";

const EXITS: &str = "\
Exit codes: 0 so many jobs as --count were run; 2 usage, or the command cannot be run; 3 target
unreachable, gone, or no Gearman server; 130 and 143 interrupted: the running job was ended and
reported.";

/// Be a worker that runs a command for each job: its exit status other than 0 fails the job.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    server: Server,
    /// Function to run jobs of; may be given again
    #[arg(short, long, env = "GEARBENCH_FUNCTION", value_name = "NAME", required = true, value_parser = function)]
    function: Vec<String>,
    /// End after so many jobs
    #[arg(short = 'n', long, env = "GEARBENCH_COUNT", value_name = "N", value_parser = units::count)]
    count: Option<u64>,
    /// End the command of a job after this time and fail the job; the server is told, too
    #[arg(long, env = "GEARBENCH_TIMEOUT", value_name = "TIME", value_parser = units::some_time)]
    timeout: Option<Duration>,
    /// How long the server may take for each of its answers
    #[arg(long, env = "GEARBENCH_CONNECT_TIMEOUT", value_name = "TIME", value_parser = units::some_time, default_value = "5s")]
    connect_timeout: Duration,
    /// The command; GEARMAN_FUNCTION, GEARMAN_HANDLE and GEARMAN_UNIQUE are in its environment
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Why the work is over before its end.
enum Over {
    Server(ClientError),
    Command(std::io::Error),
}

impl From<ClientError> for Over {
    fn from(error: ClientError) -> Self {
        Over::Server(error)
    }
}

/// Works until there is enough; returns the exit code.
pub(super) fn work(args: &WorkArgs) -> anyhow::Result<u8> {
    let interruption = Interruption::watch()?;
    let addresses = match args.server.target.resolve() {
        Ok(addresses) => addresses,
        Err(error) => return Ok(super::complain("work", &error, exit::TARGET)),
    };
    let connection = Connection::open(&addresses, args.connect_timeout, interruption.stop());
    let worked = connection
        .map_err(Over::Server)
        .and_then(|mut server| args.work(&mut server, &interruption));
    match worked {
        Ok(()) => Ok(interruption.code().unwrap_or(exit::OK)),
        Err(Over::Server(ClientError::Stopped)) => {
            Ok(interruption.code().unwrap_or(exit::INTERRUPTED))
        }
        Err(Over::Server(error)) => {
            let named = format!("{}: {error}", args.server.target);
            Ok(super::complain("work", &named, exit::TARGET))
        }
        Err(Over::Command(error)) => {
            let command = args.command.first().map_or("", String::as_str);
            let named = format!("cannot run {command:?}: {error}");
            Ok(super::complain("work", &named, exit::USAGE))
        }
    }
}

impl WorkArgs {
    fn work(&self, server: &mut Connection, interruption: &Interruption) -> Result<(), Over> {
        let limit = self.timeout.map(|limit| limit.as_millis().max(1));
        let limit = limit.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        for function in &self.function {
            server.send(&Request::CanDo {
                function: function.as_bytes(),
                timeout_ms: limit.and_then(NonZeroU32::new),
            })?;
        }
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            if interruption.code().is_some() {
                return Ok(());
            }
            match self.grab(server)? {
                Some(job) => {
                    self.run(server, &job)?;
                    left -= 1;
                }
                None => {
                    server.send(&Request::PreSleep)?;
                    self.sleep(server)?;
                }
            }
        }
        Ok(())
    }

    /// Asks for a job.
    fn grab(&self, server: &mut Connection) -> Result<Option<Job>, ClientError> {
        server.send(&Request::Grab(GrabKind::Uniq))?;
        loop {
            let answer = server.next(Wait::For(self.connect_timeout))?;
            return match answer.response()? {
                // Of before; whatever it was about is what we ask for.
                Response::Noop => continue,
                Response::NoJob => Ok(None),
                Response::JobAssignUniq {
                    handle,
                    function,
                    unique,
                    body,
                } => Ok(Some(Job {
                    handle: handle.to_vec(),
                    function: function.to_vec(),
                    unique: unique.to_vec(),
                    payload: body.to_vec(),
                })),
                _ => Err(answer.unexpected()),
            };
        }
    }

    /// Waits until it is woken.
    fn sleep(&self, server: &mut Connection) -> Result<(), ClientError> {
        let answer = server.next(Wait::Ever)?;
        match answer.response()? {
            Response::Noop => Ok(()),
            _ => Err(answer.unexpected()),
        }
    }

    /// Runs the command for a job and says how it ended.
    fn run(&self, server: &mut Connection, job: &Job) -> Result<(), Over> {
        let ended = command::run(&self.command, job, self.timeout);
        let work = match &ended {
            Ok(Ended::Well(result)) => Work::Complete(Body::new(result)),
            Ok(Ended::Badly(why)) => {
                let handle = job.handle.escape_ascii();
                // Nobody is left to tell when stderr is gone.
                let _ = writeln!(std::io::stderr(), "job {handle} failed: {why}");
                Work::Fail
            }
            Err(_) => Work::Fail,
        };
        server.send(&Request::Work {
            handle: &job.handle,
            work,
        })?;
        ended.map(drop).map_err(Over::Command)
    }
}
