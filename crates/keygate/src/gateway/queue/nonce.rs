//! The nonce authority: the last nonce of a key stands in the database, so it rises across replicas and restarts.
//!
//! A key's nonce is taken together with a lock that this instance holds until the exchange has answered: requests
//! of one key leave in the order of their nonces, whichever replica sends them. The lock belongs to a connection of
//! its own and ends with it, so a replica that dies holds nobody up.

use std::time::Duration;

use super::{Late, Whose};
use crate::{
    app::App,
    db::{Db, Error},
    gateway::Denial,
};

mod store;

/// The lane of a key, held against the other replicas until [`Lock::release`]. It is there before the database is asked for
/// it: whoever goes away in between cannot know whether it was given.
pub struct Lock {
    db: Db,
    whose: Whose,
    may_be_held: bool,
}

/// Takes the lock and the next nonce: the natural one of now, or one more than the last. Waits for another replica
/// as long as a request may wait.
pub async fn take(app: &App, lock: &mut Lock, natural: u64) -> Result<u64, Denial> {
    let natural =
        i64::try_from(natural).map_err(|_| Denial::down("a nonce does not fit into the database"))?;
    let mut patience_ms = app.config.gateway.queue_wait_ms;
    loop {
        lock.may_be_held = true;
        if let Some(last) = store::try_take(&lock.db, lock.whose, natural).await.map_err(Denial::down)? {
            return Ok(last.unsigned_abs());
        }
        lock.may_be_held = false;
        if patience_ms == 0 {
            return Err(Late { retry_after_ms: 1000 }.into());
        }
        let pause = patience_ms.min(PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        patience_ms -= pause;
    }
}

impl Lock {
    pub fn new(app: &App, whose: Whose) -> Self {
        Lock { db: app.db.clone(), whose, may_be_held: false }
    }

    pub fn may_be_held(&self) -> bool {
        self.may_be_held
    }

    /// Lets the other replicas have the lane. It tries until the database has heard of it: a lock that stays with the
    /// connection shuts all of them out. When this instance stops, its connections end, and the locks with them.
    pub async fn release(self) {
        let mut pause = Duration::from_millis(PAUSE_MS);
        while let Err(error) = store::unlock(&self.db, self.whose).await {
            if matches!(error, Error::Interrupted | Error::Sql(sqlx::Error::PoolClosed)) {
                return;
            }
            tracing::warn!(%error, "the lane of a key could not be handed on yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

const PAUSE_MS: u64 = 15;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
