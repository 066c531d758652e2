//! Plays the smoke cases on a target.

use super::{CASES, NotRun, SmokeCase, SmokeResult, SmokeVerdict};
use crate::conformance::Namespace;
use crate::conformance::arm::{Arm, ArmError, PeerId, Received};
use crate::conformance::player::{Cause, Failure, Options, Player};
use crate::conformance::script::{Action, Content, Script, Value};
use crate::conformance::tcp::TcpArm;
use crate::protocol::{Body, GrabKind, Packet, Work};
use crate::protocol::{Decoder, Frame, Magic, PacketType, Request, Response, encode};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for a case that begins when little time is left: it must not fail for that alone.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// Jobs that are looked for after a failure.
const MAX_LEFT: usize = 100;

/// Plays all cases on the server at `target`, as `host:port`, one after the other, until the target
/// cannot be reached or `deadline` has passed; a case that has begun by then is played to its end.
/// No case begins once `stop` is set. Every case has a result.
pub fn smoke(
    target: &str,
    namespace: &Namespace,
    deadline: Duration,
    stop: &AtomicBool,
) -> Vec<SmokeResult> {
    let mut run = Run {
        target,
        namespace: namespace.clone(),
        started: Instant::now(),
        deadline,
        stop,
        failures: 0,
        reachable: true,
    };
    CASES.iter().map(|case| run.case(case)).collect()
}

struct Run<'t> {
    target: &'t str,
    namespace: Namespace,
    started: Instant,
    deadline: Duration,
    stop: &'t AtomicBool,
    failures: usize,
    reachable: bool,
}

impl Run<'_> {
    fn case(&mut self, case: &'static SmokeCase) -> SmokeResult {
        let start = Instant::now();
        let verdict = match self.play(case) {
            Ok(()) => SmokeVerdict::Passed,
            Err(verdict) => verdict,
        };
        SmokeResult {
            case,
            verdict,
            took: start.elapsed(),
        }
    }

    fn play(&mut self, case: &SmokeCase) -> Result<(), SmokeVerdict> {
        if !self.reachable {
            return Err(SmokeVerdict::NotRun(NotRun::Unreachable));
        }
        if self.stop.load(Relaxed) {
            return Err(SmokeVerdict::NotRun(NotRun::Interrupted));
        }
        if self.left().is_zero() {
            return Err(SmokeVerdict::NotRun(NotRun::Deadline));
        }
        let script: Script = case.script.parse().map_err(NotRun::from)?;
        let timeout = self.left().clamp(LEAST_PATIENCE, PATIENCE);
        let mut arm = TcpArm::new(self.target, timeout).map_err(|error| {
            self.reachable = false;
            let cause = Cause::Arm(error);
            SmokeVerdict::Failed(Box::new(Failure::before_the_start(cause)))
        })?;
        let namespace = self.namespace();
        let options = Options {
            namespace: namespace.clone(),
            timeout,
            ..Options::default()
        };
        let Err(failure) = Player::new(&mut arm, options).play(&script) else {
            return Ok(());
        };
        self.failures += 1;
        self.reachable = !matches!(failure.cause, Cause::Arm(ArmError::Unreachable { .. }));
        if self.reachable {
            // A server that failed once may fail here too; more cannot be done.
            let _ = drain(&mut arm, &namespace, &script, timeout);
        }
        Err(SmokeVerdict::Failed(failure))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.started.elapsed())
    }

    /// A fresh namespace after every failure, so that what is left behind fails no other case.
    fn namespace(&self) -> Namespace {
        match self.failures {
            0 => self.namespace.clone(),
            failures => Namespace::new(format!("{}{failures}-", self.namespace.prefix())),
        }
    }
}

impl From<NotRun> for SmokeVerdict {
    fn from(reason: NotRun) -> Self {
        SmokeVerdict::NotRun(reason)
    }
}

