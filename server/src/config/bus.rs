//! How several servers tell each other what happened.

use secrecy::SecretString;

use super::address;
use super::reader::{Fallback, Reader, Setting};

pub const SETTINGS: &[Setting] = &[Setting::new(
    "REDIS_URL",
    Fallback::Text(""),
    "`redis://…` or `rediss://…`: messages between servers travel over this Redis, and over PostgreSQL as well: \
     whichever is faster. Heartbeats of rooms are in it too.",
)];

/// How several servers tell each other what happened.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// The Redis to use. May hold a password.
    pub redis_url: Option<SecretString>,
}

impl BusConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { redis_url: reader.read("REDIS_URL", parse).flatten() }
    }
}

fn parse(text: &str) -> Result<Option<SecretString>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if !["redis://", "rediss://", "redis+unix://", "unix://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("must begin with redis:// or rediss://".to_owned());
    }
    address::check(text)?;
    // What is wrong with it may quote the password.
    redis::Client::open(text).map_err(|_| "is no address of a Redis server".to_owned())?;
    Ok(Some(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_redis_are_taken_and_others_refused() {
        for url in ["redis://127.0.0.1/", "redis://:password@cache.internal:6380/2", "rediss://cache.internal"] {
            assert!(parse(url).unwrap().is_some(), "{url}");
        }
        assert!(parse("").unwrap().is_none());
        for url in [
            "cache.internal:6379",
            "http://cache",
            "redis://",
            "redis://:p@ss@cache",
            "redis://:1#x@cache",
            "redis://:1/x@cache",
        ] {
            let error = parse(url).err();
            assert!(error.is_some(), "{url}");
        }
    }
}
