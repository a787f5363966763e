//! Everything a page can ask of the server.

use std::future::ready;
use std::rc::Rc;

use super::failure::Failure;
use crate::api::{
    AcceptedAnswer, Activity, Biography, LogoutAnswer, Profile, ProfilePatch, Receipt, RegisterAnswer, RegisterRequest,
    Session,
};
use crate::domain::{SessionId, Timestamp};

/// The client of one tab.
#[derive(Clone)]
pub struct Client(Rc<()>);

macro_rules! skeleton { ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => { impl Client { $(
    /// Not there yet.
    pub async fn $name(&self, $($arg: $ty),*) -> Result<$out, Failure> { let _ = (&self.0, $($arg),*); ready(()).await; Err(Failure::Unreachable) }
)*
    /// Not there yet.
    pub async fn sign_out(&self) { ready(()).await; }
} } }
skeleton! {
    sign_in(email: String, password: String, remember_me: bool, replace: Option<SessionId>) -> ();
    register(request: RegisterRequest) -> RegisterAnswer;
    verify_email(email: String, code: String) -> ();
    resend_code(email: String) -> AcceptedAnswer;
    sign_out_all(keep_current: bool) -> LogoutAnswer;
    list_sessions() -> Vec<Session>;
    rename_session(id: SessionId, device_name: String) -> Session;
    end_session(id: SessionId) -> LogoutAnswer;
    biography(id: SessionId) -> Biography;
    receipt(id: &str) -> Receipt;
    activity(cursor: Option<&str>) -> Activity;
    profile() -> Profile;
    patch_profile(patch: ProfilePatch) -> Profile;
    change_password(current: String, new: String) -> LogoutAnswer;
    stay_signed_in() -> Timestamp;
}
