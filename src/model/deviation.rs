//! Ways in which servers are known to part from the protocol, and which the model can follow.
//!
//! A server's profile names those that it has. The model then takes them too, and counts how often
//! a session met them: so what is known hides nothing else that goes wrong in the same session.

/// The rows of the list: a variant, its name in profiles, and what a server with it does.
macro_rules! deviations {
    ($($variant:ident $name:literal $meaning:literal)+) => {
        /// A known way to part from the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Deviation {
            $(#[doc = $meaning] $variant),+
        }

        impl Deviation {
            /// All of them.
            pub const ALL: &[Deviation] = &[$(Deviation::$variant),+];

            /// Its name in profiles.
            pub fn name(self) -> &'static str {
                match self {
                    $(Deviation::$variant => $name),+
                }
            }

            /// What a server with it does.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Deviation::$variant => $meaning),+
                }
            }
        }
    };
}

#[rustfmt::skip]
deviations! {
    FailEndsInNul         "fail-ends-in-nul"         "the WORK_FAIL that stands for an exception ends in a NUL"
    LastHighFirst         "last-high-first"          "of the jobs of high priority the last may come first"
    FunctionsOneByOne     "functions-one-by-one"     "priorities count within a function only"
    AbilitiesAddUp        "abilities-add-up"         "a function that is registered twice counts and is listed twice"
    CantDoTakesJobs       "cant-do-takes-jobs"       "a worker that gives up a function loses the jobs of it that it runs"
    LearnerSleepsOn       "learner-sleeps-on"        "a sleeper is not woken for what waits already when it learns the function"
    WokenUntilGrab        "woken-until-grab"         "a worker that was woken is not woken again before it grabs, even if it slept again"
    NumbersOf32Bits       "numbers-of-32-bits"       "progress is kept as an unsigned number of 32 bits, whatever was sent"
    NumbersAsSent         "numbers-as-sent"          "progress is kept as it was sent, whatever that is"
    NumbersMayBeEmpty     "numbers-may-be-empty"     "progress that nobody told is empty, not 0"
    AskingTwiceWakesTwice "asking-twice-wakes-twice" "a sleeper that asks again and is woken at once is woken once more by the next job"
    GiverIsWoken          "giver-is-woken"           "a sleeping worker is woken for the job that it gives up with its function"
    GuestTakesJobAlong    "guest-takes-job-along"    "a background job goes with the last client that waits for it"
    DroppedJobsLinger     "dropped-jobs-linger"      "a job that nobody waits for stays known and counted until a worker asks"
    DroppedJobsReturn     "dropped-jobs-return"      "a dropped job that a client joins is a job again"
    CancelledJobsGoOn     "cancelled-jobs-go-on"     "a cancelled job stays known, and if it runs, it goes on"
    LimitNeedsFunction    "limit-needs-function"     "`maxqueue` for a function that is not known is forgotten"
    DropForgetsJobs       "drop-forgets-jobs"        "`drop function` forgets the jobs that wait, and tells nobody"
    ExceptionEndsNothing  "exception-ends-nothing"   "WORK_EXCEPTION does not end the job, and only those with the option hear of it"
    OwnErrorCodes         "own-error-codes"          "ERROR has codes of its own"
    NeedlessNoops         "needless-noops"           "workers are woken for nothing, and while awake"
    MissedNoops           "missed-noops"             "sleeping workers are not woken"
    DropIsNoCommand       "drop-is-no-command"       "`drop function` is refused like any other word"
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deviations(u32);

impl Deviations {
    /// Whether it is in the set.
    pub fn has(self, deviation: Deviation) -> bool {
        self.0 & (1 << deviation as u32) != 0
    }
}

impl FromIterator<Deviation> for Deviations {
    fn from_iter<I: IntoIterator<Item = Deviation>>(all: I) -> Self {
        let bits = all.into_iter().map(|deviation| 1 << deviation as u32);
        Deviations(bits.fold(0, |set, bit: u32| set | bit))
    }
}
