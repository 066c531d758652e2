//! Draws sessions. Whole kinds of acts are left out of a session at random: a session without
//! disconnects gets further with everything else ("swarm testing").

use super::op::{Admin, BODIES, FUNCTIONS, Kind, Malformed, Op, PEERS, UNIQUES, WorkKind};
use super::subject::Subjects;
use crate::protocol::{GrabKind, Priority};

/// How often something that a session may hold is drawn for.
const DRAWS: usize = 100;

/// What sessions may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Time passes: jobs time out, epoch jobs become due. For clocks that can be moved.
    pub time: bool,
    /// Packets that can kill or wedge a faulty server.
    pub hazardous: bool,
    /// What is left out: what the server lacks or is known not to bear.
    pub without: Subjects,
}

impl Weights {
    /// Everything, for a server that is the session's own and whose clock it moves.
    pub const ALL: Weights = Weights {
        time: true,
        hazardous: true,
        without: Subjects::NONE,
    };
}

/// Numbers that follow from a seed, the same on every machine (xorshift64*).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The sequence of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        // Two rounds of a multiplication and a shift part seeds that differ in one bit.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        for _ in 0..2 {
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        Draws(state | 1)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `limit`, or 0.
    pub(crate) fn index(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) % (limit.max(1) as u64)) as usize
    }

    /// A number below the limit, or 0.
    pub(crate) fn below(&mut self, limit: u8) -> u8 {
        ((self.next() >> 33) % u64::from(limit.max(1))) as u8
    }

    /// Whether what happens once in so many times happens now.
    pub(crate) fn once_in(&mut self, times: u8) -> bool {
        self.below(times) == 0
    }

    /// One of the values; of none there is none.
    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> Option<T> {
        let count = u8::try_from(values.len()).unwrap_or(u8::MAX);
        values.get(usize::from(self.below(count))).copied()
    }

    /// Small numbers often, large ones seldom.
    fn ago(&mut self) -> u8 {
        let limit = 1 + self.below(6);
        self.below(limit)
    }
}

/// A kind of acts, and how often it is drawn among all.
type Row = (u8, fn(&mut Draws) -> Kind);

const ROWS: &[Row] = &[
    (20, submit),
    (14, |draws| Kind::Grab(grab_kind(draws))),
    (10, |draws| Kind::CanDo {
        function: draws.below(FUNCTIONS),
        limit: draws
            .once_in(4)
            .then(|| draws.of(&[100, 1000, 60_000]).unwrap_or(1000)),
    }),
    (8, |_| Kind::PreSleep),
    (16, work),
    (3, |draws| Kind::CantDo {
        function: draws.below(FUNCTIONS),
    }),
    (1, |_| Kind::ResetAbilities),
    (4, |draws| Kind::Status { ago: draws.ago() }),
    (3, |draws| Kind::StatusUnique {
        unique: draws.below(UNIQUES),
    }),
    (2, |draws| Kind::Echo {
        body: draws.below(BODIES),
    }),
    (2, |draws| Kind::Option {
        known: !draws.once_in(4),
    }),
    (1, |draws| Kind::ClientId { id: draws.below(3) }),
    (2, |draws| Kind::Malformed(malformed(draws))),
    (5, |draws| Kind::Leave {
        reset: draws.once_in(3),
    }),
    (6, |draws| Kind::Admin(admin(draws))),
];

fn submit(draws: &mut Draws) -> Kind {
    let timed = draws.once_in(10);
    let reduce = !timed && draws.once_in(10);
    let priority = match timed || reduce {
        true => Priority::Normal,
        false => draws.of(&Priority::ALL).unwrap_or(Priority::Normal),
    };
    Kind::Submit {
        function: draws.below(FUNCTIONS),
        unique: draws.below(UNIQUES),
        body: draws.below(BODIES),
        priority,
        background: timed || draws.once_in(2),
        epoch: timed.then(|| draws.below(3)),
        reduce,
    }
}

fn grab_kind(draws: &mut Draws) -> GrabKind {
    let kinds = [GrabKind::Classic, GrabKind::Uniq, GrabKind::All];
    draws.of(&kinds).unwrap_or(GrabKind::Uniq)
}

fn work(draws: &mut Draws) -> Kind {
    use WorkKind as W;
    let kinds = [
        W::Complete,
        W::Complete,
        W::Complete,
        W::Fail,
        W::Exception,
        W::Data,
        W::Warning,
        W::Status,
        W::OddStatus,
    ];
    Kind::Work {
        ago: draws.ago(),
        meddle: draws.once_in(8),
        work: draws.of(&kinds).unwrap_or(W::Complete),
    }
}

