//! Calls of whoever shows no key. Exchanges count them by address, for everybody here together: a few at a time, so that
//! what the exchange counts for one is known before the next leaves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Late, Place};
use crate::{
    auth::Client,
    http::{Networks, OfNetwork},
};

#[derive(Default)]
pub struct Strangers {
    /// By exchange and environment.
    seats: Mutex<HashMap<(String, String), Arc<Semaphore>>>,
    /// Who waits, by network.
    lines: Networks,
}

/// The place of one that is under way.
pub type Seat = OwnedSemaphorePermit;

impl Strangers {
    /// Waits for a place, at most so long.
    pub async fn seat(&self, place: &Place<'_>, patience_ms: u64) -> Result<Seat, Late> {
        let seats = self.of(place);
        let seat = tokio::time::timeout(Duration::from_millis(patience_ms), seats.acquire_owned()).await;
        seat.ok().and_then(Result::ok).ok_or(Late { retry_after_ms: 1000 })
    }

    /// A place in the line of one's network. Seats go to who came first, so nobody may stand there many times.
    pub fn line(&self, client: &Client) -> Result<OfNetwork, Late> {
        self.lines.enter(client.neighbourhood(), LINE).ok_or(Late { retry_after_ms: 1000 })
    }

    fn of(&self, place: &Place<'_>) -> Arc<Semaphore> {
        let key = (place.definition.id().to_owned(), place.environment.to_owned());
        let mut all = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
    }
}

const AT_ONCE: usize = 2;
/// As many as a client asks for at once that starts and reads all its lists.
const LINE: u32 = 16;
