//! Tests, benchmarks and stresses any Gearman job server, and is one.

fn main() -> std::process::ExitCode {
    gearbench::cli::main()
}
