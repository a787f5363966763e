//! Sessions of others: listed, and ended one by one, all of a user, or all that a rule is about.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use types::domain::{ClientReason, SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::rule::{SessionRule, ranges_of};
use super::{Actor, AdminError, Administration, Change, UserKey};
use crate::store::{EndCommand, EndOutcome, ListedEnd, Selection, SessionRow, StoreError};

/// Sessions that are looked at, and ended, at once: a transaction must not hold up others for long.
const PAGE: i64 = 1000;
/// Sessions that are looked through for a list. Those of a user come out of `sessions_of_user`, of a network out of
/// `sessions_live_by_address`, and others, by their age, out of `sessions_live_by_start`. No index has client and
/// place, nor what is said of an IPv6 network between two colons: that is compared here, in so many.
const LOOKED_THROUGH: i64 = 1000;
/// Sessions that a preview shows.
const SAMPLE: usize = 10;

/// Which sessions to list.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those that have not ended.
    pub live: bool,
    /// Only those before this one.
    pub after: Option<SessionId>,
}

/// What a rule would end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub sessions: u64,
    /// Of how many users.
    pub users: u64,
    /// Whether these are all: counting may have stopped before.
    pub is_complete: bool,
    /// How many of those that the rule is about stay.
    pub spared: u64,
    /// Some of them.
    pub sample: Vec<SessionRow>,
}

/// Where a walk has got to: the last session that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub created_at: Timestamp,
    pub ip: String,
    pub id: SessionId,
}

impl Place {
    fn of(session: &SessionRow) -> Self {
        Self { created_at: session.created_at, ip: session.origin.ip.clone(), id: session.id }
    }
}

/// A walk through the sessions that a rule may be about, page by page out of an index. What signs in after its
/// beginning is not met.
pub(super) struct Walk {
    begun_at: Timestamp,
    /// The last session of the page before.
    last: Option<Place>,
    /// The last session of the page before that has been dealt with.
    dealt_with: Option<Place>,
    /// A page that has been read ahead.
    ahead: Option<Vec<SessionRow>>,
    is_over: bool,
}

impl Walk {
    /// One that began then, and has got so far.
    pub fn begun(begun_at: Timestamp, last: Option<Place>) -> Self {
        Self { begun_at, dealt_with: last.clone(), last, ahead: None, is_over: false }
    }

    /// Where another one goes on.
    pub fn into_place(self) -> Option<Place> {
        self.dealt_with
    }
}

/// Why sessions end, and as a part of which end by rule.
#[derive(Clone, Copy, Default)]
pub(super) struct Why<'a> {
    pub words: Option<&'a str>,
    pub run: Option<Uuid>,
}

impl Administration {
    /// A page of sessions, newest first.
    pub async fn sessions(&self, filter: &SessionFilter, limit: u16) -> Result<Vec<SessionRow>, AdminError> {
        let (store, now, limit) = (&self.context.store, self.context.now(), i64::from(limit));
        let before = filter.after.unwrap_or(SessionId(Uuid::max()));
        if let Some(user) = filter.user {
            return Ok(store.admin().newest_sessions_of(user, before, filter.live, now, limit).await?);
        }
        if !filter.live {
            return Ok(store.admin().newest_sessions(before, limit).await?);
        }
        let began_before = match filter.after {
            Some(id) => self.session(id).await?.created_at,
            None => Timestamp::from_millis(i64::MAX),
        };
        Ok(store.admin().newest_live_sessions((began_before, before.0), now, limit).await?)
    }

    /// How many live sessions a user has.
    pub async fn count_sessions_of(&self, user: UserId) -> Result<u64, AdminError> {
        Ok(self.context.store.sessions().count_sessions_of(user, self.context.now()).await?)
    }

    /// The first live sessions that a rule is about.
    pub async fn sessions_by_rule(&self, rule: &SessionRule, limit: u16) -> Result<Vec<SessionRow>, AdminError> {
        let mut found = Vec::new();
        let mut walk = self.walk();
        while found.len() < usize::from(limit)
            && let Some(page) = self.next_page(rule, &mut walk).await?
        {
            found.extend(page);
        }
        found.truncate(usize::from(limit));
        Ok(found)
    }

