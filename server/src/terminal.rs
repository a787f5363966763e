//! Text that others have chosen, such as names, reasons and user agents, made harmless to the terminal that shows it:
//! control characters move the cursor, hide lines and set titles, and some characters turn what follows around.

use std::fmt::Write as _;

/// Stands for a character that is not shown.
const HIDDEN: char = '\u{fffd}';

/// A text for a line of its own.
pub fn line(text: &str) -> String {
    text.chars().map(|character| if is_harmful(character) { HIDDEN } else { character }).collect()
}

/// A text of several lines.
pub fn lines(text: &str) -> String {
    let shown = |character| if character != '\n' && is_harmful(character) { HIDDEN } else { character };
    text.chars().map(shown).collect()
}

/// JSON that says the same, with what is harmful written as JSON writes it (RFC 8259, section 7). Writers of JSON
/// escape the first of the control characters only.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_harmful(character) {
            // Writing to a text cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters, of which terminals also take those above ASCII, and what turns text around without an end (UAX
/// #9, 2.1 to 2.4).
fn is_harmful(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clears the screen, by two bytes and by one; deletes; overwrites the line; turns what follows around.
    const HOSTILE: &str = "a\u{1b}[2J\u{9b}2Jb\u{7f}\rc\u{202e}d\ne";

    #[test]
    fn what_a_terminal_would_act_on_is_not_shown() {
        assert_eq!(line(HOSTILE), "a\u{fffd}[2J\u{fffd}2Jb\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(lines(HOSTILE), "a\u{fffd}[2J\u{fffd}2Jb\u{fffd}\u{fffd}c\u{fffd}d\ne");
        let plain = "Ada 李 Łukasz שָׁלוֹם 👩‍💻";
        assert_eq!((line(plain), lines(plain), json(plain)), (plain.to_owned(), plain.to_owned(), plain.to_owned()));
    }

    #[test]
    fn json_says_the_same_and_holds_nothing_that_a_terminal_would_act_on() {
        let written = json(&serde_json::to_string_pretty(&[HOSTILE]).unwrap());
        assert!(!written.chars().any(|character| character != '\n' && is_harmful(character)), "{written:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), [HOSTILE]);
    }
}
