//! Signing in as a flow with steps: who, by which proofs so far, with which device, and until when the next proof is
//! waited for. Which proofs are enough is one function, [`assess`]. What makes a session asks for nothing but the
//! proofs that a flow has come to.

use std::time::Duration;

use types::domain::{Timestamp, UserId};
use types::words::SignInMethod;

use super::account::Accounts;
use super::codes::REGISTRATION_LIFETIME;
use crate::auth::proofs::{Proof, Proofs};
use crate::sessions::ClaimedDevice;
use crate::store::User;

/// What is known of a user that decides which proofs are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Whether nobody signs in before the address is proved, and it is not.
    pub address_must_be_proved: bool,
}

/// What the proofs so far come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// A session may begin.
    Enough,
    /// This as well.
    Needs(FurtherProof),
}

/// A proof on top of those there are. The compiler leads whoever adds one to every place that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FurtherProof {
    /// The code that is mailed to the address.
    MailedCode,
}

/// Which proofs are enough for a user: the policy, and all of it.
pub fn assess(user: UserFacts, proofs: &Proofs) -> Assessment {
    if user.address_must_be_proved && !proofs.methods().contains(&SignInMethod::Code) {
        return Assessment::Needs(FurtherProof::MailedCode);
    }
    Assessment::Enough
}

impl FurtherProof {
    /// How long it is waited for.
    const fn lifetime(self) -> Duration {
        match self {
            Self::MailedCode => REGISTRATION_LIFETIME,
        }
    }
}

/// A sign-in that is under way.
#[derive(Clone, Debug)]
pub struct SignInFlow {
    user_id: UserId,
    user: UserFacts,
    proofs: Proofs,
    device: ClaimedDevice,
}

/// What comes next in a flow.
#[derive(Debug)]
pub enum NextStep {
    Begin {
        user_id: UserId,
        /// What it rests on.
        proofs: Proofs,
        /// What the client says of its device.
        device: ClaimedDevice,
    },
    Prove {
        user_id: UserId,
        further: FurtherProof,
        /// Until when it is waited for.
        expires_at: Timestamp,
    },
}

impl SignInFlow {
    /// A flow that starts with a proof of who the user is.
    pub const fn start(user_id: UserId, user: UserFacts, proof: Proof, device: ClaimedDevice) -> Self {
        Self { user_id, user, proofs: Proofs::one(proof.method, proof.at), device }
    }

    pub fn next(self) -> NextStep {
        let Self { user_id, user, proofs, device } = self;
        match assess(user, &proofs) {
            Assessment::Enough => NextStep::Begin { user_id, proofs, device },
            Assessment::Needs(further) => {
                NextStep::Prove { user_id, further, expires_at: proofs.latest().plus(further.lifetime()) }
            }
        }
    }
}

impl Accounts {
    /// What decides which proofs of this user are enough.
    pub fn facts_of(&self, user: &User) -> UserFacts {
        UserFacts { address_must_be_proved: self.require_verification && user.email_verified_at.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use uuid::Uuid;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[rstest]
    #[case::password(false, &[SignInMethod::Password], Assessment::Enough)]
    #[case::code(false, &[SignInMethod::Code], Assessment::Enough)]
    #[case::the_code_proves_the_address(true, &[SignInMethod::Code], Assessment::Enough)]
    #[case::a_password_does_not(true, &[SignInMethod::Password], Assessment::Needs(FurtherProof::MailedCode))]
    #[case::a_passkey_neither(true, &[SignInMethod::Passkey], Assessment::Needs(FurtherProof::MailedCode))]
    #[case::both(true, &[SignInMethod::Password, SignInMethod::Code], Assessment::Enough)]
    fn one_proof_is_enough_but_for_an_address_that_must_be_proved(
        #[case] address_must_be_proved: bool,
        #[case] methods: &[SignInMethod],
        #[case] expected: Assessment,
    ) {
        let proofs: Vec<_> = methods.iter().map(|method| Proof { method: *method, at: NOON }).collect();
        let proofs = Proofs::try_from(proofs).expect("one at the least");
        assert_eq!(assess(UserFacts { address_must_be_proved }, &proofs), expected);
    }

    fn started(address_must_be_proved: bool) -> SignInFlow {
        let proof = Proof { method: SignInMethod::Password, at: NOON };
        SignInFlow::start(UserId(Uuid::nil()), UserFacts { address_must_be_proved }, proof, ClaimedDevice::default())
    }

    #[test]
    fn a_session_rests_on_the_proofs_of_its_flow() {
        let NextStep::Begin { proofs, .. } = started(false).next() else { panic!("a session") };
        assert_eq!(proofs, Proofs::one(SignInMethod::Password, NOON));
    }

    #[test]
    fn a_further_proof_is_waited_for_from_the_last_one_on() {
        let NextStep::Prove { further, expires_at, .. } = started(true).next() else { panic!("another proof") };
        assert_eq!((further, expires_at), (FurtherProof::MailedCode, NOON.plus(REGISTRATION_LIFETIME)));
    }
}
