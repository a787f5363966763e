//! The limit of sessions a user: which of them end to make room for one more. The store asks under the lock of the
//! user.

use types::domain::SessionId;
use types::words::TokenDelivery;

use crate::store::SessionRow;

/// What to do at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// End the one that was inactive longest.
    ReplaceOldest,
    /// End this one, which the user chose. One that is not theirs or not live counts as [`AtLimit::Refuse`].
    Replace(SessionId),
    /// Say which there are.
    Refuse,
}

impl AtLimit {
    /// Where nothing was chosen a browser is asked which device goes, and any other client replaces the one unused
    /// longest.
    pub fn of(delivery: TokenDelivery, chosen: Option<SessionId>) -> Self {
        match (delivery, chosen) {
            (_, Some(chosen)) => Self::Replace(chosen),
            (TokenDelivery::Cookie, None) => Self::Refuse,
            (TokenDelivery::Body, None) => Self::ReplaceOldest,
        }
    }
}

/// Which of the live sessions, given by last active, latest first, end so that there are no more than `most` with the
/// new one. `None` where the user must choose.
pub fn sessions_to_end(live: &[SessionRow], most: u32, at_limit: AtLimit) -> Option<Vec<SessionId>> {
    let too_many = (live.len() + 1).saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
    if too_many == 0 {
        return Some(Vec::new());
    }
    // More than one goes only where the limit was lowered since: then the longest inactive follow the chosen one.
    let mut by_inactivity: Vec<SessionId> = live.iter().rev().map(|session| session.id).collect();
    match at_limit {
        AtLimit::ReplaceOldest => {}
        AtLimit::Replace(chosen) if by_inactivity.contains(&chosen) => {
            by_inactivity.retain(|id| *id != chosen);
            by_inactivity.insert(0, chosen);
        }
        AtLimit::Replace(_) | AtLimit::Refuse => return None,
    }
    by_inactivity.truncate(too_many);
    Some(by_inactivity)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use types::api::DeviceDescription;
    use types::domain::{Timestamp, UserId};
    use types::words::{DeviceKind, SignInMethod};
    use uuid::Uuid;

    use super::*;
    use crate::auth::proofs::Proofs;
    use crate::store::Origin;

    const fn id(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    fn live(number: u128) -> SessionRow {
        let at = Timestamp::from_millis(0);
        SessionRow {
            id: id(number),
            user_id: UserId(Uuid::nil()),
            created_at: at,
            last_active: at,
            expires_at: at,
            max_expires_at: at,
            device: DeviceDescription {
                device_name: "x".into(),
                platform: "web".into(),
                browser: None,
                os: None,
                kind: DeviceKind::Unknown,
                app_version: None,
            },
            origin: Origin::default(),
            place: None,
            proofs: Proofs::one(SignInMethod::Password, at),
            delivery: TokenDelivery::Body,
            remember: true,
            refresh_digest: [0; 32],
            previous_digest: None,
            refreshed_at: at,
            acting: None,
            end: None,
        }
    }

    /// The third was active last, the first not for the longest time.
    #[rstest]
    #[case::below_the_limit(4, AtLimit::Refuse, Some(vec![]))]
    #[case::the_longest_inactive(3, AtLimit::ReplaceOldest, Some(vec![1]))]
    #[case::the_chosen_one(3, AtLimit::Replace(id(2)), Some(vec![2]))]
    #[case::one_that_is_not_there(3, AtLimit::Replace(id(9)), None)]
    #[case::nobody_chose(3, AtLimit::Refuse, None)]
    #[case::the_limit_was_lowered(2, AtLimit::ReplaceOldest, Some(vec![1, 2]))]
    #[case::it_was_lowered_and_one_is_chosen(2, AtLimit::Replace(id(3)), Some(vec![3, 1]))]
    #[case::one_at_a_time(1, AtLimit::ReplaceOldest, Some(vec![1, 2, 3]))]
    #[case::none_at_all(0, AtLimit::ReplaceOldest, Some(vec![1, 2, 3]))]
    fn at_the_limit_those_go_who_were_chosen_or_longest_inactive(
        #[case] most: u32,
        #[case] at_limit: AtLimit,
        #[case] expected: Option<Vec<u128>>,
    ) {
        let leaving = sessions_to_end(&[3, 2, 1].map(live), most, at_limit);
        assert_eq!(leaving, expected.map(|numbers| numbers.into_iter().map(id).collect::<Vec<_>>()));
    }

    #[rstest]
    #[case(TokenDelivery::Cookie, None, AtLimit::Refuse)]
    #[case(TokenDelivery::Body, None, AtLimit::ReplaceOldest)]
    #[case(TokenDelivery::Cookie, Some(id(1)), AtLimit::Replace(id(1)))]
    #[case(TokenDelivery::Body, Some(id(1)), AtLimit::Replace(id(1)))]
    fn a_browser_asks_where_nothing_was_chosen_and_any_other_client_does_not(
        #[case] delivery: TokenDelivery,
        #[case] chosen: Option<SessionId>,
        #[case] expected: AtLimit,
    ) {
        assert_eq!(AtLimit::of(delivery, chosen), expected);
    }
}
