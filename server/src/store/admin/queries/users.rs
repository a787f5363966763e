//! Pages of users, each out of an index in its order. What is bounded by which index:
//!
//! | only those | by e-mail | by name | newest |
//! | --- | --- | --- | --- |
//! | all | that of addresses | `users_by_name` | the primary key |
//! | disabled | `users_disabled` | `users_disabled_by_name` | `users_disabled_by_age` |
//! | not proved | `users_unverified` | `users_unverified_by_name` | `users_unverified_by_age` |
//! | of a role that few have | `user_roles_by_role`, all of them, and sorted | the same | the same |
//!
//! Those at an address come out of `sessions_live_by_address`, by its newest 2,000 sessions; the newest whose address
//! or name begins with a text out of the first 1,000 of either index. What is left are two of these at once, a role
//! that many have, and an order that leaves out those of another. There the users of one of them are looked at one
//! after the other: no more than `LOOKED_AT` for a page, which may then be short, or empty, and not the last.

use uuid::Uuid;

use super::{Database, Result, query_as};
use crate::store::accounts::rows::UserColumns;
use crate::store::db::rows::read_all;
use crate::store::{User, UserFilter, UserOrder, UserPage, sql};

/// The role that everybody has: an index finds none of the others sooner.
const EVERYBODY: &str = "user";
/// A role that more have is one that many have; as the statements say.
const FEW: i64 = 1_000;
/// Above every text that begins with what stands before it.
const LAST_CHARACTER: char = '\u{10ffff}';
/// Users that are looked at for a page at the most.
const LOOKED_AT: usize = 2_000;
/// The same in one statement, where not all of them are shown.
const LOOKED_AT_ONCE: usize = 500;

/// Whom an index has, each in their order.
#[derive(Clone, Copy)]
enum Among<'f> {
    All,
    Disabled,
    Unverified,
    /// Those with a role that few have.
    Few(&'f str),
}

impl Among<'_> {
    /// Whether it has those that a filter lets through, and no others.
    fn is_exact(self, filter: &UserFilter) -> bool {
        let has_role = role_of(filter).is_some();
        if filter.order.leaves_some_out() {
            return false;
        }
        match self {
            Self::All => !has_role && !filter.disabled && !filter.unverified,
            Self::Disabled => !has_role && !filter.unverified,
            Self::Unverified => !has_role && !filter.disabled,
            Self::Few(_) => !filter.disabled && !filter.unverified,
        }
    }
}

impl Database {
    pub(in crate::store) async fn search_users(&self, filter: &UserFilter, limit: usize) -> Result<UserPage> {
        let mut users = Vec::new();
        let mut next = self.add_users(&mut users, filter, limit).await?;
        if let Some(then) = filter.then.clone().filter(|_| next.is_none()) {
            let rest = UserFilter { order: then, then: None, ..filter.clone() };
            next = self.add_users(&mut users, &rest, limit).await?;
        }
        Ok(UserPage { users, next })
    }

    /// Adds those of one order until a page is full. Gives what goes on after them, where there may be others.
    async fn add_users(&self, page: &mut Vec<User>, filter: &UserFilter, limit: usize) -> Result<Option<UserFilter>> {
        let among = self.among(filter).await?;
        // One more than is shown tells whether there are others.
        let size = if among.is_exact(filter) { limit + 1 } else { LOOKED_AT_ONCE.max(limit + 1) };
        let (mut next, mut looked_at) = (filter.clone(), 0);
        loop {
            let users = self.users_in_order(among, &next.order, size).await?;
            let is_last = users.len() < size;
            looked_at += users.len();
            for user in users {
                // Whoever is left out is no sign of a next page.
                let is_left_out = filter.order.leaves_out(&user);
                if page.len() == limit && !is_left_out {
                    return Ok(Some(next));
                }
                next.order.go_on_after(&user);
                if !is_left_out && filter.matches(&user) {
                    page.push(user);
                }
            }
            if is_last {
                return Ok(None);
            }
            if looked_at >= LOOKED_AT {
                return Ok(Some(next));
            }
        }
    }

