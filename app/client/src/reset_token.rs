//! The token of a link that sets a new password.

use std::fmt;
use std::sync::Arc;

use types::pages::TOKEN;

/// The token of a link that sets a new password; good once. Never shown: `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetToken(Arc<str>);

impl ResetToken {
    /// Reads it from what follows the `#` in the address of the link: the part that browsers send to no server, so that
    /// it is in nobody's log and in no `Referer` (ASVS 14.2.1).
    pub fn from_fragment(fragment: &str) -> Option<Self> {
        let members = fragment.trim_start_matches('#').split('&');
        members.filter_map(|member| member.strip_prefix(TOKEN)).find(|token| !token.is_empty()).map(Self::new)
    }

    /// A token as it stands in a link.
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// The token itself, for sending.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_read_from_the_fragment_of_the_link_and_from_nothing_else() {
        for (fragment, token) in [
            ("#token=abc-_123", Some("abc-_123")),
            ("token=abc", Some("abc")),
            ("#from=mail&token=abc", Some("abc")),
            ("#token=", None),
            ("#main", None),
            ("#my-token=abc", None),
            ("#", None),
            ("", None),
        ] {
            let read = ResetToken::from_fragment(fragment);
            assert_eq!(read.as_ref().map(ResetToken::expose), token, "{fragment}");
        }
    }

    #[test]
    fn a_reset_token_is_not_shown_by_debug() {
        assert!(!format!("{:?}", ResetToken::new("secret")).contains("secret"));
    }
}
