//! Time is an argument: everything that needs it takes it from the application's clock, and tests move it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use time::{Duration, OffsetDateTime};
use uuid::{Builder, Uuid};

/// The system clock, plus an offset that only tests set.
#[derive(Clone)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    /// The part of the next id that is not time.
    next: Arc<AtomicU64>,
}

impl Default for Clock {
    fn default() -> Self {
        let start = u64::from_be_bytes(seal::random::array());
        Clock { offset_ms: Arc::default(), next: Arc::new(AtomicU64::new(start)) }
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

    /// A new id, which sorts by the millisecond it was made in. It cannot repeat here, because what is not time is
    /// counted, nor elsewhere, because the count begins anywhere; it can be guessed, so it is no secret.
    pub fn id(&self) -> Uuid {
        let ms = u64::try_from(self.now_ms()).unwrap_or(0);
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut rest = [0; 10];
        // twelve bits before the variant, the others behind it
        rest[..2].copy_from_slice(&u16::to_be_bytes((count >> 52) as u16));
        rest[2..].copy_from_slice(&count.to_be_bytes());
        Builder::from_unix_timestamp_millis(ms, &rest).into_uuid()
    }

    /// Moves this clock and all its clones.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}
