//! `gearbench diff`: the same cases on two servers, and where their answers part.

use super::conform::{self, CommonArgs, Prepared, ServerArgs};
use super::exit;
use super::signals::Interruption;
use super::target::Target;
use crate::conformance::case::{Case, Level};
use crate::conformance::diff::{Difference, differences};
use crate::conformance::player::Delivery;
use crate::conformance::profile::Profile;
use crate::conformance::runner::{self, Options, Outcome};
use crate::conformance::suite::Selection;
use crate::load::RunId;
use clap::Args;
use std::fmt::Write as _;

const EXAMPLES: &str = "\
Examples:
  gearbench diff --target 127.0.0.1:4730 --target 127.0.0.1:4731
  gearbench diff --launch 'gearmand -p {port} -L 127.0.0.1' --launch 'gearbench serve -p {port}' submit
  gearbench diff --target old:4730 --launch 'gearbench serve -p {port}'";

const EXITS: &str = "\
Exit codes: 0 no difference; 2 usage; 3 a server cannot be reached, or is gone; 4 they differ;
130 and 143 interrupted.";

/// Play the same cases on two servers and show where their answers differ.
///
/// Handles, the order of lists, line ends and addresses make no difference. Nothing is said about
/// who is right: `gearbench conform` does that.
#[derive(Args, Debug)]
#[command(before_help = EXAMPLES, after_help = EXITS)]
pub(super) struct DiffArgs {
    /// Cases to play: ids, areas or requirements, `*` stands for anything [default: all]
    patterns: Vec<String>,
    /// A server that others may use too; two servers are needed in all
    #[arg(short, long, value_name = "HOST:PORT")]
    target: Vec<Target>,
    /// A command that starts a server, as for `gearbench conform`
    #[arg(long, value_name = "COMMAND")]
    launch: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Plays on two servers.
pub(super) fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let complain = |error: &dyn std::fmt::Display, code| Ok(super::complain("diff", error, code));
    let servers = servers(args);
    let [first, second] = servers.as_slice() else {
        let problem = format!(
            "two servers are compared, {} given: name them by --target or --launch",
            servers.len()
        );
        return complain(&problem, exit::USAGE);
    };
    let suite = match conform::suite(&args.common.cases) {
        Ok(suite) => suite,
        Err(error) => return complain(&error, exit::USAGE),
    };
    let cases = suite.select(&Selection {
        patterns: args.patterns.clone(),
        skip: Vec::new(),
        level: Level::Observed,
    });
    if cases.is_empty() {
        let problem = format!("no case matches {}", args.patterns.join(" "));
        return complain(&problem, exit::USAGE);
    }
    let interruption = Interruption::watch()?;
    // The same on both, or every name would be a difference.
    let namespace = RunId::fresh().prefix();
    let mut outcomes = Vec::new();
    for server in [first, second] {
        let prepared = match Prepared::new(server) {
            Ok(prepared) => prepared,
            Err((code, error)) => return Ok(conform::refuse("diff", server, &error, code)),
        };
        outcomes.push((
            play(&cases, &prepared, &args.common, &namespace, &interruption),
            prepared,
        ));
    }
    let [(a, first), (b, second)] = outcomes.as_slice() else {
        return complain(&"a server is missing", exit::INTERNAL);
    };
    let found = found(&cases, a, b);
    let names = [name(first), name(second)];
    let text = text(&found, &names, compared(&cases, a, b));
    super::print(&text)?;
    let gone = [a.gone, b.gone].contains(&true).then_some(exit::TARGET);
    let differ = (!found.is_empty()).then_some(exit::CONFORMANCE);
    Ok(exit::precedence(
        gone.into_iter().chain(differ).chain(interruption.code()),
    ))
}

/// Those named by --target, then those named by --launch.
fn servers(args: &DiffArgs) -> Vec<ServerArgs> {
    let one = |target, launch| ServerArgs {
        target,
        launch,
        common: args.common.clone(),
    };
    let targets = args
        .target
        .iter()
        .map(|target| one(Some(target.clone()), None));
    let launched = args
        .launch
        .iter()
        .map(|command| one(None, Some(command.clone())));
    targets.chain(launched).collect()
}

fn play(
    cases: &[&Case],
    prepared: &Prepared,
    common: &CommonArgs,
    namespace: &str,
    interruption: &Interruption,
) -> Outcome {
    let options = Options {
        // A profile would leave out what one of them cannot do, and that is a difference; how it
        // is started is all that matters here.
        profile: Profile {
            settings: prepared.profile.settings.clone(),
            ..Profile::none()
        },
        splits: vec![Delivery::Whole],
        hazardous: common.hazardous,
        timeout: common.timeout,
        parallel: common.parallel,
        namespace: namespace.to_owned(),
        repeat: String::new(),
        keep_traces: true,
    };
    let watch = conform::Watch::new(interruption, cases.len());
    let outcome = runner::run(cases, &prepared.place, &options, &watch);
    watch.end();
    outcome
}

fn name(prepared: &Prepared) -> String {
    let version = prepared.server.version.as_deref().unwrap_or_default();
    format!(
        "{} {version} ({})",
        prepared.server.name, prepared.server.target
    )
}

/// Cases whose answers differ, and how.
fn found<'c>(cases: &[&'c Case], a: &Outcome, b: &Outcome) -> Vec<(&'c Case, Vec<Difference>)> {
    let both = cases.iter().filter_map(|case| {
        let key = (case.id.clone(), Delivery::Whole.to_string());
        let found = differences(a.traces.get(&key)?, b.traces.get(&key)?);
        (!found.is_empty()).then_some((*case, found))
    });
    both.collect()
}

/// Cases that were played on both.
fn compared(cases: &[&Case], a: &Outcome, b: &Outcome) -> usize {
    let key = |case: &&Case| (case.id.clone(), Delivery::Whole.to_string());
    let played =
        |case: &&&Case| a.traces.contains_key(&key(case)) && b.traces.contains_key(&key(case));
    cases.iter().filter(played).count()
}

fn text(found: &[(&Case, Vec<Difference>)], names: &[String; 2], compared: usize) -> String {
    let mut text = format!("1  {}\n2  {}\n", names[0], names[1]);
    for (case, differences) in found {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}  {}", case.id, case.rule);
        for difference in differences {
            let side =
                |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing more".to_owned());
            let after = difference
                .after
                .as_ref()
                .map(|after| format!(" after {after}"));
            let _ = writeln!(text, "  {}{}", difference.peer, after.unwrap_or_default());
            let _ = writeln!(text, "    1  {}", side(&difference.first));
            let _ = writeln!(text, "    2  {}", side(&difference.second));
        }
    }
    let _ = writeln!(text, "\n{} of {compared} cases differ", found.len());
    text
}
