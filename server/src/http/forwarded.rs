//! What proxies write of whom they ask for: `Forwarded` (RFC 7239) and `X-Forwarded-For`, read by their grammars.
//!
//! Both are lists that each proxy adds to, and a client may have begun them. So a member that cannot be read says
//! nothing about the others, and is given as `None`: whoever reads from the end stops there. Whom to believe is decided
//! elsewhere.

use std::net::IpAddr;
use std::str::FromStr as _;

/// The addresses that a field `X-Forwarded-For` names, in its order; `None` for a member that is none.
///
/// Its members have no commas inside, so that a quote which a client has left open cannot swallow what a proxy wrote
/// behind it. Empty members are left out (RFC 9110, 5.6.1.2).
pub fn x_forwarded_for(field: &[u8]) -> Vec<Option<IpAddr>> {
    let members = field.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty());
    members.map(|member| node(&unquoted(member)?)).collect()
}

/// The addresses that a field `Forwarded` names as `for`, one of each element; `None` where it names none, an unknown
/// or hidden one, or is not what the grammar allows.
pub fn forwarded(field: &[u8]) -> Vec<Option<IpAddr>> {
    let mut input = Input { left: field };
    let mut found = Vec::new();
    loop {
        input.skip_space();
        if input.left.is_empty() {
            return found;
        }
        if input.take(b',') {
            continue;
        }
        if let Some(element) = input.element() {
            found.push(element.client());
        } else {
            found.push(None);
            // A quote in the wrong place may be meant to begin or to end what stands between quotes: nobody knows any
            // more what does.
            let end = input.left.iter().position(|byte| matches!(byte, b',' | b'"')).unwrap_or(input.left.len());
            input.left = &input.left[end..];
            if input.left.first() == Some(&b'"') {
                return found;
            }
        }
    }
}

/// What is still to be read of a field.
struct Input<'f> {
    left: &'f [u8],
}

/// One element: what one proxy wrote.
#[derive(Default)]
struct Element {
    /// Names in lower case, and values without their quotes.
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Element {
    fn client(&self) -> Option<IpAddr> {
        let (_, value) = self.pairs.iter().find(|(name, _)| name == b"for")?;
        node(value)
    }

    /// Adds a pair, unless the name was there before, which makes the element wrong (RFC 7239, section 4).
    fn add(&mut self, name: &[u8], value: Vec<u8>) -> Option<()> {
        let name = name.to_ascii_lowercase();
        let is_new = self.pairs.iter().all(|(before, _)| *before != name);
        is_new.then(|| self.pairs.push((name, value)))
    }
}

impl Input<'_> {
    /// `[ pair ] *( ";" [ pair ] )` up to a comma or the end. Space around the semicolons is not in the grammar, but is
    /// written.
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        loop {
            self.skip_space();
            match self.left.first() {
                None | Some(b',') => return Some(element),
                Some(b';') => self.left = &self.left[1..],
                Some(_) => {
                    let name = self.take_while(is_token);
                    if name.is_empty() || !self.take(b'=') {
                        return None;
                    }
                    let value = self.value()?;
                    element.add(name, value)?;
                    self.skip_space();
                    if !matches!(self.left.first(), None | Some(b',' | b';')) {
                        return None;
                    }
                }
            }
        }
    }

    /// A token or a quoted string. Colons and brackets belong between quotes; proxies that leave those out mean no
    /// less.
    fn value(&mut self) -> Option<Vec<u8>> {
        if self.left.first() == Some(&b'"') {
            let (value, length) = quoted_string(self.left)?;
            self.left = &self.left[length..];
            return Some(value);
        }
        let value = self.take_while(|byte| is_token(byte) || matches!(byte, b':' | b'[' | b']'));
        (!value.is_empty()).then(|| value.to_vec())
    }

    fn take(&mut self, wanted: u8) -> bool {
        let there = self.left.first() == Some(&wanted);
        if there {
            self.left = &self.left[1..];
        }
        there
    }

    fn skip_space(&mut self) {
        self.take_while(is_space);
    }
}

impl<'f> Input<'f> {
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'f [u8] {
        let end = self.left.iter().position(|byte| !belongs(*byte)).unwrap_or(self.left.len());
        let (taken, left) = self.left.split_at(end);
        self.left = left;
        taken
    }
}

/// `tchar` of RFC 9110, 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// `OWS` of RFC 9110, 5.6.3.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A quoted string at the beginning of `bytes` (RFC 9110, 5.6.4): what it says, and how long it is. `None` where it has
/// no end.
fn quoted_string(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let text = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    let mut value = Vec::new();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((value, at + 1)),
            b'\\' => {
                at += 1;
                value.push(*bytes.get(at).filter(|byte| text(**byte))?);
            }
            byte if text(*byte) => value.push(*byte),
            _ => return None,
        }
        at += 1;
    }
}

