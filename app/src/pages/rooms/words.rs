//! What these pages say in short texts. Pure.

use super::model::CutOff;
use crate::ui::words::{count_of, humanised};
use client::rooms::WhyNotIn;
use types::words::{OrOther, RoomMessageKind, RoomPresence};

/// What the room says of somebody, after their name.
pub(super) fn message_words(kind: &OrOther<RoomMessageKind>) -> String {
    let text = match kind {
        OrOther::Known(RoomMessageKind::Text) => ":",
        OrOther::Known(RoomMessageKind::Joined) => " joined",
        OrOther::Known(RoomMessageKind::Left) => " left",
        OrOther::Known(RoomMessageKind::SignedOut) => " signed out",
        OrOther::Known(RoomMessageKind::WasSignedOut) => " was signed out",
        OrOther::Known(RoomMessageKind::SessionExpired) => "’s session expired",
        OrOther::Known(RoomMessageKind::Removed) => " was removed by a moderator",
        OrOther::Other(name) => return format!(": {}", humanised(name)),
    };
    text.to_owned()
}

/// Whether somebody is there, in a word or two; `None` where that cannot be known.
pub(super) const fn presence(presence: Option<&OrOther<RoomPresence>>) -> &'static str {
    match presence {
        Some(OrOther::Known(RoomPresence::Here)) => "Here",
        Some(OrOther::Known(RoomPresence::Away) | OrOther::Other(_)) => "Away",
        Some(OrOther::Known(RoomPresence::Grey)) => "Connection lost",
        None => "Not known",
    }
}

/// Why it is not known who is there.
pub(super) const fn presence_unknown(cut_off: CutOff) -> &'static str {
    match cut_off {
        CutOff::Offline => "Who is here is not known while you are offline.",
        CutOff::Lost | CutOff::Disconnected | CutOff::Outdated => {
            "Who is here is not known while you are not connected."
        }
    }
}

/// What it means for what is written here; nothing where a banner says what to do about it.
pub(super) const fn not_sending(cut_off: CutOff) -> Option<&'static str> {
    match cut_off {
        CutOff::Offline => Some("You are offline. You can write, and send it when you are connected again."),
        CutOff::Lost => Some(
            "The connection to this room is lost, and is being opened again. After 10 seconds the others see you greyed.",
        ),
        CutOff::Disconnected | CutOff::Outdated => None,
    }
}

/// Who writes: the names that are said, and what is said of them; nothing where nobody does.
pub(super) const fn typing(names: &[String]) -> (&[String], &'static str) {
    match names {
        [] => (&[], ""),
        [_] => (names, " is typing…"),
        [_, _] => (names, " are typing…"),
        [_, _, _, ..] => (&[], "Several people are typing…"),
    }
}

/// How much may still be typed, once that is not much; how much it is too long, where it is.
pub(super) fn room_left(typed: usize, most: usize) -> Option<String> {
    const NEAR: usize = 200;
    match most.checked_sub(typed) {
        Some(left) if left > NEAR => None,
        Some(left) => Some(format!("{} left", count_of(left as u64, "character"))),
        None => Some(format!("{} too many", count_of((typed - most) as u64, "character"))),
    }
}

/// Why the user is not in a room: what to say above *Join*, or in place of it where they cannot until then.
pub(super) fn not_in(why: &WhyNotIn, until: Option<String>) -> (&'static str, String) {
    let removed = "You were removed from this room";
    if let Some(until) = until {
        return (removed, format!("A moderator removed you. You can join again at {until}."));
    }
    let no_more = "You’re not in this room any more";
    let (heading, text) = match why {
        WhyNotIn::NotBefore => {
            ("You’re not in this room", "What is said here is for those who are in it. Join to read and write.")
        }
        WhyNotIn::Unheard => {
            (no_more, "The connection was lost for too long, or you left on another device. You can join again.")
        }
        WhyNotIn::Left(kind) => match kind.known() {
            Some(RoomMessageKind::Removed) => (removed, "A moderator removed you. You can join again now."),
            Some(RoomMessageKind::Left) => ("You left this room", "You can join again whenever you like."),
            _ => (no_more, "Your session there ended on another device. You can join again."),
        },
    };
    (heading, text.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(RoomMessageKind::SignedOut, "Ada signed out")]
    #[case(RoomMessageKind::WasSignedOut, "Ada was signed out")]
    #[case(RoomMessageKind::SessionExpired, "Ada’s session expired")]
    fn the_room_says_how_somebody_went(#[case] kind: RoomMessageKind, #[case] said: &str) {
        assert_eq!(format!("Ada{}", message_words(&kind.into())), said);
    }

    #[test]
    fn nobody_is_said_to_be_here_where_that_cannot_be_known() {
        assert_eq!(presence(Some(&RoomPresence::Here.into())), "Here");
        assert_eq!(presence(None), "Not known");
    }

    #[test]
    fn of_many_who_write_none_is_named() {
        let names =
            |count: usize| ["Ada", "Grace", "Bob"][..count].iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(typing(&names(0)), (&[][..], ""));
        assert_eq!(typing(&names(1)), (&names(1)[..], " is typing…"));
        assert_eq!(typing(&names(2)), (&names(2)[..], " are typing…"));
        assert_eq!(typing(&names(3)), (&[][..], "Several people are typing…"));
    }

    #[rstest]
    #[case(0, None)]
    #[case(1_799, None)]
    #[case(1_800, Some("200 characters left"))]
    #[case(1_999, Some("1 character left"))]
    #[case(2_000, Some("0 characters left"))]
    #[case(2_001, Some("1 character too many"))]
    fn the_limit_is_shown_near_the_end(#[case] typed: usize, #[case] said: Option<&str>) {
        assert_eq!(room_left(typed, 2_000).as_deref(), said);
    }

    #[test]
    fn whoever_was_removed_is_told_so() {
        let removed = WhyNotIn::Left(RoomMessageKind::Removed.into());
        assert_eq!(not_in(&removed, None).0, "You were removed from this room");
        assert_eq!(not_in(&WhyNotIn::NotBefore, None).0, "You’re not in this room");
        assert_eq!(not_in(&WhyNotIn::Unheard, None).0, "You’re not in this room any more");
        // Also after a reload, when only the list says so.
        for why in [&removed, &WhyNotIn::NotBefore] {
            let (heading, text) = not_in(why, Some("14:20".to_owned()));
            assert_eq!(heading, "You were removed from this room");
            assert_eq!(text, "A moderator removed you. You can join again at 14:20.");
        }
    }
}
