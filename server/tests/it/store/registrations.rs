//! Registrations that wait for their code, and what a code proves.

use latchkey::store::{
    Bucket, CodeOutcome, NewCode, NewRegistration, NewUser, Registrant, RegistrationMail, Resend, Resending,
    ResetProof, ResetRequest, ResetTarget, RevokedSubject, Store, Try,
};
use rstest::rstest;
use types::domain::{DisplayName, UserId};
use types::words::{AuditAction, EndReason};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, MINUTE, START, TestStore, a_try, accepted, ask_for_reset, digest, email, grant, guess, mailbox,
    minutes, new_audit, new_mail, new_registration, new_user, register, sign_in, stored_user,
};

async fn proved(store: &Store, name: &str) -> UserId {
    let user = NewUser { email_verified_at: Some(START), ..new_user(name) };
    store
        .accounts()
        .create_user(&user, None, &new_audit(user.id, AuditAction::Registered, START))
        .await
        .expect("a user");
    user.id
}

async fn resend(store: &Store, id: UserId, code: u8, minute: u64) -> Resend {
    let email = email("ada");
    let resending = Resending {
        email: &email,
        id,
        code: NewCode { digest: digest(code), expires_at: minutes(minute + 10) },
        mail: new_mail("ada@example.com", minutes(minute)),
        codes: a_try(204),
        not_before: minutes(minute).minus(MINUTE),
        expires_at: minutes(minute).plus(7 * DAY),
        audit: new_audit(id, AuditAction::CodeRequested, minutes(minute)),
    };
    store.accounts().resend_code(&resending).await.expect("an outcome")
}

#[rstest]
#[tokio::test]
async fn the_right_code_makes_an_account_of_its_registration_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_registration("ada", digest(1), START);
    register(&store, &ada).await;
    assert!(store.accounts().user_by_email(&email("ada")).await.expect("an answer").is_none(), "nobody has proved it");
    assert_eq!(guess(&store, ("ada", ada.id), digest(9), true, minutes(1)).await, CodeOutcome::Refused);
    let CodeOutcome::Accepted { user, ended } = guess(&store, ("ada", ada.id), digest(1), true, minutes(2)).await
    else {
        panic!("the code is right")
    };
    assert_eq!((user.id, user.name.as_str(), user.email_verified_at), (ada.id, "ada", Some(minutes(2))));
    assert_eq!(
        (user.roles.as_slice(), user.password_hash.as_str()),
        (["user".to_owned()].as_slice(), "$argon2id$first")
    );
    assert!(ended.ended.is_empty() && ended.revocations.is_empty());
    assert_eq!(guess(&store, ("ada", ada.id), digest(1), true, minutes(3)).await, CodeOutcome::Refused);
    assert!(store.accounts().registration(&email("ada"), minutes(3)).await.expect("an answer").is_none());
}

#[rstest]
#[tokio::test]
async fn the_newest_registration_takes_the_place_of_the_one_before_with_its_code(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mallory = NewRegistration {
        name: DisplayName::parse("Mallory").expect("a name"),
        password_hash: "$argon2id$mallory".to_owned(),
        ..new_registration("ada", digest(1), START)
    };
    let ada = new_registration("ada", digest(2), minutes(1));
    register(&store, &mallory).await;
    register(&store, &ada).await;
    for (id, code) in [(mallory.id, 1), (mallory.id, 2), (ada.id, 1)] {
        assert_eq!(guess(&store, ("ada", id), digest(code), true, minutes(2)).await, CodeOutcome::Refused);
    }
    let CodeOutcome::Accepted { user, .. } = guess(&store, ("ada", ada.id), digest(2), true, minutes(2)).await else {
        panic!("the newest code is right")
    };
    assert_eq!((user.name.as_str(), user.password_hash.as_str()), ("ada", "$argon2id$first"));
    assert!(store.accounts().user_by_id(mallory.id).await.expect("an answer").is_none());
}

#[rstest]
#[tokio::test]
async fn a_registration_of_a_proved_address_is_stored_and_its_code_proves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let owner = proved(&store, "ada").await;
    let stranger = new_registration("ada", digest(1), START);
    register(&store, &stranger).await;
    let subjects: Vec<_> = mailbox(&store).await.into_iter().map(|mail| mail.content.subject).collect();
    assert_eq!(subjects, ["Notice"]);
    let kept = store.accounts().registration(&email("ada"), minutes(1)).await.expect("an answer").expect("it is kept");
    assert_eq!(kept.id, stranger.id);
    assert_eq!(resend(&store, stranger.id, 2, 1).await, Resend::Ignored);
    assert_eq!(guess(&store, ("ada", stranger.id), digest(1), true, minutes(2)).await, CodeOutcome::Refused);
    let user = store.accounts().user_by_email(&email("ada")).await.expect("an answer").expect("a user");
    assert_eq!((user.id, user.password_hash.as_str()), (owner, "$argon2id$first"));
}

