//! Mails of development that the database must not hold, because their account is gone: they stay in the memory of this
//! process.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::message::Mail;

/// How many are shown.
const MOST: usize = 50;

/// The mails, newest first.
#[derive(Default)]
pub struct DevelopmentMailbox(Mutex<VecDeque<Mail>>);

impl DevelopmentMailbox {
    /// Stores a mail, and drops the oldest of too many.
    pub fn store(&self, mail: Mail) {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.push_front(mail);
        stored.truncate(MOST);
    }

    /// These and `others`, newest first; a mail that is in both counts once.
    pub fn with(&self, mut others: Vec<Mail>) -> Vec<Mail> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<Mail> =
            stored.iter().filter(|mail| others.iter().all(|other| other.id != mail.id)).cloned().collect();
        drop(stored);
        others.extend(new);
        others.sort_by_key(|mail| std::cmp::Reverse((mail.queued_at, mail.id)));
        others
    }
}
