//! The places of open streams: how many there may be, from one network, and of those that showed no key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exchange::Answer as Dialect;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{auth::Client, gateway::Denial};

/// The open streams, and the word to end.
pub struct Streams {
    slots: Arc<Semaphore>,
    most: u32,
    /// For those that go on without a key.
    keyless: Arc<Semaphore>,
    by_network: Arc<Mutex<HashMap<Vec<u8>, u32>>>,
    closing: watch::Sender<bool>,
}

/// A place among the open streams. Dropping it gives it back.
pub struct Slot {
    by_network: Arc<Mutex<HashMap<Vec<u8>, u32>>>,
    network: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl Streams {
    pub fn new(most: usize) -> Self {
        let most = u32::try_from(most.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Streams {
            slots: Arc::new(Semaphore::new(most as usize)),
            most,
            keyless: Arc::new(Semaphore::new(most.div_ceil(4) as usize)),
            by_network: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// Ends every stream and waits until their records are complete.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        if tokio::time::timeout(GRACE, self.slots.acquire_many(self.most)).await.is_err() {
            tracing::warn!("some streams were still open at the end of the grace period");
        }
    }

    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub fn take(&self, client: &Client) -> Result<Slot, Denial> {
        if *self.closing.borrow() {
            return Err(full("Keygate is stopping"));
        }
        let permit = self.slots.clone().try_acquire_owned().map_err(|_| full("too many streams are open"))?;
        let (by_network, network) = (self.by_network.clone(), client.neighbourhood());
        let slot = Slot { by_network, network, _permit: permit };
        let mut by_network = slot.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let own = by_network.entry(slot.network.clone()).or_default();
        *own += 1;
        let crowded = *own > self.most.div_ceil(8);
        drop(by_network);
        match crowded {
            true => Err(full("too many streams are open from this network")),
            false => Ok(slot),
        }
    }

    /// One of the few places of streams that only ask for what is public. `None`: they are taken.
    pub fn without_key(&self) -> Option<OwnedSemaphorePermit> {
        self.keyless.clone().try_acquire_owned().ok()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_network = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by_network.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}

fn full(text: &str) -> Denial {
    Denial { kind: Dialect::RateLimited { retry_after: Some(10) }, rule: "streams", text: text.to_owned() }
}

/// How long streams may take to settle what is under way when the server stops.
const GRACE: Duration = Duration::from_secs(10);