fn malformed(draws: &mut Draws) -> Malformed {
    let kinds = [
        Malformed::UnknownType(43),
        Malformed::UnknownType(1000),
        Malformed::UnknownType(0x7fff_ffff),
        Malformed::UnknownType(0x8000_0001),
        Malformed::OnlyServers,
        Malformed::WrongMagic,
        Malformed::MissingArgument,
        Malformed::LongUnique,
        Malformed::OddEpoch,
    ];
    draws.of(&kinds).unwrap_or(Malformed::WrongMagic)
}

fn admin(draws: &mut Draws) -> Admin {
    let function = draws.below(FUNCTIONS);
    match draws.below(12) {
        0..=2 => Admin::Status,
        3..=4 => Admin::PriorityStatus,
        5 => Admin::Workers,
        6 => Admin::ShowJobs,
        7 => Admin::ShowUniqueJobs,
        8 => Admin::MaxQueue {
            function,
            limit: draws.once_in(2).then(|| 1 + draws.below(3)),
        },
        9 => Admin::Cancel { ago: draws.ago() },
        10 => match draws.once_in(2) {
            true => Admin::Create { function },
            false => Admin::Drop { function },
        },
        _ => Admin::Nonsense,
    }
}

/// What the acts of one session are drawn from.
#[derive(Debug)]
pub(crate) struct Acts {
    weights: Weights,
    peers: u8,
    rows: Vec<Row>,
    /// Of all weights of the rows.
    total: u32,
    uniques: Vec<u8>,
    passing: bool,
}

impl Acts {
    pub(crate) fn new(draws: &mut Draws, weights: Weights) -> Self {
        let peers = 2 + draws.below(PEERS - 1);
        // Submissions, grabs and abilities always stay: without them nothing happens.
        let kept = |draws: &mut Draws, at: usize| at < 3 || !draws.once_in(4);
        let rows: Vec<Row> = (0..ROWS.len())
            .filter(|&at| kept(draws, at))
            .filter_map(|at| ROWS.get(at).copied())
            .collect();
        // Nor has every session every unique; the empty one always stays.
        let uniques = (0..UNIQUES).filter(|&unique| unique == 0 || draws.once_in(2));
        let uniques = uniques.collect();
        let total = rows.iter().map(|(weight, _)| u32::from(*weight)).sum();
        Acts {
            weights,
            peers,
            rows,
            total,
            uniques,
            passing: weights.time && draws.once_in(2),
        }
    }

    /// The next step.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Op {
        if self.passing && draws.once_in(12) {
            return Op::Pass(draws.of(&[1, 50, 300, 1000, 2500]).unwrap_or(1));
        }
        Op::Act {
            peer: draws.below(self.peers),
            kind: self.allowed(draws),
        }
    }

    /// Draws until there is nothing in it that is left out.
    fn allowed(&self, draws: &mut Draws) -> Kind {
        let mut drawn = (0..DRAWS).map(|_| among(self.pick(draws), &self.uniques));
        let is_allowed = |kind: &Kind| {
            !kind
                .subjects()
                .iter()
                .any(|it| self.weights.without.has(it))
        };
        drawn.find(is_allowed).unwrap_or(Kind::PreSleep)
    }

    fn pick(&self, draws: &mut Draws) -> Kind {
        let mut at = (draws.next() >> 33) as u32 % self.total.max(1);
        for (weight, make) in &self.rows {
            match at.checked_sub(u32::from(*weight)) {
                Some(left) => at = left,
                None => return tame(make(draws), self.weights),
            }
        }
        Kind::PreSleep
    }
}

/// A session of `steps` steps; the same seed draws the same one.
pub fn draw(seed: u64, steps: usize, weights: Weights) -> Vec<Op> {
    let mut draws = Draws::new(seed);
    let acts = Acts::new(&mut draws, weights);
    (0..steps).map(|_| acts.draw(&mut draws)).collect()
}

/// Takes a unique that the session has.
fn among(mut kind: Kind, uniques: &[u8]) -> Kind {
    if let Kind::Submit { unique, .. } | Kind::StatusUnique { unique } = &mut kind {
        let at = usize::from(*unique) % uniques.len().max(1);
        *unique = uniques.get(at).copied().unwrap_or_default();
    }
    kind
}

/// Takes out what the weights do not allow.
fn tame(mut kind: Kind, weights: Weights) -> Kind {
    match &mut kind {
        Kind::Submit { epoch, .. } if !weights.time && epoch.is_some() => *epoch = Some(0),
        Kind::CanDo { limit, .. } if !weights.time => *limit = limit.map(|_| 60_000),
        Kind::Malformed(malformed) if !weights.hazardous && malformed.is_hazardous() => {
            *malformed = Malformed::WrongMagic;
        }
        _ => {}
    }
    kind
}
