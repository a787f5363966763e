//! Characters that show nothing where they stand: pasted along unseen, they make two texts of one, or a name of
//! nothing.

/// Whether a character shows nothing by itself and is no space: Unicode's default-ignorable code points, the controls
/// of direction and of joining, noncharacters, and the blanks that pass for letters or symbols.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{2d7f}' | '\u{fdd0}'..='\u{fdef}' | '\u{110bd}' | '\u{13430}'..='\u{1345f}' | '\u{16fe4}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Whether a character only changes the one before it, and alone shows nothing that anybody could name.
fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{951}'..='\u{957}'
        | '\u{a01}'..='\u{a03}' | '\u{a3c}'..='\u{a51}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a character turns the direction of all that follows it, also of what stands beside a name.
pub const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether there is anything to see in a text.
pub fn shows_something(text: &str) -> bool {
    text.chars().any(|c| !(c.is_whitespace() || c.is_control() || is_invisible(c) || is_combining(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("\u{200b}")]
    #[case("\u{3164}")]
    #[case("\u{2800}\u{2800}")]
    #[case("\u{202e}\u{2066}\u{2069}\u{200f}")]
    #[case("\u{ad}\u{200d} \u{feff}")]
    #[case("\u{301}")]
    #[case("\u{115f}\u{1160}\u{ffa0}")]
    #[case("\u{e0041}")]
    #[case("\u{13430}\u{1343c}\u{16fe4}\u{2d7f}")]
    #[case("\u{fffe}\u{fdd0}\u{1ffff}")]
    #[case("\u{5b0}\u{a51}\u{e31}")]
    #[case(" \u{a0}\u{2003}\u{3000}")]
    fn nothing_is_shown(#[case] text: &str) {
        assert!(!shows_something(text), "{text:?}");
    }

    #[rstest]
    #[case("Ada")]
    #[case("李")]
    #[case("\u{200f}עדה")]
    #[case("👩\u{200d}💻")]
    #[case("e\u{301}")]
    #[case("-")]
    fn something_is_shown(#[case] text: &str) {
        assert!(shows_something(text), "{text:?}");
    }
}
