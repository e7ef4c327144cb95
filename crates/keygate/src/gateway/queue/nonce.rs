//! The nonce authority: the last nonce of a key stands in the database, so it rises across replicas and restarts.
//!
//! A key's nonce is taken together with a lock that this instance holds until the exchange has answered: requests
//! of one key leave in the order of their nonces, whichever replica sends them. The lock belongs to a connection of
//! its own and ends with it, so a replica that dies holds nobody up.

use std::time::Duration;

use super::{Late, Whose};
use crate::{app::App, db::Db, gateway::Denial};

mod store;

/// The lane of a key, held against the other replicas until [`Lock::release`].
pub struct Lock {
    db: Db,
    whose: Whose,
}

/// A nonce that nobody else has or had.
pub struct Held {
    pub last: u64,
    pub lock: Lock,
}

/// Takes the lock and the next nonce: the natural one of now, or one more than the last. Waits for another replica
/// as long as a request may wait.
pub async fn take(app: &App, whose: Whose, natural: u64) -> Result<Held, Denial> {
    let natural =
        i64::try_from(natural).map_err(|_| Denial::down("a nonce does not fit into the database"))?;
    let mut patience_ms = app.config.gateway.queue_wait_ms;
    loop {
        if let Some(last) = store::try_take(app, whose, natural).await.map_err(Denial::down)? {
            return Ok(Held { last: last.unsigned_abs(), lock: Lock { db: app.db.clone(), whose } });
        }
        if patience_ms == 0 {
            return Err(Late { retry_after_ms: 1000 }.into());
        }
        let pause = patience_ms.min(PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        patience_ms -= pause;
    }
}

impl Lock {
    /// Lets the other replicas have the lane. If the database is gone, so are the connection and its locks.
    pub async fn release(self) {
        if let Err(error) = store::unlock(&self.db, self.whose).await {
            tracing::warn!(%error, "the lane of a key could not be handed on; it ends with its connection");
        }
    }
}

const PAUSE_MS: u64 = 15;
