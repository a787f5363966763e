//! The order of locks as a model: all roles, browser, user, that user's sessions, their presence in rooms, room, head
//! row. A transaction is the list of the rows that it locks, one after the other, until it ends. Every three of them
//! meet in every order: none may come to wait in a circle.
//!
//! Ours hold, and with any one of them done otherwise two come to wait for each other. Whoever adds a transaction that
//! locks several rows adds it here first.

use stateright::{Checker, Model, Property};

/// A row that is locked until the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// What changes of roles take turns by.
    Roles,
    /// The browser that somebody signs in with.
    Browser,
    User(u8),
    /// By number, which stands for the order of the ids.
    Session(u8),
    /// That the session of this number is in a room.
    Presence(u8),
    /// By number as well. Whoever writes a message locks it, be it by a foreign key.
    Room(u8),
    /// What Ada has said in the attic. Whoever removes it locks it, and with her account it goes.
    Message,
    /// What is counted of tries for an address.
    Bucket,
    /// A registration that waits for the address.
    Registration,
    /// The head of the revocation log.
    Head,
}

use Row::{Browser, Bucket, Head, Message, Presence, Registration, Roles, Room, Session};

const ADA: Row = Row::User(1);
const BOB: Row = Row::User(2);
/// Two of Ada's sessions that have ended and two that live, and one of Bob's that does. Their ids lie among each other.
const OLDEST: Row = Session(1);
const LAPTOP: Row = Session(2);
const HIS: Row = Session(3);
const OLD: Row = Session(4);
const PHONE: Row = Session(5);
/// Two rooms, which three sessions are in.
const ATTIC: Row = Room(1);
const KITCHEN: Row = Room(2);
const BY_LAPTOP: Row = Presence(2);
const BY_HIS: Row = Presence(3);
const BY_PHONE: Row = Presence(5);

#[derive(Clone, Debug)]
struct Transaction {
    name: &'static str,
    locks: Vec<Row>,
}

fn transaction(name: &'static str, locks: &[Row]) -> Transaction {
    Transaction { name, locks: locks.to_vec() }
}

/// What the store does. A statement that ends several live sessions locks them as it finds them: the user's row is
/// held by then, and nobody else locks several that live.
fn ours() -> Vec<Transaction> {
    vec![
        transaction("the end worker ends sessions of two users", &[ADA, LAPTOP, PHONE, BOB, HIS, Head]),
        transaction("the end worker finds them the other way round", &[ADA, PHONE, LAPTOP, BOB, HIS, Head]),
        transaction("the end worker ends Bob's session", &[BOB, HIS, Head]),
        transaction("a password is changed or reset", &[ADA, Registration, PHONE, LAPTOP, Head]),
        transaction("an account is deleted", &[ADA, OLDEST, LAPTOP, OLD, PHONE, Bucket, Registration, Head]),
        transaction("sessions of two users end by a rule", &[ADA, BOB, PHONE, HIS, LAPTOP, Head]),
        transaction("an account is disabled, or must get a new password", &[Roles, ADA, PHONE, LAPTOP, Head]),
        transaction("an account is enabled, or its address counts as proved", &[Roles, ADA]),
        transaction("an address is proved", &[ADA, Registration, LAPTOP, PHONE, Head]),
        transaction(
            "an address is proved in place of an account",
            &[ADA, Registration, OLDEST, LAPTOP, OLD, PHONE, Head],
        ),
        transaction("a sign-in in Bob's browser at the limit", &[Browser, ADA, BOB, HIS, PHONE, Head]),
        transaction("somebody acts for another", &[ADA, BOB, LAPTOP]),
        transaction("the other acts for them", &[ADA, BOB, HIS]),
        transaction("a refresh token looks stolen", &[ADA, LAPTOP, Head]),
        transaction("an epoch is raised", &[ADA, Head]),
        transaction("the roles of a user are set", &[Roles, BOB, Head]),
        transaction("what a role allows is changed", &[Roles, ADA, BOB, Head]),
        transaction(
            "the account of an owner is deleted, or that of somebody else",
            &[Roles, ADA, OLDEST, LAPTOP, OLD, PHONE, Bucket, Registration, Head],
        ),
        transaction("a link is asked for", &[ADA, Registration]),
        transaction("somebody registers", &[Bucket, Registration]),
        transaction("streams were notified", &[OLDEST, OLD]),
        transaction(
            "sessions of two users end who are in two rooms",
            &[ADA, PHONE, LAPTOP, BOB, HIS, BY_LAPTOP, BY_HIS, BY_PHONE, ATTIC, KITCHEN, Head],
        ),
        transaction("Bob's session ends, and he leaves a room", &[BOB, HIS, BY_HIS, ATTIC, Head]),
        transaction("somebody joins a room", &[ADA, LAPTOP, BY_LAPTOP, ATTIC]),
        transaction("somebody says something in a room, or leaves it", &[BOB, BY_HIS, ATTIC]),
        transaction("a message is removed", &[ATTIC, Message]),
        transaction(
            "an account is deleted of somebody who is in a room",
            &[ADA, LAPTOP, BY_LAPTOP, ATTIC, Bucket, Registration, Message, Head],
        ),
        transaction("presence is prolonged", &[BY_LAPTOP, BY_HIS, BY_PHONE]),
        transaction("presence has run out", &[ADA, BOB, BY_LAPTOP, BY_HIS, ATTIC, KITCHEN]),
        transaction("a session is refreshed or renamed", &[LAPTOP]),
        transaction("another one is", &[PHONE]),
    ]
}

