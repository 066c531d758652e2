//! Which defect is on, and for whom.
//!
//! A judge and the server it judges may run on one thread and share code: the decoder, the parser
//! of requests. So a server in memory has its [`Defect`] switched on only while its own code runs.
//! A process that is nothing but a server has it [`everywhere`].

use super::Mutant;
use std::cell::Cell;
use std::sync::OnceLock;

thread_local! {
    /// What the code that runs now has.
    static RUNNING: Cell<Option<Mutant>> = const { Cell::new(None) };
    /// What servers that are made now will have.
    static MAKING: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// What all of this process has.
static EVERYWHERE: OnceLock<Mutant> = OnceLock::new();

/// Whether the defect is switched on.
pub(crate) fn on(mutant: Mutant) -> bool {
    RUNNING.get() == Some(mutant) || EVERYWHERE.get() == Some(&mutant)
}

/// Switches a defect on for all threads, for good. Only the first call counts.
pub(crate) fn everywhere(mutant: Mutant) {
    EVERYWHERE.get_or_init(|| mutant);
}

/// What is broken in a server that is driven in memory, if anything is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defect(pub(crate) Option<Mutant>);

impl Defect {
    /// What servers that this thread makes have.
    pub(crate) fn of_thread() -> Self {
        Defect(MAKING.get())
    }

    /// Whether there is any.
    pub(crate) fn is_some(self) -> bool {
        self.0.is_some()
    }

    /// Runs the code of a server that has it.
    pub(crate) fn inside<T>(self, server: impl FnOnce() -> T) -> T {
        let before = RUNNING.replace(self.0);
        let result = server();
        RUNNING.set(before);
        result
    }

    /// Runs code whose servers have it.
    pub(crate) fn around<T>(self, test: impl FnOnce() -> T) -> T {
        let before = MAKING.replace(self.0);
        let result = test();
        MAKING.set(before);
        result
    }
}