    /// A page of the live sessions that a rule is about, newest first, those of a network by address; after `after`.
    /// Gives where the next page begins, if there may be one. So many are looked through at the most, and a page may be
    /// short.
    pub async fn live_sessions(
        &self,
        rule: &SessionRule,
        after: Option<Place>,
        limit: u16,
    ) -> Result<(Vec<SessionRow>, Option<Place>), StoreError> {
        // Where the index finds nothing else, no more is read than is shown.
        let size = if rule.is_exact() { i64::from(limit) } else { LOOKED_THROUGH };
        let page = self.newest(rule, after.as_ref(), size).await?;
        let mut last = page.last().map(Place::of).filter(|_| count(page.len()) == size.unsigned_abs());
        let mut found: Vec<SessionRow> = page.into_iter().filter(|session| rule.matches(session)).collect();
        if found.len() >= usize::from(limit) {
            found.truncate(usize::from(limit));
            last = found.last().map(Place::of);
        }
        Ok((found, last))
    }

    async fn newest(
        &self,
        rule: &SessionRule,
        last: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        if let Some(user) = rule.user {
            let before = last.map_or(SessionId(Uuid::max()), |last| last.id);
            return store.admin().newest_sessions_of(user, before, true, now, limit).await;
        }
        if let Some(network) = rule.network {
            return self.of_network(network, last, limit).await;
        }
        let newest = rule.signed_in_before.map_or((Timestamp::from_millis(i64::MAX), Uuid::max()), |before| {
            // Those that began at that very moment are not before it.
            (before, Uuid::nil())
        });
        let before = last.map_or(newest, |last| (last.created_at, last.id.0));
        store.admin().newest_live_sessions(before, now, limit).await
    }

    /// The next live sessions of a network by address, after `last`; fewer than `limit` where these are all.
    async fn of_network(
        &self,
        network: IpNet,
        last: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        let mut found: Vec<SessionRow> = Vec::new();
        for range in ranges_of(network) {
            let after = match last {
                Some(last) if last.ip >= range.end => continue,
                Some(last) if last.ip >= range.start => (last.ip.as_str(), last.id.0),
                _ => (range.start.as_str(), Uuid::nil()),
            };
            let missing = limit - i64::try_from(found.len()).unwrap_or(limit);
            if missing == 0 {
                break;
            }
            found.extend(store.admin().live_sessions_by_address(after, &range.end, now, missing).await?);
        }
        Ok(found)
    }

    /// Counts what a rule would end, and shows some of it. Counting stops at `stop_at`, where that is given.
    pub async fn preview(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        stop_at: Option<Instant>,
    ) -> Result<Preview, StoreError> {
        let mut users = HashSet::new();
        let mut preview = Preview { sessions: 0, users: 0, is_complete: true, spared: 0, sample: Vec::new() };
        let mut walk = self.walk();
        while let Some(mut page) = self.next_page(rule, &mut walk).await? {
            preview.spared += self.spare(actor, &mut page).await?;
            preview.sessions += count(page.len());
            users.extend(page.iter().map(|session| session.user_id));
            let missing = SAMPLE - preview.sample.len();
            preview.sample.extend(page.into_iter().take(missing));
            if !walk.is_over && stop_at.is_some_and(|stop_at| self.context.clock.monotonic() >= stop_at) {
                preview.is_complete = false;
                break;
            }
        }
        Ok(Preview { users: count(users.len()), ..preview })
    }

    pub async fn end_session(
        &self,
        actor: &Actor,
        id: SessionId,
        words: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        let session = self.session(id).await?;
        self.check_reach(actor, &self.user(&UserKey::Id(session.user_id)).await?)?;
        let one = Selection::One { user_id: session.user_id, session_id: id };
        let command =
            EndCommand { selection: one, ..self.ends_all_of(actor, session.user_id, EndReason::AdminRevoked, words) };
        let outcome = self.end(command).await?;
        Ok(if outcome.ended.is_empty() { Change::Unchanged } else { Change::Done(outcome) })
    }

    /// Ends all sessions of a user: no token that was made before passes any more.
    pub async fn end_sessions_of(
        &self,
        actor: &Actor,
        user: &UserKey,
        words: Option<&ClientReason>,
    ) -> Result<EndOutcome, AdminError> {
        let user = self.user(user).await?;
        self.check_reach(actor, &user)?;
        Ok(self.end(self.ends_all_of(actor, user.id, EndReason::AdminRevoked, words)).await?)
    }