#[rstest]
#[tokio::test]
async fn an_account_that_nobody_proved_goes_with_its_sessions_when_somebody_proves_its_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mallory = stored_user(&store, "ada").await;
    let hers = sign_in(&store, mallory, "Mallory's", START).await;
    let ada = new_registration("ada", digest(1), minutes(1));
    register(&store, &ada).await;
    let CodeOutcome::Accepted { user, ended } = guess(&store, ("ada", ada.id), digest(1), true, minutes(2)).await
    else {
        panic!("the code is right")
    };
    assert_eq!(user.id, ada.id);
    assert_eq!(ended.ended.iter().map(|session| session.id).collect::<Vec<_>>(), [hers]);
    let [revocation] = ended.revocations.as_slice() else { panic!("{ended:?}") };
    assert!(matches!(revocation.subject, RevokedSubject::Epoch(raised) if raised > 0), "{revocation:?}");
    assert_eq!(revocation.user_id, mallory);
    assert_eq!(
        store.revocations().revocations_from(1).await.expect("a tail").revocations,
        std::slice::from_ref(revocation)
    );
    assert!(store.accounts().user_by_id(mallory).await.expect("an answer").is_none());
    assert!(store.sessions().session(hers).await.expect("an answer").is_none());
}

#[rstest]
#[tokio::test]
async fn an_account_from_a_time_without_proof_is_proved_by_whoever_gave_its_password_and_by_nobody_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let before = sign_in(&store, ada, "Laptop", START).await;
    let registrant = Registrant { network: digest(50), browser: None };
    store.accounts().take_up_unproved(ada, &registrant, minutes(100)).await.expect("taken up");
    assert_eq!(resend(&store, ada, 1, 1).await, Resend::Queued);
    assert_eq!(guess(&store, ("ada", ada), digest(1), false, minutes(2)).await, CodeOutcome::NotRegistrant);
    let CodeOutcome::Accepted { user, ended } = guess(&store, ("ada", ada), digest(1), true, minutes(2)).await else {
        panic!("the code is right")
    };
    assert_eq!((user.id, user.email_verified_at), (ada, Some(minutes(2))));
    assert_eq!(ended.ended.iter().map(|session| session.id).collect::<Vec<_>>(), [before]);
    assert_eq!(ended.revocations[0].reason, Some(EndReason::Replaced));
}

#[rstest]
#[tokio::test]
async fn a_code_is_worthless_when_it_has_expired(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = new_registration("ada", digest(1), START);
    register(&store, &ada).await;
    assert_eq!(guess(&store, ("ada", ada.id), digest(1), true, minutes(10)).await, CodeOutcome::Refused);
    assert!(accepted(&guess(&store, ("ada", ada.id), digest(1), true, minutes(9)).await));
}

#[rstest]
#[tokio::test]
async fn a_code_is_worthless_after_five_guesses_and_the_next_one_has_five_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_registration("ada", digest(1), START);
    register(&store, &ada).await;
    for code in [9, 9, 9, 9, 9, 1] {
        assert_eq!(guess(&store, ("ada", ada.id), digest(code), true, minutes(1)).await, CodeOutcome::Refused);
    }
    assert_eq!(resend(&store, ada.id, 2, 2).await, Resend::Queued);
    for _ in 0..4 {
        assert_eq!(guess(&store, ("ada", ada.id), digest(1), true, minutes(3)).await, CodeOutcome::Refused);
    }
    assert!(accepted(&guess(&store, ("ada", ada.id), digest(2), true, minutes(3)).await));
}

#[rstest]
#[tokio::test]
async fn what_strangers_guess_does_not_cost_whoever_registered_their_code(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_registration("ada", digest(1), START);
    register(&store, &ada).await;
    for code in [9, 9, 9, 9, 9, 1] {
        assert_eq!(guess(&store, ("ada", ada.id), digest(code), false, minutes(1)).await, CodeOutcome::Refused);
    }
    assert!(accepted(&guess(&store, ("ada", ada.id), digest(1), true, minutes(2)).await));
}

#[rstest]
#[tokio::test]
async fn a_hundred_failures_in_a_row_end_all_guessing_however_many_codes_are_sent(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut ada = new_registration("ada", digest(1), START);
    register(&store, &ada).await;
    for round in 0..20 {
        for _ in 0..5 {
            let guessed = guess(&store, ("ada", ada.id), digest(9), true, minutes(round)).await;
            assert_eq!(guessed, CodeOutcome::Refused);
        }
        if round % 2 == 0 {
            assert_eq!(resend(&store, ada.id, 2, round + 1).await, Resend::Queued);
        } else {
            // Registering anew from the same place is no way around it.
            ada = new_registration("ada", digest(2), minutes(round + 1));
            register(&store, &ada).await;
        }
    }
    assert_eq!(guess(&store, ("ada", ada.id), digest(2), true, minutes(21)).await, CodeOutcome::Refused);
    let elsewhere = NewRegistration {
        registrant: Registrant { network: digest(51), browser: None },
        ..new_registration("ada", digest(3), minutes(21))
    };
    register(&store, &elsewhere).await;
    assert!(accepted(&guess(&store, ("ada", elsewhere.id), digest(3), true, minutes(22)).await));
}

