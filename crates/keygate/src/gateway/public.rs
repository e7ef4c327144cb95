//! Calls without a credential reach only public market data, and only so many per minute and network.

use std::{collections::HashMap, sync::Mutex};

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

    pub fn admit(&self, client: &Client, now_ms: i64) -> Result<(), Denial> {
        let minute = now_ms.div_euclid(60_000);
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.0 != minute {
            *seen = (minute, HashMap::new());
        }
        let count = seen.1.entry(client.neighbourhood()).or_default();
        *count += 1;
        match *count <= self.per_minute {
            true => Ok(()),
            false => Err(Denial {
                kind: Dialect::RateLimited {
                    retry_after: u64::try_from(60 - now_ms.rem_euclid(60_000) / 1000).ok(),
                },
                rule: "rate",
                text: "too many calls without a key from this network".to_owned(),
            }),
        }
    }
}
