//! Refresh tokens: their form, how each successor is derived, and the decision about a presented one.
//!
//! A token is `lkr_` and base64url of *session id ‖ secret ‖ mark*. The mark (a MAC) shows that this installation made
//! it, so that garbage costs no database read and cannot be taken for a stolen token. The secret of the successor is
//! derived from the token itself, so that a refresh whose answer was lost can be answered with the *same* successor:
//! the chain never forks.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use types::domain::{SessionId, Timestamp};
use types::words::{EndReason, TokenDelivery};
use uuid::Uuid;

use super::secrets::{Keys, sha256};
use crate::random::Random;
use crate::store::{Digest, RefreshDecision, RepeatKind, SessionRow};

const PREFIX: &str = "lkr_";
const MARK_BYTES: usize = 16;
const BODY_BYTES: usize = 16 + 32;

/// A refresh token in the plain. Shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session_id: SessionId,
    secret: [u8; 32],
}

impl RefreshToken {
    /// The first token of a session: 256 random bits.
    pub fn draw(random: &dyn Random, session_id: SessionId) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self { session_id, secret }
    }

    /// Reads a presented token. `None` for anything this installation did not make.
    pub fn parse(keys: &Keys, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (body, mark) = bytes.split_at_checked(BODY_BYTES)?;
        let expected = keys.authenticity(body);
        if !bool::from(mark.ct_eq(&expected[..MARK_BYTES])) {
            return None;
        }
        let session_id = SessionId(Uuid::from_slice(&body[..16]).ok()?);
        Some(Self { session_id, secret: body[16..].try_into().ok()? })
    }

    /// Whether a text has the form of a refresh token, of whatever installation.
    pub fn looks_like_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The token that takes this one's place: always the same one.
    #[must_use]
    pub fn successor(&self, keys: &Keys) -> Self {
        Self { session_id: self.session_id, secret: keys.successor(&self.body()) }
    }

    /// The session it belongs to.
    pub const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        sha256(&self.body())
    }

    /// The text, for the client it is given to.
    pub fn expose(&self, keys: &Keys) -> String {
        let body = self.body();
        let mark = keys.authenticity(&body);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([body.as_slice(), &mark[..MARK_BYTES]].concat()))
    }

    fn body(&self) -> [u8; BODY_BYTES] {
        let mut body = [0; BODY_BYTES];
        body[..16].copy_from_slice(self.session_id.0.as_bytes());
        body[16..].copy_from_slice(&self.secret);
        body
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken(of {})", self.session_id)
    }
}

/// How far ahead another server's clock may be. A token's end is taken literally; only its beginning has this leeway.
pub const CLOCK_LEEWAY: Duration = Duration::from_mins(1);

/// How often a session's use is noted, where nothing ends idle sooner.
const NOTE_INTERVAL: Duration = Duration::from_mins(1);

/// A repeat that comes this soon after the refresh is two tabs rather than a lost reply.
const TWO_TABS_WITHIN: Duration = Duration::from_millis(1500);

/// How long sessions and their tokens last, by the settings of `sessions`.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// `JWT_EXPIRE`.
    pub access: Duration,
    /// `REFRESH_EXPIRE`: slides with use.
    pub refresh: Duration,
    /// `REFRESH_GRACE`.
    pub grace: Duration,
    /// `SESSION_MAX_AGE`.
    pub session: Duration,
    /// `SESSION_IDLE_TIMEOUT`.
    pub idle: Option<Duration>,
    /// `SESSION_WARNING`.
    pub warning: Duration,
}

/// The longest a session lasts without *Remember me* (SPEC section 1).
pub const UNREMEMBERED_SESSION: Duration = Duration::from_hours(24);

impl Lifetimes {
    /// When a session that begins now ends, however much it is used.
    pub fn session_end(&self, now: Timestamp, remember: bool) -> Timestamp {
        now.plus(if remember { self.session } else { self.session.min(UNREMEMBERED_SESSION) })
    }

    /// When a session that is used now ends unless it is used again; never past its absolute end.
    pub fn refreshed_end(&self, now: Timestamp, max_expires_at: Timestamp) -> Timestamp {
        let sliding = self.idle.map_or(self.refresh, |idle| idle.min(self.refresh));
        now.plus(sliding).min(max_expires_at)
    }

    /// Until when a session lasts that was used then without being refreshed; `None` where only refreshes count,
    /// because no session ends idle.
    pub fn used_end(&self, used_at: Timestamp) -> Option<Timestamp> {
        self.idle.map(|idle| used_at.plus(idle.min(self.refresh)))
    }

