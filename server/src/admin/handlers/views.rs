//! Users and sessions as administrators see them.

use std::collections::HashMap;

use types::api::{AdminSession, AdminUserSummary, AuditParty};
use types::domain::UserId;

use crate::admin::permissions::{AUDIT_READ, USERS_READ};
use crate::auth::tokens::Verified;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::{SessionRow, User};

pub fn summary(user: User) -> AdminUserSummary {
    AdminUserSummary {
        user_id: user.id,
        email: user.email,
        name: user.name,
        roles: user.roles,
        created_at: user.created_at,
        email_verified: user.email_verified_at.is_some(),
        disabled_at: user.disabled_at,
        password_reset_required_at: user.password_reset_required_at,
    }
}

/// Sessions with their users. One whose user has gone meanwhile is left out.
pub fn sessions(
    state: &ApiState,
    token: &Verified,
    rows: &[SessionRow],
    users: &HashMap<UserId, User>,
) -> Vec<AdminSession> {
    let devices = state.sessions().devices();
    let with_user = |row: &SessionRow| {
        let user = users.get(&row.user_id)?;
        Some(AdminSession {
            user_id: user.id,
            email: user.email.clone(),
            name: user.name.clone(),
            session: devices.show(row, Some(token.session_id)),
        })
    };
    rows.iter().filter_map(with_user).collect()
}

/// The addresses that users have now, where they still have an account and whoever asks may know.
pub struct Emails(HashMap<UserId, User>);

impl Emails {
    /// Those of these users, of whom some may come several times. Whoever may not find users is told their own.
    pub async fn of(
        state: &ApiState,
        token: &Verified,
        users: impl IntoIterator<Item = Option<UserId>>,
    ) -> Result<Self, ApiError> {
        let may_know = |user: &UserId| token.has(USERS_READ) || token.has(AUDIT_READ) || *user == token.user_id;
        let known = users.into_iter().flatten().filter(may_know).collect();
        Ok(Self(state.admin().administration.users_named(known).await?))
    }

    /// A user by id and address.
    pub fn party(&self, user_id: UserId) -> AuditParty {
        AuditParty { user_id, email: self.0.get(&user_id).map(|user| user.email.clone()) }
    }
}
