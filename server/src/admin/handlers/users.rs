//! Users: found, and looked at.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, Query, State};
use types::api::admin::{MOST_PAGE_ROWS, PAGE_ROWS};
use types::api::{AdminUser, AdminUserList, AdminUserQuery, PageQuery};
use types::domain::{Invalid, Timestamp, UserId};
use types::words::{ProblemCode, UserSort};
use uuid::Uuid;

use super::administrator::Administrator;
use super::errors::{is_plain, malformed, wrong_cursor};
use super::views;
use crate::accounts::handlers::profile::entry;
use crate::admin::permissions::{AUDIT_READ, SESSIONS_READ, USERS_READ};
use crate::admin::{SessionRule, UserKey};
use crate::auth::action_limits::LimitedAction;
use crate::http::needs::MayActForUsers;
use crate::http::operation::{Answer, Operation, Parameters};
use crate::http::paging::Page;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::{UserFilter, UserOrder, UserPage};

/// How many sessions are shown with a user.
const SESSIONS: u16 = 100;
/// How many entries of their activity.
const ACTIVITY: i64 = 20;
/// What the cursor begins with among those who are found by their e-mail after those who are by their name. No cursor
/// of the others begins so.
const EMAILS_LAST: &str = "email:";
/// The same the other way round.
const NAMES_LAST: &str = "name:";

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "adminListUsers",
    summary: "Find users",
    about: "By id, by an address at which they are signed in, or by the beginning of e-mail or name. Sorted by \
            e-mail, those whose e-mail begins so come first, and then, by name, those whose name does; sorted by name \
            it is the other way round. The newest first are those of the first 1,000 whose e-mail begins so, and as \
            many by name. In pages, which may be short, or empty, and not the last: there is another where there is a \
            cursor. An address at which very many are is searched by its 2,000 newest sessions.",
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
    let (order, then) = order_of(q, query.sort.as_deref(), query.cursor.as_deref(), state.context.now())?;
    // Who is signed in at an address is what sessions say.
    if matches!(order, UserOrder::Address { .. }) && !administrator.token.has(SESSIONS_READ) {
        return Err(ApiError::permission_required(SESSIONS_READ));
    }
    let filter = UserFilter {
        order,
        then,
        role: query.role.clone().filter(|role| !role.is_empty()),
        disabled: query.disabled == Some(true),
        unverified: query.unverified == Some(true),
    };
    administrator.may_do(&state, LimitedAction::Search).await?;
    let UserPage { users, next } = administration.users(&filter, limit).await?;
    if users.is_empty()
        && let Some(role) = &filter.role
    {
        is_known(role, &state).await?;
    }
    let next_cursor = next.map(|next| cursor_of(&next.order));
    Ok(Json(AdminUserList { users: users.into_iter().map(views::summary).collect(), next_cursor }))
}

/// The user whom a filter names, by id or by e-mail.
pub async fn named(state: &ApiState, field: &str, text: Option<&str>) -> Result<Option<UserId>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let key: UserKey =
        text.parse().map_err(|_| malformed(field, "This is neither the id nor the e-mail of a user."))?;
    if let UserKey::Id(id) = key {
        return Ok(Some(id));
    }
    let user = state.admin().administration.find_user(&key).await?;
    let nobody = || malformed(field, "Nobody has this e-mail. Whoever was deleted is found by the id.");
    Ok(Some(user.ok_or_else(nobody)?.id))
}

/// Refuses the name of a role that there is none of. Asked where nobody was found, which it would explain.
async fn is_known(role: &str, state: &ApiState) -> Result<(), ApiError> {
    let names = state.context.store.roles().role_names().await?;
    if names.iter().any(|known| known == role) {
        return Ok(());
    }
    let message = format!("There is no role of this name. There are {}.", names.join(", "));
    Err(ApiError::invalid_field("role", &Invalid::new("unknown-role", message)))
}

/// How many are asked for.
pub fn limit_of(limit: Option<&String>) -> Result<u16, ApiError> {
    let asked = PageQuery { cursor: None, limit: limit.cloned() };
    Ok(Page::read(&asked, PAGE_ROWS, MOST_PAGE_ROWS)?.limit)
}

/// In which order, from where on, and what is listed after that. What is searched by its beginning is in small letters,
/// as it is stored or as its index has it.
fn order_of(
    q: &str,
    sort: Option<&str>,
    cursor: Option<&str>,
    now: Timestamp,
) -> Result<(UserOrder, Option<UserOrder>), ApiError> {
    if let Ok(address) = q.parse::<IpAddr>() {
        let after = cursor.map(id_of).transpose()?;
        return Ok((UserOrder::Address { address: address.to_canonical().to_string(), after, now }, None));
    }
    let (email, name) = (q.to_lowercase(), q.to_ascii_lowercase());
    // Whoever is listed by one of them already is left out of the other.
    let emails = |after: Option<&str>, except: Option<&String>| UserOrder::Email {
        prefix: email.clone(),
        after: after.map(str::to_owned),
        except: except.cloned(),
    };
    let names =
        |after, except: Option<&String>| UserOrder::Name { prefix: name.clone(), after, except: except.cloned() };
    let is_search = !q.is_empty();
    let sort = sort.map_or(Some(UserSort::Email), UserSort::parse);
    match sort.ok_or_else(|| malformed("sort", "Use email, name or newest."))? {
        UserSort::Email => Ok(match cursor.and_then(|cursor| cursor.strip_prefix(NAMES_LAST)) {
            Some(cursor) => (names(name_and_id(cursor)?, Some(&email)), None),
            None => (emails(cursor, None), is_search.then(|| names(None, Some(&email)))),
        }),
        UserSort::Name => {
            if let Some(cursor) = cursor.and_then(|cursor| cursor.strip_prefix(EMAILS_LAST)) {
                return Ok((emails(Some(cursor), Some(&name)), None));
            }
            let after = cursor.map(name_and_id).transpose()?.flatten();
            Ok((names(after, None), is_search.then(|| emails(None, Some(&name)))))
        }
        UserSort::Newest => {
            let before = cursor.map(id_of).transpose()?;
            let all = UserOrder::Newest { before };
            Ok((if is_search { UserOrder::NewestOf { email, name, before } } else { all }, None))
        }
    }
}