    /// How often use must be noted at the least: often enough that an idle limit is accurate to a quarter of it.
    pub fn note_interval(&self) -> Duration {
        self.idle.map_or(NOTE_INTERVAL, |idle| (idle / 4).min(NOTE_INTERVAL))
    }

    /// Why a session ends that was used too long ago, unless its absolute end has come.
    pub fn unused_reason(&self) -> EndReason {
        match self.idle {
            Some(idle) if idle < self.refresh => EndReason::IdleTimeout,
            _ => EndReason::SessionExpired,
        }
    }

    /// When an access token that is made now runs out: never after its session.
    pub fn access_end(&self, now: Timestamp, session_expires_at: Timestamp) -> Timestamp {
        now.plus(self.access).min(session_expires_at)
    }

    /// Until when a revocation must be remembered: the last moment a token already issued could be valid, plus leeway
    /// for clocks of other servers.
    pub fn remember_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.access).plus(CLOCK_LEEWAY * 2)
    }

    /// Why a session that ran out unused did so.
    fn ran_out(&self, row: &SessionRow) -> EndReason {
        if row.expires_at < row.max_expires_at { self.unused_reason() } else { EndReason::SessionExpired }
    }

    /// Whether, and why, this session has expired.
    pub fn over(&self, row: &SessionRow, now: Timestamp) -> Option<EndReason> {
        (now >= row.expires_at).then(|| self.ran_out(row))
    }

    /// Decides about a presented refresh token: *current* refreshes; *immediate predecessor within the grace* repeats
    /// (that it is still the immediate predecessor shows that the successor was never used); *anything else* is theft
    /// (RFC 9700, 4.14.2).
    pub fn decide(
        &self,
        row: &SessionRow,
        presented: &Digest,
        class: TokenDelivery,
        now: Timestamp,
    ) -> RefreshDecision {
        if row.delivery != class {
            return RefreshDecision::WrongClass;
        }
        if let Some(reason) = self.over(row, now) {
            return RefreshDecision::Over(reason);
        }
        let is = |stored: &Digest| bool::from(stored.ct_eq(presented));
        if is(&row.refresh_digest) {
            return RefreshDecision::Refresh { expires_at: self.refreshed_end(now, row.max_expires_at) };
        }
        let is_predecessor = row.previous_digest.as_ref().is_some_and(is);
        if is_predecessor && now.since(row.refreshed_at) <= self.grace {
            return RefreshDecision::Repeat(repeat_kind(row, now));
        }
        RefreshDecision::Reuse
    }
}

