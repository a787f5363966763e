//! The queue: a job is run by one server at a time, and what became of it is written once. Mail is the kind at hand.

use std::collections::BTreeSet;

use latchkey::mail::{KIND, Mail, NewMail};
use latchkey::store::{CleanupPolicy, Job, JobCapacity, JobCount, JobLease, NewJob, Store};
use rstest::rstest;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::support::store::{
    Backend, CAPACITY, START, TestStore, cleanup_at, content, ids as new_ids, lease, mailbox, minutes, new_code_mail,
    new_mail,
};

async fn enqueues(store: &Store, job: &NewJob) {
    store.jobs().enqueue(job).await.expect("queued");
}

/// Takes the one job that is due.
async fn takes_one(store: &Store, now: Timestamp) -> JobLease {
    let (jobs, token) = lease(store, now, CAPACITY).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    JobLease { id: jobs[0].id, token }
}

fn ids(jobs: &[Job]) -> Vec<Uuid> {
    jobs.iter().map(|job| job.id).collect()
}

fn to(jobs: &[Job]) -> Vec<String> {
    let mut to: Vec<_> = jobs.iter().filter_map(|job| job.concerns.clone()).collect();
    to.sort();
    to
}

async fn count(store: &Store, now: Timestamp) -> (u64, u64, u64) {
    let counts = store.jobs().count_jobs(&[KIND], now).await.expect("counts");
    let [JobCount { kind: KIND, waiting, running, dead }] = counts[..] else { panic!("{counts:?}") };
    (waiting, running, dead)
}

#[rstest]
#[tokio::test]
async fn a_domain_has_only_so_many_mails_under_way_and_codes_go_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    for number in 0..5 {
        enqueues(&store, &new_mail(&format!("{number}@Slow.example"), START)).await;
        enqueues(&store, &new_mail(&format!("{number}@b{number}.example"), START)).await;
    }
    enqueues(&store, &new_code_mail("ada@slow.example", "Code", minutes(1))).await;

    let awaited = JobCapacity { normal: false, ..CAPACITY };
    let (code, token) = lease(&store, minutes(1), awaited).await;
    assert_eq!(to(&code), ["ada@slow.example"]);
    let (notices, _) = lease(&store, minutes(1), CAPACITY).await;
    assert_eq!(to(&notices).iter().filter(|to| to.ends_with("@Slow.example")).count(), 1, "two are under way then");
    assert_eq!(notices.len(), 6);
    let another = store.another_server().await;
    assert!(lease(&another, minutes(1), CAPACITY).await.0.is_empty(), "for any server");
    let sent = JobLease { id: code[0].id, token };
    assert!(store.jobs().complete_job(sent, minutes(1), None).await.expect("noted"));
    assert_eq!(lease(&another, minutes(1), CAPACITY).await.0.len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_job_goes_to_one_server_at_a_time_and_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (first, second) = (new_mail("ada@example.com", START), new_mail("bob@example.com", minutes(1)));
    enqueues(&store, &first).await;
    enqueues(&store, &second).await;
    assert_eq!(lease(&store, START, CAPACITY).await.0.len(), 1);
    // Whoever took it has vanished.
    let (due, token) = lease(&store, minutes(3), CAPACITY).await;
    assert_eq!(ids(&due), [first.id, second.id]);
    let mail = Mail::of(&due[0]).expect("a mail");
    assert_eq!((mail.to.as_str(), mail.content), ("ada@example.com", content("Your code")));
    assert!(lease(&store.another_server().await, minutes(3), CAPACITY).await.0.is_empty());

    let [one, other] = [first.id, second.id].map(|id| JobLease { id, token });
    assert!(store.jobs().complete_job(one, minutes(1), Some(&first.payload)).await.expect("noted"));
    assert!(store.jobs().retry_job(other, minutes(5), "away").await.expect("noted"));
    assert!(lease(&store, minutes(4), CAPACITY).await.0.is_empty());
    let (due, _) = lease(&store, minutes(5), CAPACITY).await;
    let seen: Vec<_> = due.iter().map(|job| (job.id, job.attempts, job.last_error.as_deref())).collect();
    assert_eq!(seen, [(second.id, 2, Some("away"))]);
    let seen: Vec<_> = mailbox(&store).await.iter().map(|mail| (mail.id, mail.sent_at)).collect();
    assert_eq!(seen, [(second.id, None), (first.id, Some(minutes(1)))]);
}

#[rstest]
#[tokio::test]
async fn whoever_has_lost_the_lease_writes_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    enqueues(&store, &new_mail("ada@example.com", START)).await;
    let lost = takes_one(&store, START).await;
    let held = takes_one(&store, minutes(3)).await;
    let jobs = store.jobs();
    assert!(!jobs.complete_job(lost, minutes(4), Some("{}")).await.expect("an answer"));
    assert!(!jobs.complete_job(lost, minutes(4), None).await.expect("an answer"));
    assert!(!jobs.retry_job(lost, minutes(4), "away").await.expect("an answer"));
    assert!(!jobs.bury_job(lost, minutes(4), None, "away").await.expect("an answer"));
    jobs.release_jobs(&[lost], minutes(4)).await.expect("done");
    assert_eq!(count(&store, minutes(4)).await, (0, 1, 0));
    assert!(jobs.complete_job(held, minutes(4), Some("{}")).await.expect("an answer"));
    assert!(!jobs.complete_job(held, minutes(4), Some("{}")).await.expect("an answer"), "it has ended");
    assert_eq!(count(&store, minutes(4)).await, (0, 0, 0));
}

