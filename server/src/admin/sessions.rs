//! Sessions of others: listed, and ended one by one, all of a user, or all that a rule is about.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use types::domain::{ClientReason, SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::rule::{SessionRule, ranges_of};
use super::{Actor, AdminError, Administration, Change, UserKey};
use crate::audit::sealer;
use crate::context::Context;
use crate::registry::give_way;
use crate::store::{EndCommand, EndOutcome, ListedEnd, Selection, SessionRow, SessionTraits, StoreError};

/// Sessions that are looked at, and ended, at once: a transaction must not hold up others for long.
const PAGE: u16 = 1000;
/// Sessions that a walk keeps of what it has counted, so that they are not read again to be ended: 32 bytes each.
const KEPT: usize = 200_000;
/// Sessions that are looked through for a list. Those of a user come out of `sessions_of_user`, of a network out of
/// `sessions_live_by_address`, and others, by their age, out of `sessions_live_by_start`. No index has client and
/// place, nor what is said of an IPv6 network between two colons: that is compared here, in so many.
const LOOKED_THROUGH: i64 = 2500;
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
    fn of(session: &SessionTraits) -> Self {
        Self { created_at: session.created_at, ip: session.ip.clone(), id: session.id }
    }
}

/// Sessions that a rule is about.
struct Page {
    sessions: Vec<(UserId, SessionId)>,
    /// The last session that was looked at for them.
    last: Option<Place>,
    /// Pages of several lanes have no user in common.
    lane: usize,
}

/// A walk through the sessions that a rule may be about, page by page out of an index. What signs in after its
/// beginning is not met.
pub(super) struct Walk {
    begun_at: Timestamp,
    /// The last session that has been read.
    last: Option<Place>,
    /// The last session of the pages that have been dealt with.
    dealt_with: Option<Place>,
    /// Pages that have been read and not dealt with.
    kept: VecDeque<Page>,
    /// Sessions that have been counted, before they become pages.
    counted: Vec<(UserId, SessionId)>,
    /// How many more of them there may be. `None` once there were more.
    room: Option<usize>,
    is_over: bool,
}

impl Walk {
    /// One that began then, and has got so far.
    pub fn begun(begun_at: Timestamp, last: Option<Place>) -> Self {
        let (kept, counted) = (VecDeque::new(), Vec::new());
        Self { begun_at, dealt_with: last.clone(), last, kept, counted, room: Some(KEPT), is_over: false }
    }

    /// Where another one goes on.
    pub fn into_place(self) -> Option<Place> {
        self.dealt_with
    }

    /// Keeps what has been counted up to `last`, unless too much is kept: from there it is read again.
    fn keep_counted(&mut self, sessions: Vec<(UserId, SessionId)>, last: Option<Place>) {
        self.room = self.room.and_then(|room| room.checked_sub(sessions.len()));
        if self.room.is_some() {
            self.last = last;
            self.counted.extend(sessions);
        }
    }

    /// Makes pages of what has been counted, by the ids of the sessions, which is how a database has stored them: what
    /// lies together there ends together. The newest end first: whoever breaks in is among these. All of it must have
    /// been dealt with then before another walk may go on behind it. Users are dealt to as many lanes as pages may end
    /// at once, whose pages take turns: of two that have a user in common, one would wait for the other.
    fn page_counted(&mut self, at_once: usize) {
        let mut sessions = std::mem::take(&mut self.counted);
        sessions.sort_unstable_by_key(|(_, session)| Reverse(*session));
        let mut lanes = vec![Vec::new(); at_once.max(1)];
        for (user, session) in sessions {
            let lane = user.0.as_bytes().last().map_or(0, |byte| usize::from(*byte)) % lanes.len();
            lanes[lane].push((user, session));
        }
        let page_of = |lane, sessions: &[_]| Page { sessions: sessions.to_vec(), last: self.dealt_with.clone(), lane };
        let of_lane = |(lane, sessions): (usize, &Vec<_>)| {
            let pages = sessions.chunks(usize::from(PAGE)).enumerate();
            pages.map(|(turn, sessions)| (turn, page_of(lane, sessions))).collect::<Vec<_>>()
        };
        let mut pages: Vec<(usize, Page)> = lanes.iter().enumerate().flat_map(of_lane).collect();
        pages.sort_by_key(|(turn, page)| (*turn, page.lane));
        self.kept = pages.into_iter().map(|(_, page)| page).collect();
        if let Some(page) = self.kept.back_mut() {
            page.last.clone_from(&self.last);
        }
    }

