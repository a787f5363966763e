//! The audit log as evidence: entries are sealed in batches, and whoever has the secret can tell which was changed,
//! removed or put in. What the formats are, and what they do not prove: `docs/decisions/0043-audit-seals.md`. Entries
//! are written by the areas, in the transactions that they tell of.

pub mod format;
mod sealing;

use crate::area::{Area, Background};
use crate::http::state::ApiState;

pub use sealing::{Sealing, seal_next};

pub const AREA: Area = Area { name: "audit", tasks, ..Area::NONE };

fn tasks(state: &ApiState, background: &Background) {
    let sealing = Sealing::new(state.context.clone());
    background.spawn("audit sealing", |stop| sealing.run(stop));
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
