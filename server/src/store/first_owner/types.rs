//! What comes of using a link.

/// Whether a first owner was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstOwnerOutcome {
    /// Made, with the audit entry.
    Made,
    /// There is an owner who may sign in; nothing was written.
    OwnerExists,
    /// The link is not good (any more); nothing was written.
    Refused,
    /// The address belongs to somebody; nothing was written, and the link is good still.
    EmailTaken,
}
