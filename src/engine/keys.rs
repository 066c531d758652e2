//! What the parts of the engine call each other's things: a slot and its generation, so that a
//! stale key never names a newer thing.

slotmap::new_key_type! {
    /// A job.
    pub(super) struct JobKey;
    /// A function.
    pub(super) struct FunctionId;
    /// A set of abilities.
    pub(super) struct SetId;
}

/// The place of a function in a set of abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) set: SetId,
    pub(super) index: u32,
}
