//! What a call needs of whoever makes it. Declared with its route and checked before its handler runs; a route without
//! it does not compile.

use std::fmt;
use std::time::Duration;

use crate::auth::permissions::Permission;

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: anybody may make it.
    Nothing,
    /// One of these credentials, which the handler reads itself: it need not be good any more, stands elsewhere than in
    /// `Authorization`, or is no user's.
    Credentials(&'static [Credential]),
    /// A user, by a bearer token that is good now (RFC 6750).
    Principal(Requirement),
}

/// A credential that a handler reads itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An access token that is good now, in `Authorization`.
    AccessToken,
    /// An access token, run out or not, in `Authorization`.
    ExpiredAccessToken,
    /// A refresh token, in its cookie or in the body.
    RefreshToken,
    /// A ticket for the event stream, in the address.
    Ticket,
    /// The id of a receipt, in the address.
    Receipt,
    /// The token of a link that was mailed, or a code.
    MailedSecret,
    /// The token of the link in the log that makes the first owner.
    OwnerLink,
    /// E-mail address and password.
    Password,
    /// What browsers say of a form that was sent from one of our own pages (`Origin`, `Sec-Fetch-Site`).
    OwnForm,
    /// `METRICS_TOKEN`, in `Authorization`.
    MetricsToken,
}

/// What a principal must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// A session; otherwise a token of an older system, which has none, will do.
    pub session: bool,
    pub permission: Option<Permission>,
    /// A proof of identity within `SUDO_WINDOW`, or the password in the body (RFC 9470).
    pub recent_proof: bool,
    /// Whether somebody who acts for the user may make the call as well.
    pub while_acting: bool,
}

/// How old a session may be whose calls need a permission that not every user has. The area that says so puts it into
/// the parts.
#[derive(Clone, Copy, Debug)]
pub struct OldestAdministering(pub Duration);

/// Whether administrators may act for users here (`IMPERSONATION`).
#[derive(Clone, Copy, Debug)]
pub struct MayActForUsers(pub bool);

/// Anybody may make the call.
pub const NOTHING: Needs = Needs::Nothing;
/// A user, with or without a session, or somebody who acts for them.
pub const USER: Needs = Needs::Principal(Requirement { session: false, while_acting: true, ..IN_PERSON });
/// A user with a session: what it does needs one, or is too grave for a token that has none. So it is too grave for
/// somebody who acts for the user.
pub const SESSION: Needs = Needs::Principal(IN_PERSON);

const IN_PERSON: Requirement =
    Requirement { session: true, permission: None, recent_proof: false, while_acting: false };

/// A user with a session and this permission. Nobody has those of a user for whom they act.
pub const fn permission(permission: Permission) -> Needs {
    Needs::Principal(Requirement { permission: Some(permission), ..IN_PERSON })
}

impl Needs {
    /// The same, with a recent proof of identity on top: for what cannot be undone.
    #[must_use]
    pub const fn and_recent_proof(self) -> Self {
        match self {
            Self::Principal(requirement) => {
                Self::Principal(Requirement { session: true, recent_proof: true, while_acting: false, ..requirement })
            }
            other => other,
        }
    }

    /// The same, and the user has to do it in person: nobody does it who acts for them.
    #[must_use]
    pub const fn not_while_acting(self) -> Self {
        self.by_actor(false)
    }

    /// The same, also for somebody who acts for the user.
    #[must_use]
    pub const fn also_while_acting(self) -> Self {
        self.by_actor(true)
    }

    const fn by_actor(self, while_acting: bool) -> Self {
        match self {
            Self::Principal(requirement) => Self::Principal(Requirement { while_acting, ..requirement }),
            other => other,
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessToken => "an access token",
            Self::ExpiredAccessToken => "an access token (run out or not)",
            Self::RefreshToken => "a refresh token",
            Self::Ticket => "a stream ticket",
            Self::Receipt => "the id of the receipt",
            Self::MailedSecret => "what was mailed",
            Self::OwnerLink => "the link in the log",
            Self::Password => "the password",
            Self::OwnForm => "a form of our own pages",
            Self::MetricsToken => "the metrics token",
        })
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Credentials(credentials) => {
                let names: Vec<String> = credentials.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(" or "))
            }
            Self::Principal(Requirement { session, permission, recent_proof, while_acting }) => {
                f.write_str(if *session { "a session" } else { "a user" })?;
                if let Some(permission) = permission {
                    write!(f, ", permission {permission}")?;
                }
                if *recent_proof {
                    f.write_str(", a recent proof")?;
                }
                // What goes without saying is left out.
                match (*session, *while_acting) {
                    (false, false) => f.write_str(", not while acting")?,
                    (true, true) => f.write_str(", also while acting")?,
                    (false, true) | (true, false) => {}
                }
                Ok(())
            }
        }
    }
}
