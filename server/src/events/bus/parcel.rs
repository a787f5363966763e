//! How news is written for the way: several messages in one parcel of JSON, with the sender's name on it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::api::ServerEvent;
use types::domain::{Timestamp, UserId};
use uuid::Uuid;

use crate::events::{SubscriberId, Topic};

/// One message between servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The revocation log has grown.
    Revoked,
    /// An event for all who listen to a topic, but not for `except`.
    Event {
        /// The topic.
        topic: Topic,
        /// Whom it is not for.
        except: Option<SubscriberId>,
        /// What happened.
        event: Box<ServerEvent>,
    },
}

/// Who sends, and when.
pub struct Stamp {
    /// The server.
    pub from: Uuid,
    /// By the clock that all share.
    pub at: Timestamp,
}

/// A parcel, opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The server that sent it.
    pub from: Uuid,
    /// Its how many-th this is. The same over every line.
    pub number: u64,
    /// When it was sent.
    pub at: Timestamp,
    /// Whether the revocation log has grown.
    pub look: bool,
    /// The rest. Kinds that this version does not know are left out.
    pub news: Vec<News>,
}

#[derive(Deserialize)]
struct Outside {
    from: Uuid,
    number: u64,
    at: i64,
    #[serde(default)]
    look: bool,
    #[serde(default)]
    news: Vec<Wire>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Wire {
    Event {
        user_id: UserId,
        except: Option<Uuid>,
        name: String,
        data: Value,
    },
    #[serde(other)]
    Unknown,
}

/// Writes parcels of at most `longest` bytes, at least one even without news, numbered from the one after `number` on. Also says how many
/// messages are too long for any.
pub fn pack(stamp: &Stamp, number: &mut u64, news: impl Iterator<Item = News>, longest: usize) -> (Vec<String>, usize) {
    let mut look = false;
    let (mut contents, mut too_long) = (Vec::new(), 0);
    // Enough for what stands around the messages.
    let room = longest.saturating_sub(144);
    for message in news {
        let Some(wire) = wire(message) else {
            look = true;
            continue;
        };
        match serde_json::to_string(&wire) {
            Ok(text) if text.len() <= room => contents.push(text),
            _ => too_long += 1,
        }
    }
    let mut parcels = Vec::new();
    let mut inside = String::new();
    for text in contents {
        if !inside.is_empty() && inside.len() + 1 + text.len() > room {
            parcels.push(close(stamp, number, std::mem::take(&mut look), &std::mem::take(&mut inside)));
        }
        if !inside.is_empty() {
            inside.push(',');
        }
        inside.push_str(&text);
    }
    if look || !inside.is_empty() || parcels.is_empty() {
        parcels.push(close(stamp, number, look, &inside));
    }
    (parcels, too_long)
}

fn close(stamp: &Stamp, number: &mut u64, look: bool, inside: &str) -> String {
    *number += 1;
    let (from, at) = (stamp.from, stamp.at.as_millis());
    format!(r#"{{"from":"{from}","number":{number},"at":{at},"look":{look},"news":[{inside}]}}"#)
}

fn wire(news: News) -> Option<Wire> {
    match news {
        News::Revoked => None,
        News::Event { topic: Topic::User(user_id), except, event } => {
            let data = event.data().ok().and_then(|data| serde_json::from_str(&data).ok()).unwrap_or_default();
            let except = except.map(|SubscriberId(id)| id);
            Some(Wire::Event { user_id, except, name: event.name().as_str().to_owned(), data })
        }
    }
}

/// Opens a parcel. `None` where it is none of ours.
pub fn open(text: &str) -> Option<Parcel> {
    let Outside { from, number, at, look, news } = serde_json::from_str(text).ok()?;
    let at = Timestamp::from_millis(at);
    Some(Parcel { from, number, at, look, news: news.into_iter().filter_map(read).collect() })
}

fn read(wire: Wire) -> Option<News> {
    match wire {
        Wire::Event { user_id, except, name, data } => {
            let event = ServerEvent::parse(&name, &data.to_string())?.ok()?;
            let (topic, except) = (Topic::User(user_id), except.map(SubscriberId));
            Some(News::Event { topic, except, event: Box::new(event) })
        }
        Wire::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use types::api::UserUpdated;

    use super::*;

    const ME: Uuid = Uuid::from_u128(7);
    const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn pack(news: impl Iterator<Item = News>, longest: usize) -> (Vec<String>, usize) {
        super::pack(&Stamp { from: ME, at: AT }, &mut 0, news, longest)
    }

    fn parcel(look: bool, news: Vec<News>) -> Parcel {
        Parcel { from: ME, number: 1, at: AT, look, news }
    }

    fn event(person: u128) -> News {
        let user_id = UserId(Uuid::from_u128(person));
        News::Event {
            topic: Topic::User(user_id),
            except: Some(SubscriberId(Uuid::from_u128(2))),
            event: Box::new(ServerEvent::UserUpdated(UserUpdated { user_id })),
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let (parcels, too_long) = pack([News::Revoked, event(1), event(2)].into_iter(), 8000);
        assert_eq!((parcels.len(), too_long), (1, 0));
        assert_eq!(open(&parcels[0]), Some(parcel(true, vec![event(1), event(2)])));
    }

    #[test]
    fn a_parcel_is_never_longer_than_the_way_allows_and_nothing_that_fits_is_left_behind() {
        let (parcels, too_long) = pack((0..100).map(event).chain([News::Revoked]), 1000);
        assert!(parcels.len() > 1 && parcels.iter().all(|text| text.len() <= 1000), "{parcels:?}");
        let opened: Vec<Parcel> = parcels.iter().map(|text| open(text).expect("a parcel")).collect();
        assert_eq!(opened.iter().map(|parcel| parcel.news.len()).sum::<usize>(), 100);
        assert_eq!(opened.iter().filter(|parcel| parcel.look).count(), 1);
        assert_eq!(too_long, 0);
        assert!(opened.iter().map(|parcel| parcel.number).eq(1..=opened.len() as u64));
        assert_eq!(pack([event(1)].into_iter(), 200).1, 1);
    }

    #[test]
    fn a_heartbeat_is_an_empty_parcel() {
        let (parcels, _) = pack(std::iter::empty(), 8000);
        assert_eq!(open(&parcels[0]), Some(parcel(false, Vec::new())));
    }

    #[test]
    fn kinds_of_a_newer_version_are_passed_over_and_nonsense_is_no_parcel() {
        let text = format!(
            r#"{{"from":"{ME}","number":1,"at":1767225600000,"look":true,"news":[{{"kind":"telepathy","to":1}}],"more":1}}"#
        );
        assert_eq!(open(&text), Some(parcel(true, Vec::new())));
        for text in ["", "{}", "hello", "[1]"] {
            assert_eq!(open(text), None, "{text}");
        }
    }
}