#[rstest]
#[tokio::test]
async fn a_job_that_is_given_back_is_due_at_once_and_one_that_is_buried_never_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    enqueues(&store, &new_mail("ada@example.com", START)).await;
    assert_eq!(count(&store, START).await, (1, 0, 0));
    let held = takes_one(&store, START).await;
    assert_eq!(count(&store, START).await, (0, 1, 0));
    assert_eq!(count(&store, minutes(3)).await, (1, 0, 0), "the lease has run out");
    store.jobs().release_jobs(&[held], START).await.expect("done");
    assert_eq!(count(&store, START).await, (1, 0, 0));

    let held = takes_one(&store.another_server().await, START).await;
    assert!(store.jobs().bury_job(held, minutes(1), Some("{}"), "no such address").await.expect("noted"));
    assert_eq!(count(&store, minutes(9)).await, (0, 0, 1));
    assert!(lease(&store, minutes(9), CAPACITY).await.0.is_empty());
    let jobs = store.jobs().recent_jobs(KIND, 10).await.expect("jobs");
    let dead: Vec<_> = jobs.iter().map(|job| (job.dead_at, job.payload.as_str(), job.last_error.as_deref())).collect();
    assert_eq!(dead, [(Some(minutes(1)), "{}", Some("no such address"))]);
}

#[rstest]
#[tokio::test]
async fn jobs_of_other_kinds_are_left_to_those_who_know_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    enqueues(&store, &NewJob { kind: "other", ..new_mail("ada@example.com", START) }).await;
    assert!(lease(&store, START, CAPACITY).await.0.is_empty());
    assert_eq!(lease(&store, START, JobCapacity { kind: "other", ..CAPACITY }).await.0.len(), 1);
}

#[rstest]
#[tokio::test]
async fn the_text_of_a_mail_is_forgotten_when_it_was_handed_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (sent, kept) = (new_mail("ada@example.com", START), new_mail("ada@example.com", minutes(1)));
    for mail in [&sent, &kept] {
        enqueues(&store, mail).await;
    }
    let (jobs, token) = lease(&store, minutes(1), CAPACITY).await;
    let rest = Mail::of(&jobs[0]).expect("a mail").rest().expect("what stays");
    for (id, rest) in [(sent.id, &rest), (kept.id, &kept.payload)] {
        let done = store.jobs().complete_job(JobLease { id, token }, minutes(2), Some(rest)).await;
        assert!(done.expect("noted"));
    }
    let mailbox = mailbox(&store).await;
    let texts: Vec<_> = mailbox.iter().map(|mail| (mail.content.text.as_str(), mail.sent_at)).collect();
    assert_eq!(texts, [("It is 123456.", Some(minutes(2))), ("", Some(minutes(2)))]);
    assert!(mailbox.iter().all(|mail| mail.content.subject == "Your code"));
    assert!(lease(&store, minutes(9), CAPACITY).await.0.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_mail_that_must_not_outlive_its_account_is_gone_once_it_was_handed_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mail = NewMail::notice("ada@example.com", content("Account deleted")).forgotten();
    enqueues(&store, &mail.into_job(Uuid::now_v7(), START)).await;
    let (jobs, token) = lease(&store, START, CAPACITY).await;
    let mail = Mail::of(&jobs[0]).expect("a mail");
    assert_eq!((mail.forget, mail.rest()), (true, None));
    let done = store.jobs().complete_job(JobLease { id: mail.id, token }, minutes(1), mail.rest().as_deref()).await;
    assert!(done.expect("noted"));
    assert!(mailbox(&store).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn jobs_go_when_they_ended_long_ago_and_never_before_they_have_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let [done, dead, retried, leased, recent] =
        ["a", "b", "c", "d", "e"].map(|domain| new_mail(&format!("ada@{domain}.example"), START));
    for job in [&done, &dead, &retried, &leased, &recent] {
        enqueues(&store, job).await;
    }
    let (jobs, token) = lease(&store, START, CAPACITY).await;
    assert_eq!(jobs.len(), 5);
    let waiting = new_mail("ada@f.example", START);
    enqueues(&store, &waiting).await;
    let held = |job: &NewJob| JobLease { id: job.id, token };
    assert!(store.jobs().complete_job(held(&done), minutes(1), Some("{}")).await.expect("noted"));
    assert!(store.jobs().bury_job(held(&dead), minutes(1), Some("{}"), "away").await.expect("noted"));
    assert!(store.jobs().retry_job(held(&retried), minutes(1), "away").await.expect("noted"));
    assert!(store.jobs().complete_job(held(&recent), minutes(60), Some("{}")).await.expect("noted"));

    let policy = CleanupPolicy { history_before: minutes(60), jobs_before: minutes(60), ..cleanup_at(minutes(60)) };
    let report = store.maintenance().cleanup(&policy, &mut new_ids()).await.expect("a report");
    assert_eq!(report.jobs, 2);
    let left: BTreeSet<Uuid> = ids(&store.jobs().recent_jobs(KIND, 10).await.expect("jobs")).into_iter().collect();
    assert_eq!(left, BTreeSet::from([retried.id, leased.id, recent.id, waiting.id]));
}
