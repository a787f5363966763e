//! Whether a requesting session may end others. A session that has itself ended may not, also while the database is
//! away. The transaction that ends the others decides finally: it knows more than any server.

use super::Revocations;
use super::list::Verdict;
use crate::auth::tokens::Verified;
use crate::sessions::terminations::{Covered, Force};
use crate::store::Standing;

/// What a session may do that requests the end of others, by a token that may have run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequesterState {
    /// It may end others. The force says what the request does before it is committed.
    MayEndOthers(Force),
    /// Its own end is pending on this server. All that it may request is that end.
    IsBeingEnded,
    HasEnded,
}

impl Revocations {
    /// Whether the session of this token may end others. This server's own list is asked first. The list knows nothing
    /// of tokens that have run out, and may itself be too old to be current. The database is asked then. Where that is
    /// away, the request counts for the requesting session only.
    pub async fn requester_state(&self, token: &Verified) -> RequesterState {
        let now = self.context.now();
        if self.list.has_ended(token.session_id) || token.session_max_expires_at <= now {
            return RequesterState::HasEnded;
        }
        if self.pending_ends.cover(token.user_id, token.session_id, token.session_created_at) == Covered::Yes {
            return RequesterState::IsBeingEnded;
        }
        let verdict = self.list.check(token.session_id, token.user_id, token.epoch, self.context.clock.monotonic());
        let is_good = now < token.expires_at;
        if verdict == Verdict::Passes && is_good {
            return RequesterState::MayEndOthers(Force::Held);
        }
        let is_superseded = verdict == Verdict::Superseded;
        match self.context.store.sessions().standing(token.session_id, token.user_id, token.epoch, now).await {
            // The database has lost why.
            Ok(Standing::Good) if is_superseded => RequesterState::IsBeingEnded,
            Ok(Standing::Good | Standing::OldEpoch) => RequesterState::MayEndOthers(Force::Held),
            Ok(Standing::Unknown) | Err(_) if is_good && !is_superseded => RequesterState::MayEndOthers(Force::Held),
            Ok(Standing::Ended(_) | Standing::Unknown) => RequesterState::HasEnded,
            Err(_) => RequesterState::MayEndOthers(Force::OwnOnly),
        }
    }
}
