//! The words for an account.

use super::vocabulary::vocabulary;

vocabulary! {
    /// Who an account is for.
    #[derive(Default)]
    AccountType {
        /// One user.
        #[default]
        Individual = "INDIVIDUAL",
        /// A business.
        Business = "BUSINESS",
    }
}
