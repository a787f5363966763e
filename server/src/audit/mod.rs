//! The audit log as evidence: entries are sealed in batches, and whoever has the secret can tell which was changed,
//! removed or put in. What the formats are, and what they do not prove: `docs/decisions/0043-audit-seals.md`. Entries
//! are written by the areas, in the transactions that they tell of.

mod export;
pub mod format;
mod sealing;
mod verify;

use crate::area::{Area, Background};
use crate::http::state::ApiState;

pub use export::{ExportError, ExportFormat, export, export_page};
pub use sealing::{Sealing, seal_next, sealer};
pub use verify::{ExpectedSeals, Finding, FindingKind, Report, SealName, verify};

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

/// The 32 bytes that 64 hexadecimal digits stand for.
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let mut hash = [0; 32];
        (hash[0], hash[31]) = (0xf0, 0x0e);
        let text = hex(&hash);
        assert!(text.starts_with("f000") && text.ends_with("000e") && text.len() == 64, "{text}");
        assert_eq!(parse_hex(&text), Some(hash));
        assert_eq!(parse_hex(&text.to_uppercase()), Some(hash));
        for other in ["", "f0", &text[1..], &format!("{text}0"), &text.replace('e', "g")] {
            assert_eq!(parse_hex(other), None, "{other}");
        }
    }
}
