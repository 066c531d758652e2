//! The README's generated parts are what the program says, and the case that is shown to those who
//! want to write one is a case.

use gearbench::cli::exit;
use gearbench::conformance::case;
use gearbench::conformance::memory::MemoryArm;
use gearbench::conformance::player::{Options, Player};
use gearbench::engine::Policy;
use gearbench::protocol::table;

/// The README holds `wanted` as it is, and nothing more of that table.
#[track_caller]
fn holds(what: &str, wanted: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    assert!(
        readme.contains(&format!("\n\n{wanted}\n")),
        "README.md does not hold {what} as it is now, between empty lines:\n\n{wanted}"
    );
}

#[test]
fn readme_has_all_packets() {
    holds("the table of packets", &table::markdown());
}

#[test]
fn readme_has_all_exit_codes() {
    holds("the table of exit codes", &exit::markdown());
}

/// What stands between the line "```toml" and the next "```".
fn example(readme: &str) -> &str {
    let (_, behind) = readme.split_once("\n```toml\n").expect("an example");
    behind.split_once("```").expect("the end of it").0
}

#[test]
fn example_of_a_case_passes_until_it_is_broken() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/README.md");
    let readme = std::fs::read_to_string(path).expect("conformance/README.md");
    let play = |text: &str| {
        let cases = case::parse("mine.toml", "mine", text).expect("a file of cases");
        let mut arm = MemoryArm::new(Policy::default());
        let played = Player::new(&mut arm, Options::default()).play(&cases[0].script);
        let at = |line: usize| format!("{}:{}", cases[0].file, cases[0].line(line));
        played.map(drop).map_err(|failure| at(failure.line))
    };
    let good = example(&readme);
    assert_eq!(play(good), Ok(()));
    let broken = good.replace("1 1 _ _       # running", "1 0 _ _       # running");
    let place = play(&broken).expect_err("a case that can fail");
    assert!(
        readme.contains(&format!("  at          {place}\n")),
        "{place}"
    );
}
