//! Statements: *Was this you?*: what is asked of users until they answer.

use crate::store::db::dialect::statements;

/// Columns of an alert, with the device of its session.
macro_rules! alert_columns {
    () => {
        "a.id, a.kind, a.session_id, a.created_at, a.ip, a.place, a.answer, a.answered_at, a.answered_by, \
         a.vouched AS confirms, s.created_at AS session_began_at, \
         s.ended_at IS NULL AND s.expires_at > $2 AS signed_in, s.device_name, s.platform, s.browser, s.os, \
         s.kind AS device_kind, s.app_version"
    };
}

/// What makes a session one that is in question itself: an alert about it that no session beyond question has
/// confirmed.
macro_rules! in_question {
    ($session:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM alerts q WHERE q.session_id = ",
            $session,
            " AND (q.answer IS NULL OR q.answer <> 'me' OR NOT q.vouched))"
        )
    };
}

statements! {
    /// Only for a session that is there, once for each kind.
    INSERT_ALERT = "INSERT INTO alerts (id, user_id, session_id, kind, created_at, ip, place) \
        SELECT $1, s.user_id, s.id, $3, $4, $5, $6 FROM sessions s WHERE s.id = $2 \
        ON CONFLICT (session_id, kind) DO NOTHING";
    /// What the user has signed in with before, as far as that is beyond question. Where the list ends does not
    /// matter much: who has so many is asked once more.
    KNOWN_DEVICES = concat!(
        "SELECT DISTINCT s.browser, s.os, s.platform, s.ip FROM sessions s \
         WHERE s.user_id = $1 AND s.id <> $2 AND s.actor_id IS NULL AND NOT ",
        in_question!("s.id"),
        " LIMIT 1000"
    );
    HAS_SIGNED_IN = "SELECT EXISTS (SELECT 1 FROM audit_log WHERE user_id = $1 AND action = 'sign_in') AS has_signed_in";
    /// Not what is about the session that asks.
    OPEN_ALERTS = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts a JOIN sessions s ON s.id = a.session_id \
         WHERE a.user_id = $1 AND a.answer IS NULL AND a.session_id <> $3 \
         ORDER BY a.created_at DESC, a.id DESC LIMIT $4"
    );
    COUNT_OPEN_ALERTS = "SELECT COUNT(*) FROM alerts WHERE user_id = $1 AND answer IS NULL AND session_id <> $2";
    ALERT = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts a JOIN sessions s ON s.id = a.session_id WHERE a.id = $3 AND a.user_id = $1"
    );
    ALERTS_OF = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts a JOIN sessions s ON s.id = a.session_id WHERE a.user_id = $1 ORDER BY a.created_at, a.id"
    );
    IN_QUESTION = concat!("SELECT ", in_question!("$1"), " AS in_question");
    ANSWER_ALERT = "UPDATE alerts SET answer = $3, answered_at = $4, answered_by = $5, vouched = $6 \
        WHERE id = $1 AND user_id = $2 AND answer IS NULL";
    /// What another session of the user has just ended is answered by that. What ends itself is asked about still.
    ANSWER_BY_ENDING = "UPDATE alerts SET answer = 'end_session', answered_at = $2, answered_by = $3 \
        WHERE user_id = $1 AND answer IS NULL AND session_id <> $3 AND EXISTS \
        (SELECT 1 FROM sessions s WHERE s.id = alerts.session_id AND s.ended_by = $3 AND s.ended_at = $2)";
    /// Who resets the password has proved the address, and everything before it is over.
    ANSWER_BY_RESET = "UPDATE alerts SET answer = 'not_me', answered_at = $2 WHERE user_id = $1 AND answer IS NULL";
    WIPE_ALERT_ORIGINS = "UPDATE alerts SET ip = '', place = NULL WHERE id IN \
        (SELECT id FROM alerts WHERE created_at < $1 AND ip <> '' ORDER BY created_at LIMIT $2 {skip_locked})";
}
