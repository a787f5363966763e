//! Users: found, and looked at.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, Query, State};
use types::api::{AdminUser, AdminUserList, AdminUserQuery, PageQuery};
use types::domain::{Timestamp, UserId};
use types::words::ProblemCode;
use uuid::Uuid;

use super::administrator::Administrator;
use super::errors::{is_plain, malformed, wrong_cursor};
use super::views;
use crate::accounts::handlers::profile::entry;
use crate::admin::permissions::{AUDIT_READ, SESSIONS_READ, USERS_READ};
use crate::admin::{SessionRule, UserKey};
use crate::auth::action_limits::LimitedAction;
use crate::http::operation::{Answer, Operation, Parameters};
use crate::http::paging::Page;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::{User, UserFilter, UserOrder, UserPage};

/// How many a page has where the client does not say.
pub const PAGE: u16 = 50;
/// The most it may ask for.
pub const LONGEST_PAGE: u16 = 200;
/// How many sessions are shown with a user.
const SESSIONS: u16 = 100;
/// How many entries of their activity.
const ACTIVITY: i64 = 20;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "adminListUsers",
    summary: "Find users",
    about: "By id, by an address at which they are signed in, or by the beginning of e-mail or name. In pages, \
            which may be short, or empty, and not the last: there is another where there is a cursor. An address at which \
            very many are is searched by its 2,000 newest sessions.",
    query: Some(Parameters::of::<AdminUserQuery>()),
    answers: &[Answer::json::<AdminUserList>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/admin/users`.
pub async fn list(
    State(state): State<ApiState>,
    administrator: Administrator,
    Query(query): Query<AdminUserQuery>,
) -> Result<Json<AdminUserList>, ApiError> {
    let limit = limit_of(query.limit.as_ref())?;
    let administration = &state.admin().administration;
    let q = query.q.as_deref().map(str::trim).unwrap_or_default();
    if let Ok(id) = q.parse::<UserId>() {
        let user = administration.find_user(&UserKey::Id(id)).await?;
        return Ok(Json(AdminUserList { users: user.map(views::summary).into_iter().collect(), next_cursor: None }));
    }
    for (field, text) in
        [("q", query.q.as_deref()), ("role", query.role.as_deref()), ("cursor", query.cursor.as_deref())]
    {
        is_plain(field, text)?;
    }
    let order = order_of(q, query.sort.as_deref(), query.cursor.as_deref(), state.context.now())?;
    // Who is signed in at an address is what sessions say.
    if matches!(order, UserOrder::Address { .. }) && !administrator.token.has(SESSIONS_READ) {
        return Err(ApiError::permission_required(SESSIONS_READ));
    }
    let filter = UserFilter {
        order,
        role: query.role.clone().filter(|role| !role.is_empty()),
        disabled: query.disabled == Some(true),
        unverified: query.unverified == Some(true),
    };
    administrator.may_do(&state, LimitedAction::Search).await?;
    let UserPage { users, last } = administration.users(&filter, limit).await?;
    let next_cursor = last.map(|last| cursor_of(&filter.order, &last));
    Ok(Json(AdminUserList { users: users.into_iter().map(views::summary).collect(), next_cursor }))
}

/// How many are asked for.
pub fn limit_of(limit: Option<&String>) -> Result<u16, ApiError> {
    let asked = PageQuery { cursor: None, limit: limit.cloned() };
    Ok(Page::read(&asked, PAGE, LONGEST_PAGE)?.limit)
}

/// In which order, and from where on. What is searched by its beginning is in small letters, as it is stored or as its
/// index has it.
fn order_of(q: &str, sort: Option<&str>, cursor: Option<&str>, now: Timestamp) -> Result<UserOrder, ApiError> {
    let id_of = |text: &str| Uuid::try_parse(text).map_err(|_| wrong_cursor("cursor"));
    if let Ok(address) = q.parse::<IpAddr>() {
        let after = cursor.map(id_of).transpose()?;
        return Ok(UserOrder::Address { address: address.to_canonical().to_string(), after, now });
    }
    match sort.unwrap_or("email") {
        "email" => Ok(UserOrder::Email { prefix: q.to_lowercase(), after: cursor.map(str::to_owned) }),
        "name" => {
            let after = cursor.map(|cursor| {
                let (id, name) = cursor.split_once('.').ok_or_else(|| wrong_cursor("cursor"))?;
                Ok::<_, ApiError>((name.to_owned(), id_of(id)?))
            });
            Ok(UserOrder::Name { prefix: q.to_ascii_lowercase(), after: after.transpose()? })
        }
        "newest" if q.is_empty() => Ok(UserOrder::Newest { before: cursor.map(id_of).transpose()? }),
        "newest" => Err(malformed("q", "With sort=newest, use an id or an IP address, or nothing.")),
        _ => Err(malformed("sort", "Use email, name or newest.")),
    }
}

/// What stands for the page after a user.
fn cursor_of(order: &UserOrder, last: &User) -> String {
    match order {
        UserOrder::Email { .. } => last.email.clone(),
        UserOrder::Name { .. } => format!("{}.{}", last.id.0.simple(), last.name.to_ascii_lowercase()),
        UserOrder::Newest { .. } | UserOrder::Address { .. } => last.id.0.simple().to_string(),
    }
}

/// For the document of the API: [`show`].
pub const SHOW: Operation = Operation {
    id: "adminGetUser",
    summary: "One user",
    about: "With live sessions and the newest activity. Sessions are shown to whoever may see those of all users.",
    path: Some(Parameters::of::<UserId>()),
    answers: &[Answer::json::<AdminUser>(200, "The user.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `GET /api/admin/users/{id}`.
pub async fn show(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
) -> Result<Json<AdminUser>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    let administration = &state.admin().administration;
    let actor = administrator.actor(&state, USERS_READ).await?;
    let user = administration.user(&UserKey::Id(id)).await?;
    let token = &administrator.token;
    let sees_sessions = token.has(SESSIONS_READ);
    let rows = if sees_sessions {
        let rule = SessionRule { user: Some(id), ..SessionRule::default() };
        administration.live_sessions(&rule, None, SESSIONS).await?.0
    } else {
        Vec::new()
    };
    let devices = state.sessions().devices();
    let activity = if sees_sessions || token.has(AUDIT_READ) {
        state.context.store.audit().activity(id, None, ACTIVITY).await?
    } else {
        Vec::new()
    };
    Ok(Json(AdminUser {
        account_type: user.account_type.into(),
        password_changed_at: user.password_changed_at,
        permissions: administration.permissions_of(&user),
        within_reach: administration.is_within_reach(&actor, &user),
        sessions: rows.iter().map(|row| devices.show(row, Some(token.session_id))).collect(),
        total_sessions: administration.count_sessions_of(id).await?,
        activity: activity.into_iter().map(|row| entry(row, devices.places())).collect(),
        user: views::summary(user),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn what_is_searched_for_says_in_which_order_it_is_found() {
        let order = |q: &str, sort, cursor| order_of(q, sort, cursor, NOW);
        assert!(matches!(order("Ada@", None, None), Ok(UserOrder::Email { prefix, after: None }) if prefix == "ada@"));
        assert!(matches!(order("Ada", Some("name"), None), Ok(UserOrder::Name { prefix, .. }) if prefix == "ada"));
        let at = order("::ffff:192.0.2.7", None, None);
        assert!(matches!(at, Ok(UserOrder::Address { address, .. }) if address == "192.0.2.7"));
        assert!(matches!(order("", Some("newest"), None), Ok(UserOrder::Newest { before: None })));
        for (q, sort, cursor) in [("ada", "newest", None), ("", "age", None), ("", "newest", Some("ada"))] {
            assert!(order(q, Some(sort), cursor).is_err(), "{q} {sort} {cursor:?}");
        }
        let after = order("", Some("name"), Some("0198ad2e7c0f7b118a642f9d4c3b1a70.ada l. king"));
        let Ok(UserOrder::Name { after: Some((name, _)), .. }) = after else { panic!("no page of names") };
        assert_eq!(name, "ada l. king");
    }
}
