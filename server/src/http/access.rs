//! Who may make which call: what each route needs, by built-in role. For the documentation, and for the test that makes
//! every call as everybody.

use std::fmt::{self, Write as _};

use types::words::BuiltInRole;

use super::needs::{Needs, Requirement};
use super::routes::Route;
use crate::auth::permissions::Permissions;

/// The outcome of a call, as far as it depends on who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does not: the call needs nothing, or its handler reads what it needs.
    Open,
    /// The call is theirs to make.
    Allowed,
    /// `401`: they have to sign in.
    Unauthorized,
    /// `403`: their role does not let them.
    Forbidden,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Allowed => "yes",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
        })
    }
}

/// The outcome for a user of this role, or for somebody who is not signed in.
pub fn access(needs: Needs, role: Option<BuiltInRole>) -> Access {
    match (needs, role) {
        (Needs::Nothing | Needs::Credentials(_), _) => Access::Open,
        (Needs::Principal(_), None) => Access::Unauthorized,
        (Needs::Principal(Requirement { permission, .. }), Some(role)) => {
            let is_allowed = permission.is_none_or(|permission| permission.held_from() <= role);
            if is_allowed { Access::Allowed } else { Access::Forbidden }
        }
    }
}

/// Two Markdown tables: the permissions, and the calls.
pub fn markdown(routes: &[Route], permissions: &Permissions) -> String {
    let heading = ["permission", "held from", "allows"].map(str::to_owned);
    let rows = permissions.all().iter().map(|permission| {
        let allows = permission.allows().trim_end_matches('.').to_owned();
        [format!("`{permission}`"), permission.held_from().as_str().to_owned(), allows]
    });
    let mut text = table(&[heading].into_iter().chain(rows).collect::<Vec<_>>());
    text.push('\n');
    let roles = || [None].into_iter().chain(BuiltInRole::ALL.map(Some));
    let role_names = roles().map(|role| role.map_or("nobody", BuiltInRole::as_str).to_owned());
    let heading: Vec<String> = ["call".to_owned(), "needs".to_owned()].into_iter().chain(role_names).collect();
    let rows = routes.iter().map(|route| {
        let call = [format!("`{} {}`", route.method, route.path), route.needs.to_string()];
        call.into_iter().chain(roles().map(|role| access(route.needs, role).to_string())).collect::<Vec<_>>()
    });
    text.push_str(&table(&[heading].into_iter().chain(rows).collect::<Vec<_>>()));
    text
}

/// A Markdown table, padded as formatters pad it; the first row is its heading.
fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let cell = |row: &R, column: usize| row.as_ref().get(column).cloned().unwrap_or_default();
    let width = |column: usize| rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, width) in widths.iter().copied().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "| {:width$} ", cell(row, column));
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "| {} ", "-".repeat(*width));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::permissions::Permission;
    use crate::http::needs::{NOTHING, SESSION, permission};

    const OPEN: Permission = Permission::new("rooms:open", "Open rooms.");

    #[test]
    fn who_may_make_a_call_follows_from_what_it_needs() {
        let moderator = Some(BuiltInRole::Moderator);
        assert_eq!(access(NOTHING, None), Access::Open);
        assert_eq!(access(SESSION, None), Access::Unauthorized);
        assert_eq!(access(SESSION, Some(BuiltInRole::User)), Access::Allowed);
        assert_eq!(access(permission(OPEN), None), Access::Unauthorized);
        assert_eq!(access(permission(OPEN), moderator), Access::Forbidden);
        assert_eq!(access(permission(OPEN), Some(BuiltInRole::Admin)), Access::Allowed);
        assert_eq!(access(permission(OPEN.held_by(BuiltInRole::Moderator)), moderator), Access::Allowed);
    }

    #[test]
    fn a_table_is_padded() {
        let rows = [["a", "bcd"], ["efg", "h"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "| a   | bcd |\n| --- | --- |\n| efg | h   |\n");
    }
}
