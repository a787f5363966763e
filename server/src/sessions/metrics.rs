//! What Prometheus is shown of sessions: sign-ins, refreshes and ends, the revocation list, and what waits to be
//! committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use types::words::EndReason;

use super::Sessions;
use super::ends_with_session::CleanUpStep;
use crate::context::Context;
use crate::metrics::{
    Counter, Counters, Exposition, Family, Gauge, Histogram, Instrument, Kind, Label, LabelNames, SecondsGauge, labels,
    metrics,
};

metrics! {
    /// What is counted of sessions, and how their parts are.
    pub struct SessionMetrics {
        /// Sign-in attempts, by result.
        sign_ins: Counters<SignInResult> = "latchkey_sign_ins_total",
        /// Presented refresh tokens, by result.
        refreshes: Counters<RefreshCase> = "latchkey_refreshes_total",
        /// Sessions that this server ended, by reason.
        ended: Counters<EndReason> = "latchkey_sessions_ended_total",
        /// Sessions and users on this server's revocation list.
        list_entries: Gauge = "latchkey_revocation_list_entries",
        /// How long ago the last successful poll of the revocation log began.
        list_age: SecondsGauge = "latchkey_revocation_list_age_seconds",
        /// The age beyond which this server asks the database instead, as it is set.
        list_max_age: SecondsGauge = "latchkey_revocation_list_max_age_seconds",
        /// The position up to which this server has read the revocation log.
        log_position: Gauge = "latchkey_revocation_log_position",
        /// How long a poll of the revocation log took, failed ones too.
        polls: Histogram = "latchkey_revocation_tail_duration_seconds",
        /// Polls of the revocation log that failed.
        poll_failures: Counter = "latchkey_revocation_tail_failures_total",
        /// How often the revocation log had changed unexpectedly and had to be loaded anew.
        log_reloads: Counters<Reload> = "latchkey_revocation_log_reloads_total",
        /// Revocations that the database had lost and this server remembered; they are written again.
        revocations_lost: Counter = "latchkey_revocations_lost_total",
        /// Requests for which the database was asked because the list was too old, by its answer.
        authenticate_checks: Counters<AuthenticateCheck> = "latchkey_authenticate_database_checks_total",
        /// Sign-outs in force here that are not committed yet.
        endings_pending: Gauge = "latchkey_endings_pending",
        /// Whether a sign-out could be written to the pending log when this server last tried: 1 or 0.
        pending_log_writable: Gauge = "latchkey_pending_log_writable",
        /// Sign-outs that were neither committed nor written to the pending log.
        pending_log_failures: Counter = "latchkey_pending_log_failures_total",
        /// Steps of the clean-up after a sign-out that failed, by step. The sign-out itself holds.
        cleanup_failures: StepFailures = "latchkey_session_cleanup_failures_total",
        /// Sign-outs in the queue.
        endings_queued: Gauge = "latchkey_endings_queued",
        /// Access tokens whose signature need not be checked again.
        verified_tokens: Gauge = "latchkey_verified_tokens",
        /// Sessions whose last-active time is not written yet.
        last_active_waiting: Gauge = "latchkey_last_active_waiting",
    }
}

labels! {
    /// The result of a sign-in attempt.
    SignInResult = "result" {
        /// A session began.
        Ok = "ok",
        /// E-mail or password was wrong.
        WrongCredentials = "wrong_credentials",
        /// The code that proves an address was wrong.
        WrongCode = "wrong_code",
        /// The password was right, but the address is not proved.
        NotVerified = "not_verified",
        /// An administrator has the user set a new password first.
        PasswordResetRequired = "password_reset_required",
        /// The user has as many sessions as allowed and must choose one to end.
        SessionLimit = "session_limit",
        /// Too many tries.
        Limited = "limited",
        /// Too many passwords are being hashed.
        Busy = "busy",
        /// The database is away.
        Unavailable = "unavailable",
        /// A fault of ours.
        Failed = "failed",
    }

    /// The result of a presented refresh token.
    RefreshCase = "case" {
        /// A new pair.
        Refreshed = "refreshed",
        /// The same successor again, moments after the first: two tabs.
        RepeatedTwoTabs = "repeated_two_tabs",
        /// The same successor again, later: the first answer was lost.
        RepeatedLostReply = "repeated_lost_reply",
        /// A token that had been replaced: possibly theft, the session was ended.
        Reuse = "reuse",
        /// The session had ended, or reached its end.
        Ended = "ended",
        /// Not one of ours, or of the wrong class.
        Invalid = "invalid",
        /// The database is away.
        Unavailable = "unavailable",
        /// A fault of ours.
        Failed = "failed",
    }

    /// Why the revocation log was loaded anew.
    Reload = "why" {
        /// The head is lower than it was: another database took over, or a backup was restored.
        HeadWentBack = "head_went_back",
        /// Another row is where one was seen before.
        RowReplaced = "row_replaced",
        /// A row is gone that must be remembered.
        RowGone = "row_gone",
        /// A row is missing between two others.
        RowMissing = "row_missing",
        /// The rows end before the head.
        EndsBeforeHead = "ends_before_head",
        /// A row that this server has committed itself is not there, or another in its place.
        OwnRowLost = "own_row_lost",
    }

    /// The database's answer on a token that this server's list was too old for.
    AuthenticateCheck = "result" {
        /// It may pass.
        Passed = "passed",
        /// Its session has ended.
        Ended = "ended",
        /// It is from before a change to the user.
        Superseded = "superseded",
        /// There is no such session.
        Unknown = "unknown",
        /// The database could not be asked: the request was refused with 503.
        Unavailable = "unavailable",
    }
}

