//! Time is an argument: everything that needs it takes it from the application's clock, and tests move it.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use time::{Duration, OffsetDateTime};
use uuid::{Builder, Uuid};

/// The system clock, plus an offset that only tests set.
#[derive(Clone)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    /// How many ids were made, from anywhere.
    next: Arc<AtomicU64>,
    /// Two secrets that hide the count.
    hidden: [RandomState; 2],
}

impl Default for Clock {
    fn default() -> Self {
        let start = u64::from_be_bytes(seal::random::array());
        let hidden = [RandomState::new(), RandomState::new()];
        Clock { offset_ms: Arc::default(), next: Arc::new(AtomicU64::new(start)), hidden }
    }
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system clock is read")]
    pub fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        match self.offset_ms.load(Ordering::Relaxed) {
            0 => now,
            offset => now + Duration::milliseconds(offset),
        }
    }

    /// Milliseconds since 1970, as exchanges count.
    pub fn now_ms(&self) -> i64 {
        let now = self.now();
        now.unix_timestamp() * 1000 + i64::from(now.millisecond())
    }

    /// A new id, which sorts by the millisecond it was made in. What is not time is a count, hidden: answers show ids, and
    /// who reads two of them shall not learn how many were made in between, for bait makes more than a key that nobody knows.
    pub fn id(&self) -> Uuid {
        let ms = u64::try_from(self.now_ms()).unwrap_or(0);
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let [first, last] = [&self.hidden[0], &self.hidden[1]].map(|secret| secret.hash_one(count));
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&first.to_be_bytes()[..2]);
        rest[2..].copy_from_slice(&last.to_be_bytes());
        Builder::from_unix_timestamp_millis(ms, &rest).into_uuid()
    }

    /// Moves this clock and all its clones.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_tell_how_many_were_made_in_between() {
        let clock = Clock::default();
        let lasts = || (0..1000).map(|_| clock.id().as_u128() as u64).collect::<Vec<_>>();
        let near = lasts().windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1 << 40).count();
        assert!(near < 3, "{near} of 1000 follow each other");
    }

    #[test]
    fn ids_sort_by_their_millisecond_and_none_comes_twice() {
        let clock = Clock::default();
        let first = clock.id();
        clock.advance(Duration::milliseconds(5));
        assert!(first < clock.id());
        let many: std::collections::HashSet<Uuid> = (0..10_000).map(|_| clock.id()).collect();
        assert_eq!(many.len(), 10_000);
    }
}
