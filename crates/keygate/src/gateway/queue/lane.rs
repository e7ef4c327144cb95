//! Lanes: one request of a key at a time. Who waits is let in by rank, then by age.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot};
use uuid::Uuid;

use super::{Late, Rank, nonce};

/// The lanes that are in use.
#[derive(Clone, Default)]
pub struct Lanes(Arc<Mutex<HashMap<Uuid, Lane>>>);

#[derive(Default)]
struct Lane {
    tickets: u64,
    waiting: BTreeMap<(Rank, u64), oneshot::Sender<()>>,
}

/// The lane is this request's until it is dropped.
pub struct Pass {
    lanes: Lanes,
    key: Uuid,
    lock: Option<nonce::Lock>,
}

impl Lanes {
    /// Waits for the lane of a key, at most so long.
    pub async fn enter(&self, key: Uuid, rank: Rank, patience_ms: u64) -> Result<Pass, Late> {
        let Some((ticket, called)) = self.queue_up(key, rank)? else { return Ok(self.pass(key)) };
        let waited = tokio::time::timeout(Duration::from_millis(patience_ms), called).await;
        match waited {
            Ok(_) => Ok(self.pass(key)),
            // Called at the very end of its patience: the ticket is gone, and the lane is ours all the same.
            Err(_) if !self.give_up(key, ticket) => Ok(self.pass(key)),
            Err(_) => Err(Late { retry_after_ms: 1000 }),
        }
    }

    /// `None`: nobody is in the lane. Otherwise a ticket, and a call when its turn has come.
    #[expect(clippy::type_complexity, reason = "a ticket and its call, used once above")]
    fn queue_up(&self, key: Uuid, rank: Rank) -> Result<Option<((Rank, u64), oneshot::Receiver<()>)>, Late> {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(&key) else {
            lanes.insert(key, Lane::default());
            return Ok(None);
        };
        if lane.waiting.len() >= MOST_WAITING {
            return Err(Late { retry_after_ms: 1000 });
        }
        lane.tickets += 1;
        let (call, called) = oneshot::channel();
        let ticket = (rank, lane.tickets);
        lane.waiting.insert(ticket, call);
        Ok(Some((ticket, called)))
    }

    /// False: the ticket was called already.
    fn give_up(&self, key: Uuid, ticket: (Rank, u64)) -> bool {
        self.lock().get_mut(&key).is_some_and(|lane| lane.waiting.remove(&ticket).is_some())
    }

    /// Calls the most urgent one that still waits, or closes the lane.
    fn next(&self, key: Uuid) {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(&key) else { return };
        while let Some((_, call)) = lane.waiting.pop_first() {
            if call.send(()).is_ok() {
                return;
            }
        }
        lanes.remove(&key);
    }

    fn pass(&self, key: Uuid) -> Pass {
        Pass { lanes: self.clone(), key, lock: None }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Keeps the lock that holds the lane against the other replicas.
    pub fn keep(&mut self, lock: nonce::Lock) {
        self.lock = Some(lock);
    }

    /// Leaves the lane on all replicas.
    pub async fn leave(mut self) {
        if let Some(lock) = self.lock.take() {
            lock.release().await;
        }
    }
}

impl Drop for Pass {
    /// Also for whoever leaves early: nothing was sent after all, or its task ended.
    fn drop(&mut self) {
        if let (Some(lock), Ok(runtime)) = (self.lock.take(), Handle::try_current()) {
            runtime.spawn(lock.release());
        }
        self.lanes.next(self.key);
    }
}

const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Uuid = Uuid::from_u128(7);

    async fn enter(lanes: &Lanes, rank: Rank) -> Result<Pass, Late> {
        lanes.enter(KEY, rank, 2000).await
    }

    #[tokio::test]
    async fn a_cancel_goes_before_an_order_and_an_order_before_a_read() {
        let lanes = Lanes::default();
        let first = enter(&lanes, Rank::Read).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for rank in [Rank::Read, Rank::Order, Rank::Read, Rank::Cancel] {
            let (own, order) = (lanes.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let _pass = enter(&own, rank).await.unwrap();
                order.lock().unwrap().push(rank);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [Rank::Cancel, Rank::Order, Rank::Read, Rank::Read]);
        assert!(lanes.lock().is_empty(), "an empty lane is forgotten");
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_told_and_the_lane_goes_on() {
        let lanes = Lanes::default();
        let first = enter(&lanes, Rank::Order).await.unwrap();
        assert!(lanes.enter(KEY, Rank::Order, 20).await.is_err());
        assert!(
            lanes.enter(Uuid::from_u128(8), Rank::Read, 20).await.is_ok(),
            "another key has its own lane"
        );
        drop(first);
        assert!(lanes.enter(KEY, Rank::Read, 20).await.is_ok());
    }

    #[tokio::test]
    async fn one_that_went_away_while_it_waited_blocks_nobody() {
        let lanes = Lanes::default();
        let first = enter(&lanes, Rank::Order).await.unwrap();
        let own = lanes.clone();
        let gone = tokio::spawn(async move { enter(&own, Rank::Cancel).await.map(drop) });
        tokio::task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        drop(first);
        assert!(lanes.enter(KEY, Rank::Read, 20).await.is_ok());
    }
}