#[rstest]
#[tokio::test]
async fn another_code_is_not_sent_too_soon_after_the_last(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_registration("ada", digest(1), minutes(1));
    register(&store, &ada).await;
    assert_eq!(resend(&store, ada.id, 2, 1).await, Resend::Ignored);
    assert_eq!(mailbox(&store).await.len(), 1);
    assert_eq!(guess(&store, ("ada", ada.id), digest(2), true, minutes(1)).await, CodeOutcome::Refused);
    assert_eq!(resend(&store, ada.id, 2, 2).await, Resend::Queued);
    assert_eq!(resend(&store, UserId(Uuid::now_v7()), 3, 9).await, Resend::Ignored, "nobody's registration");
    assert_eq!(mailbox(&store).await.len(), 2);
    assert_eq!(guess(&store, ("ada", ada.id), digest(1), true, minutes(2)).await, CodeOutcome::Refused);
    assert!(accepted(&guess(&store, ("ada", ada.id), digest(2), true, minutes(2)).await));
}

#[rstest]
#[tokio::test]
async fn mails_are_sent_as_often_as_their_buckets_allow_and_no_code_outlives_its_registration(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    proved(&store, "bob").await;
    for (name, mails) in [("ada", 3), ("bob", 1)] {
        let mut ids = Vec::new();
        for number in 0..60_u8 {
            let registration = new_registration(name, digest(number + 1), START);
            let codes = Try { key: digest(1), bucket: Bucket { burst: 3, every_ms: 60_000 } };
            let notices = Try { key: digest(2), bucket: Bucket { burst: 1, every_ms: 86_400_000 } };
            let a_mail = || new_mail(registration.email.as_str(), START);
            let mail = RegistrationMail { code: a_mail(), notice: a_mail(), registrations: a_try(3), codes, notices };
            let audit = new_audit(registration.id, AuditAction::Registered, START);
            store.accounts().register(&registration, &mail, &audit).await.expect("a registration");
            ids.push(registration.id);
        }
        let to = format!("{name}@example.com");
        let sent = mailbox(&store).await.into_iter().filter(|mail| mail.to == to).count();
        assert_eq!(sent, mails, "{name}");
        if name == "ada" {
            // The last mail was for the third: its code would make an account of somebody who has been replaced
            // since.
            let registration =
                store.accounts().registration(&email("ada"), minutes(1)).await.expect("an answer").expect("it waits");
            assert_eq!(Some(&registration.id), ids.last());
            for id in [ids[2], registration.id] {
                for code in [3, 60] {
                    let outcome = guess(&store, ("ada", id), digest(code), true, minutes(1)).await;
                    assert_eq!(outcome, CodeOutcome::Refused);
                }
            }
            assert_eq!(resend(&store, registration.id, 99, 2).await, Resend::Queued);
            assert!(accepted(&guess(&store, ("ada", registration.id), digest(99), true, minutes(2)).await));
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_code_makes_no_account_for_somebody_who_did_not_register(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mallory = new_registration("ada", digest(1), START);
    register(&store, &mallory).await;
    assert_eq!(guess(&store, ("ada", mallory.id), digest(1), false, minutes(1)).await, CodeOutcome::NotRegistrant);
    assert!(store.accounts().user_by_email(&email("ada")).await.expect("an answer").is_none());
    assert_eq!(guess(&store, ("ada", mallory.id), digest(2), false, minutes(1)).await, CodeOutcome::Refused);
    assert!(accepted(&guess(&store, ("ada", mallory.id), digest(1), true, minutes(1)).await));
}

#[rstest]
#[tokio::test]
async fn a_link_proves_an_address_that_waits_and_nothing_of_the_registration_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mallory = new_registration("ada", digest(1), START);
    register(&store, &mallory).await;
    let nobody = UserId(Uuid::now_v7());
    assert_eq!(ask_for_reset(&store, nobody, digest(7), minutes(1)).await, ResetRequest::Queued);
    assert_eq!(ask_for_reset(&store, nobody, digest(8), minutes(1)).await, ResetRequest::Ignored);
    let target = store.accounts().reset_target(&digest(7), minutes(2)).await.expect("an answer");
    assert!(target == Some(ResetTarget::Registration(email("ada"))));
    assert!(store.accounts().reset_target(&digest(7), minutes(31)).await.expect("an answer").is_none());
    let user = NewUser { email_verified_at: Some(minutes(2)), at: minutes(2), ..new_user("ada") };
    let audit = new_audit(user.id, AuditAction::PasswordReset, minutes(2));
    let proof = ResetProof { token_digest: digest(7), user, grant: grant(minutes(2)), audit };
    assert!(store.accounts().prove_by_reset(&proof).await.expect("an answer"));
    assert!(!store.accounts().prove_by_reset(&proof).await.expect("an answer"), "it works once");
    assert_eq!(guess(&store, ("ada", mallory.id), digest(1), true, minutes(3)).await, CodeOutcome::Refused);
    let owner = store.accounts().user_by_email(&email("ada")).await.expect("an answer").expect("a user");
    assert_eq!((owner.id, owner.email_verified_at), (proof.user.id, Some(minutes(2))));
}
