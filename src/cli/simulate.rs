//! `gearbench simulate`: the job server with a faulty network and a faulty disk, without a clock.

use super::exit;
use super::progress::Line;
use super::signals::Interruption;
use crate::load::{RunId, units};
use crate::report::quantity::count;
use crate::simulation::{self, Found, Options, Outcome, draw, play_and_tell};
use clap::Args;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  gearbench simulate                          500 seeds, drawn
  gearbench simulate --seeds 10000 --seed 0   the same ten thousand everywhere
  gearbench simulate --duration 10m           as many as ten minutes allow
  gearbench simulate --calm --seeds 10000     without faults: sessions on the engine alone
  gearbench simulate --seed 7 --seeds 1 --trace   one seed again, and what happens in it";

const EXITS: &str = "\
Exit codes: 0 nothing was found; 2 usage; 5 a promise was broken; 8 nothing was played; 130 and 143
interrupted.";

/// Simulate gearbench's own job server with everything that can go wrong around it.
///
/// The engine, the rules of its store and the buffers of its connections are those of `gearbench
/// serve`; time, network and disk are simulated, so that a seed always goes the same way. Peers act
/// at random; bytes come late and in pieces; peers vanish, read nothing or are reset; commits take
/// long or fail; the server is killed or loses its power, and starts again. A model of the protocol
/// judges every event. In the end nothing goes wrong any more, and every job has to end.
///
/// The first seed that fails is made shorter, and what happens in it is printed.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct SimulateArgs {
    /// Seeds to play [default: 500, or as many as --duration allows]
    #[arg(long, env = "GEARBENCH_SEEDS", value_name = "N", value_parser = units::count)]
    seeds: Option<u64>,
    /// The first seed; each is one more than the one before. Drawn when not given
    #[arg(long, env = "GEARBENCH_SEED")]
    seed: Option<u64>,
    /// Steps of a seed, before nothing goes wrong any more
    #[arg(long, env = "GEARBENCH_STEPS", value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    steps: u16,
    /// Begin no seed after this time
    #[arg(long, env = "GEARBENCH_DURATION", value_name = "TIME", value_parser = units::duration)]
    duration: Option<Duration>,
    /// Let nothing go wrong but what peers do: sessions on the engine alone, without network and
    /// disk, each act judged before the next
    #[arg(long, env = "GEARBENCH_CALM", conflicts_with = "trace")]
    calm: bool,
    /// Print what happens in the first seed, whether it fails or not, and play no other
    #[arg(long, env = "GEARBENCH_TRACE")]
    trace: bool,
}

/// Seeds, where nothing else says when to end.
const SEEDS: u64 = 500;

struct Watch {
    stop: Arc<AtomicBool>,
    line: Line,
    started: Instant,
    duration: Option<Duration>,
}

impl simulation::Watch for Watch {
    fn stopped(&self) -> bool {
        let late = self
            .duration
            .is_some_and(|limit| self.started.elapsed() >= limit);
        late || self.stop.load(Relaxed)
    }

    fn progress(&self, outcome: &Outcome) {
        self.line.say(|| {
            let (seeds, judged) = (count(outcome.seeds), count(outcome.tally.judged));
            format!("{seeds} seeds, {judged} events judged")
        });
    }
}

/// Plays seeds.
pub(super) fn simulate(args: &SimulateArgs) -> anyhow::Result<u8> {
    // Half of the range is enough, and is typed more easily.
    let seed = args.seed.unwrap_or_else(|| RunId::fresh().0 >> 32);
    let steps = usize::from(args.steps);
    if args.trace {
        return tell(seed, steps);
    }
    let interruption = Interruption::watch()?;
    let seeds = args.seeds.unwrap_or(match args.duration {
        Some(_) => u64::MAX,
        None => SEEDS,
    });
    let watch = Watch {
        stop: interruption.stop(),
        line: Line::new(),
        started: Instant::now(),
        duration: args.duration,
    };
    let options = Options {
        seeds: seed..seed.saturating_add(seeds),
        steps,
        calm: args.calm,
    };
    // A broken invariant is told of in the report.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = simulation::campaign(&options, &watch);
    std::panic::set_hook(hook);
    watch.line.end();
    super::print(&render(&outcome, &options, watch.started.elapsed()))?;
    let found = outcome.found.is_some().then_some(exit::INVARIANT);
    let nothing = (outcome.seeds == 0).then_some(exit::INCONCLUSIVE);
    let codes = found.into_iter().chain(nothing).chain(interruption.code());
    Ok(exit::precedence(codes))
}

/// Prints all that happens in one seed.
fn tell(seed: u64, steps: usize) -> anyhow::Result<u8> {
    let plan = draw(seed, steps);
    let played = play_and_tell(&plan);
    let mut out = format!("{:?}\n{}\n", plan.setup, played.trace.join("\n"));
    // A string takes every write.
    let _ = match &played.failure {
        Some(failure) => writeln!(out, "FAILED: {}", failure.text),
        None => writeln!(out, "PASSED"),
    };
    super::print(&out)?;
    Ok(match played.failure {
        Some(_) => exit::INVARIANT,
        None => exit::OK,
    })
}

fn render(outcome: &Outcome, options: &Options, took: Duration) -> String {
    let tally = &outcome.tally;
    let mut out = format!(
        "gearbench simulate  seed {}  steps {}{}\n\n\
         played     {} seeds in {:.1} s; {} events judged, {} jobs handed out\n",
        options.seeds.start,
        options.steps,
        calm(options),
        count(outcome.seeds),
        took.as_secs_f64(),
        count(tally.judged),
        count(tally.assigned),
    );
    if !options.calm {
        // A string takes every write.
        let _ = writeln!(
            out,
            "disk       {} times told that all is safe, {} that it is not; {} restarts, {} jobs \
             came back; {:.1} hours of virtual time",
            count(tally.stored),
            count(tally.refused),
            count(tally.restarts),
            count(tally.restored),
            tally.time as f64 / 3.6e9,
        );
    }
    if let Some(found) = &outcome.found {
        show(&mut out, found, options);
    }
    let verdict = match (&outcome.found, outcome.seeds) {
        (Some(found), _) => format!("FAILED: seed {} breaks {}", found.seed, found.failure.rule),
        (None, 0) => "NOTHING PLAYED".to_owned(),
        (None, _) if options.calm => {
            "PASSED: nothing that the model does not allow, every job has ended".to_owned()
        }
        (None, _) => "PASSED: nothing acknowledged was lost, every job has ended".to_owned(),
    };
    // A string takes every write.
    let _ = writeln!(out, "\nverdict    {verdict}");
    out
}

/// The flag, if it was given.
fn calm(options: &Options) -> &'static str {
    if options.calm { " --calm" } else { "" }
}

fn show(out: &mut String, found: &Found, options: &Options) {
    let Found { seed, failure, .. } = found;
    let (steps, calm) = (options.steps, calm(options));
    // A string takes every write.
    let _ = writeln!(
        out,
        "\nFAILED  seed {seed}: {}\n\
         \x20       again: gearbench simulate --seed {seed} --seeds 1 --steps {steps}{calm}\n\
         \x20       {} of its steps are enough, with {}:\n\n{}\n\n        {}",
        failure.text,
        found.steps,
        found.setup,
        found.trace.join("\n"),
        found.short.text
    );
}