    /// Which index has the fewest users that are no answer.
    async fn among<'f>(&self, filter: &'f UserFilter) -> Result<Among<'f>> {
        if matches!(filter.order, UserOrder::Address { .. } | UserOrder::NewestOf { .. }) {
            return Ok(Among::All);
        }
        if let Some(role) = role_of(filter) {
            let counted: Vec<(i64,)> =
                query_as(sql::admin::COUNT_FEW_OF_ROLE).bind(role).fetch_all(self.readers()).await?;
            if counted.first().is_some_and(|(holders,)| *holders <= FEW) {
                return Ok(Among::Few(role));
            }
        }
        Ok(match (filter.disabled, filter.unverified) {
            (true, _) => Among::Disabled,
            (false, true) => Among::Unverified,
            (false, false) => Among::All,
        })
    }

    async fn users_in_order(&self, among: Among<'_>, order: &UserOrder, limit: usize) -> Result<Vec<User>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let find = match order {
            UserOrder::Email { prefix, after, .. } => {
                let after = after.as_deref().unwrap_or_default();
                query_as(by_email(among)).bind(prefix.as_str().max(after)).bind(after).bind(end_of(prefix))
            }
            UserOrder::Name { prefix, after, .. } => {
                let after = after.as_ref().map(|(name, id)| (name.as_str(), *id));
                let (name, id) = after.unwrap_or_default().max((prefix.as_str(), Uuid::nil()));
                query_as(by_name(among)).bind(name).bind(id).bind(end_of(prefix))
            }
            UserOrder::Newest { before } => query_as(newest(among)).bind(before.unwrap_or(Uuid::max())),
            UserOrder::NewestOf { email, name, before } => query_as(sql::admin::NEWEST_USERS_BEGINNING)
                .bind(before.unwrap_or(Uuid::max()))
                .bind(email.as_str())
                .bind(end_of(email))
                .bind(name.as_str())
                .bind(end_of(name)),
            UserOrder::Address { address, after, now } => query_as(sql::admin::USERS_AT_ADDRESS)
                .bind(after.unwrap_or(Uuid::nil()))
                .bind(address)
                .bind(now.as_millis()),
        };
        let find = find.bind(limit);
        let find = if let Among::Few(role) = among { find.bind(role) } else { find };
        let rows: Vec<UserColumns> = find.fetch_all(self.readers()).await?;
        read_all(rows)
    }
}

/// Where those end that begin with a text.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{LAST_CHARACTER}")
}

/// The role that a filter is about, unless everybody has it.
fn role_of(filter: &UserFilter) -> Option<&str> {
    filter.role.as_deref().filter(|role| *role != EVERYBODY)
}

const fn by_email(among: Among<'_>) -> &'static str {
    match among {
        Among::All => sql::admin::USERS_BY_EMAIL,
        Among::Disabled => sql::admin::DISABLED_USERS_BY_EMAIL,
        Among::Unverified => sql::admin::UNVERIFIED_USERS_BY_EMAIL,
        Among::Few(_) => sql::admin::FEW_USERS_BY_EMAIL,
    }
}

const fn by_name(among: Among<'_>) -> &'static str {
    match among {
        Among::All => sql::admin::USERS_BY_NAME,
        Among::Disabled => sql::admin::DISABLED_USERS_BY_NAME,
        Among::Unverified => sql::admin::UNVERIFIED_USERS_BY_NAME,
        Among::Few(_) => sql::admin::FEW_USERS_BY_NAME,
    }
}

const fn newest(among: Among<'_>) -> &'static str {
    match among {
        Among::All => sql::admin::NEWEST_USERS,
        Among::Disabled => sql::admin::NEWEST_DISABLED_USERS,
        Among::Unverified => sql::admin::NEWEST_UNVERIFIED_USERS,
        Among::Few(_) => sql::admin::NEWEST_FEW_USERS,
    }
}
