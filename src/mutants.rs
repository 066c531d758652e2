//! Defects that can be put in on purpose, one at a time, to see whether the tests notice them.
//!
//! Each is a row of the table below, and one `on(Mutant::…)` at the place where it would be made by
//! mistake. Only tests and builds with the feature `mutants` can switch one on: anywhere else
//! [`on`] is a constant `false`, and the code reads as if the line were not there.
//!
//! It stands below all layers and imports nothing, since a defect may be in any of them.

#[cfg(any(test, feature = "mutants"))]
mod switch;
#[cfg(any(test, feature = "mutants"))]
mod table;

#[cfg(any(test, feature = "mutants"))]
pub(crate) use switch::{Defect, everywhere, on};
#[cfg(any(test, feature = "mutants"))]
pub(crate) use table::{ALL, At, Info};

/// Makes the enum, and the table where one can be switched on.
macro_rules! mutants {
    ($( $(#[doc = $what:literal])+ $name:ident => $at:ident, [$( $rule:literal ),*]
        $(, $unseen:literal)?; )*) => {
        /// A defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mutant {
            $( $(#[doc = $what])+ $name, )*
        }

        #[cfg(any(test, feature = "mutants"))]
        const ROWS: &[table::Info] = &[$( table::Info {
            mutant: Mutant::$name,
            camel: stringify!($name),
            what: concat!($( $what ),+),
            at: table::At::$at,
            rules: &[$( $rule ),*],
            unseen: concat!("" $(, $unseen)?),
        } ),*];
    };
}

// What is broken, who can see it, and the requirements or checks of which one is expected to notice.
// Where nobody can from outside, why.
mutants! {
    /// A command number of 2^31 or more ends all connections.
    HugeCommandEndsServer => Packets, ["P-FRAME-13"];
    /// An unknown command gets no answer.
    UnknownCommandSilence => Packets, ["P-FRAME-12"];
    /// A packet with the magic of responses is taken for a request.
    ResMagicAccepted => Packets, ["P-FRAME-10"];
    /// An argument without its NUL reaches to the end of the packet.
    MissingNulForgiven => Packets, ["P-FRAME-17"];
    /// The first data byte of a packet is lost when it comes alone.
    OneByteFragmentLost => Packets, ["P-FRAME-04"];
    /// Only the first packet of what comes at once is read.
    SecondPacketIgnored => Packets, ["P-FRAME-05"];
    /// The upper byte of a packet's size is not read.
    SizeOfThreeBytes => Packets, ["P-FRAME-25"];
    /// A payload ends at its first NUL.
    NulEndsPayload => Packets, ["P-FRAME-16"];
    /// The handle of a job that has ended is given to the next one.
    HandleReused => Packets, ["P-SUB-17"];
    /// Jobs of high priority come after normal ones.
    HighAfterNormal => Packets, ["P-ORD-01"];
    /// The newest job of a queue comes first.
    LastInFirstOut => Packets, ["P-ORD-01"];
    /// A function is emptied before the next one, whatever the priorities.
    PriorityWithinFunctions => Packets, ["P-ORD-02"];
    /// Uniques are compared without their case.
    UniqueWithoutCase => Packets, ["P-UNIQ-01"];
    /// Jobs of one unique are one job, whatever their functions.
    CoalesceAcrossFunctions => Packets, ["P-UNIQ-02"];
    /// Jobs without a unique are one job.
    EmptyUniqueCoalesces => Packets, ["P-SUB-14"];
    /// Only the first client of a job gets its result.
    ResultToFirstClientOnly => Packets, ["P-UNIQ-03"];
    /// Only the first client of a job gets what comes before its result.
    DataToFirstClientOnly => Packets, ["P-UNIQ-03"];
    /// GET_STATUS has numerator and denominator swapped.
    ProgressSwapped => Packets, ["P-WORK-13"];
    /// A running job is told to wait.
    RunningStuckAtZero => Packets, ["P-STAT-03"];
    /// GET_STATUS_UNIQUE counts one client too many.
    ClientCountOffByOne => Packets, ["P-STAT-09"];
    /// A NUL ends the handle of WORK_FAIL.
    FailWithNul => Packets, ["P-WORK-02"];
    /// Clients that did not ask for exceptions get them.
    ExceptionWithoutOption => Packets, ["P-WORK-10"];
    /// Any option is confirmed.
    UnknownOptionConfirmed => Packets, ["P-GEN-08"];
    /// JOB_ASSIGN_UNIQ comes without the unique.
    AssignWithoutUnique => Packets, ["P-WRK-09"];
    /// A worker that falls asleep while a job waits is not woken.
    NoopLostBeforeSleep => Packets, ["P-WRK-12"];
    /// While two woken workers have not grabbed yet, a third gets no NOOP.
    ThirdSleeperNeverWoken => Packets, ["P-WAKE-02"];
    /// Whoever falls asleep is woken at once.
    NoopFlood => Packets, ["P-WRK-11"];
    /// CANT_DO changes nothing.
    CantDoIgnored => Packets, ["P-WRK-03"];
    /// RESET_ABILITIES drops the jobs that the worker runs.
    ResetDropsRunningJob => Packets, ["P-WRK-06"];
    /// The milliseconds of CAN_DO_TIMEOUT are taken for seconds.
    TimeoutInSeconds => Packets, ["P-WRK-23"];
    /// The time limit of a job goes on when its worker is lost.
    TimerNotCancelled => Packets, ["P-WRK-22"];
    /// The jobs of a lost worker are lost with it.
    LostWorkerLosesJobs => Packets, ["P-DISC-04"];
    /// Anybody may end a running job.
    ResultOfStrangerAccepted => Packets, ["P-WORK-06"];
    /// A background job that a client has joined goes with the client.
    BackgroundGoesWithClient => Packets, ["P-UNIQ-09"];
    /// `status` counts running jobs twice.
    StatusCountsRunningTwice => Packets, ["P-TEXT-13"];
    /// A list of more than 1 KiB does not end in a dot.
    LongListWithoutDot => Packets, ["P-TEXT-13"];

    // Harder ones: states that meet, limits, what is forgotten or remembered.

    /// A background submission does not keep the foreground job it joins.
    JoinedJobNotKept => Packets, ["P-UNIQ-08"];
    /// `-` is a unique like any other.
    DashIsAUnique => Packets, ["P-UNIQ-11"];
    /// A unique names a job only while the job waits for a worker.
    RunningJobNotJoined => Packets, ["P-UNIQ-06"];
    /// A woken worker that grabs a job of another function leaves its own to nobody.
    WakeUpNotPassedOn => Packets, ["P-WAKE-01"];
    /// A woken worker that leaves takes its wake-up along.
    WakeUpLeavesWithWorker => Packets, ["H10"];
    /// A woken worker that stays silent is waited for without end.
    SilentWorkerWaitedFor => Packets, ["H9"];
    /// The NOOP for a job that becomes due is lost.
    DueJobWakesNobody => Packets, ["P-EPOCH-02"];
    /// An epoch job is due at once.
    EpochIgnored => Packets, ["P-EPOCH-01"];
    /// One attempt more than allowed.
    OneRetryTooMany => Packets, ["P-DISC-06"];
    /// A job that is run again begins with the progress of its last run.
    ProgressKept => Packets, ["P-STAT-05"];
    /// `maxqueue` takes one job more.
    QueueLimitOffByOne => Packets, ["P-MAXQ-01"];
    /// `maxqueue` does not count running jobs.
    QueueLimitIgnoresRunning => Packets, ["P-MAXQ-02"];
    /// Functions of one priority do not take turns.
    NoTurns => Packets, ["P-ORD-05"];
    /// The job of a lost worker goes before those that wait.
    LostJobGoesFirst => Packets, ["P-ORD-06"];
    /// A job whose client has left is run again when its worker is lost, too.
    AbandonedJobRunsAgain => Packets, ["P-DISC-03"];
    /// CAN_DO counts a worker each time.
    WorkerCountedTwice => Packets, ["P-WRK-02"];
    /// A result of a job that the worker does not run gets no answer.
    StrangeResultSilence => Packets, ["P-WORK-07"];
    /// A payload of 64 KiB or more lacks its first byte.
    LargePayloadCut => Packets, ["P-SUB-05"];

    // What peers of a running server see.

    /// Who ends his side of the connection gets no more answers.
    HalfCloseLosesAnswers => Server, ["P-FRAME-26"];

    // What a restart shows.

    /// Background jobs are acknowledged 100 ms before they are written.
    AcknowledgedUnwritten => Store, ["P-PERS-06"];
    /// Requests behind a background submission are answered before it.
    AnswersOvertakeTheStore => Store, ["P-GEN-02"];
    /// The store keeps one job for each function and unique.
    StoreKeyedByUnique => Store, ["P-PERS-08"];
    /// A job that failed stays in the store.
    FailedJobStaysStored => Store, ["P-PERS-05"];
    /// A job that was cancelled stays in the store.
    CancelledJobStaysStored => Store, ["P-PERS-05"];
    /// A job that may not be tried again stays in the store.
    GivenUpJobStaysStored => Store, ["P-PERS-05"];
    /// Stored jobs come back in the order of a hash.
    ReplayInHashOrder => Store, ["P-PERS-12"];
    /// The time of an epoch job is not stored.
    EpochNotStored => Store, ["P-PERS-20"];
    /// A stored payload comes back without its first byte.
    StoredPayloadDamaged => Store, ["P-PERS-18"];
    /// Stored jobs come back with normal priority.
    PriorityNotStored => Store, ["P-PERS-03"];
    /// One of 997 acknowledged jobs is not written.
    SomeJobsNotStored => Store, ["P-PERS-06"];
    /// The disk is not waited for.
    StoreNotSynced => Store, [], "what was written survives the process in the memory of the system; \
        only a power cut tells, and the simulated disk";

    // What the books of the load generator show.

    /// A foreground job is answered without having run.
    AnsweredUnrun => Liar, ["phantom"];
    /// One of 997 acknowledged jobs is forgotten.
    SomeJobsLost => Liar, ["lost"];
    /// One of 997 jobs is run again after its result.
    SomeJobsRunTwice => Liar, ["duplicated"];
    /// One of 997 results lacks its first byte.
    SomeResultsCut => Liar, ["wrong body"];
    /// One of 997 jobs goes before all of its queue.
    SomeJobsOvertake => Liar, ["overtaken"];
    /// The server stands still in the last of every ten seconds.
    StandsStill => Liar, ["service level"];
    /// Responses count from the send, not from the schedule.
    LatencyFromSend => Generator, ["schedule"];
    /// Jobs that timed out are left out of the responses.
    TimeoutsLeftOut => Generator, ["timeouts"];
}

/// The same for a defect that only one of 997 numbers has.
#[inline(always)]
pub(crate) fn rarely(mutant: Mutant, number: u64) -> bool {
    on(mutant) && number.is_multiple_of(997)
}

/// Whether the defect is switched on: never, in this build.
#[cfg(not(any(test, feature = "mutants")))]
#[inline(always)]
pub(crate) const fn on(_: Mutant) -> bool {
    false
}

/// What is broken in a server that is driven in memory: nothing, in this build.
#[cfg(not(any(test, feature = "mutants")))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defect;

#[cfg(not(any(test, feature = "mutants")))]
impl Defect {
    /// What servers that this thread makes have.
    #[inline(always)]
    pub(crate) const fn of_thread() -> Self {
        Defect
    }

    /// Whether there is any.
    #[inline(always)]
    pub(crate) const fn is_some(self) -> bool {
        false
    }

    /// Runs the code of a server that has it.
    #[inline(always)]
    pub(crate) fn inside<T>(self, server: impl FnOnce() -> T) -> T {
        server()
    }

    /// Runs code whose servers have it.
    #[inline(always)]
    pub(crate) fn around<T>(self, test: impl FnOnce() -> T) -> T {
        test()
    }
}
