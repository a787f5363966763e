//! Sessions in which somebody acts for a user.
//!
//! Both users are locked in the order of their ids, then the session of whoever acts. Nothing is revoked.

use types::domain::UserId;

use super::accounts::users::lock_user;
use super::audit::insert_audit;
use super::jobs::insert_job;
use super::sessions::history::insert_history;
use super::sessions::sign_in::insert_session;
use super::{Connection, Database, Result, query, query_as};
use crate::store::db::retry_conflicts;
use crate::store::db::rows::read_one;
use crate::store::impersonation::DecideActing;
use crate::store::sessions::rows::SessionColumns;
use crate::store::{ActingBegun, ActingRefusal, NewActing, StoreError, User, sql};

/// What comes of it, which may be refused.
type Decided = Result<std::result::Result<ActingBegun, ActingRefusal>>;

impl Database {
    pub(in crate::store) async fn begin_acting(&self, beginning: &NewActing<'_>, decide: DecideActing<'_>) -> Decided {
        retry_conflicts!(self.try_begin_acting(beginning, decide))
    }

    async fn try_begin_acting(&self, beginning: &NewActing<'_>, decide: DecideActing<'_>) -> Decided {
        let NewActing { session, acting, actor_session, audit, history, mail } = beginning;
        let mut tx = self.begin().await?;
        let (actor, user) = lock_both(&mut tx, acting.actor_id, session.user_id).await?;
        let Some(user) = user else { return Ok(Err(ActingRefusal::NotFound)) };
        if let Err(refusal) = decide(actor.as_ref(), &user) {
            return Ok(Err(refusal));
        }
        let remembered = query(sql::impersonation::REMEMBER_ACTOR)
            .bind(actor_session.0)
            .bind(acting.actor_id.0)
            .bind(session.remember_until.as_millis())
            .bind(session.at.as_millis())
            .execute(&mut *tx)
            .await?;
        if remembered.rows_affected() == 0 {
            return Ok(Err(ActingRefusal::ActorSessionEnded));
        }
        insert_session(&mut tx, session, None).await?;
        query(sql::impersonation::MARK_ACTING)
            .bind(session.id.0)
            .bind(acting.actor_id.0)
            .bind(&acting.actor_name)
            .bind(&acting.reason)
            .execute(&mut *tx)
            .await?;
        insert_history(&mut tx, std::slice::from_ref(*history)).await?;
        insert_audit(&mut tx, std::slice::from_ref(*audit)).await?;
        insert_job(&mut tx, &mail(&user)).await?;
        let row: Option<SessionColumns> =
            query_as(sql::sessions::SESSION).bind(session.id.0).fetch_optional(&mut *tx).await?;
        let row = read_one(row)?.ok_or(StoreError::Unreadable("session"))?;
        tx.commit().await?;
        self.wake_worker();
        Ok(Ok(ActingBegun { user: Box::new(user), session: Box::new(row) }))
    }
}

/// Locks whoever acts, and for whom, in the order of their ids.
async fn lock_both(connection: &mut Connection, actor: UserId, user: UserId) -> Result<(Option<User>, Option<User>)> {
    let first = lock_user(&mut *connection, actor.min(user)).await?;
    let second = lock_user(&mut *connection, actor.max(user)).await?;
    Ok(if actor <= user { (first, second) } else { (second, first) })
}