/// The functions that the script submits jobs for, as the server knows them.
fn functions(script: &Script, namespace: &Namespace) -> Vec<Vec<u8>> {
    let mut functions = Vec::new();
    for step in &script.steps {
        let Action::Send { messages, .. } = &step.action else {
            continue;
        };
        for message in messages {
            if let Content::Packet { kind, args, .. } = &message.content
                && kind
                    .info()
                    .is_some_and(|row| row.name.starts_with("SUBMIT_"))
                && let Some(function) = args.first()
            {
                functions.extend(name(function, namespace));
            }
        }
    }
    functions.sort();
    functions.dedup();
    functions
}

fn name(function: &Value, namespace: &Namespace) -> Option<Vec<u8>> {
    namespace.name(PacketType::CAN_DO, 0, function).ok()
}

/// Takes the jobs that a failed script has left, and ends them.
fn drain(
    arm: &mut TcpArm,
    namespace: &Namespace,
    script: &Script,
    patience: Duration,
) -> Result<(), ArmError> {
    let peer = arm.connect()?;
    let mut bytes = Vec::new();
    for function in functions(script, namespace) {
        let can_do = PacketType::CAN_DO;
        encode::packet(&mut bytes, Magic::Req, can_do, &[&function], None);
    }
    arm.send(peer, &bytes)?;
    for _ in 0..MAX_LEFT {
        let Some(handle) = grab(arm, peer, patience)? else {
            break;
        };
        let mut bytes = Vec::new();
        let handle = &handle;
        let work = Work::Complete(Body::default());
        Request::Work { handle, work }.encode(&mut bytes);
        arm.send(peer, &bytes)?;
    }
    arm.close(peer);
    Ok(())
}

/// Asks for a job: its handle, or nothing where there is none.
fn grab(arm: &mut TcpArm, peer: PeerId, patience: Duration) -> Result<Option<Vec<u8>>, ArmError> {
    let mut bytes = Vec::new();
    Request::Grab(GrabKind::Classic).encode(&mut bytes);
    arm.send(peer, &bytes)?;
    let mut decoder = Decoder::default();
    let (mut handle, mut done) = (None, false);
    while !done {
        let Received::Bytes(bytes) = arm.receive(peer, patience)? else {
            break;
        };
        let fed = decoder.feed(&bytes, |frame| {
            if let Frame::Packet(packet) = frame {
                let found = assigned(&packet);
                done |= found.is_some() || packet.kind == PacketType::NO_JOB;
                handle = handle.take().or(found);
            }
            ControlFlow::Continue(())
        });
        done |= fed.is_err();
    }
    Ok(handle)
}

fn assigned(packet: &Packet<'_>) -> Option<Vec<u8>> {
    match Response::parse(packet) {
        Ok(Response::JobAssign { handle, .. }) => Some(handle.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn verdicts(results: &[SmokeResult]) -> String {
        let letter = |result: &SmokeResult| match &result.verdict {
            SmokeVerdict::Passed => 'p',
            SmokeVerdict::Failed(_) => 'f',
            SmokeVerdict::NotRun(NotRun::Deadline) => 'd',
            SmokeVerdict::NotRun(_) => 'u',
        };
        results.iter().map(letter).collect()
    }

    #[track_caller]
    fn ends_the_run(target: &str) {
        let results = smoke(
            target,
            &Namespace::default(),
            Duration::from_secs(5),
            &AtomicBool::new(false),
        );
        assert_eq!(
            verdicts(&results),
            format!("f{}", "u".repeat(CASES.len() - 1))
        );
    }

    #[test]
    fn an_unreachable_target_ends_the_run() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        drop(listener);
        ends_the_run(&target);
    }

    #[test]
    fn a_target_that_is_no_address_ends_the_run() {
        ends_the_run("nowhere");
    }

    #[test]
    fn a_silent_target_is_left_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let start = Instant::now();
        let results = smoke(
            &target,
            &Namespace::default(),
            Duration::from_millis(300),
            &AtomicBool::new(false),
        );
        // One case, and what is left of it.
        assert!(start.elapsed() < 5 * LEAST_PATIENCE);
        assert_eq!(
            verdicts(&results),
            format!("f{}", "d".repeat(CASES.len() - 1))
        );
    }
}
