//! Parse, run, map the error to an exit code.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let code = gearbench::cli::main().unwrap_or_else(|error| {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(std::io::stderr(), "gearbench: {error:#}");
        gearbench::cli::exit::INTERNAL
    });
    ExitCode::from(code)
}
