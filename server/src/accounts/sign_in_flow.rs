//! Signing in as a flow with steps: who, by which proofs so far, with which device, until when. What makes a session
//! asks for nothing but the proofs that a flow has come to.

use std::time::Duration;

use types::domain::{Timestamp, UserId};

use crate::auth::proofs::{Proof, Proofs};
use crate::sessions::ClaimedDevice;

/// How long a flow may take from its first proof to its session.
const FLOW_LIFETIME: Duration = Duration::from_mins(10);

/// A sign-in that is under way.
#[derive(Clone, Debug)]
pub struct SignInFlow {
    user_id: UserId,
    proofs: Proofs,
    device: ClaimedDevice,
    expires_at: Timestamp,
}

/// What a flow needs next.
#[derive(Debug)]
pub enum NextStep {
    /// Nothing more: a session may begin.
    Begin {
        user_id: UserId,
        /// What it rests on.
        proofs: Proofs,
        /// What the client says of its device.
        device: ClaimedDevice,
    },
    /// To start again: it has taken too long.
    StartAgain,
}

impl SignInFlow {
    /// A flow that starts with a proof of who the user is.
    pub fn start(user_id: UserId, proof: Proof, device: ClaimedDevice) -> Self {
        let proofs = Proofs::one(proof.method, proof.at);
        Self { user_id, proofs, device, expires_at: proof.at.plus(FLOW_LIFETIME) }
    }

    /// What is to come next. One proof is enough, whichever.
    pub fn next(self, now: Timestamp) -> NextStep {
        if now >= self.expires_at {
            return NextStep::StartAgain;
        }
        NextStep::Begin { user_id: self.user_id, proofs: self.proofs, device: self.device }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::words::SignInMethod;
    use uuid::Uuid;

    #[test]
    fn one_proof_is_enough_while_it_is_fresh() {
        let proved_at = Timestamp::from_millis(1_800_000_000_000);
        let proof = Proof { method: SignInMethod::Code, at: proved_at };
        let flow = SignInFlow::start(UserId(Uuid::nil()), proof, ClaimedDevice::default());
        let NextStep::Begin { proofs, .. } = flow.clone().next(proved_at) else { panic!("a session") };
        assert_eq!(proofs, Proofs::one(SignInMethod::Code, proved_at));
        assert!(matches!(flow.next(proved_at.plus(FLOW_LIFETIME)), NextStep::StartAgain));
    }
}