fn id_of(cursor: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(cursor).map_err(|_| wrong_cursor("cursor"))
}

/// What the cursor of an order by name stands for: nothing where it is empty.
fn name_and_id(cursor: &str) -> Result<Option<(String, Uuid)>, ApiError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let (id, name) = cursor.split_once('.').ok_or_else(|| wrong_cursor("cursor"))?;
    Ok(Some((name.to_owned(), id_of(id)?)))
}

/// What stands for the page that begins so.
fn cursor_of(order: &UserOrder) -> String {
    match order {
        UserOrder::Email { after, except, .. } => {
            let begins = if except.is_some() { EMAILS_LAST } else { "" };
            format!("{begins}{}", after.as_deref().unwrap_or_default())
        }
        UserOrder::Name { after, except, .. } => {
            let begins = if except.is_some() { NAMES_LAST } else { "" };
            let after = after.as_ref().map(|(name, id)| format!("{}.{name}", id.simple()));
            format!("{begins}{}", after.unwrap_or_default())
        }
        UserOrder::Newest { before: after }
        | UserOrder::NewestOf { before: after, .. }
        | UserOrder::Address { after, .. } => after.map(|id| id.simple().to_string()).unwrap_or_default(),
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
        can_be_acted_for: state.parts.find::<MayActForUsers>().is_some_and(|may| may.0) && user.disabled_at.is_none(),
        sessions: rows.iter().map(|row| devices.show(row, Some(token.session_id))).collect(),
        total_sessions: administration.count_sessions_of(id).await?,
        activity: activity.into_iter().map(|row| entry(row, devices.places())).collect(),
        user: views::summary(user),
    }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn what_is_searched_for_says_in_which_order_it_is_found() {
        let order = |q: &str, sort, cursor| order_of(q, sort, cursor, NOW).map(|(order, _)| order);
        let by_email = order("Ada@", None, None);
        assert!(matches!(by_email, Ok(UserOrder::Email { prefix, after: None, .. }) if prefix == "ada@"));
        assert!(matches!(order("Ada", Some("name"), None), Ok(UserOrder::Name { prefix, .. }) if prefix == "ada"));
        let at = order("::ffff:192.0.2.7", None, None);
        assert!(matches!(at, Ok(UserOrder::Address { address, .. }) if address == "192.0.2.7"));
        assert!(matches!(order("", Some("newest"), None), Ok(UserOrder::Newest { before: None })));
        let newest = order("Ada", Some("newest"), None);
        assert!(matches!(newest, Ok(UserOrder::NewestOf { email, name, .. }) if email == "ada" && name == "ada"));
        for (q, sort, cursor) in [("", "age", None), ("", "newest", Some("ada")), ("a", "email", Some("name:ada"))] {
            assert!(order(q, Some(sort), cursor).is_err(), "{q} {sort} {cursor:?}");
        }
        let after = order("", Some("name"), Some("0198ad2e7c0f7b118a642f9d4c3b1a70.ada l. king"));
        let Ok(UserOrder::Name { after: Some((name, _)), .. }) = after else { panic!("no page of names") };
        assert_eq!(name, "ada l. king");
    }

    #[test]
    fn whoever_has_the_name_is_listed_after_whoever_has_the_address_or_the_other_way_round() {
        let (first, then) = order_of("Ada", None, None, NOW).unwrap();
        assert!(matches!(first, UserOrder::Email { except: None, .. }));
        assert!(matches!(&then, Some(UserOrder::Name { except: Some(except), .. }) if except == "ada"), "{then:?}");
        let (first, then) = order_of("Ada", Some("name"), None, NOW).unwrap();
        assert!(matches!(first, UserOrder::Name { except: None, .. }));
        assert!(matches!(&then, Some(UserOrder::Email { except: Some(except), .. }) if except == "ada"), "{then:?}");
        assert!(order_of("", None, None, NOW).unwrap().1.is_none(), "everybody is in the first of them");
    }

    #[rstest]
    #[case("email", "ada@example.com")]
    #[case("email", "name:")]
    #[case("email", "name:0198ad2e7c0f7b118a642f9d4c3b1a70.ada l. king")]
    #[case("name", "0198ad2e7c0f7b118a642f9d4c3b1a70.ada l. king")]
    #[case("name", "email:")]
    #[case("name", "email:ada@example.com")]
    #[case("newest", "0198ad2e7c0f7b118a642f9d4c3b1a70")]
    fn a_cursor_leads_to_where_it_is_from(#[case] sort: &str, #[case] cursor: &str) {
        let (order, then) = order_of("ada", Some(sort), Some(cursor), NOW).unwrap();
        assert_eq!(cursor_of(&order), cursor);
        assert_eq!(then.is_none(), sort == "newest" || cursor.contains(':'));
    }
}