    /// Keeps what has been read up to `last`. Small pages become one.
    fn keep(&mut self, sessions: Vec<(UserId, SessionId)>, last: Option<Place>) {
        match self.kept.back_mut() {
            Some(page) if page.sessions.len() + sessions.len() <= usize::from(PAGE) => {
                page.sessions.extend(sessions);
                page.last = last;
            }
            _ => self.kept.push_back(Page { sessions, last, lane: 0 }),
        }
    }

    /// The next pages, each of another lane: `at_once` of them at the most.
    fn next_pages(&mut self, at_once: usize) -> Vec<Page> {
        let mut pages: Vec<Page> = Vec::with_capacity(at_once);
        while pages.len() < at_once
            && let Some(page) = self.kept.pop_front_if(|next| pages.iter().all(|page| page.lane != next.lane))
        {
            pages.push(page);
        }
        pages
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
        let store = self.context.store.admin();
        let before = filter.after.unwrap_or(SessionId(Uuid::max()));
        if let Some(user) = filter.user {
            let (now, limit) = (self.context.now(), i64::from(limit));
            return Ok(store.newest_sessions_of(user, before, filter.live, now, limit).await?);
        }
        if !filter.live {
            return Ok(store.newest_sessions(before, i64::from(limit)).await?);
        }
        let after = match filter.after {
            Some(id) => Some(Place::of(&self.session(id).await?.into())),
            None => None,
        };
        Ok(self.live_sessions(&SessionRule::default(), after, limit).await?.0)
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
        Ok(self.rows_of(&found).await?)
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
        let mut found: Vec<SessionTraits> = page.into_iter().filter(|session| rule.matches(session)).collect();
        if found.len() >= usize::from(limit) {
            found.truncate(usize::from(limit));
            last = found.last().map(Place::of);
        }
        Ok((self.rows_of(&found).await?, last))
    }

    /// What is stored of these sessions, in this order, but of those that have ended meanwhile.
    async fn rows_of(&self, sessions: &[SessionTraits]) -> Result<Vec<SessionRow>, StoreError> {
        let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
        let rows = self.context.store.admin().sessions_by_ids(&ids).await?.into_iter();
        let mut live: HashMap<SessionId, SessionRow> =
            rows.filter(|row| row.end.is_none()).map(|row| (row.id, row)).collect();
        Ok(ids.iter().filter_map(|id| live.remove(id)).collect())
    }

    async fn newest(
        &self,
        rule: &SessionRule,
        last: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<SessionTraits>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        if let Some(user) = rule.user {
            let before = last.map_or(SessionId(Uuid::max()), |last| last.id);
            let sessions = store.admin().newest_sessions_of(user, before, true, now, limit).await?;
            return Ok(sessions.into_iter().map(Into::into).collect());
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
    ) -> Result<Vec<SessionTraits>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        let mut found: Vec<SessionTraits> = Vec::new();
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
        self.count(actor, rule, stop_at, &mut self.walk(), &mut |_, _| ()).await
    }

    /// Counts what a walk is going to end until `stop_at`, and gives that walk, which has the first of them already.
    pub(super) async fn count_and_keep(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        stop_at: Instant,
        mut walk: Walk,
    ) -> Result<(Preview, Walk), StoreError> {
        let mut counted = Walk::begun(walk.begun_at, walk.last.clone());
        let mut keep = |sessions, last| walk.keep_counted(sessions, last);
        let preview = self.count(actor, rule, Some(stop_at), &mut counted, &mut keep).await?;
        walk.is_over = counted.is_over && walk.room.is_some();
        walk.page_counted(self.context.store.batches_at_once());
        Ok((preview, walk))
    }

