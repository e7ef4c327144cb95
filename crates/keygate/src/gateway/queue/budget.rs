//! The exchanges' request budgets, shared by all bots of an account and, where an exchange counts by address, by all
//! accounts. The exchange's own count is believed; between two answers every request counts one.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use exchange::{Budget, ErrorKind, RateScope};
use http::StatusCode;

use super::{Late, Place, Rank};
use crate::{clock::Clock, upstream::Answer};

#[derive(Default)]
pub struct Budgets {
    state: Mutex<State>,
    names: RandomState,
    /// How many wait, by rank: the less urgent let the others go first.
    waiting: [AtomicUsize; 3],
}

#[derive(Default)]
struct State {
    buckets: HashMap<Key, Bucket>,
    /// Until when an exchange wants to hear nothing, because it said so.
    silent: HashMap<Whom, i64>,
}

/// Whose budget, as one number: exchange, environment, and the key where it is not counted by address.
type Whom = u64;
/// The budget's number in the definition, and the endpoint where each has its own (as a number; 0 for all).
type Key = (Whom, usize, u64);

struct Bucket {
    spent: u32,
    limit: u32,
    whole_at_ms: i64,
}

impl Budgets {
    /// Waits until there is room for one more of this rank, at most so long.
    pub async fn admit(
        &self,
        clock: &Clock,
        place: &Place<'_>,
        rank: Rank,
        patience_ms: u64,
    ) -> Result<(), Late> {
        let Err(until_ms) = self.try_admit(place, rank, clock.now_ms()) else { return Ok(()) };
        let patience_ms = i64::try_from(patience_ms).unwrap_or(i64::MAX);
        let deadline_ms = clock.now_ms().saturating_add(patience_ms);
        let mut until_ms = until_ms;
        let _place_in_line = InLine::stand(&self.waiting[rank as usize])?;
        while until_ms <= deadline_ms && clock.now_ms() < deadline_ms {
            tokio::time::sleep(PAUSE).await;
            match self.try_admit(place, rank, clock.now_ms()) {
                Ok(()) => return Ok(()),
                Err(until) => until_ms = until,
            }
        }
        let wait = until_ms.saturating_sub(clock.now_ms());
        Err(Late { retry_after_ms: u64::try_from(wait).unwrap_or(0) })
    }

    /// Counts the request, or says when to try again.
    fn try_admit(&self, place: &Place<'_>, rank: Rank, now_ms: i64) -> Result<(), i64> {
        let ahead = self.waiting[..rank as usize].iter().any(|count| count.load(Ordering::Acquire) > 0);
        let mut state = self.lock();
        if let Some(until) = state
            .silent
            .get(&self.whom(place, place.definition.rate_scope()))
            .filter(|until| **until > now_ms)
        {
            return Err(*until);
        }
        for (key, budget) in self.budgets(place) {
            let bucket = state.bucket(key, budget, now_ms);
            if ahead && bucket.spent > 0 && bucket.is_short() {
                return Err(now_ms + 1);
            }
            if bucket.spent >= rank.share_of(bucket.limit) {
                return Err(bucket.whole_at_ms);
            }
        }
        for (key, budget) in self.budgets(place) {
            state.bucket(key, budget, now_ms).spent += 1;
        }
        Ok(())
    }

    /// What an answer says: the exchange's own count, and whether it wants silence.
    pub fn heard(&self, place: &Place<'_>, answer: &Answer, error: Option<ErrorKind>, now_ms: i64) {
        let header = |name: &str| answer.headers.get(name);
        let mut state = self.lock();
        for (key, budget) in self.budgets(place) {
            let bucket = state.bucket(key, budget, now_ms);
            if let Some((spent, limit)) = budget.spent(header) {
                bucket.spent = bucket.spent.max(spent);
                bucket.limit = limit;
            }
            let now = u64::try_from(now_ms).unwrap_or(0);
            if let Some(whole_at) = budget.whole_at(header, now).and_then(|ms| i64::try_from(ms).ok()) {
                bucket.whole_at_ms = whole_at.clamp(now_ms, now_ms + LONGEST_MS);
            }
        }
        if let Some(wait_ms) = wants_silence(answer, error) {
            let whom = self.whom(place, place.definition.rate_scope());
            tracing::warn!(exchange = place.definition.id(), wait_ms, "an exchange limits our rate");
            state.silent.retain(|_, until| *until > now_ms);
            state.silent.insert(whom, now_ms + wait_ms);
        }
    }