/// The steps there are; which these are depends on the areas.
const STEP_LABEL: LabelNames = LabelNames { name: "step", values: &[] };

/// Failures of the clean-up, by step.
#[derive(Default)]
pub struct StepFailures(Mutex<BTreeMap<&'static str, u64>>);

impl StepFailures {
    /// Shows these steps, with nothing yet.
    pub fn declare(&self, steps: impl IntoIterator<Item = CleanUpStep>) {
        for step in steps {
            self.counts().entry(step.name).or_default();
        }
    }

    /// A step has failed.
    pub fn increment(&self, step: CleanUpStep) {
        *self.counts().entry(step.name).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instrument for StepFailures {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [LabelNames] = &[STEP_LABEL];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        for (step, count) in self.counts().iter() {
            text.sample(family, &[(STEP_LABEL.name, *step)], count);
        }
    }
}

impl Label for EndReason {
    const NAME: &'static str = "reason";
    const VALUES: &'static [&'static str] = &{
        let mut values = [""; Self::ALL.len()];
        let mut index = 0;
        while index < values.len() {
            values[index] = Self::ALL[index].as_str();
            index += 1;
        }
        values
    };

    fn index(self) -> usize {
        self as usize
    }
}

/// Has the gauges set whenever Prometheus asks, for as long as there are these sessions.
pub fn show_metrics(Context { metrics, clock, .. }: &Context, sessions: &Arc<Sessions>) {
    let (clock, sessions) = (Arc::clone(clock), Arc::downgrade(sessions));
    metrics.on_scrape(move || {
        if let Some(sessions) = sessions.upgrade() {
            set_gauges(&sessions, clock.monotonic());
        }
    });
}

fn set_gauges(sessions: &Sessions, now: Instant) {
    let SessionMetrics {
        list_entries,
        list_age,
        list_max_age,
        log_position,
        endings_pending,
        pending_log_writable,
        endings_queued,
        verified_tokens,
        last_active_waiting,
        ..
    } = &*sessions.metrics;
    list_entries.set(sessions.revocations.list().len());
    list_age.set(sessions.revocations.list().age(now).as_secs_f64());
    list_max_age.set(sessions.revocations.list().max_staleness().as_secs_f64());
    log_position.set(sessions.revocations.list().position());
    endings_pending.set(sessions.terminations.pending());
    pending_log_writable.set(sessions.terminations.pending_log().was_writable());
    endings_queued.set(sessions.terminations.queued());
    verified_tokens.set(sessions.refreshes.verified_tokens());
    last_active_waiting.set(sessions.devices.unwritten());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Group as _;
    use std::time::Duration;

    #[test]
    fn every_reason_is_counted_under_its_own_name() {
        for reason in EndReason::ALL {
            assert_eq!(Label::as_str(reason), reason.as_str());
        }
    }

    #[test]
    fn what_happened_is_counted_and_what_is_so_is_shown() {
        let metrics = SessionMetrics::default();
        metrics.sign_ins.increment(SignInResult::Ok);
        metrics.ended.add(EndReason::LogoutAll, 3);
        metrics.polls.observe(Duration::from_millis(20));
        metrics.poll_failures.increment();
        metrics.list_age.set(Duration::from_millis(250).as_secs_f64());
        let step = |name| CleanUpStep { name, in_words: "" };
        metrics.cleanup_failures.declare(["streams", "tickets"].map(step));
        metrics.cleanup_failures.increment(step("tickets"));
        metrics.cleanup_failures.declare(["tickets"].map(step));
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        for line in [
            "latchkey_sign_ins_total{result=\"ok\"} 1",
            "latchkey_sign_ins_total{result=\"busy\"} 0",
            "latchkey_sessions_ended_total{reason=\"logout_all\"} 3",
            "latchkey_revocation_list_age_seconds 0.25",
            "latchkey_revocation_tail_duration_seconds_sum 0.02",
            "latchkey_revocation_tail_failures_total 1",
            "latchkey_session_cleanup_failures_total{step=\"streams\"} 0",
            "latchkey_session_cleanup_failures_total{step=\"tickets\"} 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }
}
