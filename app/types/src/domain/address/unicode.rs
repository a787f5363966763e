//! The one form of an address, by Unicode's tables: NFC before the `@` (UAX 15), ASCII after it (UTS 46, as IDNA 2008
//! wants it).

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;

/// What stands before the `@`. Characters that only look like others (the Kelvin sign, ligatures, full-width letters)
/// are refused: folded, they would be somebody else's address; left alone, nobody could tell the two apart.
pub fn local(typed: &str) -> Option<String> {
    if typed.chars().any(poses_as_ascii) {
        return None;
    }
    let composed: String = typed.nfc().collect();
    if !composed.nfkc().eq(composed.chars()) {
        return None;
    }
    Some(composed.to_lowercase().nfc().collect())
}

/// The domain in ASCII and lower case; `None` where there can be none of that name.
pub fn domain(typed: &str) -> Option<String> {
    // Full-width spelling comes from keyboards, and is meant as what it folds to.
    if typed.chars().any(|c| poses_as_ascii(c) && !matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{ff61}')) {
        return None;
    }
    let ascii = Uts46::new().to_ascii(typed.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    ascii.map(std::borrow::Cow::into_owned).ok()
}

/// Whether a character beyond ASCII turns into ASCII when it is folded.
fn poses_as_ascii(c: char) -> bool {
    !c.is_ascii() && (c.nfkc().any(|folded| folded.is_ascii()) || c.to_lowercase().any(|lower| lower.is_ascii()))
}

#[cfg(test)]
mod tests {
    use super::super::Email;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::idn("ada@bücher.example", "ada@xn--bcher-kva.example")]
    #[case::idn_in_ascii("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example")]
    #[case::idn_shouted("ADA@XN--BCHER-KVA.EXAMPLE", "ada@xn--bcher-kva.example")]
    #[case::idn_capital("ada@BÜCHER.example", "ada@xn--bcher-kva.example")]
    #[case::idn_decomposed("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example")]
    #[case::full_width("ada@ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example.com")]
    #[case::ideographic_dot("ada@example。com", "ada@example.com")]
    #[case::decomposed("jose\u{301}@example.com", "jos\u{e9}@example.com")]
    #[case::composed("JOS\u{c9}@example.com", "jos\u{e9}@example.com")]
    fn an_address_has_one_form(#[case] typed: &str, #[case] stored: &str) {
        assert_eq!(Email::parse(typed).unwrap().as_str(), stored);
        assert_eq!(Email::parse_existing(typed).unwrap().as_str(), stored);
        assert_eq!(Email::parse(stored).unwrap().as_str(), stored, "the form of the form is itself");
    }

    #[rstest]
    #[case::kelvin("\u{212a}elvin@example.com")]
    #[case::kelvin_in_the_domain("a@\u{212a}elvin.example")]
    #[case::ligature("\u{fb01}nn@example.com")]
    #[case::full_width("ａｄａ@example.com")]
    #[case::full_width_at("ada＠example.com")]
    #[case::dotted_capital("\u{130}da@example.com")]
    #[case::long_s("a\u{17f}a@example.com")]
    #[case::circled("\u{2460}@example.com")]
    #[case::no_punycode("ada@xn--\u{fc}.example")]
    #[case::broken_punycode("ada@xn--a.example")]
    #[case::full_width_ip("a@１２７.0.0.1")]
    #[case::slash("a@exam\u{2100}ple.com")]
    fn an_address_that_imitates_another_is_refused(#[case] typed: &str) {
        assert!(Email::parse(typed).is_err() && Email::parse_existing(typed).is_err(), "{typed:?}");
    }

    proptest! {
        #[test]
        fn parsing_a_parsed_address_changes_nothing(typed in "\\PC{1,20}@\\PC{1,20}(\\.\\PC{1,8})?") {
            if let Ok(email) = Email::parse_existing(&typed) {
                let again = Email::parse(email.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), email.as_str());
            }
        }
    }
}
