//! What these pages ask of the server.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::browser;
use crate::state::Failure;
use client::ports::Method;
use client::return_to::percent_encode;
use types::json;
use types::words::ProblemCode;

/// Reads something.
pub(super) async fn get<T: DeserializeOwned>(path: String) -> Result<T, Failure> {
    let client = browser::client().ok_or(Failure::Unreachable)?;
    client.call(Method::Get, &path, None).await
}

/// What was found; or why nothing can be looked for by that, in a sentence.
pub(super) type Found<T> = Result<T, String>;

/// Looks for something.
pub(super) async fn find<T: DeserializeOwned>(path: String) -> Result<Found<T>, Failure> {
    match get(path).await {
        Ok(found) => Ok(Ok(found)),
        Err(failure) if failure.code() == Some(ProblemCode::InvalidFields) => {
            let first = failure.problem().and_then(|problem| problem.errors.first());
            Ok(Err(first.map_or_else(|| failure.message(), |error| error.message.clone())))
        }
        Err(failure) => Err(failure),
    }
}

/// Changes or ends something.
pub(super) async fn send<T: DeserializeOwned>(
    method: Method,
    path: String,
    body: &impl Serialize,
) -> Result<T, Failure> {
    // Our own types always have a JSON text.
    let body = json::write(body).ok();
    let client = browser::client().ok_or(Failure::Unreachable)?;
    client.call(method, &path, body).await
}

/// Ends something, where the answer says no more than that it was done.
pub(super) async fn send_for_nothing(method: Method, path: String, body: &impl Serialize) -> Result<(), Failure> {
    let body = json::write(body).ok();
    let client = browser::client().ok_or(Failure::Unreachable)?;
    client.text(method, &path, body).await.map(drop)
}

/// A path with a query: of its members, those that say something.
pub(super) fn query(path: &str, members: &[(&str, &str)]) -> String {
    let given = members.iter().filter(|(_, value)| !value.is_empty());
    let given: Vec<_> = given.map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

/// A path, which may have a query already, with one member more.
pub(super) fn with_member(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{name}={}", percent_encode(value))
}

/// The next page of a path, which may have a query already.
fn at_cursor(path: &str, cursor: &str) -> String {
    with_member(path, "cursor", cursor)
}

/// Reads the next page of a path.
pub(super) async fn next_page<T: DeserializeOwned>(path: String, cursor: String) -> Result<T, Failure> {
    get(at_cursor(&path, &cursor)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_given_and_nothing_else() {
        assert_eq!(query("/a", &[("q", ""), ("sort", "")]), "/a");
        assert_eq!(
            query("/a", &[("q", "ada & co"), ("sort", ""), ("role", "admin")]),
            "/a?q=ada%20%26%20co&role=admin"
        );
    }

    #[test]
    fn the_next_page_keeps_what_is_looked_for() {
        assert_eq!(at_cursor("/a", "x y"), "/a?cursor=x%20y");
        assert_eq!(at_cursor("/a?q=b", "c"), "/a?q=b&cursor=c");
    }
}
