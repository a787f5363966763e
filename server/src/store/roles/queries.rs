//! Roles, and who has them.
//!
//! Of changes one is decided and committed after the other: whoever changes roles holds the lock of all roles first,
//! then the users concerned by their ids, then the head row of the log. So two owners who take the role from each other
//! are decided one after the other, and the second is none any more.

use types::domain::{Timestamp, UserId};
use types::words::BuiltInRole;
use uuid::Uuid;

use super::accounts::users::{lock_user, user_by_id};
use super::audit::insert_audit;
use super::jobs::insert_job;
use super::revocations::{log_and_commit, log_epoch};
use super::{Connection, DIALECT, Database, Db, Result, lock_roles, query, query_as};
use crate::store::db::dialect::fill;
use crate::store::db::retry_conflicts;
use crate::store::db::rows::read_all;
use crate::store::roles::rows::RoleColumns;
use crate::store::roles::{DecideRoles, DecideUserRoles};
use crate::store::{
    NewAudit, NewJob, RaisedEpochs, Revocation, RevokedSubject, RoleActor, RoleCommand, RoleFacts, RoleRefusal,
    RoleRow, SavedRole, SavedUserRoles, StoreError, User, UserRoleFacts, UserRolesCommand, sql,
};

/// A raised epoch: whose, which, and until when the tokens of their sessions have the log remember it.
type Raised = (Uuid, i64, Option<i64>);

/// What comes of a change that may be refused.
type Decided<T> = Result<std::result::Result<T, RoleRefusal>>;

