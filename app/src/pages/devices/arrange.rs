//! In which order devices are shown, and what is said of them. Pure.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use crate::api::{Session, SessionUpdated};
use crate::domain::{SessionId, Timestamp};
use crate::ui::words::count_of;

/// Devices not used for so long are folded away.
const UNUSED_AFTER: Duration = Duration::from_hours(30 * 24);

/// Devices in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arranged {
    /// In use, or not long ago.
    pub used: Vec<SessionId>,
    /// *Not used for a while.*
    pub unused: Vec<SessionId>,
}

/// This device first, then those active now, then by last active; those not used for over 30 days apart.
///
/// Active ones keep the order in which they signed in: by last active they would change places every minute.
pub(super) fn arrange(sessions: &[Session], hidden: &HashSet<SessionId>, now: Timestamp) -> Arranged {
    let mut shown: Vec<&Session> = sessions.iter().filter(|session| !hidden.contains(&session.session_id)).collect();
    shown.sort_by_key(|session| {
        let moment = if session.active_now { session.created_at } else { session.last_active };
        (!session.current, !session.active_now, Reverse(moment), session.session_id)
    });
    let (unused, used): (Vec<_>, Vec<_>) = shown.into_iter().partition(|session| is_unused(session, now));
    let ids = |sessions: Vec<&Session>| sessions.into_iter().map(|session| session.session_id).collect();
    Arranged { used: ids(used), unused: ids(unused) }
}

fn is_unused(session: &Session, now: Timestamp) -> bool {
    !session.current && !session.active_now && now.since(session.last_active) > UNUSED_AFTER
}

/// The answer to *where am I signed in?*
pub(super) fn headline(devices: usize) -> String {
    format!("Signed in on {}.", count_of(devices as u64, "device"))
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
    use crate::api::{DeviceDescription, DeviceKind, SignInMethod};

    const DAY_MS: i64 = 86_400_000;
    const NOW: Timestamp = Timestamp::from_millis(100 * DAY_MS);

    fn id(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
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
            signed_in_with: SignInMethod::Password,
            user_agent: String::new(),
        }
    }

    #[test]
    fn this_device_comes_first_then_active_ones_then_by_last_active() {
        let mut list = vec![device(1, 9), device(2, 3), device(3, 0), device(4, 0), device(5, 50)];
        list[2].active_now = true;
        list[3].active_now = true;
        list[4].current = true;
        let arranged = arrange(&list, &HashSet::new(), NOW);
        assert_eq!(arranged.used, [id(5), id(4), id(3), id(2), id(1)]);
        assert_eq!(arranged.unused, []);
    }

    #[test]
    fn devices_unused_for_over_thirty_days_are_apart() {
        let list = [device(1, 30), device(2, 31), device(3, 40)];
        let arranged = arrange(&list, &HashSet::new(), NOW);
        assert_eq!(arranged.used, [id(1)]);
        assert_eq!(arranged.unused, [id(2), id(3)]);
    }

    #[test]
    fn hidden_devices_are_not_shown() {
        let arranged = arrange(&[device(1, 0), device(2, 0)], &HashSet::from([id(1)]), NOW);
        assert_eq!(arranged.used, [id(2)]);
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
