//! The revocation list, one call after the other.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use types::domain::Timestamp;

use super::{ADA, BOB, LAPTOP, LATER, PHONE, row, tail};
use crate::sessions::metrics::Reload;
use crate::sessions::revocations::list::{Applied, Lost, LostEpoch, RevocationList, Verdict};
use crate::store::{Revocation, RevokedSubject, Tail};

/// A poll that was over before anything else happened came to this.
fn polls(list: &RevocationList, log: &Tail, now: Instant) -> Applied {
    list.apply(log, list.begin_poll(now))
}

fn loaded(now: Instant) -> RevocationList {
    let list = RevocationList::new(Duration::from_secs(2), now);
    list.become_current(0, None, now);
    list
}

#[test]
fn a_list_is_not_current_before_it_is_loaded() {
    let now = Instant::now();
    assert_eq!(RevocationList::new(Duration::from_secs(2), now).check(LAPTOP, ADA, 0, now), Verdict::Stale);
}

#[test]
fn a_revoked_session_is_refused_and_another_passes() {
    let now = Instant::now();
    let list = loaded(now);
    assert_eq!(polls(&list, &tail(1, vec![row(1, ADA, RevokedSubject::Session(LAPTOP))]), now), Applied::Current);
    assert_eq!(list.check(LAPTOP, ADA, 0, now), Verdict::SessionEnded);
    assert_eq!(list.check(PHONE, ADA, 0, now), Verdict::Passes);
}

#[test]
fn an_epoch_refuses_older_tokens_of_that_user_only_and_never_sinks() {
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
    assert!(matches!(polls(&list, &tail(3, vec![third]), now), Applied::MustReload(_)));
    assert!(matches!(polls(&list, &tail(2, vec![]), now), Applied::MustReload(_)));
    list.become_current(5, None, now);
    assert!(matches!(polls(&list, &tail(4, vec![]), now), Applied::MustReload(_)));
    assert_eq!(list.position(), 5);
}

#[test]
fn a_log_that_was_set_back_is_noticed_even_when_it_has_grown_past_where_it_was() {
    let now = Instant::now();
    let list = loaded(now);
    let mine = row(1, ADA, RevokedSubject::Session(LAPTOP));
    assert_eq!(polls(&list, &tail(1, vec![mine.clone()]), now), Applied::Current);
    assert_eq!(polls(&list, &tail(1, vec![mine.clone()]), now), Applied::Current);
    let others = [row(1, BOB, RevokedSubject::Session(PHONE)), row(2, BOB, RevokedSubject::Epoch(1))];
    assert!(matches!(polls(&list, &tail(2, others.to_vec()), now), Applied::MustReload(_)));
    assert!(matches!(polls(&list, &tail(2, others[1..].to_vec()), now), Applied::MustReload(_)));
    // Once nobody needs it any more it may be gone.
    let later = Tail { database_time: LATER, ..tail(2, others[1..].to_vec()) };
    assert_eq!(polls(&list, &later, now), Applied::Current);
}

#[test]
fn a_row_where_there_was_none_belongs_to_another_log() {
    let now = Instant::now();
    let list = loaded(now);
    list.become_current(5, None, now);
    assert_eq!(polls(&list, &tail(5, vec![]), now), Applied::Current);
    let other = row(5, ADA, RevokedSubject::Session(LAPTOP));
    assert!(matches!(polls(&list, &tail(5, vec![other.clone()]), now), Applied::MustReload(_)));
    list.become_current(5, Some(other.clone()), now);
    assert_eq!(polls(&list, &tail(5, vec![other]), now), Applied::Current);
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
    assert_eq!(
        forgotten,
        Lost { sessions: vec![PHONE], users: vec![LostEpoch { user_id: ADA, least: 2, least_by_end: 0 }] }
    );
    assert!(list.beyond(&logged, LATER.plus(Duration::from_secs(2))).is_empty());
}

#[test]
fn what_a_server_adds_by_itself_does_not_hide_rows_of_others() {
    let now = Instant::now();
    let list = loaded(now);
    list.add(&[row(2, ADA, RevokedSubject::Session(LAPTOP))]);
    let rows = vec![row(1, BOB, RevokedSubject::Session(PHONE)), row(2, ADA, RevokedSubject::Session(LAPTOP))];
    assert_eq!(polls(&list, &tail(2, rows), now), Applied::Current);
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

const LOST: Applied = Applied::MustReload(Reload::OwnRowLost);

/// What everybody has read, and what the server with the list commits after that.
fn read_and_own() -> (Revocation, Revocation) {
    (row(1, BOB, RevokedSubject::Session(PHONE)), row(2, ADA, RevokedSubject::Session(LAPTOP)))
}

/// A list that has read the first row of the log.
fn that_has_read(read: &Revocation, now: Instant) -> RevocationList {
    let list = loaded(now);
    assert_eq!(polls(&list, &tail(1, vec![read.clone()]), now), Applied::Current);
    list
}

#[test]
fn a_commit_of_its_own_that_the_log_lost_before_anybody_read_it_is_missed_until_that_is_known() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let list = that_has_read(&read, now);
    list.add(&[own]);
    // The copy that has taken over ends where this server has read to.
    let log = tail(1, vec![read.clone()]);
    assert_eq!(polls(&list, &log, now), LOST);
    assert_eq!(polls(&list, &log, now), LOST, "looking does not make it known");
    let poll = list.begin_poll(now);
    list.add_from_log(&log.revocations);
    list.become_current(1, Some(read.clone()), now);
    let live = HashSet::from([(read.user_id, read.subject)]);
    let missed = list.beyond(&live, Timestamp::from_millis(0));
    assert_eq!(missed, Lost { sessions: vec![LAPTOP], users: Vec::new() });
    list.complete(poll);
    assert_eq!(polls(&list, &log, now), Applied::Current);
    // It is committed again, which can be lost again.
    let again = Revocation { at: LATER, ..row(2, ADA, RevokedSubject::Session(LAPTOP)) };
    list.add(std::slice::from_ref(&again));
    assert_eq!(polls(&list, &log, now), LOST);
    assert_eq!(polls(&list, &tail(2, vec![read, again]), now), Applied::Current);
}

