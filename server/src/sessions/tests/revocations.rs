//! The revocation list, one call after the other.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use app::domain::Timestamp;

use super::{ADA, BOB, LAPTOP, LATER, PHONE, row, tail};
use crate::sessions::revocations::{Lost, RevocationList, TakenIn, Verdict};
use crate::store::{RevokedSubject, Tail};

fn loaded(now: Instant) -> RevocationList {
    let list = RevocationList::new(Duration::from_secs(2), now);
    list.vouch(0, None, now);
    list
}

#[test]
fn a_list_vouches_for_nothing_before_it_is_loaded() {
    let now = Instant::now();
    assert_eq!(RevocationList::new(Duration::from_secs(2), now).check(LAPTOP, ADA, 0, now), Verdict::Stale);
}

#[test]
fn a_revoked_session_is_refused_and_another_passes() {
    let now = Instant::now();
    let list = loaded(now);
    assert_eq!(list.take_in(&tail(1, vec![row(1, ADA, RevokedSubject::Session(LAPTOP))]), now), TakenIn::Current);
    assert_eq!(list.check(LAPTOP, ADA, 0, now), Verdict::SessionEnded);
    assert_eq!(list.check(PHONE, ADA, 0, now), Verdict::Passes);
}

#[test]
fn an_epoch_refuses_older_tokens_of_that_person_only_and_never_sinks() {
    let now = Instant::now();
    let list = loaded(now);
    list.add(&[row(1, ADA, RevokedSubject::Epoch(3)), row(2, ADA, RevokedSubject::Epoch(2))]);
    assert_eq!(list.check(LAPTOP, ADA, 2, now), Verdict::Superseded);
    assert_eq!(list.check(LAPTOP, ADA, 3, now), Verdict::Passes);
    assert_eq!(list.check(PHONE, BOB, 0, now), Verdict::Passes);
}

#[test]
fn a_list_that_is_too_old_says_so_but_still_refuses_what_it_knows() {
    let now = Instant::now();
    let list = loaded(now);
    list.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
    let at_the_bound = now + Duration::from_secs(2);
    assert_eq!(list.check(PHONE, ADA, 0, at_the_bound), Verdict::Passes);
    let past_it = at_the_bound + Duration::from_millis(1);
    assert_eq!(list.check(PHONE, ADA, 0, past_it), Verdict::Stale);
    assert_eq!(list.check(LAPTOP, ADA, 0, past_it), Verdict::SessionEnded);
}

#[test]
fn a_gap_in_the_log_and_a_head_that_went_backwards_are_noticed() {
    let now = Instant::now();
    let list = loaded(now);
    let third = row(3, ADA, RevokedSubject::Session(LAPTOP));
    assert!(matches!(list.take_in(&tail(3, vec![third]), now), TakenIn::MustReload(_)));
    assert!(matches!(list.take_in(&tail(2, vec![]), now), TakenIn::MustReload(_)));
    list.vouch(5, None, now);
    assert!(matches!(list.take_in(&tail(4, vec![]), now), TakenIn::MustReload(_)));
    assert_eq!(list.position(), 5);
}

#[test]
fn a_log_that_was_set_back_is_noticed_even_when_it_has_grown_past_where_it_was() {
    let now = Instant::now();
    let list = loaded(now);
    let mine = row(1, ADA, RevokedSubject::Session(LAPTOP));
    assert_eq!(list.take_in(&tail(1, vec![mine.clone()]), now), TakenIn::Current);
    assert_eq!(list.take_in(&tail(1, vec![mine.clone()]), now), TakenIn::Current);
    let others = [row(1, BOB, RevokedSubject::Session(PHONE)), row(2, BOB, RevokedSubject::Epoch(1))];
    assert!(matches!(list.take_in(&tail(2, others.to_vec()), now), TakenIn::MustReload(_)));
    assert!(matches!(list.take_in(&tail(2, others[1..].to_vec()), now), TakenIn::MustReload(_)));
    // Once nobody needs it any more it may be gone.
    let later = Tail { database_time: LATER, ..tail(2, others[1..].to_vec()) };
    assert_eq!(list.take_in(&later, now), TakenIn::Current);
}

#[test]
fn a_row_where_there_was_none_belongs_to_another_log() {
    let now = Instant::now();
    let list = loaded(now);
    list.vouch(5, None, now);
    assert_eq!(list.take_in(&tail(5, vec![]), now), TakenIn::Current);
    let other = row(5, ADA, RevokedSubject::Session(LAPTOP));
    assert!(matches!(list.take_in(&tail(5, vec![other.clone()]), now), TakenIn::MustReload(_)));
    list.vouch(5, Some(other.clone()), now);
    assert_eq!(list.take_in(&tail(5, vec![other]), now), TakenIn::Current);
}

#[test]
fn what_a_log_that_was_set_back_has_lost_is_known() {
    let now = Instant::now();
    let list = loaded(now);
    let rows = [
        row(1, ADA, RevokedSubject::Session(LAPTOP)),
        row(2, ADA, RevokedSubject::Session(PHONE)),
        row(3, ADA, RevokedSubject::Epoch(2)),
        row(4, BOB, RevokedSubject::Epoch(5)),
    ];
    list.add(&rows);
    let logged = HashSet::from([
        (ADA, RevokedSubject::Session(LAPTOP)),
        (ADA, RevokedSubject::Epoch(1)),
        (BOB, RevokedSubject::Epoch(5)),
    ]);
    let forgotten = list.beyond(&logged, Timestamp::from_millis(0));
    assert_eq!(forgotten, Lost { sessions: vec![PHONE], people: vec![(ADA, 2)] });
    assert!(list.beyond(&logged, LATER.plus(Duration::from_secs(2))).is_empty());
}

#[test]
fn what_a_server_adds_by_itself_does_not_hide_rows_of_others() {
    let now = Instant::now();
    let list = loaded(now);
    list.add(&[row(2, ADA, RevokedSubject::Session(LAPTOP))]);
    let rows = vec![row(1, BOB, RevokedSubject::Session(PHONE)), row(2, ADA, RevokedSubject::Session(LAPTOP))];
    assert_eq!(list.take_in(&tail(2, rows), now), TakenIn::Current);
    assert_eq!(list.check(PHONE, BOB, 0, now), Verdict::SessionEnded);
}

#[test]
fn an_entry_goes_when_no_token_can_need_it_and_not_before() {
    let now = Instant::now();
    let list = loaded(now);
    list.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
    list.prune(LATER);
    assert_eq!(list.len(), 1);
    list.prune(LATER.plus(Duration::from_secs(2)));
    assert!(list.is_empty());
}
