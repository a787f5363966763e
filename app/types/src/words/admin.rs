//! The words for what administrators do.

use super::vocabulary::vocabulary;

vocabulary! {
    /// How far an end of sessions by rule has got.
    EndRunStatus {
        /// It waits for a server.
        Waiting = "waiting",
        /// Its sessions end.
        Ending = "ending",
        /// No session is left that the rule is about.
        Done = "done",
        /// It goes no further, as where whoever asked lost the permission. What had ended stays ended.
        Stopped = "stopped",
    }
}

vocabulary! {
    /// What a list of users is sorted by.
    UserSort {
        /// By e-mail address.
        Email = "email",
        /// By name.
        Name = "name",
        /// By when the account was made, the newest first.
        Newest = "newest",
    }
}

vocabulary! {
    /// As what the audit log is given out.
    AuditFormat {
        /// A JSON object a line.
        Ndjson = "ndjson",
        /// Comma-separated values, under a line of names.
        Csv = "csv",
    }
}

impl AuditFormat {
    /// The media type of the file.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }

    /// What the file is called.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Ndjson => "latchkey-audit.ndjson",
            Self::Csv => "latchkey-audit.csv",
        }
    }
}