#[test]
fn a_row_whose_device_was_forgotten_with_an_account_is_still_the_same_row() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let named = |row: Revocation| Revocation { ended_by_device: Some("Ada's laptop".to_owned()), ..row };
    let list = that_has_read(&named(read.clone()), now);
    assert_eq!(polls(&list, &tail(1, vec![read.clone()]), now), Applied::Current);
    list.add(&[named(own.clone())]);
    assert_eq!(polls(&list, &tail(2, vec![read, own]), now), Applied::Current);
}

#[test]
fn another_row_in_the_place_of_its_own_is_noticed() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let other = row(2, BOB, RevokedSubject::Epoch(1));
    let further = row(3, BOB, RevokedSubject::Epoch(2));
    let list = that_has_read(&read, now);
    let before = list.begin_poll(now);
    list.add(std::slice::from_ref(&own));
    let log = tail(3, vec![read.clone(), other.clone(), further]);
    assert_eq!(polls(&list, &log, now), LOST);
    assert_eq!(list.apply(&log, before), LOST, "whenever it began");

    // The other row was read before the commit of this server's own was acknowledged here.
    let list = that_has_read(&read, now);
    assert_eq!(polls(&list, &tail(2, vec![read, other.clone()]), now), Applied::Current);
    list.add(&[own]);
    assert_eq!(polls(&list, &tail(2, vec![other]), now), LOST);
}

#[test]
fn a_poll_that_began_before_the_commit_need_not_show_it_and_the_next_one_must() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let list = that_has_read(&read, now);
    let before = list.begin_poll(now);
    list.add(std::slice::from_ref(&own));
    let without = tail(1, vec![read.clone()]);
    assert_eq!(list.apply(&without, before), Applied::Current);
    assert_eq!(polls(&list, &without, now), LOST);
    assert_eq!(polls(&list, &tail(2, vec![read, own]), now), Applied::Current);
}

#[test]
fn a_commit_of_its_own_that_no_token_can_need_any_more_is_not_missed() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let list = that_has_read(&read, now);
    list.add(std::slice::from_ref(&own));
    // Cleaned up, like the row before it.
    let log = Tail { database_time: LATER, ..tail(1, Vec::new()) };
    assert_eq!(polls(&list, &log, now), Applied::Current);
    assert_eq!(polls(&list, &tail(1, vec![read.clone()]), now), Applied::Current, "it is expected no longer");

    let list = that_has_read(&read, now);
    list.add(&[own]);
    list.prune(LATER);
    assert_eq!(polls(&list, &tail(1, vec![read]), now), Applied::Current, "no memory is spent on it");
}

#[test]
fn what_a_poll_has_shown_is_expected_no_longer() {
    let now = Instant::now();
    let (read, own) = read_and_own();
    let further = row(3, BOB, RevokedSubject::Epoch(2));
    let list = that_has_read(&read, now);
    list.add(std::slice::from_ref(&own));
    let log = tail(3, vec![read.clone(), own.clone(), further.clone()]);
    assert_eq!(polls(&list, &log, now), Applied::Current);
    assert_eq!(list.begin_poll(now).from, 3, "nothing is left to be looked for");

    // The poll has overtaken the answer of the commit: the next one shows the row once more.
    list.add(std::slice::from_ref(&own));
    assert_eq!(list.begin_poll(now).from, 2);
    assert_eq!(polls(&list, &tail(3, vec![own.clone(), further.clone()]), now), Applied::Current);
    assert_eq!(list.begin_poll(now).from, 3);
    assert_eq!(polls(&list, &tail(3, vec![further.clone()]), now), Applied::Current);

    // Loading everything shows it too.
    let list = that_has_read(&read, now);
    list.add(std::slice::from_ref(&own));
    list.add_from_log(&[read, own, further.clone()]);
    list.become_current(3, Some(further), now);
    assert_eq!(list.begin_poll(now).from, 3);
}
