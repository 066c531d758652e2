//! Servers that damage their answers at random, and the commands that speak to one: they end in
//! time, with an exit code that is documented, without a panic, and nothing that came from the
//! server moves a terminal's cursor.
//!
//! One seed and two commands for each are tried here; `GEARBENCH_HOSTILE_SEEDS` says how many seeds,
//! for all of them.

mod spoiler;

use crate::support::{Finished, Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;
use spoiler::{SPOILS, Spoiler};
use std::process::Command;

/// Seconds that a command may take at the most: those it is given, and what a busy machine adds.
const BOUND: u64 = 90;

/// A command for each way to speak to a server, with every wait in it bounded.
const COMMANDS: [&str; 6] = [
    "run --jobs 40 --clients 2 --workers 2 --timeout 300ms --drain 300ms --connect-timeout 500ms",
    "run --backlog 40 --clients 0 --workers 2 --drain 300ms --connect-timeout 500ms",
    "conform admin/* submit/* --timeout 100ms",
    "submit -f f --data x --timeout 500ms --connect-timeout 500ms",
    "submit -f f --data x -b --connect-timeout 500ms",
    "work -f f -n 1 --connect-timeout 500ms -- true",
];

/// Runs a command, given as words, on the spoilt server.
fn on(spoiler: &Spoiler, words: &str, dir: &TempDir) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    let (own, behind) = words.split_once(" -- ").unwrap_or((words, ""));
    let target = spoiler.address().to_string();
    command.args(own.split(' ')).args(["-t", &target]);
    if own.starts_with("run") {
        command.arg("--out").arg(dir.file("out"));
    }
    if !behind.is_empty() {
        command.arg("--").args(behind.split(' '));
    }
    run_with_deadline(&mut command, BOUND)
}

/// What holds of a command whatever the server did.
#[track_caller]
fn is_sound(finished: &Finished, what: &str) {
    let told = format!(
        "{what}: {}\n{}\n{}",
        finished.what,
        finished.out(),
        finished.err()
    );
    let code = finished
        .status
        .code()
        .and_then(|code| u8::try_from(code).ok());
    let documented = exit::TABLE.map(|(code, _)| code);
    assert!(
        code.is_some_and(|code| documented.contains(&code)),
        "{told}"
    );
    // For a client, that the job failed; for all others, that gearbench is wrong.
    let is_client = finished.what.contains("submit");
    assert!(is_client || code != Some(exit::INTERNAL), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    for stream in [finished.out(), finished.err()] {
        let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
        assert!(
            !stream.contains(obeyed),
            "{what}: {}",
            stream.escape_debug()
        );
    }
    if code != Some(exit::OK) {
        assert!(
            !finished.err().is_empty() || !finished.out().is_empty(),
            "{told}"
        );
    }
}

/// Commands on servers that spoil in this way: two of them, or all of them with many seeds.
fn commands_bear(spoil: usize) {
    let asked = std::env::var("GEARBENCH_HOSTILE_SEEDS").ok();
    let asked: Option<u64> = asked.map(|seeds| seeds.parse().expect("a number of seeds"));
    let commands = match asked {
        Some(_) => COMMANDS.len(),
        None => 2,
    };
    let server = Serve::start(&[]);
    for seed in 0..asked.unwrap_or(1) {
        for words in COMMANDS.iter().cycle().skip(2 * spoil).take(commands) {
            let dir = TempDir::new();
            let spoiler = Spoiler::unleash(server.address(), SPOILS[spoil], seed);
            let finished = on(&spoiler, words, &dir);
            is_sound(&finished, &format!("{:?}, seed {seed}", SPOILS[spoil]));
        }
    }
}

#[test]
fn answers_with_flipped_bits() {
    commands_bear(0);
}

#[test]
fn answers_that_lie_about_their_length() {
    commands_bear(1);
}

#[test]
fn answers_that_are_cut() {
    commands_bear(2);
}

#[test]
fn answers_that_come_twice() {
    commands_bear(3);
}

#[test]
fn answers_between_noise() {
    commands_bear(4);
}

#[test]
fn silence_after_a_while() {
    commands_bear(5);
}

#[test]
fn floods() {
    commands_bear(6);
}

#[test]
fn answers_in_control_characters() {
    commands_bear(7);
}