    fn whom(&self, place: &Place<'_>, scope: RateScope) -> Whom {
        let key = place.whose.filter(|_| scope == RateScope::Key).map(|whose| whose.api_key);
        self.names.hash_one((place.definition.id(), place.environment, key))
    }

    /// The budgets a request draws on. Who shows no key draws on no key's budget.
    fn budgets<'p>(&'p self, place: &'p Place<'_>) -> impl Iterator<Item = (Key, &'p Budget)> {
        let mine = |scope: RateScope| scope == RateScope::Ip || place.whose.is_some();
        let budgets = place.definition.budgets(place.request).filter(move |(_, scope, _)| mine(*scope));
        budgets.map(|(number, scope, budget)| {
            let endpoint =
                if budget.is_per_endpoint() { self.names.hash_one(place.request.path()) } else { 0 };
            ((self.whom(place, scope), number, endpoint), budget)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The bucket of a budget, whole again if its window is over.
    fn bucket(&mut self, key: Key, budget: &Budget, now_ms: i64) -> &mut Bucket {
        if self.buckets.len() >= MOST_BUCKETS && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| bucket.whole_at_ms > now_ms);
        }
        let fresh = || Bucket { spent: 0, limit: budget.limit(), whole_at_ms: next_window(budget, now_ms) };
        let bucket = self.buckets.entry(key).or_insert_with(fresh);
        if bucket.whole_at_ms <= now_ms {
            *bucket = Bucket { limit: bucket.limit, ..fresh() };
        }
        bucket
    }
}

impl Bucket {
    fn is_short(&self) -> bool {
        self.spent >= Rank::Read.share_of(self.limit)
    }
}

impl Rank {
    /// How much of a budget this rank may use: the rest is kept for what is more urgent.
    fn share_of(self, limit: u32) -> u32 {
        let percent = match self {
            Rank::Cancel => 100,
            Rank::Order => 95,
            Rank::Read => 80,
        };
        let share = u64::from(limit) * percent / 100;
        u32::try_from(share).unwrap_or(limit).max(1)
    }
}

/// One that waits, as long as it lives.
struct InLine<'a>(&'a AtomicUsize);

impl<'a> InLine<'a> {
    fn stand(count: &'a AtomicUsize) -> Result<Self, Late> {
        match count.fetch_add(1, Ordering::AcqRel) {
            already if already >= MOST_WAITING => {
                count.fetch_sub(1, Ordering::AcqRel);
                Err(Late { retry_after_ms: 1000 })
            }
            _ => Ok(InLine(count)),
        }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How long an answer asks for silence, if it is a rate-limit answer.
fn wants_silence(answer: &Answer, error: Option<ErrorKind>) -> Option<i64> {
    let limited = answer.status == StatusCode::TOO_MANY_REQUESTS || error == Some(ErrorKind::RateLimited);
    let told = answer.headers.get("retry-after").and_then(|text| text.trim().parse::<i64>().ok());
    limited.then(|| told.unwrap_or(1).clamp(1, LONGEST_MS / 1000) * 1000)
}

fn next_window(budget: &Budget, now_ms: i64) -> i64 {
    let window = i64::try_from(budget.window_ms()).unwrap_or(LONGEST_MS);
    (now_ms.div_euclid(window) + 1) * window
}

const PAUSE: Duration = Duration::from_millis(10);
const MOST_WAITING: usize = 1000;
const MOST_BUCKETS: usize = 20_000;
/// No answer silences us for longer.
const LONGEST_MS: i64 = 24 * 60 * 60 * 1000;
