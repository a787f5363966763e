//! The labels there are, with every value each can have.
//!
//! Each pair of values is a series that Prometheus keeps: a label never holds an id, an address, a path or anything else that
//! somebody outside can make up.

use types::words::EndReason;

/// A label whose values are known beforehand.
pub trait Label: Copy + 'static {
    /// Its name.
    const NAME: &'static str;
    /// What it can be, in the order of [`Label::index`].
    const VALUES: &'static [&'static str];

    /// The place of this value among [`Label::VALUES`].
    fn index(self) -> usize;

    /// This value.
    fn as_str(self) -> &'static str {
        Self::VALUES[self.index()]
    }
}

/// Defines labels: the name, and each value with its text.
macro_rules! labels {
    ($($(#[$doc:meta])* $label:ident = $name:literal { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $label { $($(#[$value_doc])* $value,)* }

        impl Label for $label {
            const NAME: &'static str = $name;
            const VALUES: &'static [&'static str] = &[$($text),*];

            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}

labels! {
    /// What a try to sign in came to.
    SignInResult = "result" {
        /// A session began.
        Ok = "ok",
        /// E-mail or password was wrong.
        WrongCredentials = "wrong_credentials",
        /// The code that proves an address was wrong.
        WrongCode = "wrong_code",
        /// The password was right, but the address is not proved.
        NotVerified = "not_verified",
        /// The person has as many sessions as allowed and must choose one to end.
        SessionLimit = "session_limit",
        /// Too many tries.
        Limited = "limited",
        /// Too many passwords are being hashed.
        Busy = "busy",
        /// The database is away.
        Unavailable = "unavailable",
        /// A fault of ours.
        Failed = "failed",
    }

    /// What a presented refresh token came to.
    RefreshCase = "case" {
        /// A new pair.
        Rotated = "rotated",
        /// The same successor again, moments after the first: two tabs.
        RepeatedTwoTabs = "repeated_two_tabs",
        /// The same successor again, later: the first answer was lost.
        RepeatedLostReply = "repeated_lost_reply",
        /// A token that had been replaced: possibly theft, the session was ended.
        Reuse = "reuse",
        /// The session had ended, or reached its end.
        Ended = "ended",
        /// Not one of ours, or of the wrong class.
        Invalid = "invalid",
        /// The database is away.
        Unavailable = "unavailable",
        /// A fault of ours.
        Failed = "failed",
    }

    /// Why the revocation log was loaded anew.
    Reload = "why" {
        /// The head is lower than it was: another database took over, or a backup was restored.
        HeadWentBack = "head_went_back",
        /// Another row is where one was seen before.
        RowReplaced = "row_replaced",
        /// A row is gone that must be remembered.
        RowGone = "row_gone",
        /// A row is missing between two others.
        RowMissing = "row_missing",
        /// The rows end before the head.
        EndsBeforeHead = "ends_before_head",
        /// A row that this server has committed itself is not there, or another in its place.
        OwnRowLost = "own_row_lost",
    }

    /// What the database said of a token that this server could not judge by itself.
    GuardCheck = "result" {
        /// It may pass.
        Passed = "passed",
        /// Its session has ended.
        Ended = "ended",
        /// It is from before a change to the person.
        Superseded = "superseded",
        /// There is no such session.
        Unknown = "unknown",
        /// The database could not be asked: the request was refused with 503.
        Unavailable = "unavailable",
    }

    /// What became of a message on the bus.
    BusMessage = "outcome" {
        /// Handed over to the bus.
        Sent = "sent",
        /// Taken from the bus.
        Received = "received",
        /// Dropped: the bus was away or this server could not keep up.
        Lost = "lost",
        /// Refused: it does not prove that it is from this installation, or was sent before.
        Refused = "refused",
    }

    /// What became of a mail.
    MailResult = "result" {
        /// The mail server took it, or development mode kept it.
        Sent = "sent",
        /// The mail server did not take it: it will be tried again.
        Failed = "failed",
    }

    /// What became of a batch of spans.
    ExportResult = "result" {
        /// The collector took it.
        Ok = "ok",
        /// The collector did not take it.
        Failed = "failed",
    }

    /// What a database connection does.
    ConnectionState = "state" {
        /// It waits to be used.
        Idle = "idle",
        /// It is in use.
        Busy = "busy",
    }
}

impl Label for EndReason {
    const NAME: &'static str = "reason";
    const VALUES: &'static [&'static str] = &{
        let mut values = [""; Self::ALL.len()];
        let mut index = 0;
        while index < values.len() {
            values[index] = Self::ALL[index].as_str();
            index += 1;
        }
        values
    };

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_under_its_own_name() {
        for reason in EndReason::ALL {
            assert_eq!(Label::as_str(reason), reason.as_str());
        }
    }
}
