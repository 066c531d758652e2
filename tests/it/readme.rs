//! The README's generated parts are what the program says.

use gearbench::cli::exit;
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
