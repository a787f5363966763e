//! The order in which devices are shown, and the words for them. Pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::ui::words::count_of;
use types::api::{Session, SessionUpdated};
use types::domain::{SessionId, Timestamp};

/// Devices not used for so long are folded away.
const UNUSED_AFTER: Duration = Duration::from_hours(30 * 24);

/// From so many on, devices that look the same are shown as one group.
const GROUP_FROM: usize = 3;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A device.
    One(SessionId),
    /// Several sign-ins that look the same: by name, browser and system.
    Group {
        /// What they look like.
        look: Look,
        /// They, in their order.
        ids: Vec<SessionId>,
    },
}

/// What a device looks like to somebody who reads the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Look {
    /// Its name.
    pub name: String,
    /// The browser without its version, and the system.
    browser_and_system: (Option<String>, Option<String>, String),
    /// Whether there is a question about it: unconfirmed sign-ins do not hide among confirmed ones.
    pub asked_about: bool,
}

impl Look {
    fn of(session: &Session, showing: &Showing) -> Self {
        let device = &session.device_info;
        let family = device.browser_family().map(str::to_owned);
        let browser_and_system = (family, device.os.clone(), device.platform.clone());
        let asked_about = showing.asked_about.contains(&session.session_id);
        Self { name: device.device_name.clone(), browser_and_system, asked_about }
    }
}

/// What names an item for as long as it is in the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ItemKey {
    /// A device.
    One(SessionId),
    /// A group.
    Group(Look),
}

impl Item {
    /// Its name in the list.
    pub(super) fn key(&self) -> ItemKey {
        match self {
            Self::One(id) => ItemKey::One(*id),
            Self::Group { look, .. } => ItemKey::Group(look.clone()),
        }
    }

    /// The devices in it.
    pub(super) fn ids(&self) -> &[SessionId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Group { ids, .. } => ids,
        }
    }
}

/// Devices in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arranged {
    /// In use, or not long ago.
    pub used: Vec<Item>,
    /// *Not used for a while.*
    pub unused: Vec<Item>,
}

/// What is shown of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Showing {
    /// Their rows are gone.
    pub hidden: HashSet<SessionId>,
    /// There is a question about them: they are not grouped with others that look the same.
    pub asked_about: HashSet<SessionId>,
    /// Words that a device must contain. With any of them, all matches are in one list.
    pub filter: String,
}

/// This device first, then those active now, then by last active; those not used for over 30 days apart.
///
/// Active ones keep the order in which they signed in: by last active they would change places every minute. Several
/// that look the same form a group, at the place of the first of them.
pub(super) fn arrange(sessions: &[Session], showing: &Showing, now: Timestamp) -> Arranged {
    let words: Vec<String> = showing.filter.split_whitespace().map(str::to_lowercase).collect();
    let is_shown = |session: &&Session| {
        !showing.hidden.contains(&session.session_id) && (words.is_empty() || has_words(session, &words))
    };
    let mut shown: Vec<&Session> = sessions.iter().filter(is_shown).collect();
    shown.sort_by_key(|session| {
        let moment = if session.active_now { session.created_at } else { session.last_active };
        (!session.current, !session.active_now, Reverse(moment), session.session_id)
    });
    let is_apart = |session: &&Session| words.is_empty() && is_unused(session, now);
    let (unused, used): (Vec<&Session>, Vec<&Session>) = shown.into_iter().partition(is_apart);
    Arranged { used: grouped(&used, showing), unused: grouped(&unused, showing) }
}