/// Two tabs repeat within moments; who repeats later never got the answer.
pub fn repeat_kind(row: &SessionRow, now: Timestamp) -> RepeatKind {
    if now.since(row.refreshed_at) <= TWO_TABS_WITHIN { RepeatKind::TwoTabs } else { RepeatKind::LostReply }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::proofs::Proofs;
    use crate::random::OsRandom;
    use proptest::prelude::*;
    use rstest::rstest;
    use types::api::DeviceDescription;
    use types::domain::UserId;
    use types::words::{DeviceKind, SignInMethod};

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);
    const CURRENT: Digest = [2; 32];
    const PREVIOUS: Digest = [1; 32];

    fn keys() -> Keys {
        Keys::derive("a secret of thirty-two characters").unwrap()
    }

    fn lifetimes() -> Lifetimes {
        Lifetimes {
            access: Duration::from_mins(15),
            refresh: Duration::from_hours(720),
            grace: Duration::from_secs(10),
            session: Duration::from_hours(2160),
            idle: None,
            warning: Duration::from_hours(1),
        }
    }

    fn row() -> SessionRow {
        SessionRow {
            id: SessionId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            created_at: START,
            last_active: START,
            expires_at: START.plus(Duration::from_hours(720)),
            max_expires_at: START.plus(Duration::from_hours(2160)),
            device: DeviceDescription {
                device_name: "x".into(),
                platform: "web".into(),
                browser: None,
                os: None,
                kind: DeviceKind::Unknown,
                app_version: None,
            },
            origin: crate::store::Origin::default(),
            place: None,
            proofs: Proofs::one(SignInMethod::Password, START),
            delivery: TokenDelivery::Body,
            remember: true,
            refresh_digest: CURRENT,
            previous_digest: Some(PREVIOUS),
            refreshed_at: START,
            acting: None,
            end: None,
        }
    }

    #[rstest]
    #[case::current(CURRENT, 0, RefreshDecision::Refresh { expires_at: START.plus(Duration::from_hours(720)) })]
    #[case::predecessor_at_once(PREVIOUS, 0, RefreshDecision::Repeat(RepeatKind::TwoTabs))]
    #[case::predecessor_at_the_end_of_the_grace(PREVIOUS, 10_000, RefreshDecision::Repeat(RepeatKind::LostReply))]
    #[case::predecessor_after_the_grace(PREVIOUS, 10_001, RefreshDecision::Reuse)]
    #[case::older(Digest::from([7; 32]), 0, RefreshDecision::Reuse)]
    fn a_presented_token_is_worth_what_its_place_in_the_chain_says(
        #[case] presented: Digest,
        #[case] after_ms: u64,
        #[case] expected: RefreshDecision,
    ) {
        let now = START.plus(Duration::from_millis(after_ms));
        assert_eq!(lifetimes().decide(&row(), &presented, TokenDelivery::Body, now), expected);
    }

    #[rstest]
    #[case::at_once(0, RepeatKind::TwoTabs)]
    #[case::moments_later(1500, RepeatKind::TwoTabs)]
    #[case::later(1501, RepeatKind::LostReply)]
    fn two_tabs_repeat_within_moments_and_who_repeats_later_never_got_the_answer(
        #[case] after_ms: u64,
        #[case] expected: RepeatKind,
    ) {
        assert_eq!(repeat_kind(&row(), START.plus(Duration::from_millis(after_ms))), expected);
        // By a clock behind that of the server that refreshed it.
        assert_eq!(repeat_kind(&row(), START.minus(Duration::from_millis(after_ms))), RepeatKind::TwoTabs);
    }

    #[test]
    fn a_session_past_its_time_is_over_to_the_millisecond() {
        let end = row().expires_at;
        let just_before =
            lifetimes().decide(&row(), &CURRENT, TokenDelivery::Body, end.minus(Duration::from_millis(1)));
        assert!(matches!(just_before, RefreshDecision::Refresh { .. }));
        let at_the_end = lifetimes().decide(&row(), &CURRENT, TokenDelivery::Body, end);
        assert_eq!(at_the_end, RefreshDecision::Over(EndReason::SessionExpired));
    }

    #[test]
    fn a_refresh_never_reaches_past_the_absolute_end() {
        let near_the_end = row().max_expires_at.minus(Duration::from_mins(5));
        assert_eq!(lifetimes().refreshed_end(near_the_end, row().max_expires_at), row().max_expires_at);
    }

    #[test]
    fn an_idle_limit_shortens_the_refresh_and_names_itself() {
        let idle = Lifetimes { idle: Some(Duration::from_mins(30)), ..lifetimes() };
        let idle_row = SessionRow { expires_at: START.plus(Duration::from_mins(30)), ..row() };
        assert_eq!(idle.refreshed_end(START, idle_row.max_expires_at), idle_row.expires_at);
        let late = START.plus(Duration::from_mins(30));
        assert_eq!(
            idle.decide(&idle_row, &CURRENT, TokenDelivery::Body, late),
            RefreshDecision::Over(EndReason::IdleTimeout)
        );
    }

    #[test]
    fn a_token_of_the_other_class_is_refused() {
        assert_eq!(lifetimes().decide(&row(), &CURRENT, TokenDelivery::Cookie, START), RefreshDecision::WrongClass);
    }

    #[test]
    fn a_token_is_read_back_and_its_successor_is_always_the_same() {
        let token = RefreshToken::draw(&OsRandom, SessionId(Uuid::from_u128(7)));
        let text = token.expose(&keys());
        let read = RefreshToken::parse(&keys(), &text).unwrap();
        assert!(read == token);
        assert!(read.successor(&keys()) == token.successor(&keys()));
        assert!(read.successor(&keys()) != token);
        assert_eq!(read.successor(&keys()).session_id(), token.session_id());
    }

    proptest! {
        #[test]
        fn a_token_with_any_character_changed_is_not_ours(position in 0_usize..90, letter in "[A-Za-z0-9_-]") {
            let text = RefreshToken::draw(&OsRandom, SessionId(Uuid::from_u128(7))).expose(&keys());
            let position = position % text.len();
            let mut changed = text.clone();
            changed.replace_range(position..=position, &letter);
            prop_assume!(changed != text);
            prop_assert!(RefreshToken::parse(&keys(), &changed).is_none());
        }
    }
}
