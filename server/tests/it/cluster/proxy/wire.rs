//! As much of PostgreSQL's frontend protocol (version 3) as it takes to see a `COMMIT` go by.

use std::collections::HashMap;

/// The answer to a `COMMIT` that succeeded, as it stands in `CommandComplete`.
pub const COMMITTED: &[u8] = b"COMMIT\0";

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// Reads what one client sends, however it is cut into pieces.
#[derive(Default)]
pub struct Frontend {
    unread: Vec<u8>,
    /// Whether the start-up message, which has no type, has gone by.
    begun: bool,
    /// Names of prepared statements that are a `COMMIT`, and whether they are.
    statements: HashMap<Vec<u8>, bool>,
    /// The same for portals, which are statements with their parameters.
    portals: HashMap<Vec<u8>, bool>,
}

impl Frontend {
    /// Takes in the next piece. Says whether a `COMMIT` was asked for in a message that ends in it.
    pub fn asks_to_commit(&mut self, piece: &[u8]) -> bool {
        self.unread.extend_from_slice(piece);
        let mut commits = false;
        while let Some(message) = self.next_message() {
            commits |= self.reads(&message);
        }
        commits
    }

    fn next_message(&mut self) -> Option<Vec<u8>> {
        let type_bytes = usize::from(self.begun);
        let length = self.unread.get(type_bytes..type_bytes + 4)?;
        // The length counts itself, but not the type.
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize + type_bytes;
        (self.unread.len() >= length).then(|| self.unread.drain(..length).collect())
    }

    fn reads(&mut self, message: &[u8]) -> bool {
        if !self.begun {
            let code = message.get(4..8).map(|code| u32::from_be_bytes(code.try_into().expect("four bytes")));
            // A question about encryption is answered with one byte; the start-up message is still to come.
            self.begun = !matches!(code, Some(SSL_REQUEST | GSS_REQUEST));
            return false;
        }
        let (kind, mut body) = (message[0], &message[5..]);
        match kind {
            b'Q' => is_commit(text(&mut body)),
            b'P' => {
                let (name, statement) = (text(&mut body), text(&mut body));
                self.statements.insert(name.to_vec(), is_commit(statement));
                false
            }
            b'B' => {
                let (portal, statement) = (text(&mut body), text(&mut body));
                let commits = self.statements.get(statement).copied().unwrap_or(false);
                self.portals.insert(portal.to_vec(), commits);
                false
            }
            b'E' => self.portals.get(text(&mut body)).copied().unwrap_or(false),
            _ => false,
        }
    }
}

/// Takes a text that ends with a zero from the front of `body`.
fn text<'a>(body: &mut &'a [u8]) -> &'a [u8] {
    let length = body.iter().position(|byte| *byte == 0).unwrap_or(body.len());
    let (text, rest) = body.split_at(length);
    *body = rest.get(1..).unwrap_or_default();
    text
}

fn is_commit(statement: &[u8]) -> bool {
    let statement = statement.trim_ascii();
    statement.strip_suffix(b";").unwrap_or(statement).eq_ignore_ascii_case(b"COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [kind, &length, body].concat()
    }

    fn after_start_up() -> Frontend {
        let mut frontend = Frontend::default();
        assert!(!frontend.asks_to_commit(&message(b"", &SSL_REQUEST.to_be_bytes())));
        assert!(!frontend.asks_to_commit(&message(b"", b"\0\x03\0\0user\0postgres\0\0")));
        frontend
    }

    #[test]
    fn a_simple_query_commits_when_that_is_all_it_says() {
        for (statement, commits) in [
            ("COMMIT", true),
            ("commit;", true),
            ("BEGIN", false),
            ("SELECT 'COMMIT'", false),
            ("COMMIT PREPARED 'x'", false),
        ] {
            let query = message(b"Q", format!("{statement}\0").as_bytes());
            assert_eq!(after_start_up().asks_to_commit(&query), commits, "{statement}");
        }
    }

    #[test]
    fn a_prepared_commit_counts_when_it_is_executed_and_each_time() {
        let mut frontend = after_start_up();
        assert!(!frontend.asks_to_commit(&message(b"P", b"s1\0COMMIT\0\0\0")));
        assert!(!frontend.asks_to_commit(&message(b"P", b"s2\0SELECT 1\0\0\0")));
        for (statement, commits) in [(&b"s2"[..], false), (b"s1", true), (b"s1", true)] {
            let bind = [b"\0", statement, b"\0\0\0\0\0\0\0"].concat();
            assert!(!frontend.asks_to_commit(&message(b"B", &bind)));
            assert_eq!(frontend.asks_to_commit(&message(b"E", b"\0\0\0\0\0")), commits);
        }
    }

    #[test]
    fn it_does_not_matter_where_the_pieces_are_cut() {
        let stream = [message(b"Q", b"BEGIN\0"), message(b"Q", b"COMMIT\0"), message(b"Q", b"SELECT 1\0")].concat();
        let mut frontend = after_start_up();
        let seen = stream.iter().filter(|byte| frontend.asks_to_commit(std::slice::from_ref(byte))).count();
        assert_eq!(seen, 1);
        assert!(after_start_up().asks_to_commit(&stream));
    }
}
