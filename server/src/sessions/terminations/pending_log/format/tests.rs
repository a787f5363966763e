//! Literal lines of every version, as they may stand on somebody's disk.

use std::time::Duration;

use rstest::rstest;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::super::{End, UnresolvedEnd};
use super::*;
use crate::random::SeededRandom;
use crate::sessions::Force;
use crate::store::{EndCommand, Origin, Selection};

const USER: UserId = UserId(Uuid::from_u128(5));
const SESSION: SessionId = SessionId(Uuid::from_u128(10));
/// 2026-01-01T00:00:00Z.
const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// As version 1 wrote it: all members, and without those that it got later.
const V1_END: &str = concat!(
    r#"{"Promised":[1,"#,
    r#"{"End":{"command":{"selection":{"Others":{"user_id":"00000000-0000-0000-0000-000000000005","#,
    r#""keep":"00000000-0000-0000-0000-00000000000a"}},"reason":"logout_all","client_reason":"lost it","#,
    r#""ended_by":"00000000-0000-0000-0000-00000000000a","actor_id":"00000000-0000-0000-0000-000000000005","#,
    r#""at":"2026-01-01T00:00:00.000Z","remember_until":"2026-01-01T00:16:00.000Z","#,
    r#""origin":{"ip":"203.0.113.7","user_agent":"a browser"},"receipt":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,"#,
    r#"7,7,7,7,7,7,7,7,7,7,7,7,7,7,7],"token_until":"2026-01-01T00:15:00.000Z","seen_epoch":4,"#,
    r#""tried_for":null},"epoch":3,"remembered_for":{"secs":960,"nanos":0},"force":"Held"}}]}"#,
);
const V1_OLDER_END: &str = concat!(
    r#"{"Promised":[2,"#,
    r#"{"End":{"command":{"selection":{"One":{"user_id":"00000000-0000-0000-0000-000000000005","#,
    r#""session_id":"00000000-0000-0000-0000-00000000000a"}},"reason":"user_initiated_logout","#,
    r#""client_reason":null,"ended_by":null,"actor_id":null,"at":"2026-01-01T00:00:00.000Z","#,
    r#""remember_until":"2026-01-01T00:16:00.000Z","origin":{"ip":"","user_agent":""},"receipt":null,"#,
    r#""tried_for":null},"epoch":null,"remembered_for":{"secs":960,"nanos":0}}}]}"#,
);
const V1_UNRESOLVED: &str = concat!(
    r#"{"Promised":[3,{"LateEnd":{"session_id":"00000000-0000-0000-0000-00000000000a","client_reason":null,"#,
    r#""origin":{"ip":"203.0.113.7","user_agent":"a browser"}}}]}"#,
);
const V1_COMMITTED: &str = r#"{"Kept":[1,2]}"#;

const V2_END: &str = concat!(
    r#"{"end":{"number":1,"end":{"selection":{"others":{"user_id":"00000000-0000-0000-0000-000000000005","#,
    r#""keep":"00000000-0000-0000-0000-00000000000a"}},"force":"held","reason":"logout_all","#,
    r#""client_reason":"lost it","ended_by":"00000000-0000-0000-0000-00000000000a","#,
    r#""actor_id":"00000000-0000-0000-0000-000000000005","at":"2026-01-01T00:00:00.000Z","#,
    r#""remember_until":"2026-01-01T00:16:00.000Z","remembered_for_ms":960000,"origin":{"ip":"203.0.113.7","#,
    r#""user_agent":"a browser"},"receipt":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,"#,
    r#"7],"token_until":"2026-01-01T00:15:00.000Z","epoch":3,"seen_epoch":4}}}"#,
);
const V2_OLDER_END: &str = concat!(
    r#"{"end":{"number":2,"end":{"selection":{"one":{"user_id":"00000000-0000-0000-0000-000000000005","#,
    r#""session_id":"00000000-0000-0000-0000-00000000000a"}},"force":"full","#,
    r#""reason":"user_initiated_logout","client_reason":null,"ended_by":null,"actor_id":null,"#,
    r#""at":"2026-01-01T00:00:00.000Z","remember_until":"2026-01-01T00:16:00.000Z","#,
    r#""remembered_for_ms":960000,"origin":{"ip":"","user_agent":""},"receipt":null,"token_until":null,"#,
    r#""epoch":null,"seen_epoch":0}}}"#,
);
const V2_UNRESOLVED: &str = concat!(
    r#"{"unresolved_end":{"number":3,"end":{"session_id":"00000000-0000-0000-0000-00000000000a","#,
    r#""client_reason":null,"origin":{"ip":"203.0.113.7","user_agent":"a browser"}}}}"#,
);
const V2_COMMITTED: &str = r#"{"committed":{"numbers":[1,2]}}"#;

