//! Durations as users write them in settings: `500ms`, `10s`, `15m`, `2h`, `7d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a whole number with one unit.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis_each = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(millis_each).map(Duration::from_millis)
}

/// Spells a duration in the largest unit that leaves no rest.
pub fn spell(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, millis_each) =
        UNITS.iter().rev().find(|(_, each)| millis % each == 0 && millis >= *each).unwrap_or(&UNITS[1]);
    format!("{}{unit}", millis / millis_each)
}

/// The same, where a setting may also be `off`.
pub fn spell_or_off(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "off".to_owned(), spell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_unit_and_spelled_as_users_would() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("15m", 900_000), ("2h", 7_200_000), ("7d", 604_800_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(spell(Duration::from_millis(millis)), text);
        }
        assert_eq!(spell(Duration::from_secs(90)), "90s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "10", "s", "-1s", "1.5h", "1h30m", "10 s", "1w", "99999999999999999999d", "18446744073709551615d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
