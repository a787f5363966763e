//! Mails of development that the database must not keep, because their account is gone: this process shows them as
//! long as it runs.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::message::Mail;

/// How many are shown.
const MOST: usize = 50;

/// The mails, newest first.
#[derive(Default)]
pub struct KeptMail(Mutex<VecDeque<Mail>>);

impl KeptMail {
    /// Keeps a mail.
    pub fn keep(&self, mail: Mail) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(mail);
        kept.truncate(MOST);
    }

    /// These and `others`, newest first; a mail that is in both counts once.
    pub fn with(&self, mut others: Vec<Mail>) -> Vec<Mail> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<Mail> =
            kept.iter().filter(|mail| others.iter().all(|other| other.id != mail.id)).cloned().collect();
        drop(kept);
        others.extend(new);
        others.sort_by_key(|mail| std::cmp::Reverse((mail.queued_at, mail.id)));
        others
    }
}
