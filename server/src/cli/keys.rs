//! `latchkey keys`: the keys that sign access tokens. Running servers find what changed within a minute.

use clap::Subcommand;
use serde_json::json;
use types::domain::Timestamp;

use super::CliError;
use super::installation::{keys_of, open_store};
use super::output::{Output, Table};
use crate::application::{ClockAndRandom, StartError};
use crate::auth::keys::{PUBLISHED_BEFORE_SIGNING, make_key};
use crate::auth::refresh::Lifetimes;
use crate::config::Config;
use crate::store::{KeyRetirement, SigningKeyRow, Store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the signing keys, oldest first
    List,
    /// Make a new signing key; tokens signed with the old ones stay good until they run out
    Rotate,
    /// Have an old key verify nothing from now on: tokens signed with it must be refreshed
    Retire {
        /// The key's id, as `latchkey keys list` has it
        kid: String,
    },
}

impl Command {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let store = open_store(config).await?;
        let done = match self {
            Self::List => list(&store, output).await,
            Self::Rotate => rotate(config, &store, output).await,
            Self::Retire { kid } => retire(&store, &kid, output).await,
        };
        store.close().await;
        done
    }
}

async fn list(store: &Store, output: Output) -> Result<(), CliError> {
    let now = store.maintenance().time().await?;
    let keys = store.keys().signing_keys().await?;
    let mut table = Table::new(&["key", "state", "made", "signs from", "retires"]);
    for key in &keys {
        table.add([
            key.kid.clone(),
            state(key, &keys, now).to_owned(),
            key.created_at.to_string(),
            key.signs_from.to_string(),
            key.retires_at.map(|at| at.to_string()).unwrap_or_default(),
        ]);
    }
    let values = keys.iter().map(|key| {
        json!({
            "kid": key.kid,
            "state": state(key, &keys, now),
            "createdAt": key.created_at,
            "signsFrom": key.signs_from,
            "retiresAt": key.retires_at,
        })
    });
    output.answer(&table, &values.collect::<Vec<_>>())?;
    if keys.is_empty() {
        output.note("There are none: the first server to start makes one.");
    }
    Ok(())
}

/// What a key does now.
fn state(key: &SigningKeyRow, all: &[SigningKeyRow], now: Timestamp) -> &'static str {
    let signs_from = all.iter().map(|key| key.signs_from).filter(|from| *from <= now).max();
    if key.retires_at.is_some_and(|at| at <= now) {
        "retired"
    } else if key.signs_from > now {
        "published"
    } else if Some(key.signs_from) == signs_from {
        "signs"
    } else {
        "verifies"
    }
}

async fn retire(store: &Store, kid: &str, output: Output) -> Result<(), CliError> {
    let now = store.maintenance().time().await?;
    let sentence = match store.keys().retire_signing_key(kid, now).await? {
        KeyRetirement::Retired => format!("Key {kid} verifies nothing any more, on every server within a minute."),
        KeyRetirement::Unchanged => format!("Key {kid} had retired before."),
        KeyRetirement::NotFound => {
            return Err(CliError::NotFound(format!("there is no key {kid}: `latchkey keys list` has those there are")));
        }
        KeyRetirement::Signs => {
            return Err(CliError::Refused(format!(
                "key {kid} signs, or will next: run `latchkey keys rotate`, and retire it once the new one signs"
            )));
        }
    };
    output.done(&sentence, &json!({ "kid": kid, "retired": true }))
}

async fn rotate(config: &Config, store: &Store, output: Output) -> Result<(), CliError> {
    let parts = ClockAndRandom::system();
    parts.set_clock(store).await?;
    let ClockAndRandom { clock, random } = parts;
    let keys = keys_of(config, store, &*random).await?;
    let now = clock.now();
    let signs_from = now.plus(PUBLISHED_BEFORE_SIGNING);
    let key = make_key(&keys, &*random, now, signs_from).map_err(StartError::Crypto)?;
    // The old keys verify until the last token they could have signed has run out.
    let retire_others_at = Lifetimes::of(config).remember_until(signs_from);
    // Asked for by somebody: however young the others are.
    store.keys().rotate_signing_key(&key, retire_others_at, now).await?;
    let sentence = format!(
        "Key {} is published by every server within a minute and signs from {signs_from}; older keys retire at \
         {retire_others_at}.",
        key.kid
    );
    let value = json!({ "kid": key.kid, "signsFrom": signs_from, "othersRetireAt": retire_others_at });
    output.done(&sentence, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_signs_verifies_and_retires() {
        let at = Timestamp::from_millis;
        let key = |kid: &str, signs_from, retires_at: Option<i64>| SigningKeyRow {
            kid: kid.to_owned(),
            public_key: Vec::new(),
            sealed_private_key: Vec::new(),
            created_at: at(0),
            signs_from: at(signs_from),
            retires_at: retires_at.map(at),
        };
        let keys = [key("oldest", 1, Some(5)), key("old", 2, Some(9)), key("present", 3, None), key("next", 7, None)];
        let states = keys.each_ref().map(|key| state(key, &keys, at(6)));
        assert_eq!(states, ["retired", "verifies", "signs", "published"]);
    }
}
