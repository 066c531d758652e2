//! Parse, run, map the error to an exit code.

use gearbench::cli::{self, exit};
use std::io::Write;
use std::process::ExitCode;

/// Half the instructions of the system's for a job that is queued and taken, and it gives back what
/// is not needed any more; see `server::memory`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let code = match std::panic::catch_unwind(cli::main) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "gearbench: {}", cli::reason(&error));
            exit::INTERNAL
        }
        // The panic has said where.
        Err(_) => exit::INTERNAL,
    };
    ExitCode::from(code)
}
