//! The envelope of messages between servers: JSON with a version, the sender, the sender's number and time, and any
//! number of messages.

use serde::Deserialize;
use types::domain::Timestamp;
use uuid::Uuid;

use super::message::{Message, WireMessage};

/// The version that is written and read. Envelopes of another version are dropped: the log has what matters.
const VERSION: u32 = 1;
/// Enough bytes for what stands around the messages.
const AROUND: usize = 144;

/// Who sends, and when.
pub struct Stamp {
    pub sender: Uuid,
    /// By the clock that all share.
    pub sent_at: Timestamp,
}

/// An envelope, opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The server that sent it.
    pub sender: Uuid,
    /// Its sequence number, the same over every line.
    pub number: u64,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// What it says. Kinds that this version does not know are left out.
    pub messages: Vec<Message>,
}

/// An envelope as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEnvelope {
    version: u32,
    sender: Uuid,
    number: u64,
    sent_at: i64,
    messages: Vec<WireMessage>,
}

/// Writes envelopes of at most `longest` bytes, at least one even without messages, numbered from the one after
/// `number` on. One hint is as good as many. Also says how many messages are too long for any.
pub fn pack(
    stamp: &Stamp,
    number: &mut u64,
    messages: impl Iterator<Item = Message>,
    longest: usize,
) -> (Vec<String>, usize) {
    let longest_inside = longest.saturating_sub(AROUND);
    let (mut contents, mut is_hinted, mut too_long) = (Vec::new(), false, 0);
    for message in messages {
        if message == Message::Revoked && std::mem::replace(&mut is_hinted, true) {
            continue;
        }
        match serde_json::to_string(&WireMessage::from(message)) {
            Ok(text) if text.len() <= longest_inside => contents.push(text),
            _ => too_long += 1,
        }
    }
    let mut envelopes = Vec::new();
    let mut inside = String::new();
    for text in contents {
        if !inside.is_empty() && inside.len() + 1 + text.len() > longest_inside {
            envelopes.push(close(stamp, number, &std::mem::take(&mut inside)));
        }
        if !inside.is_empty() {
            inside.push(',');
        }
        inside.push_str(&text);
    }
    if !inside.is_empty() || envelopes.is_empty() {
        envelopes.push(close(stamp, number, &inside));
    }
    (envelopes, too_long)
}

fn close(Stamp { sender, sent_at }: &Stamp, number: &mut u64, inside: &str) -> String {
    *number += 1;
    let sent_at = sent_at.as_millis();
    format!(r#"{{"version":{VERSION},"sender":"{sender}","number":{number},"sentAt":{sent_at},"messages":[{inside}]}}"#)
}

/// Opens an envelope. `None` where it is none of ours, or of another version.
pub fn open(text: &str) -> Option<Envelope> {
    let WireEnvelope { version, sender, number, sent_at, messages } = serde_json::from_str(text).ok()?;
    let sent_at = Timestamp::from_millis(sent_at);
    let read = || messages.into_iter().filter_map(WireMessage::read).collect();
    (version == VERSION).then(|| Envelope { sender, number, sent_at, messages: read() })
}

#[cfg(test)]
mod tests {
    use types::api::{ServerEvent, UserUpdated};
    use types::domain::UserId;

    use super::*;
    use crate::events::{SubscriberId, Topic};

    const ME: Uuid = Uuid::from_u128(7);
    const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn pack(messages: impl Iterator<Item = Message>, longest: usize) -> (Vec<String>, usize) {
        super::pack(&Stamp { sender: ME, sent_at: AT }, &mut 0, messages, longest)
    }

    fn envelope(messages: Vec<Message>) -> Envelope {
        Envelope { sender: ME, number: 1, sent_at: AT, messages }
    }

    fn event(user: u128) -> Message {
        let user_id = UserId(Uuid::from_u128(user));
        Message::Event {
            topic: Topic::User(user_id),
            except: Some(SubscriberId(Uuid::from_u128(2))),
            event: Box::new(ServerEvent::UserUpdated(UserUpdated { user_id })),
        }
    }

    /// An envelope of ours with these messages, as they are written.
    fn written(version: u32, messages: &str) -> String {
        format!(
            r#"{{"version":{version},"sender":"{ME}","number":1,"sentAt":1767225600000,"messages":[{messages}],"more":1}}"#
        )
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let (envelopes, too_long) = pack([Message::Revoked, event(1), event(2)].into_iter(), 8000);
        assert_eq!((envelopes.len(), too_long), (1, 0));
        assert_eq!(open(&envelopes[0]), Some(envelope(vec![Message::Revoked, event(1), event(2)])));
    }

    #[test]
    fn an_envelope_is_never_longer_than_the_way_allows_and_nothing_that_fits_is_left_behind() {
        let hints = [Message::Revoked, Message::Revoked];
        let (envelopes, too_long) = pack((0..100).map(event).chain(hints), 1000);
        assert!(envelopes.len() > 1 && envelopes.iter().all(|text| text.len() <= 1000), "{envelopes:?}");
        let opened: Vec<Envelope> = envelopes.iter().map(|text| open(text).expect("an envelope")).collect();
        let messages = || opened.iter().flat_map(|envelope| &envelope.messages);
        assert_eq!(messages().filter(|message| **message != Message::Revoked).count(), 100);
        assert_eq!(messages().filter(|message| **message == Message::Revoked).count(), 1);
        assert_eq!(too_long, 0);
        assert!(opened.iter().map(|envelope| envelope.number).eq(1..=opened.len() as u64));
        assert_eq!(pack([event(1)].into_iter(), 200).1, 1);
        let stamp = Stamp { sender: ME, sent_at: Timestamp::from_millis(i64::MIN) };
        let (longest, _) = super::pack(&stamp, &mut (u64::MAX - 1), std::iter::empty(), 8000);
        assert!(longest[0].len() <= AROUND, "{longest:?}");
    }

    #[test]
    fn a_heartbeat_is_an_empty_envelope() {
        let (envelopes, _) = pack(std::iter::empty(), 8000);
        assert_eq!(open(&envelopes[0]), Some(envelope(Vec::new())));
    }

    #[test]
    fn kinds_of_a_newer_version_are_passed_over_and_nonsense_is_no_envelope() {
        let user = Uuid::from_u128(1);
        let of_attic = format!(
            r#"{{"kind":"event","topic":{{"kind":"attic","id":"{user}"}},"name":"user.updated","data":{{"userId":"{user}"}}}}"#
        );
        let messages = [r#"{"kind":"telepathy","to":1}"#, of_attic.as_str(), r#"{"kind":"revoked"}"#].join(",");
        assert_eq!(open(&written(1, &messages)), Some(envelope(vec![Message::Revoked])));
        for text in ["", "{}", "hello", "[1]", &written(2, r#"{"kind":"revoked"}"#)] {
            assert_eq!(open(text), None, "{text}");
        }
    }
}