fn keys() -> Keys {
    Keys::derive("only-for-tests-0123456789-abcdefghijkl").unwrap()
}

fn sealed(purpose: &str, plain: &str) -> String {
    let sealed = keys().seal(&SeededRandom::new(1), purpose, plain.as_bytes()).unwrap();
    URL_SAFE_NO_PAD.encode(sealed)
}

fn end() -> Line {
    let command = EndCommand {
        client_reason: Some("lost it".to_owned()),
        ended_by: Some(SESSION),
        actor_id: Some(USER),
        origin: Origin { ip: "203.0.113.7".to_owned(), user_agent: "a browser".to_owned() },
        receipt: Some([7; 32]),
        token_until: Some(AT.plus(Duration::from_mins(15))),
        seen_epoch: 4,
        ..EndCommand::new(
            Selection::Others { user_id: USER, keep: SESSION },
            EndReason::LogoutAll,
            AT,
            AT.plus(Duration::from_mins(16)),
        )
    };
    let end = End { command, epoch: Some(3), remembered_for: Duration::from_mins(16), force: Force::Held };
    Line::Pending(1, Entry::End(Box::new(end)))
}

fn older_end() -> Line {
    let one = Selection::One { user_id: USER, session_id: SESSION };
    let command = EndCommand::new(one, EndReason::UserInitiatedLogout, AT, AT.plus(Duration::from_mins(16)));
    let end = End { command, epoch: None, remembered_for: Duration::from_mins(16), force: Force::Full };
    Line::Pending(2, Entry::End(Box::new(end)))
}

fn unresolved() -> Line {
    let origin = Origin { ip: "203.0.113.7".to_owned(), user_agent: "a browser".to_owned() };
    Line::Pending(3, Entry::UnresolvedEnd(UnresolvedEnd { session_id: SESSION, client_reason: None, origin }))
}

/// What a line says, as the present version writes it.
fn as_version_two(line: &Line) -> String {
    String::from_utf8(v2::write(line).unwrap()).unwrap()
}

#[rstest]
#[case(end(), V2_END)]
#[case(older_end(), V2_OLDER_END)]
#[case(unresolved(), V2_UNRESOLVED)]
#[case(Line::Committed(vec![1, 2]), V2_COMMITTED)]
fn lines_are_written_exactly_as_version_two_and_read_back(#[case] line: Line, #[case] expected: &str) {
    assert_eq!(as_version_two(&line), expected);
    let written = seal(&keys(), &SeededRandom::new(1), &line).unwrap();
    assert!(written.starts_with("v2.") && written.ends_with('\n') && written.lines().count() == 1);
    assert_eq!(as_version_two(&unseal(&keys(), written.trim_end()).unwrap()), expected);
}

#[rstest]
#[case(V1_END, V2_END)]
#[case(V1_OLDER_END, V2_OLDER_END)]
#[case(V1_UNRESOLVED, V2_UNRESOLVED)]
#[case(V1_COMMITTED, V2_COMMITTED)]
fn what_was_written_before_lines_had_a_version_is_read(#[case] stored: &str, #[case] expected: &str) {
    let line = unseal(&keys(), &sealed("promised end", stored)).unwrap();
    assert_eq!(as_version_two(&line), expected);
}

#[test]
fn a_line_of_a_newer_version_is_known_for_one_and_what_makes_no_sense_is_damaged() {
    let keys = keys();
    let unread = |line: &str| unseal(&keys, line).err();
    assert_eq!(unread("v3.whatever"), Some(Unread::Newer(3)));
    assert_eq!(unread("v70."), Some(Unread::Newer(70)));
    for line in ["", "v2.", "v2.AAAA", "v0.AAAA", "v-1.AAAA", "vx.AAAA", "2.AAAA", "AAAA", "v99999999999.AAAA"] {
        assert_eq!(unread(line), Some(Unread::Damaged), "{line}");
    }
    // A line is of the version that it was sealed for.
    assert_eq!(unread(&format!("v2.{}", sealed("promised end", V2_END))), Some(Unread::Damaged));
    assert_eq!(unread(&sealed("pending log, version 2", V1_END)), Some(Unread::Damaged));
}
