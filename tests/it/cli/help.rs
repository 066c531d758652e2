//! What the program says of itself.

use super::{BOUND, exits, gearbench};
use crate::support::run_with_deadline;

/// The program and its subcommands, each with the exit codes that its help has to name.
const COMMANDS: [(&[&str], &[u8]); 23] = [
    (&[], &[0, 2, 3, 4, 5, 130, 143]),
    (&["check"], &[0, 2, 3, 4, 5, 130, 143]),
    (&["run"], &[0, 2, 3, 5, 8, 130, 143]),
    (&["saturate"], &[0, 2, 3, 6, 8, 130, 143]),
    (&["compare"], &[0, 2, 7, 8]),
    (&["conform"], &[0, 1, 2, 3, 4, 8, 130, 143]),
    (&["diff"], &[0, 2, 3, 4, 130, 143]),
    (&["doctor"], &[0, 2]),
    (&["explain"], &[0, 2]),
    (&["fuzz"], &[0, 2, 3, 5, 130, 143]),
    (&["list"], &[0, 2]),
    (&["replay"], &[0, 2, 3, 4, 8, 130, 143]),
    (&["report"], &[0, 2]),
    (&["schema"], &[0, 2]),
    (&["serve"], &[0, 1]),
    (&["simulate"], &[0, 2, 5, 8, 130, 143]),
    (&["store"], &[0, 2, 5]),
    (&["submit"], &[0, 1, 2, 3, 6, 130, 143]),
    (&["sweep"], &[0, 2, 3, 5, 6, 8, 130, 143]),
    (&["versus"], &[0, 2, 3, 5, 6, 8, 130, 143]),
    (&["work"], &[0, 2, 3, 130, 143]),
    (&["completions"], &[0, 2]),
    (&["man"], &[0, 2]),
];

fn help(command: &[&str], flag: &str) -> String {
    let finished = run_with_deadline(gearbench().args(command).arg(flag), BOUND);
    exits(&finished, 0);
    assert_eq!(finished.err(), "", "{command:?} {flag}");
    finished.out()
}

#[test]
fn every_help_opens_with_examples_and_names_its_exit_codes() {
    for (command, codes) in COMMANDS {
        let example = ["  gearbench", command.first().copied().unwrap_or_default()].join(" ");
        for flag in ["-h", "--help"] {
            let help = help(command, flag);
            assert!(help.starts_with("Examples:\n"), "{command:?}: {help}");
            let examples = help.split("\n\n").next().unwrap_or_default();
            assert!(examples.contains(example.trim_end()), "{examples}");
            let (_, exits) = help.split_once("\nExit codes: ").expect("exit codes");
            let named: Vec<&str> = exits.split(|c: char| !c.is_ascii_digit()).collect();
            for code in codes {
                assert!(
                    named.contains(&&*code.to_string()),
                    "{command:?} does not name {code}: {exits}"
                );
            }
        }
    }
}

#[test]
fn every_subcommand_is_listed_and_tested_here() {
    let help = help(&[], "-h");
    let (_, list) = help.split_once("\nCommands:\n").expect("a list");
    let names: Vec<&str> = list
        .lines()
        .take_while(|line| line.starts_with("  "))
        // A description goes on in a line that is indented further.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    let known: Vec<&str> = COMMANDS
        .iter()
        .filter_map(|(command, _)| command.first().copied())
        .collect();
    assert_eq!(names, known);
}

#[test]
fn the_version_is_that_of_the_package() {
    for flag in ["-V", "--version"] {
        let version = help(&[], flag);
        assert_eq!(
            version,
            concat!("gearbench ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn shells_and_the_manual_know_every_command() {
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
    ] {
        let finished = run_with_deadline(gearbench().args(arguments), BOUND);
        exits(&finished, 0);
        for (command, _) in COMMANDS {
            let name = command.first().copied().unwrap_or_default();
            assert!(finished.out().contains(name), "{arguments:?}: {name}");
        }
    }
    let page = run_with_deadline(gearbench().args(["man", "run"]), BOUND);
    exits(&page, 0);
    assert!(page.out().contains("\\-\\-rate"), "{}", page.out());
    let none = run_with_deadline(gearbench().args(["man", "nothing"]), BOUND);
    exits(&none, 2);
}
