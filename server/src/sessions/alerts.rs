//! *Was this you?*: which sign-ins are asked about, and whose word counts. docs/decisions/0027-was-this-you.md says
//! why.

use types::api::{AlertList, DeviceDescription, SecurityAlert, ServerEvent};
use types::domain::{AlertId, SessionId, UserId};
use types::words::{AlertAnswer, AlertKind, AuditAction, SignInMethod};

use crate::context::Context;
use crate::events::Topic;
use crate::store::{
    AlertRow, DeviceHistory, KnownDevice, NewAlert, NewAnswer, NewAudit, Origin, SessionRow, StoreError,
};

/// The most alerts in one answer.
const MOST_SHOWN: i64 = 100;
/// Bits of an IPv6 address that are one network.
const NETWORK_BITS: u32 = 64;

/// Whether a sign-in is asked about: it came from a device that the user has not used before.
///
/// What counts as used before is in `history`, from which sessions that are in question themselves are left out:
/// whoever signed in once unasked is not known by that. A browser looks like millions of others, so it is known only
/// where it is at home: in a network where the same browser on the same system was used before. The first sign-in of
/// all needs no alert, and a code shows that its owner reads the user's mail.
pub(super) fn is_new_device(
    device: &DeviceDescription,
    ip: &str,
    method: SignInMethod,
    history: &DeviceHistory,
) -> bool {
    if method == SignInMethod::Code || !history.has_signed_in {
        return false;
    }
    let is_same = |known: &KnownDevice| {
        family(known.browser.as_deref()) == family(device.browser.as_deref())
            && known.os == device.os
            && known.platform == device.platform
            && network(&known.ip) == network(ip)
    };
    !history.devices.iter().any(is_same)
}

/// A browser without its version.
fn family(browser: Option<&str>) -> Option<&str> {
    browser.map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end())
}

/// The network of an address: itself, or the half of an IPv6 address that a household shares.
fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(std::net::IpAddr::V6(address)) => (address.to_bits() >> (128 - NETWORK_BITS)).to_string(),
        _ => ip.to_owned(),
    }
}

/// What *it was me* is worth, by the device that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Of a device that is beyond question: it counts by itself, and the device in question is known from then on.
    Counts,
    /// Of a device that is in question itself: it needs proof of who is there, and nothing else follows from it.
    NeedsProof,
    /// Of the device that is asked about, or one that looks just like it.
    IsWorthless,
}

/// What *it was me* is worth where the session `asks` says so of `alert`. `in_question` is whether `asks` is in
/// question itself.
fn word(alert: &AlertRow, asks: &SessionRow, in_question: bool) -> Word {
    let looks_the_same = family(alert.device.browser.as_deref()) == family(asks.device.browser.as_deref())
        && alert.device.os == asks.device.os
        && alert.device.platform == asks.device.platform;
    match (asks.id == alert.session_id, in_question) {
        (true, _) => Word::IsWorthless,
        (false, false) => Word::Counts,
        // A second sign-in of the same stranger.
        (false, true) if looks_the_same => Word::IsWorthless,
        (false, true) => Word::NeedsProof,
    }
}

/// The questions about sign-ins.
#[derive(Clone)]
pub struct Alerts {
    context: Context,
}

impl Alerts {
    pub(super) const fn new(context: Context) -> Self {
        Self { context }
    }

    /// What a user has not answered yet, for the session that asks: not what is about itself.
    pub async fn open(&self, user_id: UserId, asked_by: Option<SessionId>) -> Result<AlertList, StoreError> {
        let (rows, total) =
            self.context.store.alerts().open_alerts(user_id, asked_by, self.context.now(), MOST_SHOWN).await?;
        Ok(AlertList { alerts: rows.iter().map(show).collect(), total })
    }

    pub async fn find(&self, user_id: UserId, id: AlertId) -> Result<Option<AlertRow>, StoreError> {
        self.context.store.alerts().alert(user_id, id, self.context.now()).await
    }

    /// What *it was me* is worth from this session. `None` where the session is gone.
    pub async fn word_of(&self, asks: SessionId, alert: &AlertRow) -> Result<Option<(Word, SessionRow)>, StoreError> {
        let Some(row) = self.context.store.sessions().session(asks).await? else { return Ok(None) };
        let in_question = self.context.store.alerts().is_in_question(asks).await?;
        Ok(Some((word(alert, &row, in_question), row)))
    }

    /// Writes an answer down and notifies every device of it. False where somebody has answered before.
    pub async fn answer(
        &self,
        user_id: UserId,
        alert: &AlertRow,
        answer: AlertAnswer,
        by: SessionId,
        confirms: bool,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(user_id),
            session_id: Some(alert.session_id),
            ..self.context.audit(action(answer), origin)
        };
        let answered = NewAnswer { answer, at: self.context.now(), by, confirms };
        let is_first = self.context.store.alerts().answer_alert(user_id, alert.id, &answered, &audit).await?;
        if is_first {
            let event = SecurityAlert { answer: Some(answer.into()), ..show(alert) };
            self.context.events.publish(Topic::User(user_id), &ServerEvent::SecurityAlert(event), None);
        }
        Ok(is_first)
    }

    /// Notifies the user's other devices of an alert.
    pub(super) fn publish(&self, row: &SessionRow, alert: NewAlert) {
        let event = show(&AlertRow {
            id: alert.id,
            kind: alert.kind,
            session_id: row.id,
            at: alert.at,
            ip: alert.ip,
            place: alert.place,
            device: row.device.clone(),
            session_began_at: row.created_at,
            signed_in: alert.kind == AlertKind::NewSignIn,
            answered: None,
        });
        self.context.events.publish(Topic::User(row.user_id), &ServerEvent::SecurityAlert(event), Some(row.id.into()));
    }
}

