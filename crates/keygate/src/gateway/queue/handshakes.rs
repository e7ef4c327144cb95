//! How many connections for streams are opened to an exchange. Exchanges count them by address, for everybody here
//! together, and shut out whoever opens too many; so no key, and nobody without one, may use up more than half.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use exchange::{Answer as Dialect, Definition};
use uuid::Uuid;

use super::{super::Denial, Queues, Whose};

/// By exchange and environment.
#[derive(Default)]
pub struct Handshakes(Mutex<HashMap<(String, String), Opened>>);

/// When the last ones were opened and with whose key, the oldest first.
type Opened = VecDeque<(i64, Option<Uuid>)>;

impl Queues {
    /// Counts a connection that is about to be opened. All who show no key count as one.
    pub(in crate::gateway) fn open(
        &self,
        definition: &Definition,
        environment: &str,
        whose: Option<Whose>,
        now_ms: i64,
    ) -> Result<(), Denial> {
        let place = (definition.id().to_owned(), environment.to_owned());
        self.handshakes.admit(place, whose.map(|whose| whose.api_key), now_ms).map_err(too_many)
    }
}

impl Handshakes {
    /// An error says when there is room again.
    fn admit(&self, place: (String, String), key: Option<Uuid>, now_ms: i64) -> Result<(), i64> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.entry(place).or_default();
        while opened.front().is_some_and(|(at, _)| *at <= now_ms - WINDOW_MS) {
            opened.pop_front();
        }
        let mut own = opened.iter().filter(|(_, own)| *own == key).map(|(at, _)| *at);
        let (oldest, used) = (own.next(), own.count() + 1);
        let until = |at: i64| at + WINDOW_MS - now_ms;
        match (opened.front(), oldest) {
            (Some((at, _)), _) if opened.len() >= MOST => Err(until(*at)),
            (_, Some(at)) if used >= MOST / 2 => Err(until(at)),
            _ => {
                opened.push_back((now_ms, key));
                Ok(())
            }
        }
    }
}

fn too_many(wait_ms: i64) -> Denial {
    let seconds = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1000).max(1);
    Denial {
        kind: Dialect::RateLimited { retry_after: Some(seconds) },
        rule: "connections",
        text: "too many connections to the exchange were opened within five minutes; nothing was sent"
            .to_owned(),
    }
}

/// Binance takes 300 connections within five minutes from one address (its documents on the WebSocket API, "Connection
/// limits"), and is the strictest that says so for a time of that length.
const MOST: usize = 300;
const WINDOW_MS: i64 = 5 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn place() -> (String, String) {
        ("binance".to_owned(), "production".to_owned())
    }

    fn opens(handshakes: &Handshakes, key: Option<Uuid>, now_ms: i64) -> usize {
        (0..=MOST).take_while(|_| handshakes.admit(place(), key, now_ms).is_ok()).count()
    }

    #[test]
    fn whoever_shows_no_key_leaves_half_of_the_connections_to_those_who_do() {
        let (handshakes, [one, other]) = (Handshakes::default(), [1, 2].map(|n| Some(Uuid::from_u128(n))));
        assert_eq!(opens(&handshakes, None, 0), MOST / 2);
        assert_eq!(opens(&handshakes, one, MINUTE_MS), MOST / 2);
        assert_eq!(opens(&handshakes, other, MINUTE_MS), 0, "the exchange would refuse it");
        assert_eq!(handshakes.admit(place(), other, MINUTE_MS), Err(4 * MINUTE_MS));
        assert_eq!(opens(&handshakes, other, 5 * MINUTE_MS), MOST / 2);
        assert_eq!(handshakes.admit(place(), None, 5 * MINUTE_MS), Err(MINUTE_MS));
    }

    #[test]
    fn no_key_uses_up_the_connections_of_all() {
        let (handshakes, [one, other]) = (Handshakes::default(), [1, 2].map(|n| Some(Uuid::from_u128(n))));
        assert_eq!(opens(&handshakes, one, 0), MOST / 2);
        assert_eq!(handshakes.admit(place(), one, MINUTE_MS), Err(4 * MINUTE_MS));
        assert_eq!(handshakes.admit(place(), other, MINUTE_MS), Ok(()));
        let elsewhere = ("okx".to_owned(), "production".to_owned());
        assert_eq!(handshakes.admit(elsewhere, one, MINUTE_MS), Ok(()));
    }
}