impl Database {
    pub(in crate::store) async fn roles(&self) -> Result<Vec<RoleRow>> {
        let rows: Vec<RoleColumns> = query_as(sql::roles::ROLES).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn role_names(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = query_as(sql::roles::ROLE_NAMES).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    pub(in crate::store) async fn save_roles(
        &self,
        command: &RoleCommand<'_>,
        decide: DecideRoles<'_>,
    ) -> Decided<SavedRole> {
        retry_conflicts!(self.try_save_roles(command, decide))
    }

    async fn try_save_roles(&self, command: &RoleCommand<'_>, decide: DecideRoles<'_>) -> Decided<SavedRole> {
        let mut tx = self.begin().await?;
        let under_lock = UnderLock::read(&mut tx, command).await?;
        let saved = match decide(&under_lock.facts()) {
            Ok(saved) => saved,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if is_going(&mut tx, command.name).await? {
            return Ok(Err(RoleRefusal::NameTaken));
        }
        for role in &saved {
            save(&mut tx, role).await?;
        }
        let moved: Vec<&str> =
            saved.iter().filter(|role| under_lock.is_moved(role)).map(|role| role.name.as_str()).collect();
        let mut revocations = under_lock.raise_epochs(&mut tx, &moved, command).await?;
        insert_audit(&mut tx, std::slice::from_ref(&command.audit)).await?;
        let role = saved.into_iter().next().ok_or(StoreError::Unreadable("role"))?;
        log_and_commit(tx, &mut revocations.iter_mut().collect::<Vec<_>>()).await?;
        if under_lock.has_many_holders() {
            self.wake_worker();
        }
        Ok(Ok(SavedRole { role, revocations }))
    }

    pub(in crate::store) async fn delete_role(
        &self,
        command: &RoleCommand<'_>,
        decide: DecideRoles<'_>,
    ) -> Decided<SavedRole> {
        retry_conflicts!(self.try_delete_role(command, decide))
    }

    async fn try_delete_role(&self, command: &RoleCommand<'_>, decide: DecideRoles<'_>) -> Decided<SavedRole> {
        let mut tx = self.begin().await?;
        let under_lock = UnderLock::read(&mut tx, command).await?;
        if let Err(refusal) = decide(&under_lock.facts()) {
            return Ok(Err(refusal));
        }
        let Some(role) = under_lock.roles.iter().find(|role| role.name == command.name).cloned() else {
            return Ok(Err(RoleRefusal::NotFound));
        };
        let mut revocations = under_lock.raise_epochs(&mut tx, &[command.name], command).await?;
        if under_lock.has_many_holders() {
            save(&mut tx, &going(role.clone())).await?;
        } else {
            query(sql::roles::DELETE_ROLE).bind(command.name).execute(&mut *tx).await?;
        }
        insert_audit(&mut tx, std::slice::from_ref(&command.audit)).await?;
        log_and_commit(tx, &mut revocations.iter_mut().collect::<Vec<_>>()).await?;
        if under_lock.has_many_holders() {
            self.wake_worker();
        }
        Ok(Ok(SavedRole { role, revocations }))
    }

    pub(in crate::store) async fn raise_epochs_of(
        &self,
        role: &str,
        after: UserId,
        limit: i64,
        at: Timestamp,
        remember_until: Timestamp,
    ) -> Result<RaisedEpochs> {
        retry_conflicts!(self.try_raise_epochs_of(role, after, limit, at, remember_until))
    }

    async fn try_raise_epochs_of(
        &self,
        role: &str,
        after: UserId,
        limit: i64,
        at: Timestamp,
        remember_until: Timestamp,
    ) -> Result<RaisedEpochs> {
        let mut tx = self.begin().await?;
        lock_roles(&mut tx).await?;
        let page: Vec<(Uuid,)> =
            query_as(sql::roles::HOLDERS_AFTER).bind(role).bind(after.0).bind(limit).fetch_all(&mut *tx).await?;
        let Some((last,)) = page.last().copied() else {
            query(sql::roles::DELETE_GOING).bind(role).execute(&mut *tx).await?;
            tx.commit().await?;
            return Ok(RaisedEpochs { revocations: Vec::new(), last: None });
        };
        query(sql::roles::LOCK_HOLDERS_BETWEEN).bind(role).bind(after.0).bind(last).execute(&mut *tx).await?;
        let raised: Vec<Raised> =
            query_as(sql::roles::RAISE_EPOCHS_BETWEEN).bind(role).bind(after.0).bind(last).fetch_all(&mut *tx).await?;
        query(sql::roles::TAKE_GOING).bind(role).bind(after.0).bind(last).execute(&mut *tx).await?;
        let mut revocations = revocations_of(raised, at, remember_until);
        log_and_commit(tx, &mut revocations.iter_mut().collect::<Vec<_>>()).await?;
        Ok(RaisedEpochs { revocations, last: Some(UserId(last)) })
    }

    pub(in crate::store) async fn set_user_roles(
        &self,
        command: &UserRolesCommand<'_>,
        decide: DecideUserRoles<'_>,
    ) -> Decided<SavedUserRoles> {
        retry_conflicts!(self.try_set_user_roles(command, decide))
    }

    async fn try_set_user_roles(
        &self,
        command: &UserRolesCommand<'_>,
        decide: DecideUserRoles<'_>,
    ) -> Decided<SavedUserRoles> {
        let mut tx = self.begin().await?;
        lock_roles(&mut tx).await?;
        let roles = all(&mut tx).await?;
        let actor = find_actor(&mut tx, command.actor_id).await?;
        let Some(user) = lock_user(&mut tx, command.user_id).await? else { return Ok(Err(RoleRefusal::NotFound)) };
        let another_owner = is_there_another_owner(&mut tx, user.id).await?;
        let actor = RoleActor::of(command.actor_id, actor.as_ref());
        let facts = UserRoleFacts { actor, user: &user, roles: &roles, another_owner };
        if let Err(refusal) = decide(&facts) {
            return Ok(Err(refusal));
        }
        let mut after = command.roles.to_vec();
        after.sort();
        after.dedup();
        if user.roles == after {
            return Ok(Ok(SavedUserRoles { user: Box::new(user), revocation: None }));
        }
        query(sql::roles::DELETE_ROLES_OF).bind(user.id.0).execute(&mut *tx).await?;
        for role in &after {
            query(sql::accounts::INSERT_ROLE).bind(user.id.0).bind(role).execute(&mut *tx).await?;
        }
        let detail = serde_json::json!({ "before": user.roles, "after": after }).to_string();
        let audit = NewAudit { detail: Some(detail), ..command.audit.clone() };
        insert_audit(&mut tx, &[audit]).await?;
        let raised: Option<(i64,)> =
            query_as(sql::sessions::RAISE_EPOCH).bind(user.id.0).fetch_optional(&mut *tx).await?;
        let user = user_by_id(&mut tx, user.id).await?.ok_or(StoreError::Unreadable("user"))?;
        let revocation = log_epoch(tx, user.id, raised, command.at, command.remember_until).await?;
        Ok(Ok(SavedUserRoles { user: Box::new(user), revocation }))
    }
}

/// What a change of custom roles is decided by, under the locks of all roles and of the holders.
struct UnderLock {
    actor_id: Option<UserId>,
    actor: Option<User>,
    roles: Vec<RoleRow>,
    held_with: Vec<String>,
    holders: u64,
}

impl UnderLock {
    async fn read(connection: &mut Connection, command: &RoleCommand<'_>) -> Result<Self> {
        lock_roles(&mut *connection).await?;
        let roles = all(&mut *connection).await?;
        let actor = find_actor(&mut *connection, command.actor_id).await?;
        let concerned = with_heirs(&roles, command.name);
        let (held_with, holders) = hold_holders(connection, &concerned).await?;
        Ok(Self { actor_id: command.actor_id, actor, roles, held_with, holders })
    }

    fn facts(&self) -> RoleFacts<'_> {
        let Self { actor_id, actor, roles, held_with, holders } = self;
        RoleFacts { actor: RoleActor::of(*actor_id, actor.as_ref()), roles, held_with, holders: *holders }
    }

    /// Whether the holders are too many for their epochs to rise in the transaction of the change.
    const fn has_many_holders(&self) -> bool {
        self.holders >= RoleRow::COUNTED
    }

    /// Raises the epochs of the holders of these roles, or enqueues the job that does so where they are many.
    async fn raise_epochs(
        &self,
        connection: &mut Connection,
        roles: &[&str],
        command: &RoleCommand<'_>,
    ) -> Result<Vec<Revocation>> {
        if roles.is_empty() || !self.has_many_holders() {
            return raise_epochs(connection, roles, command.at, command.remember_until).await;
        }
        let job = NewJob { payload: (command.payload)(roles), ..command.rest.clone() };
        insert_job(connection, &job).await?;
        Ok(Vec::new())
    }

    /// Whether its holders may do something else from now on.
    fn is_moved(&self, saved: &RoleRow) -> bool {
        let before = self.roles.iter().find(|role| role.name == saved.name);
        before.is_some_and(|before| before.base != saved.base || before.grants != saved.grants)
    }
}

/// The user who asks, where it is one and they are there. Read while changes of roles wait, they stay so until the
/// commit.
pub(in crate::store) async fn find_actor(connection: &mut Connection, id: Option<UserId>) -> Result<Option<User>> {
    match id {
        Some(id) => user_by_id(connection, id).await,
        None => Ok(None),
    }
}

/// Locks the holders of these roles. Gives the roles that they have between them, and how many they are.
async fn hold_holders(connection: &mut Connection, roles: &[&str]) -> Result<(Vec<String>, u64)> {
    if roles.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let mut lock = sqlx::query_as::<Db, (Uuid,)>(fill(sql::roles::LOCK_HOLDERS, &DIALECT, roles.len()));
    let mut held = sqlx::query_as::<Db, (String,)>(fill(sql::roles::HELD_WITH, &DIALECT, roles.len()));
    for role in roles {
        lock = lock.bind(*role);
        held = held.bind(*role);
    }
    let holders = lock.fetch_all(&mut *connection).await?.len();
    let held_with = held.fetch_all(&mut *connection).await?;
    let held_with = held_with.into_iter().map(|(role,)| role).collect();
    Ok((held_with, u64::try_from(holders).unwrap_or(u64::MAX)))
}

/// Raises the epochs of the holders of these roles. Gives what is to be written to the log, by user.
async fn raise_epochs(
    connection: &mut Connection,
    roles: &[&str],
    at: Timestamp,
    remember_until: Timestamp,
) -> Result<Vec<Revocation>> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let raise = fill(sql::roles::RAISE_EPOCHS, &DIALECT, roles.len());
    let mut raise = sqlx::query_as::<Db, Raised>(raise);
    for role in roles {
        raise = raise.bind(*role);
    }
    let raised = raise.fetch_all(&mut *connection).await?;
    Ok(revocations_of(raised, at, remember_until))
}

/// What is to be written to the log of raised epochs, by user.
fn revocations_of(mut raised: Vec<Raised>, at: Timestamp, remember_until: Timestamp) -> Vec<Revocation> {
    raised.sort_unstable();
    let revocations = raised.into_iter().map(|(user_id, epoch, tokens)| Revocation {
        // Known only once the head row is locked.
        position: 0,
        user_id: UserId(user_id),
        subject: RevokedSubject::Epoch(epoch),
        reason: None,
        ended_by: None,
        ended_by_device: None,
        at,
        remember_until: remember_until.max(Timestamp::from_millis(tokens.unwrap_or(0))),
    });
    revocations.collect()
}

/// Whether a role of this name was deleted, and somebody holds it still.
async fn is_going(connection: &mut Connection, name: &str) -> Result<bool> {
    let (is_going,): (bool,) = query_as(sql::roles::IS_GOING).bind(name).fetch_one(&mut *connection).await?;
    Ok(is_going)
}

/// A role that was deleted, for as long as somebody holds it: it allows nothing, and inherits from none.
fn going(role: RoleRow) -> RoleRow {
    RoleRow { inherits: None, permissions: Vec::new(), base: BuiltInRole::User, grants: Vec::new(), ..role }
}

/// This role and all that inherit from it, if it is there.
fn with_heirs<'r>(roles: &'r [RoleRow], name: &str) -> Vec<&'r str> {
    let mut found: Vec<&str> = roles.iter().map(|role| role.name.as_str()).filter(|role| *role == name).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let heirs = roles.iter().filter(|role| role.inherits.as_deref() == Some(parent));
        let new: Vec<&str> = heirs.map(|role| role.name.as_str()).filter(|heir| !found.contains(heir)).collect();
        found.extend(new);
        next += 1;
    }
    found
}

