//! The sums that must hold: no job leaves the books unnoticed.

use crate::report::Ledger;

/// A sum of the ledger that does not hold: an error in gearbench, and no figures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger does not add up: {left} is {total}, but {right} is {sum}")]
pub struct Unbalanced {
    /// Name of the total.
    pub left: &'static str,
    /// The total.
    pub total: u64,
    /// Names of its parts.
    pub right: &'static str,
    /// Their sum.
    pub sum: u64,
}

/// Checks `scheduled = sent + shed` and `sent = ended + in flight`.
pub(crate) fn check(ledger: &Ledger) -> Result<(), Unbalanced> {
    holds(
        ("scheduled", ledger.scheduled),
        ("sent + shed", ledger.sent + ledger.shed),
    )?;
    let ended = ledger.ended();
    holds(
        ("sent", ledger.sent),
        (
            "ok + failed as told + failed + error + timeout + abandoned + lost in restart + in \
             flight",
            ended + ledger.in_flight,
        ),
    )
}

fn holds(
    (left, total): (&'static str, u64),
    (right, sum): (&'static str, u64),
) -> Result<(), Unbalanced> {
    match total == sum {
        true => Ok(()),
        false => Err(Unbalanced {
            left,
            total,
            right,
            sum,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_hold_or_are_named() {
        let mut ledger = Ledger {
            scheduled: 10,
            sent: 9,
            shed: 1,
            ok: 5,
            failed: 1,
            error: 1,
            timeout: 1,
            in_flight: 1,
            ..Ledger::default()
        };
        assert_eq!(check(&ledger), Ok(()));
        ledger.in_flight = 0;
        assert_eq!(check(&ledger).unwrap_err().left, "sent");
        ledger.shed = 0;
        assert_eq!(check(&ledger).unwrap_err().left, "scheduled");
    }
}