/// Groups devices that look the same. This device is in no group.
fn grouped(sessions: &[&Session], showing: &Showing) -> Vec<Item> {
    let look = |session: &Session| (!session.current).then(|| Look::of(session, showing));
    let mut alike: HashMap<Look, Vec<SessionId>> = HashMap::new();
    for session in sessions {
        if let Some(look) = look(session) {
            alike.entry(look).or_default().push(session.session_id);
        }
    }
    alike.retain(|_, ids| ids.len() >= GROUP_FROM);
    let mut items = Vec::with_capacity(sessions.len());
    for session in sessions {
        match look(session).filter(|look| alike.contains_key(look)) {
            None => items.push(Item::One(session.session_id)),
            Some(look) => {
                let ids = alike.get_mut(&look).map(std::mem::take).unwrap_or_default();
                // The group is at the place of its first device.
                if !ids.is_empty() {
                    items.push(Item::Group { look, ids });
                }
            }
        }
    }
    items
}

fn has_words(session: &Session, words: &[String]) -> bool {
    let device = &session.device_info;
    let text = [
        device.device_name.as_str(),
        device.browser.as_deref().unwrap_or_default(),
        device.os.as_deref().unwrap_or_default(),
        &device.platform,
        session.place.as_deref().unwrap_or_default(),
        &session.ip_address,
    ];
    let text = text.join(" ").to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn is_unused(session: &Session, now: Timestamp) -> bool {
    !session.current && !session.active_now && now.since(session.last_active) > UNUSED_AFTER
}

/// The answer to *where am I signed in?*
pub(super) fn headline(devices: u64) -> String {
    format!("Signed in on {}.", count_of(devices, "device"))
}

/// What an event changes about a device.
pub(super) fn apply(session: &mut Session, update: &SessionUpdated) {
    if let Some(name) = &update.device_name {
        session.device_info.device_name.clone_from(name);
    }
    session.last_active = update.last_active.unwrap_or(session.last_active);
    session.active_now = update.active_now.unwrap_or(session.active_now);
    session.expires_at = update.expires_at.unwrap_or(session.expires_at);
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;
    use types::api::DeviceDescription;
    use types::words::{DeviceKind, SignInMethod};

    const DAY_MS: i64 = 86_400_000;
    const NOW: Timestamp = Timestamp::from_millis(100 * DAY_MS);

    fn id(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    fn one(number: u128) -> Item {
        Item::One(id(number))
    }

    fn device(number: u128, days_ago: i64) -> Session {
        Session {
            session_id: id(number),
            current: false,
            device_info: DeviceDescription {
                device_name: format!("device {number}"),
                platform: "web".into(),
                browser: None,
                os: None,
                kind: DeviceKind::Laptop,
                app_version: None,
            },
            ip_address: String::new(),
            place: None,
            created_at: Timestamp::from_millis(i64::try_from(number).expect("small")),
            last_active: Timestamp::from_millis(NOW.as_millis() - days_ago * DAY_MS),
            active_now: false,
            expires_at: NOW,
            signed_in_with: SignInMethod::Password.into(),
            user_agent: String::new(),
            acting: None,
        }
    }

    #[test]
    fn this_device_comes_first_then_active_ones_then_by_last_active() {
        let mut list = vec![device(1, 9), device(2, 3), device(3, 0), device(4, 0), device(5, 50)];
        list[2].active_now = true;
        list[3].active_now = true;
        list[4].current = true;
        let arranged = arrange(&list, &Showing::default(), NOW);
        assert_eq!(arranged.used, [5, 4, 3, 2, 1].map(one));
        assert_eq!(arranged.unused, []);
    }

    #[test]
    fn devices_unused_for_over_thirty_days_are_apart() {
        let list = [device(1, 30), device(2, 31), device(3, 40)];
        let arranged = arrange(&list, &Showing::default(), NOW);
        assert_eq!(arranged.used, [one(1)]);
        assert_eq!(arranged.unused, [2, 3].map(one));
    }

    #[test]
    fn hidden_devices_are_not_shown() {
        let showing = Showing { hidden: HashSet::from([id(1)]), ..Showing::default() };
        assert_eq!(arrange(&[device(1, 0), device(2, 0)], &showing, NOW).used, [one(2)]);
    }

    /// Chrome on macOS, in whichever version.
    fn chrome(number: u128, version: u32, days_ago: i64) -> Session {
        let mut session = device(number, days_ago);
        session.device_info.device_name = "Chrome on macOS".into();
        session.device_info.browser = Some(format!("Chrome {version}"));
        session.device_info.os = Some("macOS".into());
        session
    }

    #[test]
    fn devices_that_look_the_same_form_one_group_at_the_place_of_the_first() {
        let mut list = vec![device(1, 0), chrome(2, 141, 1), device(3, 2), chrome(4, 140, 3), chrome(5, 141, 4)];
        let arranged = arrange(&list, &Showing::default(), NOW);
        let group = Item::Group { look: Look::of(&list[1], &Showing::default()), ids: [2, 4, 5].map(id).to_vec() };
        assert_eq!(arranged.used, [one(1), group, one(3)]);
        list[4].device_info.device_name = "The good laptop".into();
        let arranged = arrange(&list, &Showing::default(), NOW);
        assert_eq!(arranged.used, [1, 2, 3, 4, 5].map(one), "two are not many, and a name makes a difference");
    }

    #[test]
    fn this_device_and_one_that_is_asked_about_are_in_no_group() {
        let mut list: Vec<_> = (1..=5).map(|number| chrome(number, 141, 1)).collect();
        list[0].current = true;
        let showing = Showing { asked_about: HashSet::from([id(3)]), ..Showing::default() };
        let arranged = arrange(&list, &showing, NOW);
        assert_eq!(arranged.used.iter().map(|item| item.ids().len()).collect::<Vec<_>>(), [1, 3, 1]);
        assert!(arranged.used.contains(&one(1)) && arranged.used.contains(&one(3)));
    }

    #[test]
    fn devices_that_look_the_same_and_are_asked_about_form_a_group_of_their_own() {
        let list: Vec<_> = (1..=7).map(|number| chrome(number, 141, 1)).collect();
        let showing = Showing { asked_about: (1..=4).map(id).collect(), ..Showing::default() };
        let arranged = arrange(&list, &showing, NOW);
        let groups: Vec<_> = arranged.used.iter().map(|item| item.ids().to_vec()).collect();
        assert_eq!(groups, [[1, 2, 3, 4].map(id).to_vec(), [5, 6, 7].map(id).to_vec()]);
        assert!(matches!(&arranged.used[0], Item::Group { look, .. } if look.asked_about));
    }

    #[test]
    fn words_find_devices_by_all_that_is_shown_of_them_however_long_they_were_not_used() {
        let mut list = vec![chrome(1, 141, 0), device(2, 50), device(3, 0)];
        list[1].place = Some("Kyiv, Ukraine".into());
        list[2].ip_address = "2001:db8::42".into();
        for (filter, found) in [("CHROME mac", vec![1]), ("kyiv", vec![2]), ("db8::42", vec![3]), ("opera", vec![])] {
            let showing = Showing { filter: filter.into(), ..Showing::default() };
            let arranged = arrange(&list, &showing, NOW);
            assert_eq!(arranged.used, found.into_iter().map(one).collect::<Vec<_>>(), "{filter}");
            assert_eq!(arranged.unused, []);
        }
    }

    #[test]
    fn an_event_changes_only_what_it_names() {
        let mut changed = device(1, 1);
        let update = SessionUpdated {
            session_id: id(1),
            device_name: Some("Ada’s laptop".into()),
            last_active: None,
            active_now: Some(true),
            expires_at: None,
        };
        apply(&mut changed, &update);
        let mut expected = device(1, 1);
        expected.device_info.device_name = "Ada’s laptop".into();
        expected.active_now = true;
        assert_eq!(changed, expected);
    }

    #[test]
    fn the_first_line_counts() {
        assert_eq!(headline(1), "Signed in on 1 device.");
        assert_eq!(headline(4), "Signed in on 4 devices.");
    }
}