/// A member without the quotes that some proxies put around it.
fn unquoted(member: &[u8]) -> Option<Vec<u8>> {
    if member.first() != Some(&b'"') {
        return Some(member.to_vec());
    }
    let (value, length) = quoted_string(member)?;
    (length == member.len()).then_some(value)
}

/// The address of a node, with or without a port and a zone: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
/// `[fe80::1%eth0]:80`. `None` for `unknown` and for hidden ones (RFC 7239, section 6).
fn node(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?;
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inside, behind) = rest.split_once(']')?;
        if !behind.is_empty() && !is_port(behind.strip_prefix(':')?) {
            return None;
        }
        six(inside)?
    } else if text.matches(':').count() == 1 {
        let (host, port) = text.split_once(':')?;
        is_port(port).then(|| IpAddr::from_str(host).ok()).flatten()?
    } else {
        IpAddr::from_str(text).ok().or_else(|| six(text))?
    };
    Some(address.to_canonical())
}

/// An IPv6 address. Its zone means something only on the machine that wrote it (RFC 6874 escapes the sign before it).
fn six(text: &str) -> Option<IpAddr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let of_zone = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let is_zone = |zone: &str| {
        let name = zone.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(zone);
        !name.is_empty() && name.chars().all(of_zone)
    };
    if zone.is_some_and(|zone| !is_zone(zone)) {
        return None;
    }
    address.parse().ok().map(IpAddr::V6)
}