    /// Ends what a rule is about, a page at a time, and gives how many sessions. `committed` gets what each transaction
    /// has ended.
    pub async fn end_by_rule(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        words: Option<&ClientReason>,
        committed: &mut (dyn FnMut(&EndOutcome) + Send),
    ) -> Result<u64, AdminError> {
        let words = words.map(ToString::to_string);
        let why = Why { words: words.as_deref(), run: None };
        let mut ended = 0;
        let mut walk = self.walk();
        while let Some(outcome) = self.end_page(actor, rule, why, &mut walk).await? {
            ended += count(outcome.ended.len());
            committed(&outcome);
        }
        Ok(ended)
    }

    /// Ends those of the next page that a rule is about, in one transaction, and reads the page after it meanwhile.
    /// `None` after the last page.
    pub(super) async fn end_page(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        why: Why<'_>,
        walk: &mut Walk,
    ) -> Result<Option<EndOutcome>, StoreError> {
        let page = match walk.ahead.take() {
            Some(page) => Some(page),
            None => self.next_page(rule, walk).await?,
        };
        let Some(page) = page else { return Ok(None) };
        let last = walk.last.clone();
        let (outcome, ahead) = tokio::join!(self.end_listed(actor, page, why), self.next_page(rule, walk));
        let outcome = outcome?;
        walk.dealt_with = last;
        // What could not be read is asked for again.
        walk.ahead = ahead.unwrap_or_default();
        Ok(Some(outcome))
    }

    /// Ends those of these sessions that an actor may end.
    async fn end_listed(
        &self,
        actor: &Actor,
        mut page: Vec<SessionRow>,
        why: Why<'_>,
    ) -> Result<EndOutcome, StoreError> {
        self.spare(actor, &mut page).await?;
        if page.is_empty() {
            return Ok(EndOutcome::default());
        }
        let now = self.context.now();
        let ends = ListedEnd {
            sessions: page.iter().map(|session| (session.user_id, session.id)).collect(),
            reason: EndReason::AdminRevoked,
            client_reason: why.words.map(str::to_owned),
            actor_id: actor.user_id,
            at: now,
            remember_until: self.lifetimes.remember_until(now),
            origin: actor.origin.clone(),
            run: why.run,
        };
        let mut new_id = || self.context.new_id();
        self.context.store.admin().end_listed_sessions(&ends, &mut new_id).await
    }

    pub(super) async fn session(&self, id: SessionId) -> Result<SessionRow, AdminError> {
        let session = self.context.store.sessions().session(id).await?;
        session.ok_or(AdminError::NoSuchSession(id))
    }

    async fn end(&self, command: EndCommand) -> Result<EndOutcome, StoreError> {
        let mut new_id = || self.context.new_id();
        let outcomes = self.context.store.sessions().end_sessions(&[command], &mut new_id).await?;
        Ok(outcomes.into_iter().next().unwrap_or_default())
    }

    fn walk(&self) -> Walk {
        Walk::begun(self.context.now(), None)
    }

    /// The sessions of the next page that the rule is about, which may be none; `None` after the last page.
    async fn next_page(&self, rule: &SessionRule, walk: &mut Walk) -> Result<Option<Vec<SessionRow>>, StoreError> {
        if walk.is_over {
            return Ok(None);
        }
        let mut page = self.candidates(rule, walk).await?;
        walk.is_over = rule.user.is_some() || count(page.len()) < PAGE.unsigned_abs();
        walk.last = page.last().map(Place::of).or_else(|| walk.last.take());
        page.retain(|session| session.created_at <= walk.begun_at && rule.matches(session));
        Ok(Some(page))
    }

    async fn candidates(&self, rule: &SessionRule, walk: &Walk) -> Result<Vec<SessionRow>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        if let Some(user) = rule.user {
            return store.sessions().sessions_of(user, now).await;
        }
        if let Some(network) = rule.network {
            return self.of_network(network, walk.last.as_ref(), PAGE).await;
        }
        let after = walk
            .last
            .as_ref()
            .map_or((Timestamp::from_millis(i64::MIN), Uuid::nil()), |last| (last.created_at, last.id.0));
        let before = rule.signed_in_before.unwrap_or(walk.begun_at.plus(Duration::from_millis(1)));
        store.admin().live_sessions_by_start(after, before, now, PAGE).await
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
