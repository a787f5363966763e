//! What addresses with a password in them must look like, whatever they are addresses of.
//!
//! A character that means something in an address and is not escaped (RFC 3986, 2.1) moves the end of the host: a
//! program then waits for a machine that does not exist, or tells another one a piece of the password.

/// Refuses an address whose user and password cannot be told from the rest without doubt. Quotes nothing of it.
pub fn check(text: &str) -> Result<(), String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    if rest.contains('#') {
        return Err(unescaped('#', "%23"));
    }
    if rest.contains(char::is_whitespace) {
        return Err("holds a space: inside a user name or password it is written %20".to_owned());
    }
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match (authority.matches('@').count(), behind.matches('@').count()) {
        (0 | 1, 0) => {}
        (0, _) => {
            return Err(
                "has no host before its path: inside a user name or password, / is written %2F, ? %3F and @ %40"
                    .to_owned(),
            );
        }
        _ => return Err(unescaped('@', "%40")),
    }
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    if user.matches(':').count() > 1 {
        return Err(unescaped(':', "%3A"));
    }
    if user.contains(['[', ']', '<', '>', '{', '}', '"', '^', '`', '|']) {
        return Err("has a character in its user name or password that must be escaped, such as [ as %5B".to_owned());
    }
    if !percent_signs_are_escapes(rest) {
        return Err(unescaped('%', "%25"));
    }
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("has no whole number as its port: an IPv6 address stands in brackets".to_owned());
    }
    Ok(())
}

fn unescaped(character: char, escape: &str) -> String {
    format!("holds a {character} that belongs to no address: inside a user name or password it is written {escape}")
}

fn percent_signs_are_escapes(text: &str) -> bool {
    let mut pieces = text.split('%');
    pieces.next();
    pieces.all(|piece| piece.len() >= 2 && piece.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("postgres://latchkey@localhost/latchkey")]
    #[case("postgres://u:p@db:5432/name?sslmode=verify-full&sslrootcert=/path/ca.pem")]
    #[case("postgres://u:p%40ss%23w%2Frd%3A%25@[::1]:5432/name")]
    #[case("postgresql:///name?host=/run/postgresql")]
    #[case("postgres://%2Frun%2Fpostgresql/name")]
    #[case("redis://:p@cache:6379/2")]
    #[case("smtp://127.0.0.1:1025")]
    #[case("smtps://user%40example.com:p$w!*()@mail.example.com")]
    fn an_address_that_says_one_thing_passes(#[case] text: &str) {
        assert_eq!(check(text), Ok(()));
    }

    #[rstest]
    #[case::at_in_the_password("postgres://u:hunter@2@db/name", "%40")]
    #[case::at_in_the_user("postgres://u@x:hunter2@db/name", "%40")]
    #[case::hash_in_the_password("postgres://u:hunter#2@db/name", "%23")]
    #[case::digits_before_the_hash("postgres://u:12#hunter2@db/name", "%23")]
    #[case::hash_in_the_name("postgres://u:p@db/na#me", "%23")]
    #[case::slash_in_the_password("postgres://u:12/hunter2@db/name", "%2F")]
    #[case::question_mark_in_the_password("postgres://u:12?hunter2@db/name", "%3F")]
    #[case::colon_in_the_password("postgres://u:hunter:2@db/name", "%3A")]
    #[case::percent_in_the_password("postgres://u:hunter%2@db/name", "%25")]
    #[case::bracket_in_the_password("postgres://u:hunter[2@db/name", "%5B")]
    #[case::space("postgres://u:hunter 2@db/name", "%20")]
    #[case::port_that_is_none("postgres://u:hunter2@db:five/name", "port")]
    #[case::six_without_brackets("postgres://u:hunter2@2001:db8::1:x/name", "brackets")]
    fn an_unescaped_character_is_reported_with_its_escape_and_without_the_password(
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        let message = check(text).unwrap_err();
        assert!(message.contains(expected) && !message.contains("hunter"), "{message}");
    }
}
