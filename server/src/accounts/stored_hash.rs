//! Hashes as they are stored: our own Argon2id, and those that users of another system have brought along until they
//! sign in for the first time.
//!
//! [`ImportedHash::parse`] reads what other systems write, and refuses what would cost too much to compare with.

use std::num::NonZeroU32;

use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Params, Version};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use types::domain::Invalid;

/// The highest cost of bcrypt: a second or so.
const MAX_BCRYPT_COST: u32 = 14;
/// The most rounds of PBKDF2: a second or so.
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;
/// The most that scrypt may fill at once, as N times r in blocks of 128 bytes: 128 MiB. And how often.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 20;
const MAX_SCRYPT_LANES: u32 = 4;
/// The most memory of Argon2 in KiB, and how much of it may be written in all passes: 256 MiB, four times.
const MAX_ARGON2_KIB: u32 = 256 * 1024;
const MAX_ARGON2_WRITTEN_KIB: u64 = 4 * 256 * 1024;
const MAX_ARGON2_LANES: u32 = 16;
/// How long a hash may be as it is written, in bytes. Those that can be compared with are shorter.
const LONGEST: usize = 512;
/// How long a derived key may be, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// How long a salt may be, in bytes.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 1..=64;

/// A stored hash, taken apart.
pub enum StoredHash<'a> {
    /// Ours, and Argon2 of other systems.
    Argon2(Box<PasswordHash<'a>>),
    /// As it is written, and its cost.
    Bcrypt(&'a str, u32),
    Pbkdf2 {
        algorithm: pbkdf2::Algorithm,
        iterations: NonZeroU32,
        derived: Derived,
    },
    Scrypt {
        params: scrypt::Params,
        derived: Derived,
    },
}

/// A key that was derived from a password, and the salt it was derived with.
pub struct Derived {
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl<'a> StoredHash<'a> {
    /// Reads what [`ImportedHash`] and our own hasher write; `None` where it is something else.
    pub fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.strip_prefix('$')?.split_once('$')?;
        match scheme {
            "argon2id" | "argon2i" | "argon2d" => {
                let hash = PasswordHash::new(text).ok()?;
                let is_whole = hash.version.is_some() && hash.salt.is_some() && hash.hash.is_some();
                is_whole.then(|| Self::Argon2(Box::new(hash)))
            }
            "2a" | "2b" | "2y" => {
                let cost = text.parse::<bcrypt::HashParts>().ok()?.get_cost();
                Some(Self::Bcrypt(text, cost))
            }
            "pbkdf2" => read_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest),
            "pbkdf2-sha256" => read_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest),
            "pbkdf2-sha512" => read_pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, rest),
            "scrypt" => read_scrypt(rest),
            _ => None,
        }
    }

    /// Whether a hash that is not Argon2 is that of a password, which other systems hashed as it was typed.
    pub fn matches_typed(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(_) => false,
            Self::Bcrypt(text, _) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Pbkdf2 { algorithm, iterations, derived } => {
                pbkdf2::verify(*algorithm, *iterations, &derived.salt, password, &derived.key).is_ok()
            }
            Self::Scrypt { params, derived } => {
                let mut key = vec![0; derived.key.len()];
                let is_derived = scrypt::scrypt(password, &derived.salt, params, &mut key).is_ok();
                is_derived && bool::from(key.ct_eq(&derived.key))
            }
        }
    }

    /// Why comparing with it would cost more than a sign-in may.
    fn too_costly(&self) -> Option<String> {
        match self {
            Self::Argon2(hash) => {
                let params = Params::try_from(&**hash).ok();
                let is_fair = params.is_some_and(|params| {
                    params.m_cost() <= MAX_ARGON2_KIB
                        && u64::from(params.m_cost()) * u64::from(params.t_cost()) <= MAX_ARGON2_WRITTEN_KIB
                        && params.p_cost() <= MAX_ARGON2_LANES
                });
                let most = format!("m={MAX_ARGON2_KIB},t=4,p={MAX_ARGON2_LANES} is the most of Argon2");
                (!is_fair).then_some(most)
            }
            Self::Bcrypt(_, cost) => {
                let most = format!("its cost is {cost}, {MAX_BCRYPT_COST} is the most of bcrypt");
                (*cost > MAX_BCRYPT_COST).then_some(most)
            }
            Self::Pbkdf2 { iterations, .. } => {
                let most = format!("it has {iterations} iterations, {MAX_PBKDF2_ITERATIONS} are the most of PBKDF2");
                (iterations.get() > MAX_PBKDF2_ITERATIONS).then_some(most)
            }
            Self::Scrypt { params, .. } => {
                let blocks =
                    1_u64.checked_shl(u32::from(params.log_n())).and_then(|n| n.checked_mul(params.r().into()));
                let is_fair =
                    blocks.is_some_and(|blocks| blocks <= MAX_SCRYPT_BLOCKS) && params.p() <= MAX_SCRYPT_LANES;
                (!is_fair).then(|| format!("ln=17,r=8,p={MAX_SCRYPT_LANES} is the most of scrypt"))
            }
        }
    }

    /// Whether it is Argon2 of a kind and version that can be compared with.
    fn is_comparable(&self) -> bool {
        match self {
            Self::Argon2(hash) => {
                let version = hash.version.map(Version::try_from);
                Algorithm::try_from(hash.algorithm).is_ok()
                    && matches!(version, Some(Ok(_)))
                    && Params::try_from(&**hash).is_ok()
            }
            Self::Bcrypt(_, cost) => (4..=31).contains(cost),
            Self::Pbkdf2 { .. } | Self::Scrypt { .. } => true,
        }
    }
}