/// The audit entry of an answer.
const fn action(answer: AlertAnswer) -> AuditAction {
    match answer {
        AlertAnswer::Me => AuditAction::AlertConfirmed,
        AlertAnswer::NotMe => AuditAction::AlertDenied,
        AlertAnswer::EndSession => AuditAction::AlertSessionEnded,
    }
}

/// An alert as users see it.
pub fn show(row: &AlertRow) -> SecurityAlert {
    SecurityAlert {
        alert_id: row.id,
        kind: row.kind.into(),
        session_id: row.session_id,
        message: message(row.kind, &row.device),
        at: row.at,
        device_info: row.device.clone(),
        ip_address: row.ip.clone(),
        place: row.place.clone(),
        signed_in: row.signed_in,
        answer: row.answered.as_ref().map(|answered| answered.answer.into()),
    }
}

/// What an alert says, in a sentence.
pub(super) fn message(kind: AlertKind, device: &DeviceDescription) -> String {
    let name = &device.device_name;
    match kind {
        AlertKind::NewSignIn => format!("New sign-in from {}. Was this you?", device.name_in_question()),
        AlertKind::RefreshReuse => format!("{name} was signed out: an old copy of its sign-in was used."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::proofs::Proofs;
    use rstest::rstest;
    use types::domain::Timestamp;
    use types::words::{DeviceKind, TokenDelivery};
    use uuid::Uuid;

    fn device(browser: &str, os: &str) -> DeviceDescription {
        DeviceDescription {
            device_name: "x".into(),
            platform: "web".into(),
            browser: Some(browser.to_owned()),
            os: Some(os.to_owned()),
            kind: DeviceKind::Laptop,
            app_version: None,
        }
    }

    fn history(ips: &[&str]) -> DeviceHistory {
        let known = |ip: &&str| KnownDevice {
            browser: Some("Chrome 140".into()),
            os: Some("macOS".into()),
            platform: "web".into(),
            ip: (*ip).to_owned(),
        };
        DeviceHistory { devices: ips.iter().map(known).collect(), has_signed_in: true }
    }

    #[rstest]
    #[case::the_same_browser_at_home_after_an_update("Chrome 141", "macOS", "192.0.2.7", false)]
    #[case::another_browser("Firefox 141", "macOS", "192.0.2.7", true)]
    #[case::another_system("Chrome 141", "Windows", "192.0.2.7", true)]
    #[case::the_same_browser_somewhere_else("Chrome 141", "macOS", "198.51.100.7", true)]
    #[case::the_same_household("Chrome 141", "macOS", "2001:db8:1:2::9", false)]
    #[case::the_house_next_door("Chrome 141", "macOS", "2001:db8:1:3::9", true)]
    fn a_device_is_known_by_browser_system_and_network(
        #[case] browser: &str,
        #[case] os: &str,
        #[case] ip: &str,
        #[case] is_new: bool,
    ) {
        let history = history(&["192.0.2.7", "2001:db8:1:2:3:4:5:6"]);
        assert_eq!(is_new_device(&device(browser, os), ip, SignInMethod::Password, &history), is_new);
    }

    #[test]
    fn the_first_sign_in_and_one_by_code_are_not_asked_about_and_one_after_a_long_absence_is() {
        let nothing = DeviceHistory::default();
        let forgotten = DeviceHistory { has_signed_in: true, ..DeviceHistory::default() };
        let is_new = |method, history| is_new_device(&device("Chrome 141", "macOS"), "192.0.2.7", method, history);
        assert!(!is_new(SignInMethod::Password, &nothing));
        assert!(is_new(SignInMethod::Password, &forgotten));
        assert!(!is_new(SignInMethod::Code, &forgotten));
    }

    fn session(id: u128, device: DeviceDescription) -> SessionRow {
        let at = Timestamp::from_millis(0);
        SessionRow {
            id: SessionId(Uuid::from_u128(id)),
            user_id: UserId(Uuid::nil()),
            created_at: at,
            last_active: at,
            expires_at: at,
            max_expires_at: at,
            device,
            origin: Origin::default(),
            place: None,
            proofs: Proofs::one(SignInMethod::Password, at),
            delivery: TokenDelivery::Cookie,
            remember: true,
            refresh_digest: [0; 32],
            previous_digest: None,
            refreshed_at: at,
            acting: None,
            end: None,
        }
    }

    #[rstest]
    #[case::a_known_device(2, "Chrome 141", false, Word::Counts)]
    #[case::another_new_device(2, "Safari 18", true, Word::NeedsProof)]
    #[case::the_strangers_second_sign_in(2, "Firefox 142", true, Word::IsWorthless)]
    #[case::the_device_itself(1, "Firefox 144", true, Word::IsWorthless)]
    #[case::the_device_itself_once_it_was_confirmed(1, "Firefox 144", false, Word::IsWorthless)]
    fn whose_word_counts(#[case] id: u128, #[case] browser: &str, #[case] in_question: bool, #[case] expected: Word) {
        let alert = AlertRow {
            id: AlertId(Uuid::nil()),
            kind: AlertKind::NewSignIn,
            session_id: SessionId(Uuid::from_u128(1)),
            at: Timestamp::from_millis(0),
            ip: String::new(),
            place: None,
            device: device("Firefox 144", "Windows"),
            session_began_at: Timestamp::from_millis(0),
            signed_in: true,
            answered: None,
        };
        assert_eq!(word(&alert, &session(id, device(browser, "Windows")), in_question), expected);
    }
}
