//! Why a value was refused.

/// Why a value was refused: a code for programs, a sentence for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Stable, in kebab-case, such as `too-short`.
    pub code: &'static str,
    /// A sentence that can stand under the field.
    pub message: String,
}

impl Invalid {
    /// A refusal.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
