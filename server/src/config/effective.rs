//! The settings in force, as an operator reads them: each with its value and where that comes from, and no secret.

use std::path::Path;

use super::reader::{Fallback, Reader, Setting, SettingOrigin};

/// Stands for what is not shown.
const MASK: &str = "********";

/// Settings that are secret as a whole. Addresses may hold one, which is masked in each.
const SECRETS: [&str; 3] = ["LATCHKEY_SECRET", "JWT_SECRET", "METRICS_TOKEN"];

/// A setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    pub name: &'static str,
    /// The value; `None` where there is none.
    pub value: Option<String>,
    pub origin: SettingOrigin,
    /// What is used instead where nothing is given, in words.
    pub otherwise: Option<&'static str>,
}

/// Every setting, in the order of the documentation.
pub fn all(
    settings: &[Setting],
    env: impl Iterator<Item = (String, String)>,
    file: Option<(&Path, &str)>,
) -> Vec<EffectiveSetting> {
    let reader = Reader::new(settings.iter().copied(), env, file);
    let shown = settings.iter().map(|&Setting { name, fallback, .. }| {
        let (value, origin) = match reader.text(name) {
            Some((text, origin)) => ((!text.is_empty()).then(|| masked(name, text)), origin),
            None => (None, SettingOrigin::Absent),
        };
        let otherwise = match fallback {
            Fallback::Explained(sentence) if value.is_none() => Some(sentence),
            Fallback::Explained(_) | Fallback::Text(_) => None,
        };
        EffectiveSetting { name, value, origin, otherwise }
    });
    shown.collect()
}

fn masked(name: &str, text: &str) -> String {
    if SECRETS.contains(&name) { MASK.to_owned() } else { masked_address(text) }
}

/// An address without the password between its scheme and its host, and without parameters that may be one. Other texts
/// stay as they are.
fn masked_address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (format!("{}:{MASK}@", user.split(':').next().unwrap_or_default()), place),
        None => (String::new(), rest),
    };
    if place.to_lowercase().contains("pass") {
        let before = place.split(['?', '&']).next().unwrap_or_default();
        return format!("{scheme}://{user}{before}?{MASK}");
    }
    format!("{scheme}://{user}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;

    #[test]
    fn no_password_of_an_address_is_shown() {
        for (text, shown) in [
            ("postgres://u:hunter2@db:5432/x", "postgres://u:********@db:5432/x"),
            ("postgres://u:hunter@2@db/x?sslmode=require", "postgres://u:********@db/x?sslmode=require"),
            ("postgres://u:hunter?2@db/x", "postgres://u:********@db/x"),
            ("postgres://db/x?user=u&password=hunter2", "postgres://db/x?********"),
            ("smtps://u%40x:hunter2@mail.example.com", "smtps://u%40x:********@mail.example.com"),
            ("sqlite://data/latchkey.db", "sqlite://data/latchkey.db"),
            ("15m", "15m"),
        ] {
            assert_eq!(masked_address(text), shown);
        }
    }

    #[test]
    fn whatever_is_called_a_secret_is_masked() {
        for setting in settings() {
            let is_secret = ["SECRET", "TOKEN", "PASSWORD"].iter().any(|word| setting.name.ends_with(word));
            assert_eq!(SECRETS.contains(&setting.name), is_secret, "{}", setting.name);
        }
    }

    #[test]
    fn each_setting_says_where_it_comes_from() {
        let env = [("JWT_EXPIRE", "5m"), ("LATCHKEY_SECRET", "hunter2")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings: Vec<Setting> = settings().collect();
        let file = Some((Path::new("latchkey.toml"), "refresh_grace = \"20s\"\n"));
        let shown = all(&settings, env.into_iter(), file);
        let of = |name: &str| shown.iter().find(|setting| setting.name == name).unwrap().clone();
        assert_eq!(
            (of("JWT_EXPIRE").value.as_deref(), of("JWT_EXPIRE").origin),
            (Some("5m"), SettingOrigin::Environment)
        );
        assert_eq!(of("REFRESH_GRACE").origin, SettingOrigin::File("latchkey.toml".into()));
        assert_eq!(of("REFRESH_EXPIRE").value.as_deref(), Some("30d"));
        assert_eq!(of("LATCHKEY_SECRET").value.as_deref(), Some(MASK));
        assert_eq!([of("JWT_SECRET").value, of("METRICS_TOKEN").value], [None, None], "what is not set is not hidden");
        assert_eq!((of("PUBLIC_URL").value, of("PUBLIC_URL").otherwise.is_some()), (None, true));
    }
}
