//! Everything a page can ask of the server.

use super::Auth;
use crate::browser::{self, FileParts};
use client::{Client, Failure, ResetToken};
use leptos::task::spawn_local;
use types::api::{
    AcceptedAnswer, Activity, AlertList, LogoutAnswer, Problem, Profile, ProfilePatch, Receipt, RegisterAnswer,
    RegisterRequest, Session, SessionHistory, SessionList, paths,
};
use types::domain::{AlertId, SessionId, Timestamp, UserId};
use types::words::{AlertAnswer, OrOther};

/// The file name of the export of a user's data.
const EXPORT_FILE: &str = "latchkey-export.json";

/// The most that a browser is given to hold of one file, in bytes.
const MAX_FILE_BYTES: usize = 1024 * 1024 * 1024;

fn client() -> Result<Client, Failure> {
    browser::client().ok_or(Failure::Unreachable)
}

/// Saves what the server answers as a file, once all of it is there.
pub async fn download(path: &str, name: &str, media_type: &str) -> Result<(), Failure> {
    let (file, mut bytes) = (FileParts::default(), 0);
    let mut take = |piece: Vec<u8>| {
        bytes += piece.len();
        if bytes <= MAX_FILE_BYTES && file.add(&piece) { Ok(()) } else { Err(too_long()) }
    };
    client()?.download(path, &mut take).await?;
    file.save(name, media_type);
    Ok(())
}

fn too_long() -> Failure {
    let code = OrOther::Other("too-long-for-a-browser".to_owned());
    Problem::new(413, code, "It is too long for a browser. Choose less of it, or use the command line.").into()
}

impl Auth {
    /// Signs in. `replace` names the device to end where the limit of sessions was reached
    /// (see [`Failure::sessions_to_replace`]).
    pub async fn sign_in(
        self,
        email: String,
        password: String,
        remember_me: bool,
        replace: Option<SessionId>,
    ) -> Result<(), Failure> {
        client()?.sign_in(email, password, remember_me, replace).await
    }

    /// Creates an account. The answer says whether a code must be entered before the first sign-in.
    pub async fn register(self, request: RegisterRequest) -> Result<RegisterAnswer, Failure> {
        client()?.register(request).await
    }

    /// Proves the e-mail address with the code sent to it, and signs in.
    pub async fn verify_email(self, email: String, code: String) -> Result<(), Failure> {
        client()?.verify_email(email, code).await
    }

    /// Asks for another code.
    pub async fn resend_code(self, email: String) -> Result<AcceptedAnswer, Failure> {
        client()?.resend_code(email).await
    }

    /// Asks for a link that sets a new password. The answer is the same where there is no such account.
    pub async fn forgot_password(self, email: String) -> Result<AcceptedAnswer, Failure> {
        client()?.forgot_password(email).await
    }

    /// Sets a new password with the token of such a link. All devices are signed out, this one too, and the note of
    /// `SignedOut` says so.
    pub async fn reset_password(self, token: ResetToken, password: String) -> Result<LogoutAnswer, Failure> {
        client()?.reset_password(token, password).await
    }

    /// Signs out on this device. This browser is signed out whatever becomes of the call; where the server cannot be
    /// reached, a toast says so and the sign-out is sent later.
    pub async fn sign_out(self) {
        if let Ok(client) = client() {
            client.sign_out().await;
        }
    }

    /// Signs out on all devices, or on all but this one. Without `keep_current`, the receipt is also in the note of
    /// `SignedOut`, so that the sign-in page can show it.
    pub async fn sign_out_all(self, keep_current: bool) -> Result<LogoutAnswer, Failure> {
        client()?.sign_out_all(keep_current).await
    }

    /// A page of the devices of this user: the first, or the one at a cursor.
    pub async fn sessions_page(self, cursor: Option<String>) -> Result<SessionList, Failure> {
        client()?.sessions_page(cursor.as_deref()).await
    }

    /// Signs out several devices, none of them this one, under one receipt.
    pub async fn end_sessions(self, ids: Vec<SessionId>) -> Result<LogoutAnswer, Failure> {
        client()?.end_sessions(&ids).await
    }

    /// The alerts without an answer.
    pub async fn list_alerts(self) -> Result<AlertList, Failure> {
        client()?.list_alerts().await
    }

    /// Answers an alert; with the password where the server asks who is there.
    pub async fn answer_alert(
        self,
        id: AlertId,
        answer: AlertAnswer,
        password: Option<String>,
    ) -> Result<LogoutAnswer, Failure> {
        client()?.answer_alert(id, answer, password).await
    }

    /// Renames a device.
    pub async fn rename_session(self, id: SessionId, device_name: String) -> Result<Session, Failure> {
        client()?.rename_session(id, device_name).await
    }

    /// Begins to act for a user; with the password where the server asks who is there. The user in `status` follows.
    pub async fn act_as(self, id: UserId, reason: String, password: Option<String>) -> Result<(), Failure> {
        let client = client()?;
        client.act_as(id, reason, password).await?;
        spawn_local(async move { client.run_acting().await });
        Ok(())
    }

    /// Stops acting: `status` is the own one again.
    pub async fn stop_acting(self) -> Result<(), Failure> {
        client()?.stop_acting().await
    }

    /// Signs out one device; where it is this one, as [`Self::sign_out`].
    pub async fn end_session(self, id: SessionId) -> Result<LogoutAnswer, Failure> {
        client()?.end_session(id).await
    }

    /// The history of one session.
    pub async fn history(self, id: SessionId) -> Result<SessionHistory, Failure> {
        client()?.history(id).await
    }

    /// The receipt of a sign-out. Needs no session.
    pub async fn receipt(self, id: String) -> Result<Receipt, Failure> {
        client()?.receipt(&id).await
    }

    /// One page of what happened to the account, newest first.
    pub async fn activity(self, cursor: Option<String>) -> Result<Activity, Failure> {
        client()?.activity(cursor.as_deref()).await
    }

    /// The user's profile.
    pub async fn profile(self) -> Result<Profile, Failure> {
        client()?.profile().await
    }

    /// Changes the profile. The user in `status` follows.
    pub async fn patch_profile(self, patch: ProfilePatch) -> Result<Profile, Failure> {
        client()?.patch_profile(patch).await
    }

    /// Changes the password; the other devices are signed out.
    pub async fn change_password(self, current: String, new: String) -> Result<LogoutAnswer, Failure> {
        client()?.change_password(current, new).await
    }

    /// Saves the export of all data of the user as a file.
    pub async fn download_export(self) -> Result<(), Failure> {
        download(paths::EXPORT, EXPORT_FILE, "application/json").await
    }

    /// Deletes the account. All devices are signed out, this one too, and the note of `SignedOut` says so.
    pub async fn delete_account(self, password: String) -> Result<LogoutAnswer, Failure> {
        client()?.delete_account(password).await
    }

    /// Tries at once to find out who is signed in here, where that failed. The result is in `status` and
    /// `trouble`.
    pub async fn try_again(self) {
        if let Ok(client) = client() {
            // A failure is in `trouble`.
            let _ = client.try_again().await;
        }
    }

    /// Prolongs the session. Gives the new end, for *You're signed in until 18:40.*
    pub async fn stay_signed_in(self) -> Result<Timestamp, Failure> {
        client()?.stay_signed_in().await
    }
}
