//! The master secret: given, or in development kept in a file that is made on first start.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use super::reader::Reader;
use super::server::Environment;
use crate::random::Random;

/// The fewest characters a secret may have: 32 random ones carry more than 128 bits in any usual alphabet.
pub const LEAST_CHARS: usize = 32;

/// Fragments of secrets that were copied from somebody's documentation, squeezed. Random letters hardly ever hold one:
/// each has at least six.
const SAMPLE_WORDS: [&str; 16] = [
    "changeme",
    "changethis",
    "changeit",
    "password",
    "example",
    "replaceme",
    "replacethis",
    "secret",
    "placeholder",
    "latchkey",
    "openssl",
    "urandom",
    "characters",
    "random",
    "default",
    "qwertyui",
];

/// All that our documentation says, squeezed: see `build.rs`.
const DOCUMENTATION: &str = include_str!(concat!(env!("OUT_DIR"), "/documentation.txt"));
/// As much of a secret as is looked for there; less may be in any text by chance.
const LEAST_COPIED: usize = 12;

/// Where every key comes from.
#[derive(Clone, Debug)]
pub enum MasterSecret {
    /// It was given.
    Given(SecretString),
    /// It lives in this file, to be made where it is missing. Development only.
    File(PathBuf),
}

impl MasterSecret {
    /// The secret itself; makes the file, readable by its owner alone, where there is none.
    ///
    /// # Errors
    /// Where the file can be neither read nor made, or is too short to be one of ours.
    pub fn resolve(&self, random: &dyn Random) -> io::Result<SecretString> {
        let path = match self {
            Self::Given(secret) => return Ok(secret.clone()),
            Self::File(path) => path,
        };
        match fs::File::open(path) {
            Ok(file) => read_file(file),
            Err(error) if error.kind() == ErrorKind::NotFound => make_file(path, random),
            Err(error) => Err(error),
        }
    }

    /// What to begin with where the database keeps it and has none yet: what was kept in a file before, or a new one.
    /// `None` where it was given, and nothing is to be kept.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn for_database(&self, random: &dyn Random) -> io::Result<Option<SecretString>> {
        match self {
            Self::Given(_) => Ok(None),
            Self::File(path) if path.exists() => self.resolve(random).map(Some),
            Self::File(_) => Ok(Some(draw(random).into())),
        }
    }
}

fn draw(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_file(mut file: fs::File) -> io::Result<SecretString> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let text = text.trim();
    if text.chars().count() < LEAST_CHARS {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "the secret file is too short; delete it to have a new one made",
        ));
    }
    Ok(text.into())
}

fn make_file(path: &Path, random: &dyn Random) -> io::Result<SecretString> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = draw(random);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(format!("{text}\n").as_bytes())?;
            file.sync_all()?;
            Ok(text.into())
        }
        // Another server that was started at the same moment was faster: theirs counts.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_file(fs::File::open(path)?),
        Err(error) => Err(error),
    }
}

pub(super) fn read_master(reader: &mut Reader, environment: Environment, data_folder: &Path) -> MasterSecret {
    let stand_in = MasterSecret::File(data_folder.join("secret"));
    if !reader.is_given("LATCHKEY_SECRET") {
        if environment == Environment::Production {
            reader.refuse(
                "LATCHKEY_SECRET",
                "is required in production: 32 random characters or more, for example from `openssl rand -base64 48`",
            );
        }
        return stand_in;
    }
    reader.read("LATCHKEY_SECRET", |text| parse(text, environment)).map_or(stand_in, MasterSecret::Given)
}

/// Reads a secret: long enough, and in production not one that could be guessed.
pub fn parse(text: &str, environment: Environment) -> Result<SecretString, String> {
    let chars = text.chars().count();
    if chars < LEAST_CHARS {
        return Err(format!("must have at least {LEAST_CHARS} characters; this has {chars}"));
    }
    if environment == Environment::Production && is_weak(text) {
        return Err(
            "could be guessed: it repeats itself or comes from an example; take one from `openssl rand -base64 48`"
                .to_owned(),
        );
    }
    Ok(text.into())
}

