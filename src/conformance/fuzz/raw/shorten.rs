//! From bytes that harm a server to the shortest of them that still do.

use super::finding::{Finding, Harm};
use super::seat::Seat;
use super::{Gone, Outcome, Watch};
use crate::conformance::generate::{Move, Shrink};

/// Candidates that are played for one finding at the most: for each the server is started.
const MAX_CANDIDATES: u32 = 300;
/// Those of a server that falls silent: each may take as long as the honest peer is patient.
const MAX_SILENT: u32 = 40;
/// How often the shortest is played to say how often it does harm.
const CONFIRMATIONS: u32 = 5;

/// Leaves out moves, then bytes of each write, as long as the harm stays the same.
pub(super) fn shorten(
    seat: &mut Seat<'_>,
    finding: &mut Finding,
    outcome: &Outcome,
    watch: &dyn Watch,
) -> Result<(), Gone> {
    let mut left = match finding.wound.harm {
        Harm::Death => MAX_CANDIDATES,
        Harm::Silence | Harm::Spin => MAX_SILENT,
    };
    let mut harms = |moves: &[Move], left: &mut u32| {
        *left = left.saturating_sub(1);
        let doing = format!("shortening {}: {} moves", finding.wound.harm, moves.len());
        watch.progress(outcome, &doing);
        harms(seat, moves, finding.wound.harm)
    };
    let moves = std::mem::take(&mut finding.moves);
    let mut moves = shortest(moves, &mut left, watch, &mut harms)?;
    for at in 0..moves.len() {
        let Some(Move::Writes { peer, bytes }) = moves.get(at).cloned() else {
            continue;
        };
        let shorter = shortest(bytes, &mut left, watch, |bytes: &[u8], left: &mut u32| {
            let mut moves = moves.clone();
            if let Some(place) = moves.get_mut(at) {
                *place = Move::Writes {
                    peer,
                    bytes: bytes.to_vec(),
                };
            }
            harms(&moves, left)
        })?;
        if let Some(Move::Writes { bytes, .. }) = moves.get_mut(at) {
            *bytes = shorter;
        }
    }
    let mut failed = 0;
    for _ in 0..CONFIRMATIONS {
        failed += u32::from(harms(&moves, &mut left)?);
    }
    finding.confirmed = (failed, CONFIRMATIONS);
    finding.moves = moves;
    Ok(())
}

/// The shortest of what still does harm, by so many more candidates.
fn shortest<T: Clone>(
    whole: Vec<T>,
    left: &mut u32,
    watch: &dyn Watch,
    mut harms: impl FnMut(&[T], &mut u32) -> Result<bool, Gone>,
) -> Result<Vec<T>, Gone> {
    let mut best = whole.clone();
    let mut shrink = Shrink::new(whole);
    let mut goes_on = shrink.fails();
    while goes_on && *left > 0 && !watch.stopped() {
        let candidate = shrink.candidate();
        goes_on = match harms(&candidate, left)? {
            true => {
                best = candidate;
                shrink.fails()
            }
            false => shrink.passes(),
        };
    }
    Ok(best)
}

/// Whether the moves do this harm to a fresh server.
fn harms(seat: &mut Seat<'_>, moves: &[Move], harm: Harm) -> Result<bool, Gone> {
    seat.renew();
    let (_, wound) = seat.play(|_| moves.to_vec())?;
    let wound = wound.or_else(|| seat.spins().filter(|_| harm == Harm::Spin));
    seat.renew();
    Ok(wound.is_some_and(|wound| wound.harm == harm))
}
