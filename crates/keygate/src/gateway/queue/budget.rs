//! The exchanges' request budgets, shared by all bots of an account and, where an exchange counts by address, by all
//! accounts. The exchange's own count is believed; between two answers every request counts one.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::{Budget, ErrorKind, RateScope};
use http::StatusCode;
use uuid::Uuid;

use super::{Late, Place, Rank};
use crate::{clock::Clock, upstream::Answer};

#[derive(Default)]
pub struct Budgets {
    state: Mutex<State>,
    names: RandomState,
}

#[derive(Default)]
struct State {
    buckets: HashMap<Key, Bucket>,
    /// Until when an exchange wants to hear nothing, because it said so.
    silent: HashMap<Whom, i64>,
    /// Until when it wants no more orders of a key.
    full: HashMap<Whom, i64>,
    /// How many wait for a budget, by rank: the less urgent let the others go first.
    waiting: HashMap<Whom, [usize; RANKS]>,
    /// When strangers may ask next, where no budget says how much the exchange takes.
    next: HashMap<Whom, i64>,
}

/// What a request waits for: whose budget, and until when at least.
#[derive(Clone, Copy, Debug)]
struct Hold {
    whom: Whom,
    until_ms: i64,
}

/// Whose budget, as one number: exchange, environment, and the key where it is not counted by address.
type Whom = u64;
/// Whose budgets a request may draw on.
#[derive(Clone, Copy)]
struct Scopes {
    /// Everybody's who asks from here.
    all: Whom,
    /// The key's own.
    key: Whom,
}

/// The budget's number in the definition, and the endpoint where each has its own (as a number; 0 for all).
type Key = (Whom, usize, u64);

struct Bucket {
    spent: u32,
    /// What had been used when the window before this one ended.
    last: u32,
    /// How many requests of each key, and of those without one, asked for some of it.
    of_keys: HashMap<Option<Uuid>, u32>,
    /// What whoever shows no key has used of it, by the exchange's own count where it says that.
    of_strangers: u32,
    limit: u32,
    whole_at_ms: i64,
}

impl Budgets {
    /// Waits until there is room for one more of its rank, at most so long.
    pub async fn admit(&self, clock: &Clock, place: &Place<'_>, patience_ms: u64) -> Result<(), Late> {
        let Err(mut hold) = self.try_admit(place, clock.now_ms()) else { return Ok(()) };
        let rank = place.rank;
        let patience_ms = i64::try_from(patience_ms).unwrap_or(i64::MAX);
        let deadline_ms = clock.now_ms().saturating_add(patience_ms);
        let mut line = self.stand(hold.whom, rank)?;
        while hold.until_ms <= deadline_ms && clock.now_ms() < deadline_ms {
            tokio::time::sleep(PAUSE).await;
            match self.try_admit(place, clock.now_ms()) {
                Ok(()) => return Ok(()),
                Err(now) => hold = now,
            }
            if line.whom != hold.whom {
                line = self.stand(hold.whom, rank)?;
            }
        }
        let wait = hold.until_ms.saturating_sub(clock.now_ms());
        Err(Late { retry_after_ms: u64::try_from(wait).unwrap_or(0) })
    }

    /// Counts the request, or says what to wait for.
    fn try_admit(&self, place: &Place<'_>, now_ms: i64) -> Result<(), Hold> {
        let (mut state, rank) = (self.lock(), place.rank);
        let own = place.whose.map(|whose| whose.api_key);
        let scopes = self.scopes(place);
        let (all, key) = (scopes.whom(place.definition.rate_scope()), scopes.key);
        let silent = state.silent.get(&all).map(|until| (all, *until));
        let full = state.full.get(&key).filter(|_| rank == Rank::Order).map(|until| (key, *until));
        let quiet = [silent, full].into_iter().flatten().find(|(_, until)| *until > now_ms);
        if let Some((whom, until_ms)) = quiet {
            return Err(Hold { whom, until_ms });
        }
        if rank == Rank::Stranger && self.is_untold(place, scopes) {
            state.pace(all, now_ms)?;
        }
        for (key, budget) in self.budgets(place, scopes) {
            let whom = key.0;
            let ahead = state.waits_before(whom, rank);
            let bucket = state.bucket(key, budget, now_ms);
            if ahead && bucket.spent > 0 && bucket.is_short() {
                return Err(Hold { whom, until_ms: now_ms + 1 });
            }
            if bucket.spent >= bucket.share_of(rank, own) {
                return Err(Hold { whom, until_ms: bucket.whole_at_ms });
            }
        }
        for (key, budget) in self.budgets(place, scopes) {
            let bucket = state.bucket(key, budget, now_ms);
            bucket.spent += 1;
            match rank {
                Rank::Stranger => bucket.of_strangers += 1,
                Rank::Cancel | Rank::Order | Rank::Read => *bucket.of_keys.entry(own).or_default() += 1,
            }
        }
        Ok(())
    }

