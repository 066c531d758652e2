//! `gearbench conform`: the conformance cases, on any server.

mod place;
mod progress;

pub(super) use place::Prepared;
pub(super) use progress::Watch;

use super::exit;
use super::run::files::make;
use super::signals::Interruption;
use super::target::{Ownership, Target, TargetError};
use crate::conformance::case::{Case, Level};
use crate::conformance::player::Delivery;
use crate::conformance::runner::{self, Options, Outcome};
use crate::conformance::suite::{Selection, Suite, SuiteError};
use crate::load::{RunId, units};
use crate::report::conform::text::TraceOf;
use crate::report::conform::{self, Conformance, Counts, Document, ProfileInfo, Verdict};
use crate::report::escape;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const EXAMPLES: &str = "\
Examples:
  gearbench conform                                    gearbench's own server
  gearbench conform -t 127.0.0.1:4730                  a server that others may use too
  gearbench conform --launch 'gearmand -p {port} -L 127.0.0.1 -l stderr' --hazardous
                                                       everything, on servers started for it
  gearbench conform submit P-UNIQ-03 'work/*' --list   an area, a requirement, a pattern
  gearbench conform mine --cases mine.toml             cases of your own, only these
  gearbench conform --junit conform.xml --md conform.md";

const EXITS: &str = "\
Exit codes: 0 passed, apart from failures that the profile lists; 1 a case could not be played
through a fault of gearbench; 2 usage, a wrong case, or no case matched; 3 the server cannot be
reached, or is gone; 4 a case failed, or one passes that the profile lists as failing; 8 nothing
could be played; 130 and 143 interrupted, with a partial report.";

/// How many round trips of an idle server an answer may take, where that is more than `--timeout`.
const ROUND_TRIPS: u32 = 500;

/// Play conformance cases on a job server: which rules of the protocol does it keep?
///
/// A case is a transcript of packets; a failure names the rule, shows what was expected and what
/// came, and the command that repeats it. Names are kept apart from those of others, and what a
/// case leaves behind is taken away. Without --target and --launch gearbench's own server is
/// launched.
#[derive(Args, Clone, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct ConformArgs {
    /// Cases to play: ids, areas or requirements, `*` stands for anything [default: all]
    patterns: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Least binding level to play
    #[arg(long, env = "GEARBENCH_LEVEL", value_enum, default_value = "should")]
    level: LevelArg,
    /// Leave out cases of this pattern
    #[arg(long, env = "GEARBENCH_SKIP", value_name = "PATTERN")]
    skip: Vec<String>,
    /// How requests are cut into writes
    #[arg(long, env = "GEARBENCH_SPLIT", value_enum, default_value = "none")]
    split: SplitArg,
    /// Only say which cases would be played
    #[arg(long)]
    list: bool,
    /// Write a JUnit file
    #[arg(long, env = "GEARBENCH_JUNIT", value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the results as JSON; `gearbench schema` prints its schema
    #[arg(long, env = "GEARBENCH_JSON", value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write Markdown, as for a pull request
    #[arg(long, env = "GEARBENCH_MD", value_name = "FILE")]
    md: Option<PathBuf>,
    /// Results of an earlier run (JSON): only what has changed since is a failure
    #[arg(long, env = "GEARBENCH_BASELINE", value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Whose packets to show
    #[arg(long, env = "GEARBENCH_TRACE", value_enum, default_value = "failed")]
    trace: TraceArg,
    /// A line for every case
    #[arg(short, long)]
    verbose: bool,
}

impl ConformArgs {
    /// All cases of these files, and no others.
    pub(super) fn of_files(files: Vec<PathBuf>, mut server: ServerArgs) -> Self {
        let areas = files.iter().filter_map(|file| file.file_stem());
        let patterns = areas.map(|area| format!("{}/*", area.to_string_lossy()));
        let patterns = patterns.collect();
        server.common.cases.extend(files);
        ConformArgs {
            patterns,
            server,
            level: LevelArg::All,
            skip: Vec::new(),
            split: SplitArg::None,
            list: false,
            junit: None,
            json: None,
            md: None,
            baseline: None,
            trace: TraceArg::Failed,
            verbose: false,
        }
    }
}

