//! `gearbench fuzz`: generated sessions on a live server.

mod raw;
mod screen;

use super::conform::{self, CommonArgs, Prepared, ServerArgs};
use super::exit;
use super::signals::Interruption;
use super::target::{Ownership, Target};
use crate::conformance::fuzz::{self, Finding, Knowledge, Options, Outcome};
use crate::conformance::runner::Place;
use crate::load::{RunId, units};
use crate::model::Rules;
use clap::Args;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench fuzz                                     on gearbench's own server
  gearbench fuzz -t 127.0.0.1:4730 --duration 1m     on one that others may use too
  gearbench fuzz --launch '/usr/sbin/gearmand -p {port} -L 127.0.0.1 -l stderr' --hazardous
  gearbench fuzz --raw --duration 5m                 damaged bytes: does it live, and serve others?
  gearbench fuzz --seed 7 --sessions 1               one session again";

const EXITS: &str = "\
Exit codes: 0 nothing new was found; 2 usage; 3 the server cannot be reached, or is gone; 5 the
server did what the model does not allow, died or fell silent; 130 and 143 interrupted.";

/// Play random sessions on a server, judged by a model of the protocol after every step.
///
/// Several peers submit, grab, sleep, work, ask and leave at random, on few names, so that they
/// meet. A session that fails is played again, ever shorter, and the shortest one that still fails
/// is written down as a conformance case. One that does not fail again is told, and is no failure: it
/// may be a race of the server's, or of the ends of connections. What the server's profile knows is only counted, and hides
/// nothing else where the model can follow it.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct FuzzArgs {
    /// Job server to play on; others may use it too
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        env = "GEARBENCH_TARGET",
        conflicts_with = "launch"
    )]
    target: Option<Target>,
    /// Command that starts a server in the foreground, as for `gearbench conform`; it is started
    /// again after each failure
    #[arg(long, value_name = "COMMAND", env = "GEARBENCH_LAUNCH")]
    launch: Option<String>,
    /// Sessions to play [default: 1000, or as many as --duration allows]
    #[arg(long, env = "GEARBENCH_SESSIONS", value_name = "N", value_parser = units::count)]
    sessions: Option<u64>,
    /// Begin no session after this time
    #[arg(long, env = "GEARBENCH_DURATION", value_name = "TIME", value_parser = units::duration)]
    duration: Option<Duration>,
    /// Steps of a session
    #[arg(long, env = "GEARBENCH_STEPS", value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    steps: u16,
    /// Seed of the first session; each has one more than the one before. Drawn when not given
    #[arg(long, env = "GEARBENCH_SEED")]
    seed: Option<u64>,
    /// What is known of the server: auto, none, a name that `gearbench list profiles` shows, or a
    /// file
    #[arg(
        long,
        env = "GEARBENCH_PROFILE",
        value_name = "PROFILE",
        default_value = "auto"
    )]
    profile: String,
    /// Send packets that can kill or wedge a faulty server too
    #[arg(long, env = "GEARBENCH_HAZARDOUS")]
    hazardous: bool,
    /// Damage the bytes of sessions, and look only whether the server lives, is at rest afterwards
    /// and serves a peer that does nothing wrong. The server is left as the bytes left it
    #[arg(long, env = "GEARBENCH_RAW")]
    raw: bool,
    /// Start servers with settings drawn from the seed, another for every 20 sessions: as far as
    /// the profile knows how, retries, wake-ups, round robin, exceptions and a store
    #[arg(long, env = "GEARBENCH_DRAW_SETTINGS", conflicts_with = "target")]
    draw_settings: bool,
    /// Directory to write the shortest failing sessions to, as conformance cases
    #[arg(
        long,
        env = "GEARBENCH_OUT",
        value_name = "DIR",
        default_value = "gearbench-found"
    )]
    out: PathBuf,
    #[command(flatten)]
    ownership: Ownership,
}

impl FuzzArgs {
    fn server(&self) -> ServerArgs {
        ServerArgs {
            target: self.target.clone(),
            launch: self.launch.clone(),
            common: CommonArgs {
                profile: self.profile.clone(),
                cases: Vec::new(),
                hazardous: self.hazardous,
                timeout: PATIENCE,
                parallel: 1,
                ownership: self.ownership.clone(),
            },
        }
    }

    fn options(&self, prepared: &Prepared) -> Options {
        let shared = matches!(prepared.place, Place::Target(_));
        Options {
            sessions: self.sessions.unwrap_or(match self.duration {
                Some(_) => u64::MAX,
                None => SESSIONS,
            }),
            steps: self.steps.into(),
            // Half of the range is enough, and is typed more easily.
            seed: self.seed.unwrap_or_else(|| RunId::fresh().0 >> 32),
            duration: self.duration,
            hazardous: self.hazardous,
            rules: Rules {
                shared,
                ..Rules::default()
            },
            namespace: RunId::fresh().prefix(),
            knowledge: Knowledge::new(&prepared.profile),
            draw_settings: self
                .draw_settings
                .then(|| prepared.profile.settings.clone()),
            patience: PATIENCE,
        }
    }
}

/// Sessions, where nothing else says when to end.
const SESSIONS: u64 = 1000;
/// How long a server may take to accept, or to take what is sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Plays sessions.
pub(super) fn fuzz(args: &FuzzArgs) -> anyhow::Result<u8> {
    let interruption = Interruption::watch()?;
    let server = args.server();
    if args.raw && args.target.is_some() && !args.hazardous {
        let why = "--raw can kill the server, or leave jobs on it; --hazardous says that it may";
        return Ok(super::complain("fuzz", &why, exit::USAGE));
    }
    let prepared = match Prepared::new(&server) {
        Ok(prepared) => prepared,
        Err((code, error)) => return Ok(conform::refuse("fuzz", &server, &error, code)),
    };
    if args.raw {
        return raw::fuzz(args, &prepared, &interruption);
    }
    let options = args.options(&prepared);
    let started = Instant::now();
    let watch = screen::Watch::new(&interruption);
    let outcome = fuzz::campaign(&prepared.place, &options, &watch);
    watch.end();
    let written = write(args, &outcome)?;
    let repeat = prepared.repeat(&server.common);
    super::print(&screen::render(
        &prepared,
        &options,
        &outcome,
        started.elapsed(),
        &written,
        &repeat,
    ))?;
    if let Some(why) = &outcome.gone {
        return Ok(super::complain("fuzz", why, exit::TARGET));
    }
    let found = outcome.findings.iter().any(Finding::is_confirmed);
    let found = found.then_some(exit::INVARIANT);
    let nothing = (outcome.sessions == 0).then_some(exit::INCONCLUSIVE);
    let codes = found.into_iter().chain(nothing).chain(interruption.code());
    Ok(exit::precedence(codes))
}

/// Writes the findings; where each is.
fn write(args: &FuzzArgs, outcome: &Outcome) -> anyhow::Result<Vec<PathBuf>> {
    let files = outcome.findings.iter().map(|finding| {
        let path = args.out.join(format!("{}.toml", finding.name()));
        conform::write_file(&path, &finding.case())?;
        Ok(path)
    });
    files.collect()
}