    /// Counts what a walk finds. `found` gets each page, and where it ends.
    async fn count(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        stop_at: Option<Instant>,
        walk: &mut Walk,
        found: &mut (dyn FnMut(Vec<(UserId, SessionId)>, Option<Place>) + Send),
    ) -> Result<Preview, StoreError> {
        let (mut users, mut sample) = (HashSet::new(), Vec::new());
        let mut preview = Preview { sessions: 0, users: 0, is_complete: true, spared: 0, sample: Vec::new() };
        while let Some(page) = self.next_page(rule, walk).await? {
            let mut ids = ids_of(&page);
            found(ids.clone(), walk.last.clone());
            preview.spared += self.spare(actor, &mut ids).await?;
            preview.sessions += count(ids.len());
            users.extend(ids.iter().map(|(user, _)| *user));
            let missing = SAMPLE - sample.len();
            let shown: HashSet<SessionId> = ids.iter().take(missing).map(|(_, session)| *session).collect();
            sample.extend(page.into_iter().filter(|session| shown.contains(&session.id)));
            if !walk.is_over && stop_at.is_some_and(|stop_at| self.context.clock.monotonic() >= stop_at) {
                preview.is_complete = false;
                break;
            }
        }
        Ok(Preview { users: count(users.len()), sample: self.rows_of(&sample).await?, ..preview })
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

    /// Ends what a rule is about, a page at a time, and gives how many sessions: for a process beside the servers,
    /// which it lets write in between. `committed` gets what each transaction has ended.
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
        let mut count_and_tell = |outcome: &EndOutcome| {
            ended += count(outcome.ended.len());
            committed(outcome);
        };
        let mut walk = self.walk();
        while self.end_pages(actor, rule, why, &mut walk, 1, &mut count_and_tell).await? {
            give_way(&self.context.store, self.context.now()).await?;
        }
        Ok(ended)
    }

    /// Ends those of the next pages that a rule is about, `at_once` of them where so many have been read, each in one
    /// transaction; and reads the page after them meanwhile, unless that has been read already. `committed` gets what
    /// each has ended. `false` after the last page.
    pub(super) async fn end_pages(
        &self,
        actor: &Actor,
        rule: &SessionRule,
        why: Why<'_>,
        walk: &mut Walk,
        at_once: usize,
        committed: &mut (dyn FnMut(&EndOutcome) + Send),
    ) -> Result<bool, StoreError> {
        if walk.kept.is_empty()
            && let Some(page) = self.next_page(rule, walk).await?
        {
            walk.keep(ids_of(&page), walk.last.clone());
        }
        let pages = walk.next_pages(at_once);
        let Some(last) = pages.last().map(|page| page.last.clone()) else { return Ok(false) };
        let mut ending: FuturesUnordered<_> =
            pages.into_iter().map(|page| self.end_listed(actor, page.sessions, why)).collect();
        let ending = async {
            let mut failed = Ok(());
            while let Some(outcome) = ending.next().await {
                // Whatever becomes of the others, what is committed is in force.
                match outcome {
                    Ok(outcome) => committed(&outcome),
                    Err(error) => failed = Err(error),
                }
            }
            failed
        };
        let (ended, ahead) = tokio::join!(ending, async {
            if walk.kept.is_empty() { self.next_page(rule, walk).await } else { Ok(None) }
        });
        ended?;
        walk.dealt_with = last;
        // What could not be read is asked for again.
        if let Ok(Some(ahead)) = ahead {
            walk.keep(ids_of(&ahead), walk.last.clone());
        }
        Ok(true)
    }

    /// Ends those of these sessions that an actor may end.
    async fn end_listed(
        &self,
        actor: &Actor,
        mut sessions: Vec<(UserId, SessionId)>,
        why: Why<'_>,
    ) -> Result<EndOutcome, StoreError> {
        self.spare(actor, &mut sessions).await?;
        if sessions.is_empty() {
            return Ok(EndOutcome::default());
        }
        let now = self.context.now();
        let ends = ListedEnd {
            sessions,
            reason: EndReason::AdminRevoked,
            client_reason: why.words.map(str::to_owned),
            actor_id: actor.user_id,
            at: now,
            remember_until: self.lifetimes.remember_until(now),
            origin: actor.origin.clone(),
            run: why.run,
        };
        let Context { store, keys, random, .. } = &self.context;
        let make_seal = sealer(keys, &**random, now);
        store.admin().end_listed_sessions(&ends, &make_seal, &mut || self.context.new_id()).await
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
    async fn next_page(&self, rule: &SessionRule, walk: &mut Walk) -> Result<Option<Vec<SessionTraits>>, StoreError> {
        if walk.is_over {
            return Ok(None);
        }
        let mut page = self.candidates(rule, walk).await?;
        walk.is_over = rule.user.is_some() || page.len() < usize::from(PAGE);
        walk.last = page.last().map(Place::of).or_else(|| walk.last.take());
        page.retain(|session| session.created_at <= walk.begun_at && rule.matches(session));
        Ok(Some(page))
    }

    async fn candidates(&self, rule: &SessionRule, walk: &Walk) -> Result<Vec<SessionTraits>, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        if let Some(user) = rule.user {
            return Ok(store.sessions().sessions_of(user, now).await?.into_iter().map(Into::into).collect());
        }
        if let Some(network) = rule.network {
            return self.of_network(network, walk.last.as_ref(), i64::from(PAGE)).await;
        }
        let after = walk
            .last
            .as_ref()
            .map_or((Timestamp::from_millis(i64::MIN), Uuid::nil()), |last| (last.created_at, last.id.0));
        let before = rule.signed_in_before.unwrap_or(walk.begun_at.plus(Duration::from_millis(1)));
        store.admin().live_sessions_by_start(after, before, now, i64::from(PAGE)).await
    }
}

