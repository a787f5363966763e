//! The lines of a pending log as they stand on the disk: the version of their format, then what they say, sealed.
//!
//! `v2` is what is written. `v1` is what was written before lines had a version, and is still read. Each version has
//! types of its own, so that a change to what the server works with changes no file. A change to a file is a new
//! version.

mod v1;
mod v2;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Entry;
use crate::auth::secrets::Keys;
use crate::random::Random;

/// The version that is written, and the latest that is read.
const VERSION: u32 = 2;

/// What a line says.
pub enum Line {
    /// An end with this number is pending.
    Pending(u64, Entry),
    /// The ends with these numbers are committed.
    Committed(Vec<u64>),
}

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// Torn, altered, or not of this installation.
    Damaged,
    /// Of a version that this program does not know.
    Newer(u32),
}

/// A line as it is written, with its end. Nobody can read it, change it, or take it for one of another version without
/// the keys.
pub fn seal(keys: &Keys, random: &dyn Random, line: &Line) -> io::Result<String> {
    let sealed = keys.seal(random, v2::PURPOSE, &v2::write(line)?).map_err(io::Error::other)?;
    Ok(format!("v{VERSION}.{}\n", URL_SAFE_NO_PAD.encode(sealed)))
}

/// Reads a line, given without its end.
pub fn unseal(keys: &Keys, line: &str) -> Result<Line, Unread> {
    let (version, sealed): (Option<u32>, &str) = match line.split_once('.') {
        Some((version, sealed)) => (version.strip_prefix('v').and_then(|number| number.parse().ok()), sealed),
        None => (Some(1), line),
    };
    let open = |purpose: &str| {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Unread::Damaged)?;
        keys.unseal(purpose, &sealed).map_err(|_| Unread::Damaged)
    };
    let read = match version {
        Some(1) => v1::read(&open(v1::PURPOSE)?),
        Some(2) => v2::read(&open(v2::PURPOSE)?),
        Some(newer @ 3..) => return Err(Unread::Newer(newer)),
        Some(0) | None => return Err(Unread::Damaged),
    };
    read.map_err(|_| Unread::Damaged)
}

#[cfg(test)]
mod tests;
