//! Exit codes: documented constants, the same for every subcommand.

use crate::report::Kind;

/// Everything asked for passed.
pub const OK: u8 = 0;
/// Internal error of gearbench.
pub const INTERNAL: u8 = Kind::Internal.code();
/// Usage, bad scenario, nothing matched.
pub const USAGE: u8 = Kind::Usage.code();
/// Target unreachable or not a Gearman server.
pub const TARGET: u8 = Kind::Target.code();
/// Conformance: an unexpected failure, or a known failure that now passes.
pub const CONFORMANCE: u8 = Kind::Conformance.code();
/// Invariant broken: lost, phantom, wrong body, order, model divergence.
pub const INVARIANT: u8 = Kind::Invariant.code();
/// A service level was missed.
pub const SLO: u8 = Kind::Slo.code();
/// Regression against a baseline.
pub const REGRESSION: u8 = Kind::Regression.code();
/// Inconclusive: the generator was the limit, too few samples, cases could not run.
pub const INCONCLUSIVE: u8 = Kind::Inconclusive.code();
/// Interrupted (SIGINT); partial results were written.
pub const INTERRUPTED: u8 = Kind::Interrupted.code();
/// Terminated (SIGTERM); partial results were written.
pub const TERMINATED: u8 = 143;

/// Code and meaning, for help texts and tables.
pub const TABLE: [(u8, &str); 11] = [
    (OK, "everything asked for passed"),
    (INTERNAL, "internal error of gearbench"),
    (USAGE, "usage, bad scenario, nothing matched"),
    (TARGET, "target unreachable or not a Gearman server"),
    (
        CONFORMANCE,
        "conformance: an unexpected failure, or a known failure that now passes",
    ),
    (
        INVARIANT,
        "invariant broken: lost, phantom, wrong body, order, model divergence",
    ),
    (SLO, "an SLO was missed"),
    (REGRESSION, "regression against a baseline"),
    (
        INCONCLUSIVE,
        "inconclusive: the generator was the limit, too few samples, cases could not run",
    ),
    (INTERRUPTED, "interrupted; partial results were written"),
    (TERMINATED, "terminated; partial results were written"),
];

/// The codes as Markdown, as the README has them.
pub fn markdown() -> String {
    let rows = TABLE.map(|(code, meaning)| format!("| {code} | {meaning} |\n"));
    format!("| code | meaning |\n|---:|---|\n{}", rows.concat())
}

/// The code to exit with when several apply: an interruption, since whoever interrupts wants no
/// other verdict, then the first of 1, 2, 3, 5, 4, 6, 7, 8.
pub fn precedence(codes: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 10] = [
        TERMINATED,
        INTERRUPTED,
        INTERNAL,
        USAGE,
        TARGET,
        INVARIANT,
        CONFORMANCE,
        SLO,
        REGRESSION,
        INCONCLUSIVE,
    ];
    let rank = |code: &u8| ORDER.iter().position(|known| known == code);
    codes
        .into_iter()
        .filter(|code| *code != OK)
        .min_by_key(|code| rank(code).unwrap_or(0))
        .unwrap_or(OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_documentation() {
        let codes: Vec<u8> = TABLE.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 143]);
    }

    #[test]
    fn invariants_come_before_conformance() {
        assert_eq!(precedence([]), OK);
        assert_eq!(precedence([8, 0, 7]), REGRESSION);
        assert_eq!(precedence([8, 4, 5]), INVARIANT);
        assert_eq!(precedence([5, 3, 6]), TARGET);
        assert_eq!(precedence([2, 1]), INTERNAL);
        assert_eq!(precedence([5, 130]), INTERRUPTED);
    }
}
