//! A raw campaign: the bytes of valid sessions, damaged, and an honest peer beside them that must
//! be served whatever they do.
//!
//! A session is harmful if the server dies, if it no longer serves the honest peer, or if it is
//! busy afterwards though nobody asks it for anything. What harms it is charged to the shortest
//! bytes that do it again on a fresh server: first moves are left out, then bytes of each. What a
//! session does not do alone, it may do after those before it, so some of these are tried too.

mod finding;
mod honest;
mod mutate;
mod seat;
mod shorten;

pub use finding::{Finding, Harm, Wound};

use super::super::generate::{Draws, Move, Weights, draw, play};
use super::super::launch::Memory;
use super::super::memory::MemoryArm;
use super::super::profile::KnownDivergence;
use super::super::runner::Place;
use crate::engine::Policy;
use crate::model::Rules;
use seat::Seat;
use std::time::{Duration, Instant};

/// Sessions between two looks at a server that nobody uses.
const BETWEEN_RESTS: usize = 50;
/// Sessions that may have harmed the server together.
const TOGETHER: usize = 8;
/// What the handles of the engine begin with on which valid sessions are drawn.
const DRAWN_HANDLE: &[u8] = b"H:localhost:";

/// What is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sessions at the most.
    pub sessions: u64,
    /// Steps of a session before it is damaged.
    pub steps: usize,
    /// The first session's seed; each has one more than the one before.
    pub seed: u64,
    /// No session begins after this time.
    pub duration: Option<Duration>,
    /// Whether packets have types from 2^31 up, which kill C gearmand at once.
    pub hazardous: bool,
    /// Harm that is known.
    pub known: Vec<KnownDivergence>,
    /// How long the honest peer waits for an answer.
    pub patience: Duration,
}

/// What one wants of a campaign while it goes on.
pub trait Watch {
    /// Whether it is to end.
    fn stopped(&self) -> bool;
    /// How far it is.
    fn progress(&self, outcome: &Outcome, doing: &str);
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sessions that were played.
    pub sessions: u64,
    /// Bytes that they wrote.
    pub bytes: u64,
    /// Those that did no harm.
    pub harmless: u64,
    /// What was found, each once.
    pub findings: Vec<Finding>,
    /// The memory of the launched server that grew most.
    pub memory: Option<Memory>,
    /// Why it ended before its time.
    pub gone: Option<String>,
}

/// There is no server to go on with; why.
struct Gone(String);

/// Plays a campaign.
pub fn campaign(place: &Place, options: &Options, watch: &dyn Watch) -> Outcome {
    let mut campaign = Campaign {
        seat: Seat::new(place, options),
        outcome: Outcome::default(),
        since: Vec::new(),
        options,
        watch,
    };
    if let Err(Gone(why)) = campaign.play() {
        campaign.outcome.gone = Some(why);
    }
    campaign.outcome.memory = campaign.seat.memory();
    campaign.outcome
}

struct Campaign<'a> {
    seat: Seat<'a>,
    outcome: Outcome,
    /// The seeds that the server has met since it was started or last seen at rest.
    since: Vec<u64>,
    options: &'a Options,
    watch: &'a dyn Watch,
}