/// Whether a secret is made of few characters, of one piece repeated or counted up, or was copied from documentation,
/// ours or another's.
fn is_weak(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut distinct = chars.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let repeats =
        (1..=chars.len() / 2).any(|period| chars.iter().skip(period).eq(chars.iter().take(chars.len() - period)));
    let squeezed: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let copied = squeezed.len() < LEAST_COPIED || DOCUMENTATION.contains(&squeezed);
    distinct.len() < 8
        || repeats
        || copied
        || counts_up(&squeezed)
        || SAMPLE_WORDS.iter().any(|word| squeezed.contains(word))
}

/// Whether most of it is the alphabet, the digits or a row of them backwards.
fn counts_up(squeezed: &str) -> bool {
    let follows = |pair: &[u8]| pair[0].abs_diff(pair[1]) <= 1 || matches!(pair, b"90" | b"09");
    let steps = squeezed.as_bytes().windows(2).filter(|pair| follows(pair)).count();
    2 * steps > squeezed.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;
    use rstest::rstest;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;

    #[rstest]
    #[case::one_letter("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    #[case::two_letters("abababababababababababababababababab")]
    #[case::a_piece_repeated("k3y-P13ce-0f!k3y-P13ce-0f!k3y-P13ce-0f!")]
    #[case::documentation("please-change-me-to-something-random-1")]
    #[case::sample("my-super-example-key-0123456789-abcdef")]
    #[case::counted_up("abcdefghijklmnopqrstuvwxyz0123456789")]
    #[case::counted_down("9876543210zyxwvutsrqponmlkjihgfedcba")]
    #[case::of_another_library("a-string-secret-at-least-256-bits-long")]
    #[case::a_command_that_was_not_run("$(openssl rand -base64 48 | tr -d '\\n')")]
    #[case::a_sentence_of_the_readme("Every value is checked at start, and unknown names are refused.")]
    #[case::the_same_in_other_letters("every_value_is_checked_at_start_and_unknown")]
    #[case::hardly_any_letters("!!##%%&&//((--..__;;::,,<<>>||==+~")]
    fn a_secret_that_could_be_guessed_is_refused_in_production_only(#[case] text: &str) {
        assert!(parse(text, Environment::Production).is_err());
        assert!(parse(text, Environment::Development).is_ok());
    }

    #[test]
    fn length_counts_in_every_environment() {
        let random = "q7Xv2LrT9bWz4KcN8mJd1HsF6gYp3RuQ";
        assert!(parse(random, Environment::Production).is_ok());
        assert!(parse(&random[1..], Environment::Production).is_err());
        assert!(parse(&random[1..], Environment::Development).is_err());
    }

    /// Everything in the documentation that somebody may take for a secret, because it is long enough for one and has
    /// no space in it.
    #[test]
    fn no_secret_is_taken_from_the_documentation() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut texts = vec![fs::read_to_string(root.join("README.md")).unwrap()];
        for folder in ["docs", "docs/decisions"] {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|kind| kind == "md") {
                    texts.push(fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut seen = 0;
        for text in &texts {
            let words = text.split(|c: char| c.is_whitespace() || "`'\"|()<>,;=".contains(c));
            let spans = text.split('`').skip(1).step_by(2);
            for candidate in words.chain(spans).filter(|candidate| candidate.chars().count() >= LEAST_CHARS) {
                assert!(parse(candidate, Environment::Production).is_err(), "{candidate}");
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn drawn_secrets_are_never_weak() {
        for _ in 0..2_000 {
            let base64 = draw(&OsRandom);
            let mut bytes = [0; 32];
            OsRandom.fill(&mut bytes);
            let hex = format!(
                "{:032x}{:032x}",
                u128::from_be_bytes(bytes[..16].try_into().unwrap()),
                u128::from_be_bytes(bytes[16..].try_into().unwrap())
            );
            assert!(!is_weak(&base64) && !is_weak(&hex), "{base64} {hex}");
        }
    }

    #[test]
    fn the_file_is_made_once_readable_by_its_owner_alone_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/secret");
        let secret = MasterSecret::File(path.clone());
        let first = secret.resolve(&OsRandom).unwrap();
        assert_eq!(first.expose_secret(), secret.resolve(&OsRandom).unwrap().expose_secret());
        assert!(first.expose_secret().len() >= LEAST_CHARS);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_emptied_file_is_not_taken_for_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "\n").unwrap();
        assert!(MasterSecret::File(path).resolve(&OsRandom).is_err());
    }
}
