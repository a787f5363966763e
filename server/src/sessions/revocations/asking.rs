//! Who may end others: what has itself ended may not, also while the database is away. The last word has the
//! transaction that ends them, which knows more than any server.

use super::Revocations;
use super::list::Verdict;
use crate::auth::tokens::Verified;
use crate::sessions::terminations::{Covered, Force};
use crate::store::Standing;

/// What a session may do that asks for others to be ended, by a token that may have run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It may ask; and what that does before it is committed.
    MayEndOthers(Force),
    /// It is over here, which is not committed yet: only its own end is left to be asked for.
    IsBeingEnded,
    /// It has ended.
    HasEnded,
}

impl Revocations {
    /// Whether the session of this token may end others. This server's own list comes first. It knows nothing of tokens
    /// that have run out, nor whether it is current where it is too old: then the database is asked, and where that is
    /// away, whoever asks is taken at their word for themselves only.
    pub async fn asking(&self, token: &Verified) -> Asking {
        let now = self.context.now();
        if self.list.has_ended(token.session_id) || token.session_max_expires_at <= now {
            return Asking::HasEnded;
        }
        if self.pending_ends.cover(token.user_id, token.session_id, token.session_created_at) == Covered::Yes {
            return Asking::IsBeingEnded;
        }
        let verdict = self.list.check(token.session_id, token.user_id, token.epoch, self.context.clock.monotonic());
        let is_good = now < token.expires_at;
        if verdict == Verdict::Passes && is_good {
            return Asking::MayEndOthers(Force::Held);
        }
        let is_superseded = verdict == Verdict::Superseded;
        match self.context.store.sessions().standing(token.session_id, token.user_id, token.epoch, now).await {
            // The database has lost why.
            Ok(Standing::Good) if is_superseded => Asking::IsBeingEnded,
            Ok(Standing::Good | Standing::OldEpoch) => Asking::MayEndOthers(Force::Held),
            Ok(Standing::Unknown) | Err(_) if is_good && !is_superseded => Asking::MayEndOthers(Force::Held),
            Ok(Standing::Ended(_) | Standing::Unknown) => Asking::HasEnded,
            Err(_) => Asking::MayEndOthers(Force::OwnOnly),
        }
    }
}
