//! What one could do otherwise than we do.

/// One thing done otherwise; all the rest is our design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// The naive design: a position is drawn from a sequence as the transaction begins, and a reader asks for whatever
    /// lies behind the last position it has seen. Gaps mean nothing: an aborted transaction leaves one.
    Sequence,
    /// The head row is advanced first instead of last, and not held until the commit. Gaps are noticed.
    HeadRowFirst,
    /// After a failover a reader compares the head with its position, but not the row there with the one it remembers.
    PositionAlone,
    /// A reader knows the row at its position by the session in it, not by what makes the row unlike any other.
    RowBySession,
    /// Loading leaves out the row at the head where that is too old to matter, so that the next poll does not know it.
    OldRowUnread,
    /// The same, and a reader that has seen no row at its position takes any that it finds there for the right one.
    AnyRowWillDo,
    /// Loading applies rows beyond the head that it has read, which nobody checks.
    LoadRunsAhead,
    /// A server does not check whether what it committed itself is in the log that it reads later.
    OwnRowsUnchecked,
    /// What a failover lost is refused by those who remember it, but not committed again.
    LostForGood,
    /// Loading the log replaces the list instead of adding to it.
    LoadReplaces,
    /// A server that has just started takes its empty list for current.
    ReadyBeforeLoad,
    /// A list counts as current as of the answer to a poll, not as of its beginning.
    CurrentAsOfAnswer,
    /// A row is remembered for as long as tokens live after the request to end the session, however late the commit
    /// comes.
    RememberedFromRequest,
}
