//! What a browser is known by: a token of its own, apart from any session (ASVS 7.2.4).
//!
//! It proves that somebody was signed in with this browser before, nothing more: it signs nobody in, and whoever steals
//! it gets tries of their own at a password, as few as anybody. Only its digest is in the database.

use std::time::Duration;

/// How long a browser is known that does not sign in again.
pub const BROWSER_LIFETIME: Duration = Duration::from_hours(365 * 24);
/// How long the tokens before a presented one go on serving: as long as requests may be under way.
pub const SUPERSEDED_FOR: Duration = Duration::from_mins(1);