/// `i=600000,l=32$salt$key`, or the number by itself instead of the parameters.
fn read_pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Option<StoredHash<'static>> {
    let (params, rest) = rest.split_once('$')?;
    let iterations = params.split(',').find_map(|param| param.strip_prefix("i=")).unwrap_or(params);
    Some(StoredHash::Pbkdf2 { algorithm, iterations: iterations.parse().ok()?, derived: Derived::read(rest)? })
}

/// `ln=14,r=8,p=1$salt$key`.
fn read_scrypt(rest: &str) -> Option<StoredHash<'static>> {
    let (params, rest) = rest.split_once('$')?;
    let param = |name: &str| params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
    let derived = Derived::read(rest)?;
    let (log_n, r, p) = (param("ln")?.parse().ok()?, param("r")?.parse().ok()?, param("p")?.parse().ok()?);
    let params = scrypt::Params::new(log_n, r, p, derived.key.len()).ok()?;
    Some(StoredHash::Scrypt { params, derived })
}

impl Derived {
    /// `salt$key`, both in Base64.
    fn read(text: &str) -> Option<Self> {
        let (salt, key) = text.split_once('$')?;
        let (salt, key) = (bytes(salt)?, bytes(key)?);
        (SALT_BYTES.contains(&salt.len()) && KEY_BYTES.contains(&key.len())).then_some(Self { salt, key })
    }
}

/// Base64 with or without padding; some write `.` for `+`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.trim_end_matches('=').replace('.', "+")).ok()
}

/// A hash of another system that can be compared with, as it is to be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedHash(String);

impl ImportedHash {
    /// Reads Argon2, bcrypt, PBKDF2 and scrypt: as PHC strings, as `crypt` writes them, and as Django does.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let unknown = || {
            let message = "This is none of the hashes that can be compared with: Argon2, bcrypt, PBKDF2 and scrypt.";
            Invalid::new("unknown-hash", message)
        };
        let is_written_so = |text: &String| text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = canonical(text.trim()).filter(is_written_so).ok_or_else(unknown)?;
        let too_costly = StoredHash::read(&text).filter(StoredHash::is_comparable).ok_or_else(unknown)?.too_costly();
        match too_costly {
            None => Ok(Self(text)),
            Some(why) => Err(Invalid::new("too-costly", format!("Comparing with this hash costs too much: {why}."))),
        }
    }

    /// As it is stored.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportedHash(…)")
    }
}

