//! The server that damaged sessions are played on, and the honest peer beside them.

use super::finding::{Harm, Wound};
use super::honest::Honest;
use super::{Gone, Options};
use crate::conformance::arm::{Arm, PeerId};
use crate::conformance::generate::Move;
use crate::conformance::launch::{Launched, Memory, MemoryWatch};
use crate::conformance::runner::Place;
use crate::conformance::tcp::TcpArm;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

/// How long a server that takes nothing is waited for.
const BACK_PRESSURE: Duration = Duration::from_millis(250);
/// How long a server that answers no more may take to end.
const LAST_BREATH: Duration = Duration::from_secs(1);
/// How often the process is looked at within its last breath.
const LOOKS: u32 = 20;
/// Lines of its log that tell how a server died.
const LAST_WORDS: usize = 8;
/// How long a server that nobody uses is looked at.
const REST: Duration = Duration::from_millis(300);
/// Share of a rest that a server may use the processor for.
const AT_REST: f64 = 0.6;

/// Where damaged sessions are played.
pub(super) struct Seat<'a> {
    place: &'a Place,
    options: &'a Options,
    /// The server that was launched, while it lives and is unharmed.
    server: Option<Launched>,
    memory: MemoryWatch,
    /// Whether the server was only started, or never met.
    unused: bool,
}

impl<'a> Seat<'a> {
    pub(super) fn new(place: &'a Place, options: &'a Options) -> Self {
        Seat {
            place,
            options,
            server: None,
            memory: MemoryWatch::default(),
            unused: true,
        }
    }

    /// Whether the server can be started again.
    pub(super) fn launches(&self) -> bool {
        matches!(self.place, Place::Launch(_))
    }

    /// The next session is played on a fresh server, where there can be one.
    pub(super) fn renew(&mut self) {
        self.server = None;
    }

    /// What came of the memory of launched servers: of the one that grew most.
    pub(super) fn memory(&mut self) -> Option<Memory> {
        if let Some(server) = &self.server {
            self.memory.settle(server);
        }
        self.memory.worst()
    }

    /// Plays what `moves` makes of the handles that the server gives out next; with it, how the
    /// server was harmed, if it was.
    pub(super) fn play(
        &mut self,
        moves: impl FnOnce(&[u8]) -> Vec<Move>,
    ) -> Result<(Vec<Move>, Option<Wound>), Gone> {
        let mut arm = self.arm()?;
        let patience = self.options.patience;
        let mut honest = Honest::new();
        let handle = match honest.has_a_job_done(&mut arm, patience) {
            Ok(handle) => handle,
            Err(harm) if self.unused => return Err(Gone(harm)),
            // Not the doing of this session, which has not begun, but of one before it.
            Err(harm) => return Ok((Vec::new(), self.wound(Some(harm)))),
        };
        self.unused = false;
        let moves = moves(&handle);
        move_all(&mut arm, &moves);
        let harm = honest.has_a_job_done(&mut arm, patience).err();
        let harm = harm.or_else(|| Honest::asks_for_the_version(&mut arm, patience).err());
        if let Some(server) = &self.server {
            self.memory.look(server);
        }
        let wound = self.wound(harm);
        Ok((moves, wound))
    }

    /// Whether the server is busy though nobody asks it for anything.
    pub(super) fn spins(&self) -> Option<Wound> {
        let server = self.server.as_ref()?;
        let before = server.cpu_seconds()?;
        sleep(REST);
        let used = (server.cpu_seconds()? - before) / REST.as_secs_f64();
        let text = format!(
            "the server uses {:.0} % of a processor while nobody asks it for anything",
            used * 100.0
        );
        (used > AT_REST).then(|| Wound::new(Harm::Spin, text))
    }

    /// An arm of the server, which is started where there is none.
    fn arm(&mut self) -> Result<TcpArm, Gone> {
        let gone = |error: &dyn std::fmt::Display| Gone(error.to_string());
        let target = match (self.place, &self.server) {
            (Place::Target(target), _) => target.clone(),
            (Place::Launch(_), Some(server)) => server.address().to_string(),
            (Place::Launch(launcher), None) => {
                let server = launcher.start(&[]).map_err(|error| gone(&error))?;
                self.memory.begin(&server);
                self.unused = true;
                self.server.insert(server).address().to_string()
            }
            (Place::Memory, _) => return Err(Gone("the engine has no address".to_owned())),
        };
        TcpArm::new(&target, self.options.patience).map_err(|error| gone(&error))
    }

    /// How the server was harmed: it may have died of it.
    fn wound(&self, harm: Option<String>) -> Option<Wound> {
        let looks = if harm.is_some() { LOOKS } else { 1 };
        for look in 0..looks {
            if look > 0 {
                sleep(LAST_BREATH / LOOKS);
            }
            let server = self.server.as_ref();
            if let Some((server, ended)) = server.and_then(|one| Some((one, one.ended()?))) {
                let log = server.log_tail(LAST_WORDS).join("\n  ");
                let text = format!("the server ended with {ended}\n  {log}");
                return Some(Wound::new(Harm::Death, text));
            }
        }
        harm.map(|text| Wound::new(Harm::Silence, text))
    }
}

/// Carries out all moves, as far as the server lets the peers.
fn move_all(arm: &mut TcpArm, moves: &[Move]) {
    let mut peers: BTreeMap<u8, PeerId> = BTreeMap::new();
    for step in moves {
        match step {
            Move::Writes { peer, bytes } => {
                let id = match peers.get(peer) {
                    Some(id) => *id,
                    // Whether the server is still there is for the honest peer to say.
                    None => match arm.connect() {
                        Ok(id) => *peers.entry(*peer).or_insert(id),
                        Err(_) => return,
                    },
                };
                let _ = arm.flood(id, bytes, BACK_PRESSURE);
            }
            Move::Leaves { peer, reset } => match (peers.remove(peer), reset) {
                (Some(id), true) => arm.reset(id),
                (Some(id), false) => arm.close(id),
                (None, _) => {}
            },
        }
    }
    peers.into_values().for_each(|id| arm.close(id));
}
