//! Calls without a credential reach only public market data, and only so many per minute and network. As many may show
//! keys that do not exist, or signatures that are wrong.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use exchange::Answer as Dialect;

use super::Denial;
use crate::auth::Client;

/// A count per network and minute: whoever has one address of it may have them all.
pub struct Limiter {
    per_minute: u32,
    seen: Mutex<(i64, HashMap<Vec<u8>, u32>)>,
}

impl Limiter {
    pub fn new(per_minute: u32) -> Self {
        Limiter { per_minute, seen: Mutex::default() }
    }

    /// Counts one.
    pub fn admit(&self, client: &Client, now_ms: i64) -> Result<(), Denial> {
        let mut seen = self.of_minute(now_ms);
        let count = seen.1.entry(client.neighbourhood()).or_default();
        *count = count.saturating_add(1);
        if *count <= self.per_minute { Ok(()) } else { Err(too_many(now_ms)) }
    }

    /// Whether there is room for one more.
    pub fn has_room(&self, client: &Client, now_ms: i64) -> Result<(), Denial> {
        let seen = self.of_minute(now_ms);
        let count = seen.1.get(&client.neighbourhood()).copied().unwrap_or_default();
        if count < self.per_minute { Ok(()) } else { Err(too_many(now_ms)) }
    }

    fn of_minute(&self, now_ms: i64) -> MutexGuard<'_, (i64, HashMap<Vec<u8>, u32>)> {
        let minute = now_ms.div_euclid(60_000);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != minute {
            *seen = (minute, HashMap::new());
        }
        seen
    }
}

fn too_many(now_ms: i64) -> Denial {
    Denial {
        kind: Dialect::RateLimited { retry_after: u64::try_from(60 - now_ms.rem_euclid(60_000) / 1000).ok() },
        rule: "rate",
        text: "too many calls without a key that holds from this network".to_owned(),
    }
}
