//! For whom somebody may act. Pure: the store asks under the locks of both users.

use super::USERS_IMPERSONATE;
use crate::auth::permissions::Permissions;
use crate::roles::Reach;
use crate::store::{ActingRefusal, User};

/// Decides whether one user may act for another: somebody else, who may sign in and reaches no further.
pub fn decide(known: &Permissions, actor: Option<&User>, user: &User) -> Result<(), ActingRefusal> {
    let Some(actor) = actor.filter(|actor| actor.disabled_at.is_none()) else { return Err(ActingRefusal::NotAllowed) };
    let reach = Reach::of_user(known, actor);
    if !reach.has(USERS_IMPERSONATE) {
        return Err(ActingRefusal::NotAllowed);
    }
    if actor.id == user.id {
        return Err(ActingRefusal::Oneself);
    }
    if !reach.covers(&Reach::of_user(known, user)) {
        return Err(ActingRefusal::UserAboveActor);
    }
    if user.disabled_at.is_some() {
        return Err(ActingRefusal::Disabled);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use types::domain::{Timestamp, UserId};
    use types::words::{AccountType, BuiltInRole};
    use uuid::Uuid;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn user(id: u128, base_role: BuiltInRole, added: &[&str]) -> User {
        User {
            id: UserId(Uuid::from_u128(id)),
            email: String::new(),
            name: String::new(),
            account_type: AccountType::Individual,
            password_hash: String::new(),
            roles: Vec::new(),
            base_role,
            added_permissions: added.iter().map(|name| (*name).to_owned()).collect(),
            email_verified_at: None,
            disabled_at: None,
            epoch: 0,
            last_logout: None,
            password_changed_at: NOON,
            password_reset_required_at: None,
            created_at: NOON,
        }
    }

    fn known() -> Permissions {
        Permissions::new([USERS_IMPERSONATE])
    }

    const SUPPORT: &[&str] = &["users:impersonate"];

    #[rstest]
    #[case::admin_for_a_user(BuiltInRole::Admin, &[], BuiltInRole::User, &[], Ok(()))]
    #[case::admin_for_an_admin(BuiltInRole::Admin, &[], BuiltInRole::Admin, &[], Ok(()))]
    #[case::admin_for_an_owner(BuiltInRole::Admin, &[], BuiltInRole::Owner, &[], Err(ActingRefusal::UserAboveActor))]
    #[case::owner_for_an_owner(BuiltInRole::Owner, &[], BuiltInRole::Owner, &[], Ok(()))]
    #[case::moderator(BuiltInRole::Moderator, &[], BuiltInRole::User, &[], Err(ActingRefusal::NotAllowed))]
    #[case::support_for_a_user(BuiltInRole::User, SUPPORT, BuiltInRole::User, &[], Ok(()))]
    #[case::support_for_more(
        BuiltInRole::User, SUPPORT, BuiltInRole::User, &["rooms:open"], Err(ActingRefusal::UserAboveActor)
    )]
    fn somebody_acts_for_those_who_reach_no_further(
        #[case] role: BuiltInRole,
        #[case] added: &[&str],
        #[case] for_role: BuiltInRole,
        #[case] for_added: &[&str],
        #[case] expected: Result<(), ActingRefusal>,
    ) {
        let decided = decide(&known(), Some(&user(1, role, added)), &user(2, for_role, for_added));
        assert_eq!(decided, expected);
    }

    #[test]
    fn nobody_acts_for_themselves_or_for_whoever_may_not_sign_in() {
        let owner = user(1, BuiltInRole::Owner, &[]);
        assert_eq!(decide(&known(), Some(&owner), &owner), Err(ActingRefusal::Oneself));
        let disabled = User { disabled_at: Some(NOON), ..user(2, BuiltInRole::User, &[]) };
        assert_eq!(decide(&known(), Some(&owner), &disabled), Err(ActingRefusal::Disabled));
    }

    #[test]
    fn whoever_is_gone_or_disabled_acts_for_nobody() {
        let ada = user(2, BuiltInRole::User, &[]);
        let disabled = User { disabled_at: Some(NOON), ..user(1, BuiltInRole::Owner, &[]) };
        for actor in [None, Some(&disabled)] {
            assert_eq!(decide(&known(), actor, &ada), Err(ActingRefusal::NotAllowed));
        }
    }
}