fn ids_of(sessions: &[SessionTraits]) -> Vec<(UserId, SessionId)> {
    sessions.iter().map(|session| (session.user_id, session.id)).collect()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u128) -> Place {
        let created_at = Timestamp::from_millis(0);
        Place { created_at, ip: String::new(), id: SessionId(Uuid::from_u128(number)) }
    }

    fn sessions(number: u128) -> Vec<(UserId, SessionId)> {
        (0..number).map(|id| (UserId(Uuid::nil()), SessionId(Uuid::from_u128(id)))).collect()
    }

    #[test]
    fn what_was_counted_is_kept_until_it_is_too_much() {
        let mut walk = Walk { room: Some(1500), ..Walk::begun(Timestamp::from_millis(0), None) };
        for (number, last) in [(600, 1), (400, 2), (0, 3), (500, 4), (1, 5), (0, 6)] {
            walk.keep_counted(sessions(number), Some(place(last)));
        }
        // The rest is read from there.
        assert_eq!((walk.counted.len(), walk.last, walk.dealt_with, walk.room), (1500, Some(place(4)), None, None));
    }

    #[test]
    fn small_pages_that_are_read_ahead_become_one() {
        let mut walk = Walk::begun(Timestamp::from_millis(0), None);
        for (number, last) in [(600, 1), (400, 2), (0, 3), (500, 4)] {
            walk.keep(sessions(number), Some(place(last)));
        }
        let kept: Vec<_> = walk.kept.iter().map(|page| (page.sessions.len(), page.last.clone())).collect();
        assert_eq!(kept, [(1000, Some(place(3))), (500, Some(place(4)))]);
    }

    #[test]
    fn what_was_counted_ends_newest_first_and_all_of_it_before_the_walk_is_further() {
        let mut walk = Walk::begun(Timestamp::from_millis(0), Some(place(1)));
        for (page, last) in sessions(1700).chunks(850).zip([2, 3]) {
            walk.keep_counted(page.to_vec(), Some(place(last)));
        }
        walk.page_counted(1);
        let kept: Vec<_> = walk.kept.iter().map(|page| (page.sessions.len(), page.last.clone())).collect();
        assert_eq!(kept, [(1000, Some(place(1))), (700, Some(place(3)))]);
        let mut newest_first = sessions(1700);
        newest_first.reverse();
        let in_order: Vec<_> = walk.kept.into_iter().flat_map(|page| page.sessions).collect();
        assert_eq!(in_order, newest_first);
    }

    #[test]
    fn pages_that_end_at_once_have_no_user_in_common() {
        let mut walk = Walk::begun(Timestamp::from_millis(0), None);
        // Three of four are of users of the first lane.
        let sessions: Vec<_> = (0..4000_u128)
            .map(|number| (UserId(Uuid::from_u128(u128::from(number % 4 == 3))), SessionId(Uuid::from_u128(number))))
            .collect();
        walk.keep_counted(sessions.clone(), Some(place(2)));
        walk.page_counted(2);
        let lasts: Vec<_> = walk.kept.iter().map(|page| page.last.clone()).collect();
        assert_eq!(lasts, [None, None, None, Some(place(2))], "further only after the last of them");
        let (mut turns, mut all) = (Vec::new(), Vec::new());
        loop {
            let pages = walk.next_pages(2);
            if pages.is_empty() {
                break;
            }
            let users_of = |page: &Page| page.sessions.iter().map(|(user, _)| *user).collect::<HashSet<_>>();
            let mut users: Vec<UserId> = pages.iter().flat_map(users_of).collect();
            users.sort_unstable();
            let several = users.len();
            users.dedup();
            assert_eq!(users.len(), several, "a user of two pages");
            turns.push(pages.len());
            all.extend(pages.into_iter().flat_map(|page| page.sessions));
        }
        assert_eq!(turns, [2, 1, 1]);
        all.sort_unstable_by_key(|(_, session)| *session);
        assert_eq!(all, sessions);
    }
}
