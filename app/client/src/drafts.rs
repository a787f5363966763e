//! What was being typed when a session ended: stored for the user who typed it, for nobody else.

use std::collections::HashMap;

use super::status::AuthStatus;
use types::domain::UserId;
use types::words::EndReason;

/// Names a field of a form across the app, such as `profile.name`.
pub type DraftKey = &'static str;

/// What is being typed, and who types it.
#[derive(Default)]
pub struct DraftBox {
    owner: Option<UserId>,
    signed_in: bool,
    texts: HashMap<DraftKey, String>,
}

impl DraftBox {
    /// Stores a text while somebody is signed in.
    pub fn store(&mut self, key: DraftKey, text: String) {
        if self.signed_in {
            self.texts.insert(key, text);
        }
    }

    /// The text stored under that name, while its owner is signed in.
    pub fn get(&self, key: DraftKey) -> Option<String> {
        self.texts.get(key).filter(|_| self.signed_in).cloned()
    }

    /// Forgets one text.
    pub fn forget(&mut self, key: DraftKey) {
        self.texts.remove(key);
    }

    /// Follows who is signed in: texts survive the end of a session unless the user asked for that end, and are gone
    /// as soon as somebody else signs in.
    pub fn follow(&mut self, status: &AuthStatus) {
        self.signed_in = false;
        match status {
            AuthStatus::Unknown => {}
            AuthStatus::SignedOut(note) => {
                let wanted =
                    note.as_ref().is_some_and(|note| note.asked_here || note.reason == EndReason::UserInitiatedLogout);
                if wanted {
                    self.texts.clear();
                    self.owner = None;
                }
            }
            AuthStatus::SignedIn { user, .. } => {
                if self.owner != Some(user.id) {
                    self.texts.clear();
                }
                self.owner = Some(user.id);
                self.signed_in = true;
            }
        }
    }
}

impl std::fmt::Debug for DraftBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DraftBox").field("stored", &self.texts.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::SignedOutNote;
    use types::api::UserSummary;
    use types::domain::SessionId;

    fn signed_in(user: u128) -> AuthStatus {
        let user = UserSummary {
            id: UserId(Uuid::from_u128(user)),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            roles: vec![],
            email_verified: true,
        };
        AuthStatus::SignedIn { session_id: SessionId(Uuid::nil()), user }
    }

    fn signed_out(reason: EndReason) -> AuthStatus {
        AuthStatus::SignedOut(Some(SignedOutNote::new(reason)))
    }

    fn box_of(user: u128) -> DraftBox {
        let mut drafts = DraftBox::default();
        drafts.follow(&signed_in(user));
        drafts.store("profile.name", "Ada L".into());
        drafts
    }

    #[test]
    fn a_draft_comes_back_to_the_same_user() {
        let mut drafts = box_of(1);
        drafts.follow(&signed_out(EndReason::SessionExpired));
        assert_eq!(drafts.get("profile.name"), None, "nobody reads it on the sign-in page");
        drafts.follow(&signed_in(1));
        assert_eq!(drafts.get("profile.name").as_deref(), Some("Ada L"));
        drafts.forget("profile.name");
        assert_eq!(drafts.get("profile.name"), None);
    }

    #[test]
    fn a_draft_is_given_to_nobody_else() {
        let mut drafts = box_of(1);
        drafts.follow(&signed_out(EndReason::SessionExpired));
        drafts.follow(&signed_in(2));
        assert_eq!(drafts.get("profile.name"), None);
        drafts.follow(&signed_in(1));
        assert_eq!(drafts.get("profile.name"), None);
    }

    #[test]
    fn signing_out_oneself_leaves_nothing_behind() {
        let mut drafts = box_of(1);
        drafts.follow(&signed_out(EndReason::UserInitiatedLogout));
        drafts.follow(&signed_in(1));
        assert_eq!(drafts.get("profile.name"), None);
    }

    #[test]
    fn a_typed_text_is_not_shown_by_debug() {
        assert!(!format!("{:?}", box_of(1)).contains("Ada L"));
    }
}
