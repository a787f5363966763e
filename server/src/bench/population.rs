//! Users and devices that look like real ones: who has how many, since when, with which browsers.
//!
//! The same number gives the same user and the same session each time, so that seeding can be taken up again where it
//! was left.

use std::time::Duration;

use types::api::DeviceDescription;
use types::domain::{DisplayName, Email, SessionId, Timestamp, UserId};
use types::words::{AccountType, EndReason, SignInMethod, TokenDelivery};
use uuid::{Builder, Uuid};

use super::{BenchError, failed};
use crate::auth::proofs::Proofs;
use crate::auth::secrets::sha256;
use crate::sessions::{ClaimedDevice, describe_device};
use crate::store::{NewUser, Origin, SessionEnd, SessionRow};

/// Devices of the one user who has very many.
pub const MANY: u32 = 1000;
/// Devices of another user, about whom nothing is remarkable.
pub const FEW: u32 = 10;
/// Over how long they signed in.
const SPAN: Duration = Duration::from_hours(24 * 25);
/// Where the times in ids begin: fixed, so that ids stay the same from one day to the next. 2026-01-01T00:00:00Z.
const IDS_BEGIN: u64 = 1_767_225_600_000;

const USER_AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
];

/// So many users with so many sessions.
pub struct Population {
    users: u32,
    sessions: u32,
    password_hash: String,
    now: Timestamp,
    devices: [DeviceDescription; USER_AGENTS.len()],
}

impl Population {
    /// `users` is 3 at least. Nobody but whoever knows the password of `password_hash` can sign in as one of them.
    pub fn new(users: u32, sessions: u32, password_hash: String, now: Timestamp) -> Self {
        let devices = USER_AGENTS.map(|user_agent| describe_device(user_agent, ClaimedDevice::default()));
        Self { users: users.max(3), sessions, password_hash, now, devices }
    }

    /// The user with [`MANY`] devices, where there are enough sessions.
    pub fn with_many() -> UserId {
        UserId(id(0, USER))
    }

    /// The user with [`FEW`] devices, where there are enough sessions.
    pub fn with_few() -> UserId {
        UserId(id(1, USER))
    }

    pub fn user(&self, number: u32) -> Result<NewUser, BenchError> {
        Ok(NewUser {
            id: UserId(id(number, USER)),
            email: Email::parse(&format!("seeded-{number:07}@latchkey.invalid")).map_err(failed)?,
            name: DisplayName::parse(&format!("Seeded Person {number}")).map_err(failed)?,
            account_type: AccountType::Individual,
            password_hash: self.password_hash.clone(),
            roles: vec!["user".to_owned()],
            email_verified_at: Some(self.now.minus(SPAN)),
            at: self.now.minus(SPAN),
        })
    }

    /// A session; higher numbers signed in later.
    pub fn session(&self, number: u32) -> SessionRow {
        let owner = self.owner(number);
        let session_id = id(number, SESSION);
        let age = SPAN.saturating_sub(SPAN.mul_f64(f64::from(number) / f64::from(self.sessions.max(1))));
        let created_at = self.now.minus(age);
        // Some came back yesterday, some never.
        let last_active = created_at.plus(age.mul_f64(f64::from(mixed(number) % 90) / 100.0));
        let max_expires_at = created_at.plus(Duration::from_hours(24 * 90));
        let device = (mixed(number) as usize) % USER_AGENTS.len();
        let ended = owner > 1 && number % 10 == 7;
        SessionRow {
            id: SessionId(session_id),
            user_id: UserId(id(owner, USER)),
            created_at,
            last_active,
            expires_at: last_active.plus(Duration::from_hours(24 * 30)).min(max_expires_at),
            max_expires_at,
            device: self.devices[device].clone(),
            origin: Origin {
                ip: format!("203.0.{}.{}", mixed(owner) % 256, mixed(number) % 256),
                user_agent: USER_AGENTS[device].to_owned(),
            },
            place: None,
            proofs: Proofs::one(SignInMethod::Password, created_at),
            delivery: TokenDelivery::Cookie,
            remember: true,
            // Of something that is no token: nobody can refresh these sessions.
            refresh_digest: sha256(session_id.as_bytes()),
            previous_digest: None,
            refreshed_at: created_at,
            acting: None,
            end: ended.then_some(SessionEnd {
                at: last_active,
                reason: EndReason::UserInitiatedLogout,
                ended_by: None,
                ended_by_device: None,
            }),
        }
    }

    /// Two users have as many devices as is known, the others share the rest by chance. Everybody's lie scattered
    /// among everybody else's, as they do when users sign in over months.
    fn owner(&self, number: u32) -> u32 {
        let (many, few) = ((self.sessions / MANY).max(2), (self.sessions / FEW).max(2));
        if number.is_multiple_of(many) && number / many < MANY {
            0
        } else if number % few == 1 && number / few < FEW {
            1
        } else {
            2 + mixed(number) % (self.users - 2)
        }
    }
}

const USER: u8 = 1;
const SESSION: u8 = 2;

/// The id of the user or session with that number: a `UUIDv7` that rises with it.
fn id(number: u32, kind: u8) -> Uuid {
    let low = u64::from(mixed(number)) << 32 | u64::from(mixed(number ^ 0x5bd1_e995));
    let mut random = [0; 10];
    random[1] = kind;
    random[2..].copy_from_slice(&low.to_be_bytes());
    Builder::from_unix_timestamp_millis(IDS_BEGIN + u64::from(number), &random).into_uuid()
}

/// A number without order; the same for the same number (the finaliser of `MurmurHash3`).
const fn mixed(number: u32) -> u32 {
    let mut number = number.wrapping_add(0x9e37_79b9);
    number = (number ^ (number >> 16)).wrapping_mul(0x85eb_ca6b);
    number = (number ^ (number >> 13)).wrapping_mul(0xc2b2_ae35);
    number ^ (number >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn two_users_have_as_many_live_devices_as_is_known_whatever_the_total() {
        for total in [2_020, 20_000, 100_000] {
            let population = Population::new(200, total, "hash".to_owned(), NOW);
            let mut devices = HashMap::<UserId, u32>::new();
            for number in 0..total {
                let session = population.session(number);
                assert!(session.expires_at > NOW && session.last_active <= NOW && session.created_at <= NOW);
                *devices.entry(session.user_id).or_default() += u32::from(session.end.is_none());
            }
            assert_eq!(devices[&Population::with_many()], MANY, "{total}");
            assert_eq!(devices[&Population::with_few()], FEW, "{total}");
        }
    }

    #[test]
    fn ids_rise_and_stay_the_same_from_day_to_day() {
        let (today, tomorrow) = (NOW, NOW.plus(Duration::from_hours(24)));
        let ids = |now| {
            let population = Population::new(10, 100, "hash".to_owned(), now);
            (0..100).map(|number| population.session(number).id).collect::<Vec<_>>()
        };
        assert_eq!(ids(today), ids(tomorrow));
        assert!(ids(today).is_sorted());
    }
}
