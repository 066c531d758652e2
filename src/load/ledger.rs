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

/// Checks `scheduled = sent + shed` and `sent = ok + failed + error + timeout + in flight`.
pub(crate) fn check(ledger: &Ledger) -> Result<(), Unbalanced> {
    holds(
        ("scheduled", ledger.scheduled),
        ("sent + shed", ledger.sent + ledger.shed),
    )?;
    let ended = ledger.ok + ledger.failed + ledger.error + ledger.timeout;
    holds(
        ("sent", ledger.sent),
        (
            "ok + failed + error + timeout + in flight",
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

/// Adds the books of another shard.
pub(crate) fn merge(ours: &mut Ledger, theirs: &Ledger) {
    // All fields by name, so that a new one is not forgotten.
    let Ledger {
        scheduled,
        sent,
        shed,
        ok,
        failed,
        error,
        timeout,
        in_flight,
        lost,
        phantom,
        duplicated,
        wrong_body,
        rerun,
        recovered,
        late,
        still_queued,
    } = theirs;
    ours.scheduled += scheduled;
    ours.sent += sent;
    ours.shed += shed;
    ours.ok += ok;
    ours.failed += failed;
    ours.error += error;
    ours.timeout += timeout;
    ours.in_flight += in_flight;
    ours.lost += lost;
    ours.phantom += phantom;
    ours.duplicated += duplicated;
    ours.wrong_body += wrong_body;
    ours.rerun += rerun;
    ours.recovered += recovered;
    ours.late += late;
    ours.still_queued += still_queued;
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

    #[test]
    fn books_merge() {
        let one = Ledger {
            sent: 2,
            lost: 1,
            ..Ledger::default()
        };
        let mut sum = one;
        merge(&mut sum, &one);
        assert_eq!((sum.sent, sum.lost), (4, 2));
    }
}
