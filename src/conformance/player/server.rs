//! The end and the start of the server's process.

use super::{Cause, Player};
use crate::conformance::arm::{Arm, ArmError, Ended, Process, Stop};
use crate::conformance::script::ServerStep;
use crate::conformance::trace::TraceEvent;
use std::time::Duration;

/// How long a server may take to end when it is told to.
const END: Duration = Duration::from_secs(5);

impl<A: Arm> Player<'_, A> {
    pub(super) fn server(&mut self, step: ServerStep) -> Result<(), Cause> {
        if step != ServerStep::Exit {
            // A server that is about to end by itself need not answer any more.
            self.settle(None)?;
        }
        self.process()?;
        self.record("server", TraceEvent::Server(step));
        match step {
            ServerStep::Start => self.process()?.start()?,
            ServerStep::ExitGracefully => self.process()?.stop(Stop::Graceful)?,
            ServerStep::Terminate => {
                self.process()?.stop(Stop::Terminate)?;
                self.orderly_end(END)?;
            }
            ServerStep::Exit => self.orderly_end(self.options.timeout)?,
            ServerStep::Kill => {
                self.process()?.stop(Stop::Kill)?;
                self.end(END)?;
            }
        }
        Ok(())
    }

    fn process(&mut self) -> Result<&mut dyn Process, ArmError> {
        let process = self.arm.process();
        process.ok_or(ArmError::Unsupported("a server process of its own"))
    }

    fn orderly_end(&mut self, within: Duration) -> Result<(), Cause> {
        match self.end(within)? {
            Ended::Code(0) => Ok(()),
            ended => Err(Cause::BadEnd { ended }),
        }
    }

    /// Waits for the end, and with it that of all connections.
    fn end(&mut self, within: Duration) -> Result<Ended, Cause> {
        let ended = self.process()?.wait(within)?;
        let ended = ended.ok_or(Cause::NotEnded { waited: within })?;
        self.record("server", TraceEvent::ServerEnded(ended));
        for peer in std::mem::take(&mut self.peers).into_values() {
            self.arm.close(peer.id);
        }
        Ok(ended)
    }
}
