//! Everything a page can ask of the server.

use super::core::Client;
use super::failure::Failure;
use super::notice::{Change, Notice};
use super::ports::Method;
use super::requests::json;
use super::reset_token::ResetToken;
use super::signed_out_note::SignedOutNote;
use super::status::AuthStatus;
use types::api::{
    AcceptedAnswer, Activity, AlertList, AnswerAlertRequest, DeviceInfo, EndSessionsRequest, ForgotPasswordRequest,
    LoginRequest, LogoutAllRequest, LogoutAnswer, PasswordChangeRequest, Profile, ProfilePatch, ProofRequest, Receipt,
    RegisterAnswer, RegisterRequest, RenameRequest, ResendCodeRequest, ResetPasswordRequest, Session, SessionHistory,
    SessionList, Tokens, VerifyEmailRequest, paths,
};
use types::domain::{AlertId, SessionId, Timestamp};
use types::words::{AlertAnswer, EndReason, TokenDelivery};

impl Client {
    /// Signs in. `replace` names the session to end where the limit of sessions was reached.
    pub async fn sign_in(
        &self,
        email: String,
        password: String,
        remember_me: bool,
        replace: Option<SessionId>,
    ) -> Result<(), Failure> {
        let body = LoginRequest {
            email,
            password,
            device_info: Some(this_device()),
            token_delivery: Some(TokenDelivery::Cookie),
            remember_me: Some(remember_me),
            replace_session: replace,
            device_token: None,
        };
        self.begin(paths::LOGIN, json(&body)).await
    }

    /// Creates an account.
    pub async fn register(&self, request: RegisterRequest) -> Result<RegisterAnswer, Failure> {
        self.call_unsigned(Method::Post, paths::REGISTER, json(&request)).await
    }

    /// Proves the e-mail address with the code sent to it, and signs in.
    pub async fn verify_email(&self, email: String, otp: String) -> Result<(), Failure> {
        let body = VerifyEmailRequest {
            email,
            otp,
            device_info: Some(this_device()),
            token_delivery: Some(TokenDelivery::Cookie),
            remember_me: None,
            replace_session: None,
            device_token: None,
        };
        self.begin(paths::VERIFY_EMAIL, json(&body)).await
    }

    /// Asks for another code.
    pub async fn resend_code(&self, email: String) -> Result<AcceptedAnswer, Failure> {
        self.call_unsigned(Method::Post, paths::RESEND_CODE, json(&ResendCodeRequest { email })).await
    }

    /// Asks for a link that sets a new password. The answer is the same where there is no such account.
    pub async fn forgot_password(&self, email: String) -> Result<AcceptedAnswer, Failure> {
        self.call_unsigned(Method::Post, paths::FORGOT_PASSWORD, json(&ForgotPasswordRequest { email })).await
    }

    /// Sets a new password with the token of such a link; every session of the account ends. The next step is to
    /// sign in with it, so a session of this browser ends as well, also one of another account.
    pub async fn reset_password(&self, token: ResetToken, password: String) -> Result<LogoutAnswer, Failure> {
        // A session that is not known yet would be found after its end, and the message would be about that end and not
        // about what was done here.
        let _ = self.known().await;
        let reason = EndReason::PasswordReset;
        let body = json(&ResetPasswordRequest { token: token.expose().to_owned(), password });
        let call = self.call_unsigned::<LogoutAnswer>(Method::Post, paths::RESET_PASSWORD, body);
        let answer = self.asking_for(reason, call).await?;
        self.tell(Change::StorageCleared);
        // There is no receipt where nobody was signed in.
        let receipt = answer.receipt.clone().filter(|receipt| !receipt.devices.is_empty());
        let note = SignedOutNote::asked_here(reason, receipt);
        if let Some(held) = self.credentials() {
            // Where it was a session of that account, the receipt waits for the confirmation of this browser.
            self.inner.state.borrow_mut().unconfirmed.push(held.token);
            self.leave(note).await;
        } else {
            self.explain(note);
        }
        Ok(answer)
    }

    async fn begin(&self, path: &str, body: Option<String>) -> Result<(), Failure> {
        let asked_at_ms = self.now_ms();
        // It ends the session that this browser had: one browser, one session.
        let call = self.call_unsigned::<Tokens>(Method::Post, path, body);
        let tokens = self.asking_for(EndReason::Replaced, call).await?;
        self.adopt(&tokens, asked_at_ms)?;
        self.notice(Notice::SignedIn { name: tokens.user.name });
        Ok(())
    }

    /// Signs out here at once, then sends the sign-out to the server. The result of that call changes nothing here.
    pub async fn sign_out(&self) {
        self.leave(SignedOutNote::asked_here(EndReason::UserInitiatedLogout, None)).await;
    }

    /// Signs out on all devices, or on all but this one. Where the server cannot be reached nothing has happened and
    /// the session stays: it is what the user needs to try again.
    pub async fn sign_out_all(&self, keep_current: bool) -> Result<LogoutAnswer, Failure> {
        let session = self.inner.state.borrow().status.session_id();
        let body = json(&LogoutAllRequest { keep_current: Some(keep_current), ..LogoutAllRequest::default() });
        let answer = self.send_ending(Method::Post, paths::LOGOUT_ALL, body, session.filter(|_| !keep_current)).await?;
        if !keep_current {
            self.tell(Change::StorageCleared);
            let note = SignedOutNote::asked_here(EndReason::LogoutAll, answer.receipt.clone());
            self.ended_here(session, note);
        }
        Ok(answer)
    }