impl Campaign<'_> {
    fn play(&mut self) -> Result<(), Gone> {
        let started = Instant::now();
        for number in 0..self.options.sessions {
            let mut limit = self.options.duration.into_iter();
            if limit.any(|limit| started.elapsed() >= limit) || self.watch.stopped() {
                break;
            }
            let seed = self.options.seed.wrapping_add(number);
            self.session(seed)?;
            if self.since.len() >= BETWEEN_RESTS {
                self.rest()?;
            }
            self.watch.progress(&self.outcome, "playing");
        }
        self.rest()
    }

    fn session(&mut self, seed: u64) -> Result<(), Gone> {
        self.since.push(seed);
        let options = self.options;
        let (moves, wound) = self.seat.play(|handle| damaged(seed, options, handle))?;
        self.outcome.sessions += 1;
        self.outcome.bytes += written(&moves);
        let Some(wound) = wound else {
            self.outcome.harmless += 1;
            return Ok(());
        };
        self.seat.renew();
        let known = |finding: &&mut Finding| {
            finding.wound.harm == wound.harm && !finding.moves.is_empty() && finding.is_in(&moves)
        };
        match self.outcome.findings.iter_mut().find(known) {
            Some(finding) => finding.times += 1,
            None => self.charge(seed, moves, wound)?,
        }
        self.since.clear();
        self.end_if_it_cannot_go_on()
    }

    /// Charges harm to the shortest bytes that do it again.
    fn charge(&mut self, seed: u64, moves: Vec<Move>, wound: Wound) -> Result<(), Gone> {
        let known = self.options.known.iter();
        let harm = wound.harm.to_string();
        let mut known = known.filter(|known| known.explains(&harm, &wound.text));
        let known = known.next();
        let mut finding = Finding {
            seed,
            known: known.map(|known| known.reason.clone()),
            times: 1,
            moves,
            confirmed: (0, 0),
            wound,
        };
        // On another's server nothing is tried again: it was harmed enough.
        if finding.known.is_none() && self.seat.launches() {
            let alone = self.again(&[seed], finding.wound.harm)?;
            let moves = match alone {
                Some(moves) => Some(moves),
                None => {
                    let from = self.since.len().saturating_sub(TOGETHER);
                    let seeds = self.since.get(from..).unwrap_or_default().to_vec();
                    self.again(&seeds, finding.wound.harm)?
                }
            };
            finding.moves = moves.unwrap_or_default();
            if !finding.moves.is_empty() {
                shorten::shorten(&mut self.seat, &mut finding, &self.outcome, self.watch)?;
            }
        }
        self.outcome.add(finding);
        Ok(())
    }

    /// Plays sessions on a fresh server; what was done, if it does the same harm.
    fn again(&mut self, seeds: &[u64], harm: Harm) -> Result<Option<Vec<Move>>, Gone> {
        self.seat.renew();
        let options = self.options;
        let mut all = Vec::new();
        for seed in seeds {
            let (moves, wound) = self.seat.play(|handle| damaged(*seed, options, handle))?;
            all.extend(moves);
            let wound = wound.or_else(|| self.seat.spins().filter(|_| harm == Harm::Spin));
            if let Some(wound) = wound {
                self.seat.renew();
                return Ok((wound.harm == harm).then_some(all));
            }
        }
        self.seat.renew();
        Ok(None)
    }

    /// Nobody asks the server for anything: it must be at rest.
    fn rest(&mut self) -> Result<(), Gone> {
        let Some(wound) = self.seat.spins() else {
            self.since.clear();
            return Ok(());
        };
        let since = std::mem::take(&mut self.since);
        for seed in since.iter().rev() {
            self.watch
                .progress(&self.outcome, "looking for what made it spin");
            if let Some(moves) = self.again(&[*seed], Harm::Spin)? {
                let mut finding = Finding {
                    seed: *seed,
                    known: None,
                    times: 1,
                    moves,
                    confirmed: (0, 0),
                    wound,
                };
                shorten::shorten(&mut self.seat, &mut finding, &self.outcome, self.watch)?;
                self.outcome.add(finding);
                return Ok(());
            }
        }
        // None alone: what was seen stands, without bytes that do it again.
        self.outcome.add(Finding {
            seed: since.first().copied().unwrap_or_default(),
            known: None,
            times: 1,
            moves: Vec::new(),
            confirmed: (0, 0),
            wound,
        });
        Ok(())
    }

    /// A server that we cannot start again is harmed once.
    fn end_if_it_cannot_go_on(&self) -> Result<(), Gone> {
        match self.seat.launches() {
            true => Ok(()),
            false => Err(Gone(
                "the server is harmed, and only one that --launch has started is started again"
                    .to_owned(),
            )),
        }
    }
}

impl Outcome {
    /// Adds a finding, or counts it where the same was found in other bytes.
    fn add(&mut self, finding: Finding) {
        let same = self.findings.iter_mut().find(|other| other.is(&finding));
        match same {
            Some(other) => other.times += 1,
            None => self.findings.push(finding),
        }
    }
}

fn written(moves: &[Move]) -> u64 {
    let bytes = moves.iter().map(|step| match step {
        Move::Writes { bytes, .. } => bytes.len() as u64,
        Move::Leaves { .. } => 0,
    });
    bytes.sum()
}

/// The damaged session of a seed, on a server that has just given out `handle`.
fn damaged(seed: u64, options: &Options, handle: &[u8]) -> Vec<Move> {
    let moves = named(valid(seed, options), handle);
    let moves = mutate::damaged(&mut Draws::new(!seed), moves);
    match options.hazardous {
        true => moves,
        false => mutate::tamed(moves),
    }
}

/// A session in which nobody does anything wrong, as the engine in memory knows it.
fn valid(seed: u64, options: &Options) -> Vec<Move> {
    let weights = Weights {
        time: false,
        hazardous: options.hazardous,
        ..Weights::ALL
    };
    let ops = draw(seed, options.steps, weights);
    let mut arm = MemoryArm::new(Policy::default());
    let prefix = format!("raw-{seed}-");
    play(&mut arm, Rules::default(), &prefix, &ops).moves()
}

/// The same with the handles that a server gives out behind `last`.
fn named(mut moves: Vec<Move>, last: &[u8]) -> Vec<Move> {
    let end = last.iter().rposition(|byte| !byte.is_ascii_digit());
    let (prefix, number) = last.split_at(end.map_or(0, |end| end + 1));
    let number = std::str::from_utf8(number).ok();
    let number: u64 = number
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    for step in &mut moves {
        if let Move::Writes { bytes, .. } = step {
            mutate::replace(bytes, DRAWN_HANDLE, |drawn| {
                [prefix, number.saturating_add(drawn).to_string().as_bytes()].concat()
            });
        }
    }
    moves
}