/// Which server, and what is known of it.
#[derive(Args, Clone, Debug)]
pub(super) struct ServerArgs {
    /// Job server to play on; others may use it too
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        env = "GEARBENCH_TARGET",
        conflicts_with = "launch"
    )]
    pub(super) target: Option<Target>,
    /// Command that starts a server in the foreground: {port} is its port, {http-port} one for
    /// HTTP, {dir} a fresh directory, {tls-certificate} and {tls-key} files made for it. It is
    /// started afresh for each group of cases
    #[arg(long, value_name = "COMMAND", env = "GEARBENCH_LAUNCH")]
    pub(super) launch: Option<String>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// How to play, whatever the server.
#[derive(Args, Clone, Debug)]
pub(super) struct CommonArgs {
    /// What is known of the server: auto, none, a name that `gearbench list profiles` shows, or a
    /// file
    #[arg(
        long,
        env = "GEARBENCH_PROFILE",
        value_name = "PROFILE",
        default_value = "auto"
    )]
    pub(super) profile: String,
    /// Cases of your own: files, or directories of them; their area is the name of the file.
    /// Patterns stand before this option
    #[arg(long, env = "GEARBENCH_CASES", value_name = "PATH", num_args = 1..)]
    pub(super) cases: Vec<PathBuf>,
    /// Play cases that can kill or wedge a faulty server too
    #[arg(long, env = "GEARBENCH_HAZARDOUS")]
    pub(super) hazardous: bool,
    /// How long the server may take for one answer; more where its round trip is long
    #[arg(long, env = "GEARBENCH_TIMEOUT", value_name = "TIME", value_parser = timeout, default_value = "2s")]
    pub(super) timeout: Duration,
    /// Groups of cases to play at the same time
    #[arg(long, env = "GEARBENCH_PARALLEL", value_name = "N", default_value_t = 8, value_parser = parallel)]
    pub(super) parallel: usize,
    #[command(flatten)]
    pub(super) ownership: Ownership,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = units::duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(10)..=Duration::from_secs(600);
    match range.contains(&timeout) {
        true => Ok(timeout),
        false => Err("the timeout must be from 10ms to 10m".to_owned()),
    }
}

fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(parallel @ 1..=256) => Ok(parallel),
        _ => Err("expected a number from 1 to 256".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LevelArg {
    /// What PROTOCOL says, and clients break without
    Must,
    /// Also common practice
    Should,
    /// Also what C gearmand does and others need not
    All,
}

impl LevelArg {
    fn level(self) -> Level {
        match self {
            LevelArg::Must => Level::Must,
            LevelArg::Should => Level::Should,
            LevelArg::All => Level::Observed,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    /// As the script has them
    None,
    /// A byte at a time
    Byte,
    /// In the middle of headers, and behind them
    Header,
    /// As many requests as possible in one write
    Pipeline,
    /// All of these, one after the other
    All,
}

impl SplitArg {
    fn deliveries(self) -> Vec<Delivery> {
        match self {
            SplitArg::None => vec![Delivery::Whole],
            SplitArg::Byte => vec![Delivery::Byte],
            SplitArg::Header => vec![Delivery::Header],
            SplitArg::Pipeline => vec![Delivery::Pipeline],
            SplitArg::All => Delivery::ALL.to_vec(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TraceArg {
    /// Those of unexpected failures
    Failed,
    /// Those of known failures and notes too
    All,
    /// Nobody's
    None,
}

impl TraceArg {
    fn of(self) -> TraceOf {
        match self {
            TraceArg::Failed => TraceOf::Failed,
            TraceArg::All => TraceOf::All,
            TraceArg::None => TraceOf::None,
        }
    }
}

/// Plays cases.
pub(super) fn conform(args: &ConformArgs) -> anyhow::Result<u8> {
    play_as("conform", args)
}

/// Plays cases for a command, which its errors name.
pub(super) fn play_as(command: &str, args: &ConformArgs) -> anyhow::Result<u8> {
    let suite = match suite(&args.server.common.cases) {
        Ok(suite) => suite,
        Err(error) => {
            let hint = match (&error, args.server.common.cases.as_slice()) {
                (SuiteError::File { .. }, [_, _, ..]) => "\nPatterns stand before --cases.",
                _ => "",
            };
            let error = format!("{error}{hint}");
            return Ok(super::complain(command, &error, exit::USAGE));
        }
    };
    let selection = Selection {
        patterns: args.patterns.clone(),
        skip: args.skip.clone(),
        level: args.level.level(),
    };
    let cases = suite.select(&selection);
    if cases.is_empty() {
        return Ok(super::complain(command, &no_match(args), exit::USAGE));
    }
    if args.list {
        super::print(&super::list::cases(&cases))?;
        return Ok(exit::OK);
    }
    let before = match args.baseline.as_deref().map(read_report).transpose() {
        Ok(before) => before,
        Err(error) => {
            let error = super::reason(&error);
            return Ok(super::complain(command, &error, exit::USAGE));
        }
    };
    let files = [&args.junit, &args.json, &args.md];
    for path in files.into_iter().flatten() {
        if let Err(error) = writable(path) {
            return Ok(super::complain(
                command,
                &super::reason(&error),
                exit::USAGE,
            ));
        }
    }
    let interruption = Interruption::watch()?;
    let prepared = match Prepared::new(&args.server) {
        Ok(prepared) => prepared,
        Err((code, error)) => return Ok(refuse(command, &args.server, &error, code)),
    };
    let played = Played {
        level: args.level,
        splits: args.split.deliveries(),
        hazardous: args.server.common.hazardous,
    };
    let mut report = play(
        &cases,
        &prepared,
        &args.server.common,
        &played,
        &interruption,
    );
    if let Some(before) = &before {
        let baseline = conform::compare_baseline(&report, before);
        report
            .notes
            .extend(baseline.text().lines().map(str::to_owned));
        set_exit_code(&mut report, Some(baseline.is_worse()), interruption.code());
    } else {
        set_exit_code(&mut report, None, interruption.code());
    }
    output(args, &report)?;
    Ok(report.exit_code)
}

/// Built-in cases, and those in `paths`.
pub(super) fn suite(paths: &[PathBuf]) -> Result<Suite, SuiteError> {
    let mut suite = Suite::builtin()?;
    for path in paths {
        suite.add_path(path)?;
    }
    Ok(suite)
}

/// Says why nothing is played; returns the code.
pub(super) fn refuse(command: &str, server: &ServerArgs, error: &anyhow::Error, code: u8) -> u8 {
    if server.target.is_some() {
        return super::complain(command, error, code);
    }
    // Another port would not help a server that was to be launched. Nobody is left to tell when
    // stderr is gone.
    let error = escape::block(&error.to_string());
    let _ = writeln!(std::io::stderr(), "gearbench {command}: {error}");
    code
}

fn no_match(args: &ConformArgs) -> String {
    let level = args.level.level();
    match args.patterns.is_empty() {
        true => format!("no case of level {level} is left"),
        false => format!(
            "no case of level {level} matches {}; `gearbench list cases` shows all",
            args.patterns.join(" ")
        ),
    }
}

/// What is played, as far as the report tells it.
pub(super) struct Played {
    level: LevelArg,
    splits: Vec<Delivery>,
    hazardous: bool,
}

/// Plays the cases and gives a report that has no exit code yet.
fn play(
    cases: &[&Case],
    prepared: &Prepared,
    common: &CommonArgs,
    played: &Played,
    interruption: &Interruption,
) -> Conformance {
    let (start, started) = (Instant::now(), SystemTime::now());
    let timeout = common.timeout.max(prepared.round_trip * ROUND_TRIPS);
    let options = Options {
        profile: prepared.profile.clone(),
        splits: played.splits.clone(),
        hazardous: common.hazardous,
        timeout,
        parallel: common.parallel,
        namespace: RunId::fresh().prefix(),
        repeat: prepared.repeat(common),
        keep_traces: false,
    };
    let watch = Watch::new(interruption, cases.len() * options.splits.len());
    let Outcome {
        results,
        notes,
        gone,
        ..
    } = runner::run(cases, &prepared.place, &options, &watch);
    watch.end();
    let mut codes = Vec::new();
    if gone {
        codes.push(exit::TARGET);
    }
    Conformance {
        schema_version: conform::SCHEMA_VERSION,
        kind: Document::Conformance,
        gearbench: env!("CARGO_PKG_VERSION").to_owned(),
        exit_code: exit::OK,
        server: prepared.server.clone(),
        profile: ProfileInfo {
            name: prepared.profile.name.clone(),
            evidence: prepared.evidence.clone(),
        },
        splits: options.splits.iter().map(ToString::to_string).collect(),
        level: format!("{:?}", played.level).to_lowercase(),
        hazardous: played.hazardous,
        started: started
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        took_ms: start.elapsed().as_secs_f64() * 1e3,
        namespace: options.namespace,
        timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        counts: Counts::of(&results),
        notes,
        interrupted: interruption.code().is_some(),
        exit_codes: codes,
        cases: results,
    }
}

/// The exit code by what was found; `regressed` replaces failures where there is a baseline.
fn set_exit_code(report: &mut Conformance, regressed: Option<bool>, interrupted: Option<u8>) {
    let has = |verdict| report.cases.iter().any(|case| case.verdict == verdict);
    let failed = has(Verdict::Fail) || has(Verdict::Fixed);
    let played = |verdict| !matches!(verdict, Verdict::Skip | Verdict::Blocked);
    let mut codes = report.exit_codes.clone();
    codes.extend(regressed.unwrap_or(failed).then_some(exit::CONFORMANCE));
    codes.extend(has(Verdict::Error).then_some(exit::INTERNAL));
    let nothing = !report.cases.iter().any(|case| played(case.verdict));
    codes.extend(nothing.then_some(exit::INCONCLUSIVE));
    codes.extend(interrupted);
    codes.sort_unstable();
    codes.dedup();
    report.exit_code = exit::precedence(codes.iter().copied());
    report.exit_codes = codes;
}

fn output(args: &ConformArgs, report: &Conformance) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let text = conform::text(
        report,
        conform::text::Options {
            colour: stdout.is_terminal() && !plain,
            trace: args.trace.of(),
            verbose: args.verbose,
            ..conform::text::Options::default()
        },
    );
    super::print(&text)?;
    if let Some(path) = &args.junit {
        write_file(path, &conform::junit(report)?)?;
    }
    if let Some(path) = &args.json {
        write_file(path, &conform::json(report)?)?;
    }
    if let Some(path) = &args.md {
        write_file(path, &conform::markdown(report))?;
    }
    Ok(())
}

/// Writes a file, and the directories it stands in.
pub(super) fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    make_parent(path)?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn make_parent(path: &Path) -> anyhow::Result<()> {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    parent.map_or(Ok(()), make)
}

/// Whether a file can be written, which is not touched: results that have no place would be in
/// vain. The directories it stands in are made.
fn writable(path: &Path) -> anyhow::Result<()> {
    make_parent(path)?;
    let new = !path.exists();
    let mut file = std::fs::OpenOptions::new();
    let opened = file.append(true).create(true).open(path);
    opened.with_context(|| format!("cannot write {}", path.display()))?;
    if new {
        std::fs::remove_file(path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Reads the results of a run.
pub(super) fn read_report(path: &Path) -> anyhow::Result<Conformance> {
    Ok(conform::read(path)?)
}
