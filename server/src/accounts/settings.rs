//! The settings of this area.

use std::time::Duration;

use crate::config::{Fallback, FromReader, Reader, Section, ServerConfig, Setting};

const SETTINGS: &[Setting] = &[
    Setting::new(
        "REQUIRE_EMAIL_VERIFICATION",
        Fallback::Text("true"),
        "Whether an address must be proved before the first sign-in.",
    )
    .compared(|config| config.section::<AccountsConfig>().require_email_verification.to_string()),
    Setting::new("PASSWORD_MIN_LENGTH", Fallback::Text("8"), "Characters a new password needs, 8 to 64."),
    Setting::new(
        "SUDO_WINDOW",
        Fallback::Text("10m"),
        "What cannot be undone needs a sign-in younger than this, or the password again.",
    ),
];

pub const SECTION: Section = Section::new::<AccountsConfig>(SETTINGS);

/// What proving to be somebody takes.
#[derive(Clone, Copy, Debug)]
pub struct AccountsConfig {
    /// Whether an address must be proved before the first sign-in.
    pub require_email_verification: bool,
    /// Characters a new password needs.
    pub password_min_chars: usize,
    /// What cannot be undone needs a sign-in younger than this, or the password again.
    pub sudo_window: Duration,
}

impl FromReader for AccountsConfig {
    fn read(reader: &mut Reader, _: &ServerConfig) -> Self {
        Self {
            require_email_verification: reader.switch("REQUIRE_EMAIL_VERIFICATION"),
            password_min_chars: reader.number("PASSWORD_MIN_LENGTH", 8, 64),
            sudo_window: reader.duration("SUDO_WINDOW", Duration::ZERO, Duration::from_hours(24)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::{development, production, refused};

    #[test]
    fn an_address_is_proved_first_unless_the_settings_do_without() {
        let config = development(&[]).unwrap();
        let settings = config.section::<AccountsConfig>();
        assert!(settings.require_email_verification);
        assert_eq!(settings.sudo_window, Duration::from_mins(10));
        let config = production(&[("REQUIRE_EMAIL_VERIFICATION", "false")]).unwrap();
        assert!(!config.section::<AccountsConfig>().require_email_verification);
    }

    #[rstest]
    #[case::short_passwords("PASSWORD_MIN_LENGTH", "7")]
    #[case::a_sign_in_that_counts_for_days("SUDO_WINDOW", "2d")]
    fn one_faulty_setting_is_refused_by_name(#[case] name: &str, #[case] value: &str) {
        assert_eq!(refused(production(&[(name, value)])), [name]);
    }
}
