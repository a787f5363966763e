//! Values that cannot be wrong: each type has one `parse`, used by server and form alike.
//!
//! Pure. Anything that needs a database, a clock or a word list does not belong here.

mod account;
mod address;
mod ids;
mod invalid;
mod invisible;
mod names;
mod role_name;
mod timestamp;

pub use account::{OneTimeCode, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, Password};
pub use address::Email;
pub use ids::{AlertId, SessionId, UserId};
pub use invalid::Invalid;
pub use invisible::{shows_something, turns_direction};
pub use names::{AppVersion, ClientReason, DeviceName, DisplayName, Platform, RoleDescription};
pub(crate) use names::{parse_short_text, short_text};
pub use role_name::RoleName;
pub use timestamp::Timestamp;