    /// A place among those that wait for a budget.
    fn stand(&self, whom: Whom, rank: Rank) -> Result<InLine<'_>, Late> {
        let mut state = self.lock();
        let waiting = &mut state.waiting.entry(whom).or_default()[rank as usize];
        if *waiting >= MOST_WAITING {
            return Err(Late { retry_after_ms: 1000 });
        }
        *waiting += 1;
        Ok(InLine { budgets: self, whom, rank })
    }

    /// What the answer to a request that left then says: the exchange's own count, and whether it wants silence.
    pub fn heard(
        &self,
        place: &Place<'_>,
        answer: &Answer,
        error: Option<ErrorKind>,
        (left_ms, now_ms): (i64, i64),
    ) {
        let header = |name: &str| answer.headers.get(name);
        let (mut state, scopes) = (self.lock(), self.scopes(place));
        for (key, budget) in self.budgets(place, scopes) {
            let bucket = state.bucket(key, budget, now_ms);
            let told = budget.spent(header);
            if let Some((spent, limit)) = told.filter(|told| !bucket.is_over(budget, left_ms, told.0)) {
                if place.rank == Rank::Stranger {
                    bucket.of_strangers += spent.saturating_sub(bucket.spent);
                }
                bucket.spent = bucket.spent.max(spent);
                bucket.limit = limit;
            }
            let now = u64::try_from(now_ms).unwrap_or(0);
            if let Some(whole_at) = budget.whole_at(header, now).and_then(|ms| i64::try_from(ms).ok()) {
                bucket.whole_at_ms = whole_at.clamp(now_ms, now_ms + LONGEST_MS);
            }
        }
        if let Some(wait_ms) = wants_silence(answer, error) {
            tracing::warn!(exchange = place.definition.id(), wait_ms, "an exchange limits our rate");
            let of_key = place.whose.is_some()
                && place.definition.limits_orders_of_key(answer.status.as_u16(), &answer.body);
            let scope = if of_key { RateScope::Key } else { place.definition.rate_scope() };
            let State { silent, full, .. } = &mut *state;
            let held = if of_key { full } else { silent };
            held.retain(|_, until| *until > now_ms);
            // answers overtake each other: the longer word holds
            let until = held.entry(scopes.whom(scope)).or_default();
            *until = (*until).max(now_ms + wait_ms);
        }
    }

    fn scopes(&self, place: &Place<'_>) -> Scopes {
        let all = self.names.hash_one((place.definition.id(), place.environment));
        Scopes { all, key: place.whose.map_or(all, |own| self.names.hash_one((all, own.api_key))) }
    }

    /// The budgets a request draws on. Who shows no key draws on no key's budget.
    fn budgets<'p>(
        &'p self,
        place: &'p Place<'_>,
        scopes: Scopes,
    ) -> impl Iterator<Item = (Key, &'p Budget)> {
        let mine = |scope: RateScope| scope == RateScope::Ip || place.whose.is_some();
        let budgets = place.definition.budgets(place.request).filter(move |(_, scope, _)| mine(*scope));
        budgets.map(move |(number, scope, budget)| {
            let endpoint =
                if budget.is_per_endpoint() { self.names.hash_one(place.request.path()) } else { 0 };
            ((scopes.whom(scope), number, endpoint), budget)
        })
    }

    /// Whether nobody knows how the exchange counts what shows no key.
    fn is_untold(&self, place: &Place<'_>, scopes: Scopes) -> bool {
        self.budgets(place, scopes).next().is_none()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scopes {
    fn whom(self, scope: RateScope) -> Whom {
        match scope {
            RateScope::Key => self.key,
            RateScope::Ip => self.all,
        }
    }
}

impl State {
    /// Five a second, which every exchange takes, and a few more after a pause.
    fn pace(&mut self, whom: Whom, now_ms: i64) -> Result<(), Hold> {
        let next = self.next.entry(whom).or_default();
        if *next > now_ms {
            return Err(Hold { whom, until_ms: *next });
        }
        *next = (*next).max(now_ms - PACE_MS * AT_ONCE) + PACE_MS;
        Ok(())
    }

    /// Whether anyone more urgent waits for this budget.
    fn waits_before(&self, whom: Whom, rank: Rank) -> bool {
        self.waiting.get(&whom).is_some_and(|own| own[..rank as usize].iter().any(|count| *count > 0))
    }

    /// The bucket of a budget, whole again if its window is over.
    fn bucket(&mut self, key: Key, budget: &Budget, now_ms: i64) -> &mut Bucket {
        if self.buckets.len() >= MOST_BUCKETS && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| bucket.whole_at_ms > now_ms);
        }
        let whole_at_ms = || next_window(budget, now_ms);
        let fresh = || Bucket {
            spent: 0,
            last: 0,
            of_keys: HashMap::new(),
            of_strangers: 0,
            limit: budget.limit(),
            whole_at_ms: whole_at_ms(),
        };
        let bucket = self.buckets.entry(key).or_insert_with(fresh);
        if bucket.whole_at_ms <= now_ms {
            let is_next = now_ms - bucket.whole_at_ms <= window_ms(budget);
            let last = if is_next { bucket.spent } else { 0 };
            *bucket = Bucket { limit: bucket.limit, last, ..fresh() };
        }
        bucket
    }
}

