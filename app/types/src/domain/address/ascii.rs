//! The checks of an address that need no Unicode tables. What is not ASCII is left as it was typed: the server folds
//! it.

/// What stands before the `@`.
pub fn local(typed: &str) -> Option<String> {
    (!typed.is_empty()).then(|| typed.to_ascii_lowercase())
}

/// The domain; `None` where it is none, as far as can be seen.
pub fn domain(typed: &str) -> Option<String> {
    let label_is_fit = |label: &str| {
        let chars_fit = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii());
        !label.is_empty() && label.len() <= 63 && chars_fit && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_fit = typed.split('.').all(label_is_fit) && !typed.contains(|c: char| c.is_whitespace() || c.is_control());
    is_fit.then(|| typed.to_ascii_lowercase())
}
