//! As it is stored.

use latchkey::store::{
    Acting, ActingBegun, ActingRefusal, NewActing, NewAudit, NewHistoryEntry, NewSession, Selection, Store, User,
};
use rstest::rstest;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};

use crate::support::store::{
    Backend, START, TestStore, command, end, mailbox, minutes, new_audit, new_entry, new_mail, new_session, sign_in,
    stored_user,
};

type Decide<'a> = &'a (dyn Fn(Option<&User>, &User) -> Result<(), ActingRefusal> + Send + Sync);

/// The session of the user in which somebody acts from the first minute on, until the thirty-first.
fn session_of(user: UserId) -> NewSession {
    NewSession {
        remember_until: minutes(33),
        expires_at: minutes(31),
        max_expires_at: minutes(31),
        ..new_session(user, "Support: Grace", minutes(1))
    }
}

async fn begins(
    store: &Store,
    (actor_id, actor_session): (UserId, SessionId),
    session: &NewSession,
    decide: Decide<'_>,
) -> Result<ActingBegun, ActingRefusal> {
    let acting = Acting { actor_id, actor_name: "Grace".to_owned(), reason: "Ticket 4711".to_owned() };
    let audit = new_audit(session.user_id, AuditAction::ImpersonationStarted, session.at);
    let audit = NewAudit { session_id: Some(session.id), ..audit };
    let history: NewHistoryEntry = new_entry(session.id, HistoryKind::ActingBegan, session.at, "");
    let mail = |user: &User| new_mail(&user.email, minutes(1));
    let beginning =
        NewActing { session, acting: &acting, actor_session, audit: &audit, history: &history, mail: &mail };
    store.impersonation().begin_acting(&beginning, decide).await.expect("an answer")
}

#[rstest]
#[tokio::test]
async fn everything_is_written_and_the_end_of_whoever_acts_is_remembered(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, grace) = (stored_user(&store, "ada").await, stored_user(&store, "grace").await);
    let desk = sign_in(&store, grace, "Desk", START).await;
    let session = session_of(ada);
    let begun = begins(&store, (grace, desk), &session, &|_, _| Ok(())).await.expect("nobody minds");
    assert_eq!((begun.user.id, begun.session.user_id), (ada, ada));
    let acting = begun.session.acting.clone().expect("somebody acts");
    assert_eq!((acting.actor_id, acting.actor_name.as_str(), acting.reason.as_str()), (grace, "Grace", "Ticket 4711"));
    let (row, history) = store.sessions().history(ada, session.id).await.expect("an answer").expect("a session");
    assert_eq!((row.acting, history.len()), (Some(acting), 1));
    assert_eq!(mailbox(&store).await.len(), 1);
    let activity = store.audit().activity(ada, None, 10).await.expect("an answer");
    assert_eq!(activity[0].acting, Some(("Grace".to_owned(), "Ticket 4711".to_owned())));

    let one = Selection::One { user_id: grace, session_id: desk };
    let ended = end(&store, command(one, EndReason::UserInitiatedLogout, minutes(2))).await;
    assert!(ended.revocations[0].remember_until >= minutes(33), "a token of the session must never come to pass again");
}

#[rstest]
#[tokio::test]
async fn nothing_is_written_where_it_is_refused_or_whoever_asks_is_signed_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, grace) = (stored_user(&store, "ada").await, stored_user(&store, "grace").await);
    let desk = sign_in(&store, grace, "Desk", START).await;
    let session = session_of(ada);
    let refuses = |actor: Option<&User>, user: &User| {
        assert_eq!((actor.map(|actor| actor.id), user.id), (Some(grace), ada));
        Err(ActingRefusal::UserAboveActor)
    };
    assert_eq!(begins(&store, (grace, desk), &session, &refuses).await.err(), Some(ActingRefusal::UserAboveActor));
    let one = Selection::One { user_id: grace, session_id: desk };
    end(&store, command(one, EndReason::UserInitiatedLogout, Timestamp::from_millis(START.as_millis() + 1))).await;
    let late = begins(&store, (grace, desk), &session, &|_, _| Ok(())).await;
    assert_eq!(late.err(), Some(ActingRefusal::ActorSessionEnded));
    // Nor by the session of somebody else.
    let phone = sign_in(&store, ada, "Phone", START).await;
    let strange = begins(&store, (grace, phone), &session, &|_, _| Ok(())).await;
    assert_eq!(strange.err(), Some(ActingRefusal::ActorSessionEnded));
    assert!(store.sessions().session(session.id).await.expect("an answer").is_none());
    assert!(mailbox(&store).await.is_empty());
}
