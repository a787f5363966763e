//! What rooms owe to the ends of sessions, and to what was said: sockets are closed in time, nobody is left behind who
//! is gone, and no message is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::history::{Call, History, InRooms, Moment, Outcome, StreamEnd, What};
use super::endings::Endings;
use super::{BOUND, Found, RECOVERY_TIME, Rule, SLACK, described};

/// `PRESENCE_TIMEOUT` as the servers of the run have it.
pub const PRESENCE_TIMEOUT: Duration = Duration::from_secs(6);
/// How much later than that somebody has left who is not there any more: there may be a last heartbeat before, and
/// after it a sweep.
pub const SWEPT_WITHIN: Duration = Duration::from_secs(4);
/// How much later than the bound a socket may be closed: its server waits half a second for the event that says why,
/// and its client comes late to read it.
const CLOSED_LATE: Duration = Duration::from_millis(1500);

/// Sockets of a session are closed in time once its end was confirmed.
pub(super) fn closed_in_time(
    found: &mut Found,
    history: &History,
    endings: &Endings<'_>,
    session: &str,
    calls: &[&Call],
) {
    let Some((ended, by)) = endings.confirmed(session) else { return };
    for call in calls.iter().filter(|call| matches!(call.what, What::Socket { .. })) {
        let due = closed_by(history, call.server, ended, by);
        if call.finished > due {
            let seen = format!("ended at {ended:.3?} by {}, due at {due:.3?}, but {}", described(by), described(call));
            found.add(Rule::ClosedWithinTheBound, session, seen);
        }
    }
}

/// When a server must have closed the sockets of a session that this call has ended.
fn closed_by(history: &History, server: usize, ended: Moment, by: &Call) -> Moment {
    let within = BOUND + SLACK + CLOSED_LATE;
    let mut due = ended + within;
    for lost in history.set_backs.iter().filter(|lost| by.finished >= lost.copied && by.invoked <= lost.done) {
        due = due.max(lost.done.saturating_add(RECOVERY_TIME + within));
    }
    // While it is paused it closes nothing.
    for pause in history.pauses.iter().filter(|pause| pause.server == server) {
        if pause.from <= due && pause.to >= ended {
            due = due.max(pause.to.saturating_add(within));
        }
    }
    due
}

/// Everything else.
pub(super) fn check(found: &mut Found, history: &History, endings: &Endings<'_>) {
    for call in &history.calls {
        if let What::Socket { room, is_ordered: false, .. } = &call.what {
            found.add(Rule::MessagesInOrder, room, described(call));
        }
    }
    if let Some(rooms) = &history.rooms {
        no_ghosts(found, history, rooms);
        no_presence_of_the_ended(found, endings, rooms);
        messages_are_kept(found, history, rooms);
    }
}

fn no_ghosts(found: &mut Found, history: &History, rooms: &InRooms) {
    let since = rooms.asked.saturating_sub(PRESENCE_TIMEOUT + SWEPT_WITHIN);
    for (room, who) in &rooms.participants {
        let is_attended = history.calls.iter().filter(|call| call.who == *who).any(|call| match &call.what {
            What::Socket { room: attended, end, .. } => {
                attended == room && (*end == StreamEnd::Open || call.finished >= since)
            }
            _ => false,
        });
        if !is_attended {
            found.add(Rule::NoGhosts, who, format!("is in {room}, and attends it in no session"));
        }
    }
}

fn no_presence_of_the_ended(found: &mut Found, endings: &Endings<'_>, rooms: &InRooms) {
    for (session, is_ended) in &rooms.present {
        if let Some(by) = endings.acknowledged(session) {
            found.add(Rule::NoPresenceOfTheEnded, session, format!("ended by {}, but present", described(by)));
        } else if *is_ended {
            found.add(Rule::NoPresenceOfTheEnded, session, "has ended, but is present");
        }
    }
}

/// A message that was acknowledged.
struct Said<'a> {
    number: i64,
    text: &'a str,
    call: &'a Call,
}

fn messages_are_kept(found: &mut Found, history: &History, rooms: &InRooms) {
    for (room, messages) in &rooms.messages {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, text) in messages {
            *times.entry(text).or_default() += 1;
        }
        for (text, times) in times.into_iter().filter(|(_, times)| *times > 1) {
            found.add(Rule::MessagesAreKept, room, format!("\"{text}\" is there {times} times"));
        }
    }
    for (room, said) in acknowledged(history) {
        let kept = rooms.messages.get(room).map_or(&[][..], Vec::as_slice);
        for Said { number, text, call } in &said {
            if !kept.iter().any(|(kept_number, kept)| kept_number == number && kept == text) {
                found.add(Rule::MessagesAreKept, room, format!("it is gone: {}", described(call)));
            }
        }
        for earlier in &said {
            let overtakes =
                |later: &&Said<'_>| earlier.call.finished < later.call.invoked && later.number <= earlier.number;
            if let Some(later) = said.iter().find(overtakes) {
                let (later, earlier) = (described(later.call), described(earlier.call));
                found.add(Rule::MessagesAreKept, room, format!("{later} came before {earlier}"));
            }
        }
    }
}

/// What was acknowledged in each room, but for what a failover may have lost.
fn acknowledged(history: &History) -> BTreeMap<&str, Vec<Said<'_>>> {
    let is_lost =
        |call: &Call| history.set_backs.iter().any(|lost| call.finished >= lost.copied && call.invoked <= lost.done);
    let mut rooms: BTreeMap<&str, Vec<Said<'_>>> = BTreeMap::new();
    for call in history.calls.iter().filter(|call| call.outcome == Outcome::Ok && !is_lost(call)) {
        if let What::Post { room, text, number: Some(number) } = &call.what {
            rooms.entry(room).or_default().push(Said { number: *number, text, call });
        }
    }
    rooms
}