impl Bucket {
    /// Whether the answer to what left then tells how much was used of the window before: at the exchange, whose clock may be
    /// a little behind ours, that one was not over. This one would begin with it.
    fn is_over(&self, budget: &Budget, left_ms: i64, told: u32) -> bool {
        let begun_ms = self.whole_at_ms - window_ms(budget);
        let is_early = left_ms < begun_ms + CLOCKS_MS.min(window_ms(budget) / 10);
        let as_before = self.last..=self.last.saturating_add((self.limit / 20).max(1));
        is_early && self.last > self.limit / 8 && as_before.contains(&told)
    }

    fn is_short(&self) -> bool {
        self.spent >= Rank::Read.share_of(self.limit)
    }

    /// How far it may be spent by this key. One that asked for more than half of it leaves the rest to the others, if there
    /// are any.
    fn share_of(&mut self, rank: Rank, key: Option<Uuid>) -> u32 {
        if rank == Rank::Stranger {
            // a quarter of it is all they get, however much is left
            let is_used_up = self.of_strangers >= (self.limit / 4).max(1);
            return if is_used_up { 0 } else { rank.share_of(self.limit) };
        }
        let own = *self.of_keys.entry(key).or_default();
        let share = rank.share_of(self.limit);
        match own > self.limit / 2 && self.of_keys.len() > 1 {
            true => share.min(self.limit / 4 * 3),
            false => share,
        }
    }
}

impl Rank {
    /// How much of a budget this rank may use: the rest is kept for what is more urgent.
    fn share_of(self, limit: u32) -> u32 {
        let percent = match self {
            Rank::Cancel => 100,
            Rank::Order => 95,
            Rank::Read => 80,
            Rank::Stranger => 60,
        };
        let share = u64::from(limit) * percent / 100;
        u32::try_from(share).unwrap_or(limit).max(1)
    }
}

/// One that waits, as long as it lives.
struct InLine<'a> {
    budgets: &'a Budgets,
    whom: Whom,
    rank: Rank,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        let mut state = self.budgets.lock();
        if let Some(own) = state.waiting.get_mut(&self.whom) {
            own[self.rank as usize] -= 1;
            if *own == [0; RANKS] {
                state.waiting.remove(&self.whom);
            }
        }
    }
}

/// How long an answer asks for silence, if it is a rate-limit answer.
fn wants_silence(answer: &Answer, error: Option<ErrorKind>) -> Option<i64> {
    let limited = answer.status == StatusCode::TOO_MANY_REQUESTS || error == Some(ErrorKind::RateLimited);
    let told = answer.headers.get("retry-after").and_then(|text| text.trim().parse::<i64>().ok());
    limited.then(|| told.unwrap_or(1).clamp(1, LONGEST_MS / 1000) * 1000)
}

fn next_window(budget: &Budget, now_ms: i64) -> i64 {
    let window = window_ms(budget);
    (now_ms.div_euclid(window) + 1) * window
}

fn window_ms(budget: &Budget) -> i64 {
    i64::try_from(budget.window_ms()).unwrap_or(LONGEST_MS)
}

const CLOCKS_MS: i64 = 1000;
const PAUSE: Duration = Duration::from_millis(10);
const MOST_WAITING: usize = 1000;
const RANKS: usize = 4;
const PACE_MS: i64 = 200;
/// A client that starts asks for some lists at once.
const AT_ONCE: i64 = 9;
const MOST_BUCKETS: usize = 20_000;
/// No answer silences us for longer.
const LONGEST_MS: i64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests;
