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

/// Fragments of secrets that were copied from documentation, lower case, with `-`, `_` and spaces taken out.
const SAMPLE_WORDS: [&str; 9] = [
    "changeme",
    "changethis",
    "password",
    "example",
    "replaceme",
    "yoursecret",
    "placeholder",
    "insertsecret",
    "secretsecret",
];

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

    /// What to begin with where the database keeps it and has none yet: what was kept in a file before, or a new one. `None` where
    /// it was given, and nothing is to be kept.
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
pub(super) fn parse(text: &str, environment: Environment) -> Result<SecretString, String> {
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

/// Whether a secret is made of few characters, of one piece repeated, or of words from examples.
fn is_weak(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut distinct = chars.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let repeats =
        (1..=chars.len() / 2).any(|period| chars.iter().skip(period).eq(chars.iter().take(chars.len() - period)));
    let squeezed: String = text.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    distinct.len() < 8 || repeats || SAMPLE_WORDS.iter().any(|word| squeezed.contains(word))
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
