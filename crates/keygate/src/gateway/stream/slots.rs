//! The places of open streams: how many there may be, from one network, and of those that showed no key.

use std::{sync::Arc, time::Duration};

use exchange::Answer as Dialect;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    auth::Client,
    gateway::Denial,
    http::{Networks, OfNetwork},
};

/// The open streams, and the word to end.
pub struct Streams {
    slots: Arc<Semaphore>,
    most: u32,
    /// For those that go on without a key.
    keyless: Arc<Semaphore>,
    networks: Networks,
    closing: watch::Sender<bool>,
}

/// A place among the open streams. Dropping it gives it back.
pub struct Slot {
    _of_network: OfNetwork,
    _permit: OwnedSemaphorePermit,
}

impl Streams {
    pub fn new(most: usize) -> Self {
        let most = u32::try_from(most.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Streams {
            slots: Arc::new(Semaphore::new(most as usize)),
            most,
            keyless: Arc::new(Semaphore::new(most.div_ceil(4) as usize)),
            networks: Networks::default(),
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
        let of_network = self.networks.enter(client.neighbourhood(), self.most.div_ceil(8));
        let of_network = of_network.ok_or_else(|| full("too many streams are open from this network"))?;
        Ok(Slot { _of_network: of_network, _permit: permit })
    }

    /// One of the few places of streams that only ask for what is public. `None`: they are taken.
    pub fn without_key(&self) -> Option<OwnedSemaphorePermit> {
        self.keyless.clone().try_acquire_owned().ok()
    }
}

fn full(text: &str) -> Denial {
    Denial { kind: Dialect::RateLimited { retry_after: Some(10) }, rule: "streams", text: text.to_owned() }
}

/// How long streams may take to settle what is under way when the server stops.
const GRACE: Duration = Duration::from_secs(10);
