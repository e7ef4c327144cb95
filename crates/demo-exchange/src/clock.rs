//! Where the exchange reads the time: milliseconds since 1970, handed in at the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of milliseconds since 1970. Cloning shares the source.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// Any function as a clock.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// The machine's own time.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
        Self::new(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(elapsed) => i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX),
            Err(_) => 0,
        })
    }

    /// A clock that stands still until its hand is moved: `hand.store(..)`.
    pub fn by_hand(hand: Arc<AtomicI64>) -> Self {
        Self::new(move || hand.load(Ordering::Relaxed))
    }

    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}
