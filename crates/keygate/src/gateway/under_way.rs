//! Calls that go on when their client has left: whoever stops the server waits for them.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub struct UnderWay(Arc<Semaphore>);

/// Held by a call until it has ended.
pub type Held = OwnedSemaphorePermit;

impl Default for UnderWay {
    fn default() -> Self {
        UnderWay(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl UnderWay {
    /// One more. Nobody waits here: there are not so many calls.
    pub async fn begin(&self) -> Option<Held> {
        self.0.clone().acquire_owned().await.ok()
    }

    /// Waits until all have ended, for a while.
    pub async fn end(&self) {
        if tokio::time::timeout(GRACE, self.0.acquire_many(MOST)).await.is_err() {
            tracing::warn!("some calls were still under way at the end of the grace period");
        }
    }
}

const MOST: u32 = 1 << 24;
/// As long as for requests whose clients wait.
const GRACE: Duration = Duration::from_secs(20);