/// Whether without this user there would be no owner who may sign in.
pub(in crate::store) async fn is_last_owner(connection: &mut Connection, user: &User) -> Result<bool> {
    let is_owner = user.roles.iter().any(|role| role == BuiltInRole::Owner.as_str());
    Ok(is_owner && !is_there_another_owner(connection, user.id).await?)
}

async fn is_there_another_owner(connection: &mut Connection, but: UserId) -> Result<bool> {
    let (there,): (bool,) = query_as(sql::roles::ANOTHER_OWNER).bind(but.0).fetch_one(&mut *connection).await?;
    Ok(there)
}

async fn all(connection: &mut Connection) -> Result<Vec<RoleRow>> {
    let rows: Vec<RoleColumns> = query_as(sql::roles::ROLES).fetch_all(&mut *connection).await?;
    read_all(rows)
}

async fn save(connection: &mut Connection, role: &RoleRow) -> Result<()> {
    query(sql::roles::SAVE_ROLE)
        .bind(&role.name)
        .bind(role.inherits.as_deref())
        .bind(serde_json::json!(role.permissions).to_string())
        .bind(&role.description)
        .bind(role.base.as_str())
        .bind(role.grants.join(" "))
        .bind(role.created_at.as_millis())
        .execute(&mut *connection)
        .await?;
    Ok(())
}