/// One thing done otherwise.
fn slips() -> Vec<Transaction> {
    vec![
        transaction("the user is locked after the sessions", &[LAPTOP, PHONE, ADA, Head]),
        transaction("roles are locked after the user", &[ADA, Roles, Head]),
        transaction("the head row is locked first", &[Head, ADA, LAPTOP, PHONE]),
        transaction("two users are locked as they come", &[BOB, HIS, ADA, LAPTOP, PHONE, Head]),
        transaction("the browser is locked after the users", &[ADA, BOB, Browser, HIS, Head]),
        transaction("a deletion locks ended sessions as it finds them", &[ADA, LAPTOP, PHONE, OLD, OLDEST, Head]),
        transaction("a deletion forgets tries after registrations", &[ADA, LAPTOP, PHONE, Registration, Bucket, Head]),
        transaction("a code is counted before the user is locked", &[Registration, ADA, LAPTOP, PHONE, Head]),
        transaction("streams are notified in no order", &[OLD, OLDEST]),
        transaction("presence is prolonged in no order", &[BY_PHONE, BY_LAPTOP]),
        transaction("a room is locked before whoever leaves it", &[ATTIC, ADA]),
        transaction("somebody else leaves two rooms as they come", &[KITCHEN, ATTIC]),
        transaction("a join locks its session before the user", &[LAPTOP, ADA, BY_LAPTOP, ATTIC]),
        transaction("messages are written user by user", &[ADA, LAPTOP, ATTIC, BOB, HIS, KITCHEN, Head]),
        transaction("a message is written after the head row is locked", &[ADA, LAPTOP, Head, ATTIC]),
        transaction("a message locks its room before its sender", &[KITCHEN, BOB]),
        transaction("a message is removed before its room is locked", &[Message, ATTIC]),
        transaction("a room is deleted with those who are in it", &[ATTIC, BY_LAPTOP]),
    ]
}

const GOES_ON: &str = "as long as a transaction is open, one can go on";

/// Some transactions at once.
struct Locks(Vec<Transaction>);

impl Locks {
    /// What a transaction holds that has come so far; nothing once it has ended.
    fn held(&self, number: usize, steps: &[usize]) -> &[Row] {
        self.0[number].locks.get(..steps[number]).unwrap_or_default()
    }

    fn can_go_on(&self, number: usize, steps: &[usize]) -> bool {
        let locks = &self.0[number].locks;
        match locks.get(steps[number]) {
            Some(next) => (0..steps.len()).all(|other| other == number || !self.held(other, steps).contains(next)),
            // It has all that it wants, and commits.
            None => steps[number] == locks.len(),
        }
    }

    fn is_over(&self, steps: &[usize]) -> bool {
        self.0.iter().zip(steps).all(|(transaction, step)| *step > transaction.locks.len())
    }

    /// How some of them come to wait for each other, if they can.
    fn circle(transactions: Vec<Transaction>) -> Option<String> {
        let names: Vec<_> = transactions.iter().map(|transaction| transaction.name).collect();
        let checker = Self(transactions).checker().spawn_bfs().join();
        let path = checker.discovery(GOES_ON)?;
        Some(format!("{names:?}: {:?}", path.into_actions()))
    }
}

impl Model for Locks {
    /// How far each has come.
    type State = Vec<usize>;
    /// Which takes its next step: another lock, or its end.
    type Action = usize;

    fn init_states(&self) -> Vec<Vec<usize>> {
        vec![vec![0; self.0.len()]]
    }

    fn actions(&self, steps: &Vec<usize>, actions: &mut Vec<usize>) {
        actions.extend((0..steps.len()).filter(|number| self.can_go_on(*number, steps)));
    }

    fn next_state(&self, steps: &Vec<usize>, number: usize) -> Option<Vec<usize>> {
        let mut next = steps.clone();
        next[number] += 1;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::<Self>::always(GOES_ON, |locks: &Self, steps: &Vec<usize>| {
            locks.is_over(steps) || (0..steps.len()).any(|number| locks.can_go_on(number, steps))
        })]
    }
}

#[test]
fn no_three_transactions_wait_for_each_other_in_any_order() {
    let all = ours();
    let mut met = 0;
    for first in 0..all.len() {
        for second in first..all.len() {
            for third in second..all.len() {
                let three = [first, second, third].map(|number| all[number].clone());
                assert_eq!(Locks::circle(three.to_vec()), None);
                met += 1;
            }
        }
    }
    assert_eq!(met, 5456);
}

#[test]
fn one_transaction_in_another_order_comes_to_wait_in_a_circle() {
    for slip in slips() {
        let circle = ours().into_iter().find_map(|other| Locks::circle(vec![slip.clone(), other]));
        assert!(circle.is_some(), "nobody notices that {}", slip.name);
    }
}
