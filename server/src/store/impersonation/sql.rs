//! Statements: sessions in which somebody acts for a user.

use crate::store::db::dialect::statements;
use crate::store::sessions::sql::not_ended;

statements! {
    /// The session of whoever acts, where it has not ended: its end must be remembered for as long as they act.
    REMEMBER_ACTOR = concat!(
        "UPDATE sessions SET remember_until = CASE WHEN remember_until < $3 THEN $3 ELSE remember_until END \
         WHERE id = $1 AND user_id = $2 AND ",
        not_ended!(),
        " AND expires_at > $4"
    );
    MARK_ACTING = "UPDATE sessions SET actor_id = $2, actor_name = $3, support_reason = $4 WHERE id = $1";
}