/// A port, or one that is hidden.
fn is_port(text: &str) -> bool {
    let hidden = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let number = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok();
    number || text.strip_prefix('_').is_some_and(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn addresses(texts: &[&str]) -> Vec<Option<IpAddr>> {
        texts.iter().map(|text| text.parse().ok()).collect()
    }

    #[rstest]
    #[case::plain("for=192.0.2.43", &["192.0.2.43"])]
    #[case::any_case("For=192.0.2.43;PROTO=http", &["192.0.2.43"])]
    #[case::two("for=192.0.2.43, for=198.51.100.17", &["192.0.2.43", "198.51.100.17"])]
    #[case::six(r#"for="[2001:db8:cafe::17]:4711""#, &["2001:db8:cafe::17"])]
    #[case::other_pairs("by=203.0.113.60;for=192.0.2.60;proto=http", &["192.0.2.60"])]
    #[case::what_is_between_quotes_is_no_element(r#"for=192.0.2.43;host="evil,for=8.8.8.8""#, &["192.0.2.43"])]
    #[case::nor_a_pair(r#"host="a;for=8.8.8.8";for=192.0.2.43"#, &["192.0.2.43"])]
    #[case::nor_behind_an_escaped_quote(r#"host="a\",for=8.8.8.8";for=192.0.2.43"#, &["192.0.2.43"])]
    #[case::escaped_letters(r#"for="1\92.0.2.43""#, &["192.0.2.43"])]
    #[case::an_escaped_backslash_ends_nothing(r#"host="a\\",for=192.0.2.43"#, &["-", "192.0.2.43"])]
    #[case::port_in_quotes(r#"for="192.0.2.43:80""#, &["192.0.2.43"])]
    #[case::port_without_quotes("for=192.0.2.43:80", &["192.0.2.43"])]
    #[case::hidden_port(r#"for="192.0.2.43:_p1""#, &["192.0.2.43"])]
    #[case::zone(r#"for="[fe80::1%25eth0]:80""#, &["fe80::1"])]
    #[case::hidden("for=_hidden, for=_SEVKISEK", &["-", "-"])]
    #[case::unknown("for=unknown", &["-"])]
    #[case::no_for("by=203.0.113.43;proto=https", &["-"])]
    #[case::a_name_that_ends_like_it("xfor=8.8.8.8", &["-"])]
    #[case::empty_elements(", ,for=192.0.2.43,, ,", &["192.0.2.43"])]
    #[case::empty_pairs(";for=192.0.2.43;;", &["192.0.2.43"])]
    #[case::space(" for=192.0.2.43 ; proto=http\t,\tfor=192.0.2.44 ", &["192.0.2.43", "192.0.2.44"])]
    #[case::space_around_the_sign("for = 192.0.2.43", &["-"])]
    #[case::twice_in_one_element("for=192.0.2.43;for=8.8.8.8", &["-"])]
    #[case::twice_in_two_spellings("for=192.0.2.43;FOR=8.8.8.8, for=192.0.2.44", &["-", "192.0.2.44"])]
    #[case::other_pairs_twice("host=a;host=b;for=192.0.2.43", &["-"])]
    #[case::a_quote_left_open(r#"for=192.0.2.43;host="evil, for=8.8.8.8"#, &["-"])]
    #[case::a_quote_inside_a_token(r#"for=8.8.8.8;a=b"c, for=192.0.2.43"#, &["-"])]
    #[case::behind_the_quotes(r#"host="a"b;for=8.8.8.8, for=192.0.2.43"#, &["-", "192.0.2.43"])]
    #[case::rubbish_before("@@, for=192.0.2.43", &["-", "192.0.2.43"])]
    #[case::empty_value("for=, for=192.0.2.43", &["-", "192.0.2.43"])]
    #[case::nothing("", &[])]
    fn an_element_is_read_by_its_grammar(#[case] field: &str, #[case] expected: &[&str]) {
        assert_eq!(forwarded(field.as_bytes()), addresses(expected));
    }

    #[rstest]
    #[case("203.0.113.7", &["203.0.113.7"])]
    #[case("1.2.3.4, 203.0.113.7", &["1.2.3.4", "203.0.113.7"])]
    #[case::empty_members(",, 203.0.113.7 ,\t, ", &["203.0.113.7"])]
    #[case::in_quotes(r#""203.0.113.7""#, &["203.0.113.7"])]
    #[case::six_in_quotes(r#""[2001:db8::1]:443""#, &["2001:db8::1"])]
    #[case::port("203.0.113.7:52011", &["203.0.113.7"])]
    #[case::six("2001:db8::1", &["2001:db8::1"])]
    #[case::six_in_brackets("[2001:db8::1]", &["2001:db8::1"])]
    #[case::zone("fe80::1%eth0", &["fe80::1"])]
    #[case::zone_in_brackets("[fe80::1%eth0.4]:80", &["fe80::1"])]
    #[case::escaped_zone("[fe80::1%251]", &["fe80::1"])]
    #[case::mapped("::ffff:203.0.113.7", &["203.0.113.7"])]
    #[case::mapped_with_port("[::ffff:203.0.113.7]:1", &["203.0.113.7"])]
    #[case::an_open_quote_swallows_nothing("\"1.2.3.4, 203.0.113.7", &["-", "203.0.113.7"])]
    #[case::unknown("unknown, 203.0.113.7", &["-", "203.0.113.7"])]
    #[case::no_port("203.0.113.7:", &["-"])]
    #[case::port_too_large("203.0.113.7:65536", &["-"])]
    #[case::signed_port("203.0.113.7:+80", &["-"])]
    #[case::behind_the_bracket("[2001:db8::1]80", &["-"])]
    #[case::open_bracket("[2001:db8::1", &["-"])]
    #[case::four_in_brackets("[203.0.113.7]", &["-"])]
    #[case::no_zone("fe80::1%", &["-"])]
    #[case::zone_of_four("203.0.113.7%eth0", &["-"])]
    #[case::octal("203.0.113.010", &["-"])]
    #[case::short("127.1", &["-"])]
    #[case::name("client.example", &["-"])]
    fn a_member_is_an_address_in_any_spelling_that_proxies_use(#[case] field: &str, #[case] expected: &[&str]) {
        assert_eq!(x_forwarded_for(field.as_bytes()), addresses(expected));
    }

    #[test]
    fn bytes_that_are_no_text_spoil_their_own_member_only() {
        assert_eq!(x_forwarded_for(b"\xff\xfe, 203.0.113.7"), addresses(&["-", "203.0.113.7"]));
        assert_eq!(forwarded(b"for=\xff, for=203.0.113.7"), addresses(&["-", "203.0.113.7"]));
        assert_eq!(forwarded(b"host=\"\xff,for=8.8.8.8\";for=203.0.113.7"), addresses(&["203.0.113.7"]));
    }

    fn in_quotes(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }

    proptest! {
        #[test]
        fn whatever_host_a_proxy_copies_the_address_is_the_one_it_saw(
            host in "[ -~\\t]{0,40}", four in any::<[u8; 4]>(), six in any::<[u8; 16]>(), port in any::<u16>(), before in any::<bool>(),
        ) {
            for seen in [IpAddr::from(four), IpAddr::from(six)] {
                let pair = match seen {
                    IpAddr::V4(four) => format!("for={four}"),
                    IpAddr::V6(six) => format!("for=\"[{six}]:{port}\""),
                };
                let host = format!("host={}", in_quotes(&host));
                let element = if before { format!("{host};{pair}") } else { format!("{pair};{host}") };
                prop_assert_eq!(forwarded(element.as_bytes()), vec![Some(seen.to_canonical())]);
            }
        }

        #[test]
        fn whatever_a_client_began_a_list_with_the_last_of_addresses_is_the_one_the_proxy_added(began in "[ -~]{0,60}") {
            let list = format!("{began}, 203.0.113.7");
            prop_assert_eq!(x_forwarded_for(list.as_bytes()).pop(), addresses(&["203.0.113.7"]).pop());
            // Here a quote may be left open: then nothing is said.
            let list = format!("{began}, for=203.0.113.7");
            let last = forwarded(list.as_bytes()).pop().flatten();
            prop_assert!(last.is_none() || last == "203.0.113.7".parse().ok(), "{last:?}");
        }

        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (forwarded(&bytes), x_forwarded_for(&bytes));
        }
    }
}