/// What Django writes, as others do: `pbkdf2_sha256$600000$salt$key`, `scrypt$16384$salt$8$1$key`, and other schemes
/// behind their names. Salts are texts there.
fn canonical(text: &str) -> Option<String> {
    if text.starts_with('$') {
        return Some(text.to_owned());
    }
    let (scheme, rest) = text.split_once('$')?;
    let salted = |salt: &str, key: &str| format!("{}${}", STANDARD_NO_PAD.encode(salt), key.trim_end_matches('='));
    let parts: Vec<&str> = rest.split('$').collect();
    match (scheme, parts.as_slice()) {
        ("argon2", _) => Some(format!("${rest}")),
        ("bcrypt", _) => Some(rest.to_owned()),
        ("pbkdf2_sha256", [iterations, salt, key]) => {
            Some(format!("$pbkdf2-sha256$i={iterations}${}", salted(salt, key)))
        }
        ("pbkdf2_sha1", [iterations, salt, key]) => Some(format!("$pbkdf2$i={iterations}${}", salted(salt, key))),
        ("scrypt", [n, salt, r, p, key]) => {
            let n: u64 = n.parse().ok().filter(|n: &u64| n.is_power_of_two())?;
            Some(format!("$scrypt$ln={},r={r},p={p}${}", n.trailing_zeros(), salted(salt, key)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const PASSWORD: &str = "tuesday otter lamp";

    #[rstest]
    #[case("$2a$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("$2y$05$abcdefghijklmnopqrstuu2/cdGTrSDLJVODlR1/bBW8AYxVvWL9.")]
    #[case("bcrypt$$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("pbkdf2_sha256$1000$Zq7yQe1sZ0pX$q/bESQvusWW4/gWql7E12w8EA7l9PuoSijHqBD/AKqY=")]
    #[case("pbkdf2_sha1$1000$Zq7yQe1sZ0pX$dso7BlEHANf0atRmueYq9p+XDAY=")]
    #[case("$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$Q48U40HHNzLrBBkT8wH/A1qgOZkGIKaqLgj9behHqqk")]
    #[case("$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$Q48U40HHNzLrBBkT8wH/A1qgOZkGIKaqLgj9behHqqk")]
    #[case(concat!(
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$FzhKLYkJe3EzwdvPqXiIdoyYOJXrxu.MgNcXBjVR",
        "./ePOyoZ4mkDEdEipBprqwNJcO1oBWCvj4E/wBXeXuZv/A"
    ))]
    #[case("$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$XX1/UFovOpsKHPTe49WTp8Kve+IqpgWt+PVTagJ9WdU")]
    #[case(concat!(
        "scrypt$1024$Zq7yQe1sZ0pX$8$1$AhaEiZOFUo6UQRO9IfYfwtwOfhTSZPTCcNWFS6E2UZoEVQmZwbN0IFalazpin9GR7NlkVZ1jAClIKG2",
        "P5zqUJA=="
    ))]
    fn hashes_of_other_systems_are_compared_with_as_they_were_made(#[case] text: &str) {
        let stored = ImportedHash::parse(text).unwrap().into_text();
        assert_eq!(ImportedHash::parse(&stored).map(ImportedHash::into_text), Ok(stored.clone()));
        let hash = StoredHash::read(&stored).unwrap();
        assert!(hash.matches_typed(PASSWORD.as_bytes()), "{stored}");
        assert!(!hash.matches_typed(b"tuesday otter lamq"), "{stored}");
    }

    #[rstest]
    #[case("")]
    #[case("tuesday otter lamp")]
    #[case("5f4dcc3b5aa765d61d8327deb882cf99")]
    #[case("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")]
    #[case("$1$salt$qJH7.N4xYta3aEG/dfqo/0")]
    #[case("$2x$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("$2b$04$abcdefghijklmnopqrstuu")]
    #[case("bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("pbkdf2_sha256$0$Zq7yQe1sZ0pX$q/bESQvusWW4/gWql7E12w8EA7l9PuoSijHqBD/AKqY=")]
    #[case("pbkdf2_sha256$1000$Zq7yQe1sZ0pX$q/bE")]
    #[case("scrypt$1000$salt$8$1$AhaEiZOFUo6UQRO9IfYfwtwOfhTSZPTCcNWFS6E2UZo=")]
    #[case("$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ")]
    #[case("$pbkdf2-sha256$i=1000,\0$MDEyMzQ1Njc4OWFiY2RlZg$Q48U40HHNzLrBBkT8wH/A1qgOZkGIKaqLgj9behHqqk")]
    #[case("$argon2i$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG")]
    fn what_cannot_be_compared_with_is_refused(#[case] text: &str) {
        assert_eq!(ImportedHash::parse(text).unwrap_err().code, "unknown-hash");
    }

    #[rstest]
    #[case("$2b$15$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.")]
    #[case("pbkdf2_sha256$2000001$Zq7yQe1sZ0pX$q/bESQvusWW4/gWql7E12w8EA7l9PuoSijHqBD/AKqY=")]
    #[case("$scrypt$ln=18,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$XX1/UFovOpsKHPTe49WTp8Kve+IqpgWt+PVTagJ9WdU")]
    #[case("$scrypt$ln=10,r=8,p=5$MDEyMzQ1Njc4OWFiY2RlZg$XX1/UFovOpsKHPTe49WTp8Kve+IqpgWt+PVTagJ9WdU")]
    #[case("$argon2i$v=19$m=1048576,t=1,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG")]
    #[case("$argon2i$v=19$m=65536,t=20,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG")]
    fn what_would_cost_a_server_too_much_is_refused(#[case] text: &str) {
        assert_eq!(ImportedHash::parse(text).unwrap_err().code, "too-costly");
    }
}
