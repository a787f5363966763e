//! Who gets what, and what becomes of those who do not read.

use std::time::Duration;

use types::api::UserUpdated;

use super::*;

const ADA: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));
const LAPTOP: SubscriberId = SubscriberId(Uuid::from_u128(10));
const PHONE: SubscriberId = SubscriberId(Uuid::from_u128(11));

fn event(user_id: UserId) -> ServerEvent {
    ServerEvent::UserUpdated(UserUpdated { user_id })
}

#[tokio::test]
async fn an_event_reaches_all_who_listen_to_its_topic_but_whoever_caused_it() {
    let topics = Arc::new(Topics::default());
    let [mut laptop, mut phone] = [LAPTOP, PHONE].map(|who| topics.subscribe(Topic::User(ADA), who));
    let mut of_bob = topics.subscribe(Topic::User(BOB), LAPTOP);
    topics.deliver(Topic::User(ADA), &event(ADA), Some(PHONE));
    topics.deliver(Topic::User(BOB), &event(BOB), None);
    assert_eq!(laptop.next().await.as_deref(), Some(&event(ADA)));
    assert_eq!(of_bob.next().await.as_deref(), Some(&event(BOB)));
    assert_eq!((laptop.try_next(), phone.try_next(), of_bob.try_next()), (None, None, None));
}

#[tokio::test]
async fn a_subscription_that_cannot_keep_up_is_closed() {
    let topics = Arc::new(Topics::default());
    let mut laptop = topics.subscribe(Topic::User(ADA), LAPTOP);
    for _ in 0..=QUEUE {
        topics.deliver(Topic::User(ADA), &event(ADA), None);
    }
    let mut received = 0;
    while laptop.next().await.is_some() {
        received += 1;
    }
    assert_eq!((received, topics.closed_slow(), topics.len()), (QUEUE, 1, 0));
}

#[tokio::test]
async fn a_subscription_that_is_closed_gets_its_last_event_and_no_other() {
    let topics = Arc::new(Topics::default());
    let [mut laptop, mut phone] = [LAPTOP, PHONE].map(|who| topics.subscribe(Topic::User(ADA), who));
    assert!(topics.close(laptop.key(), Some(event(BOB))), "it was taken");
    assert!(!topics.close(laptop.key(), Some(event(BOB))), "once");
    topics.deliver(Topic::User(ADA), &event(ADA), None);
    assert_eq!(laptop.next().await.as_deref(), Some(&event(BOB)));
    assert_eq!(laptop.next().await, None);
    assert_eq!(phone.next().await.as_deref(), Some(&event(ADA)));
    assert!(topics.has(Topic::User(ADA), PHONE) && !topics.has(Topic::User(ADA), LAPTOP));
}

#[tokio::test]
async fn a_subscription_that_is_closed_waits_for_no_answer_any_more() {
    let topics = Arc::new(Topics::default());
    let laptop = topics.subscribe(Topic::User(ADA), LAPTOP);
    assert_eq!(laptop.unless_closed(std::future::ready(1)).await, Some(1));
    let never = || laptop.unless_closed(std::future::pending::<()>());
    let delivered = async { topics.deliver(Topic::User(ADA), &event(ADA), None) };
    let (waited, ()) = tokio::join!(tokio::time::timeout(Duration::from_millis(50), never()), delivered);
    assert!(waited.is_err(), "an event closes nothing");
    let closed = async { topics.close_all() };
    let (waited, ()) = tokio::join!(never(), closed);
    assert_eq!(waited, None);
}

#[tokio::test]
async fn further_events_come_in_the_same_queue_and_close_it_where_it_is_full() {
    let topics = Arc::new(Topics::default());
    let mut laptop = topics.subscribe(Topic::User(ADA), LAPTOP);
    let sender = laptop.sender().expect("it is open");
    topics.deliver(Topic::User(ADA), &event(ADA), None);
    assert!(sender.send(Arc::new(event(BOB))));
    assert_eq!(laptop.next().await.as_deref(), Some(&event(ADA)));
    assert_eq!(laptop.next().await.as_deref(), Some(&event(BOB)));
    assert_eq!(laptop.why_closed(), None);
    for _ in 0..QUEUE {
        assert!(sender.send(Arc::new(event(ADA))));
    }
    assert!(!sender.send(Arc::new(event(ADA))) && !topics.has(Topic::User(ADA), LAPTOP));
    assert_eq!((laptop.why_closed(), topics.closed_slow()), (Some(WhyClosed::Slow), 1));
    for _ in 0..QUEUE {
        assert!(laptop.next().await.is_some());
    }
    // The sender is still there.
    assert_eq!(laptop.next().await, None);
    assert!(!sender.send(Arc::new(event(ADA))) && laptop.sender().is_none());
}

#[tokio::test]
async fn whoever_is_disconnected_is_so_everywhere_and_knows_why() {
    let topics = Arc::new(Topics::default());
    let [mut laptop, mut phone] = [LAPTOP, PHONE].map(|who| topics.subscribe(Topic::User(ADA), who));
    assert_eq!((topics.disconnect(LAPTOP), topics.disconnect(LAPTOP)), (1, 0));
    assert_eq!((laptop.next().await, laptop.why_closed()), (None, Some(WhyClosed::Disconnected)));
    assert_eq!((phone.try_next(), phone.why_closed(), topics.of_users()), (None, None, 1));
}

#[test]
fn nothing_is_left_of_subscriptions_that_were_dropped() {
    let topics = Arc::new(Topics::default());
    let laptop = topics.subscribe(Topic::User(ADA), LAPTOP);
    assert_eq!((topics.len(), topics.is_empty()), (1, false));
    drop(laptop);
    assert!(topics.is_empty() && !topics.has(Topic::User(ADA), LAPTOP));
}
