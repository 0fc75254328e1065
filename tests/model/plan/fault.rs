//! Mistakes that the protocol must not make. Each breaks an invariant, and the checker must find it.

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store takes a second entry of one number (what `accept::probe` refuses at the start).
    StoreOverwrites,
    /// A take-over goes on in the epoch of the owner before: it writes without having taken the lease.
    TakesNoLease,
    /// An owner whose append was refused goes on as if it had been written.
    IgnoresRefusedAppend,
    /// The POST leaves before its intent is committed.
    PostsBeforeCommit,
    /// The terminal event leaves before its outcome is committed.
    PublishesBeforeCommit,
    /// "Not found" is taken for absence: the next attempt follows.
    NotFoundIsAbsence,
    /// A cancel that was asked for is taken for an end: the next attempt follows.
    CancelRequestedIsGone,
    /// A POST that is repeated gets an id of its own.
    FreshIdForRetry,
    /// A refused re-POST is taken for absence.
    RefusedRepostSettles,
    /// A re-POST that the controls or the lease withheld is taken for an attempt that was never sent.
    WithheldRepostIsUnsent,
}