    /// Signs out one device; where it is this one, as [`Self::sign_out`], or as [`Self::stop_acting`].
    pub async fn end_session(&self, id: SessionId) -> Result<LogoutAnswer, Failure> {
        if self.acts_in(id) {
            self.stop_acting().await?;
            let message = "You stopped acting.".to_owned();
            return Ok(LogoutAnswer { success: true, message, sessions_ended: 1, ..LogoutAnswer::default() });
        }
        if self.inner.state.borrow().status.session_id() == Some(id) {
            self.sign_out().await;
            let message = "Signed out.".to_owned();
            return Ok(LogoutAnswer { success: true, message, sessions_ended: 1, ..LogoutAnswer::default() });
        }
        self.call(Method::Delete, &paths::session(id), None).await
    }

    /// Signs out several devices, none of them this one, under one receipt: as many at once as the server takes.
    pub async fn end_sessions(&self, ids: &[SessionId]) -> Result<LogoutAnswer, Failure> {
        let body = EndSessionsRequest { session_ids: ids.to_vec(), reason: None };
        self.call(Method::Post, paths::SESSIONS_END, json(&body)).await
    }

    /// A page of the devices of this user: the first, or the one at a cursor.
    pub async fn sessions_page(&self, cursor: Option<&str>) -> Result<SessionList, Failure> {
        self.call(Method::Get, &at_cursor(paths::SESSIONS, cursor), None).await
    }

    /// The alerts without an answer.
    pub async fn list_alerts(&self) -> Result<AlertList, Failure> {
        self.call(Method::Get, paths::ALERTS, None).await
    }

    /// Answers an alert; with the password where the server asks who is there.
    pub async fn answer_alert(
        &self,
        id: AlertId,
        answer: AlertAnswer,
        password: Option<String>,
    ) -> Result<LogoutAnswer, Failure> {
        self.call(Method::Post, &paths::alert(id), json(&AnswerAlertRequest { answer, password })).await
    }

    /// Renames a device.
    pub async fn rename_session(&self, id: SessionId, device_name: String) -> Result<Session, Failure> {
        self.call(Method::Patch, &paths::session(id), json(&RenameRequest { device_name })).await
    }

    /// The history of one session.
    pub async fn history(&self, id: SessionId) -> Result<SessionHistory, Failure> {
        self.call(Method::Get, &paths::session_history(id), None).await
    }

    /// The receipt of a sign-out. Its id is the permission to read it.
    pub async fn receipt(&self, id: &str) -> Result<Receipt, Failure> {
        self.call_unsigned(Method::Get, &paths::receipt(id), None).await
    }

    /// One page of what happened to the account.
    pub async fn activity(&self, cursor: Option<&str>) -> Result<Activity, Failure> {
        self.call(Method::Get, &at_cursor(paths::ACTIVITY, cursor), None).await
    }

    /// The user's profile.
    pub async fn profile(&self) -> Result<Profile, Failure> {
        self.call(Method::Get, paths::PROFILE, None).await
    }

    /// Changes the profile, and refreshes the token, which has the name in it.
    pub async fn patch_profile(&self, patch: ProfilePatch) -> Result<Profile, Failure> {
        let profile: Profile = self.call(Method::Patch, paths::PROFILE, json(&patch)).await?;
        self.user_changed(&profile);
        if let Some(held) = self.credentials() {
            // The name shows already; other tabs hear of it with the next refresh at the latest.
            let _ = self.refresh(held.serial).await;
        }
        Ok(profile)
    }

    fn user_changed(&self, profile: &Profile) {
        let status = {
            let mut state = self.inner.state.borrow_mut();
            let Some(held) = state.credentials.as_mut().filter(|held| held.user.id == profile.user.id) else {
                return;
            };
            held.user = profile.user.clone();
            let status = AuthStatus::SignedIn { session_id: held.session_id, user: profile.user.clone() };
            state.status = status.clone();
            status
        };
        self.tell(Change::Status(status));
    }

    /// Changes the password; the other sessions end.
    pub async fn change_password(
        &self,
        current_password: String,
        new_password: String,
    ) -> Result<LogoutAnswer, Failure> {
        let body = PasswordChangeRequest { current_password, new_password };
        self.call(Method::Post, paths::PASSWORD, json(&body)).await
    }

    /// Deletes the account, and with it every session.
    pub async fn delete_account(&self, password: String) -> Result<LogoutAnswer, Failure> {
        let session = self.inner.state.borrow().status.session_id();
        let reason = EndReason::AccountDeleted;
        let body = json(&ProofRequest { password: Some(password) });
        let call = self.send_ending(Method::Delete, paths::ACCOUNT, body, session);
        let answer = self.asking_for(reason, call).await?;
        self.tell(Change::StorageCleared);
        self.ended_here(session, SignedOutNote::asked_here(reason, None));
        Ok(answer)
    }

    /// Prolongs the session. Gives its new end.
    pub async fn stay_signed_in(&self) -> Result<Timestamp, Failure> {
        let held = self.credentials().ok_or(Failure::SignedOut)?;
        self.refresh(held.serial).await?;
        let held = self.credentials().ok_or(Failure::SignedOut)?;
        let left_ms = (held.session_ends_ms - self.now_ms()).max(0.0);
        Ok(self.server_now().plus(std::time::Duration::from_secs_f64(left_ms / 1000.0)))
    }
}

/// The address of a page of a list.
fn at_cursor(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        Some(cursor) => format!("{path}?cursor={}", super::return_to::percent_encode(cursor)),
        None => path.to_owned(),
    }
}

/// The device as the client describes it; the rest is in the user agent.
fn this_device() -> DeviceInfo {
    DeviceInfo { platform: Some("web".to_owned()), ..DeviceInfo::default() }
}
