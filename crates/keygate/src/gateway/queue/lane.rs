//! Lanes: one request of a key at a time. Who waits is let in by rank, then by age.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot};
use uuid::Uuid;

use super::{Late, Rank, Whose, nonce};
use crate::app::App;

/// The lanes that are in use.
#[derive(Clone, Default)]
pub struct Lanes(Arc<Mutex<HashMap<Uuid, Lane>>>);

#[derive(Default)]
struct Lane {
    tickets: u64,
    waiting: BTreeMap<(Rank, u64), oneshot::Sender<Pass>>,
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
        let Some((ticket, mut called)) = self.queue_up(key, rank)? else { return Ok(self.pass(key)) };
        let waited = tokio::time::timeout(Duration::from_millis(patience_ms), &mut called).await;
        let called = match waited {
            Ok(called) => called,
            Err(_) if self.give_up(key, ticket) => return Err(LATE),
            // Called at the very end of its patience: the ticket is gone, and the pass is here or about to be.
            Err(_) => called.await,
        };
        called.map_err(|_| LATE)
    }

    /// `None`: nobody is in the lane. Otherwise a ticket, and a call when its turn has come.
    #[expect(clippy::type_complexity, reason = "a ticket and its call, used once above")]
    fn queue_up(
        &self,
        key: Uuid,
        rank: Rank,
    ) -> Result<Option<((Rank, u64), oneshot::Receiver<Pass>)>, Late> {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(&key) else {
            lanes.insert(key, Lane::default());
            return Ok(None);
        };
        if lane.waiting.len() >= MOST_WAITING {
            return Err(LATE);
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

    /// Gives the pass to the most urgent one that still waits, or closes the lane. A pass that nobody takes is dropped, and
    /// with it the lane goes on to the next.
    fn next(&self, key: Uuid) {
        if let Some(call) = self.call(key) {
            let _ = call.send(self.pass(key));
        }
    }

    fn call(&self, key: Uuid) -> Option<oneshot::Sender<Pass>> {
        let mut lanes = self.lock();
        let called = lanes.get_mut(&key)?.waiting.pop_first();
        if called.is_none() {
            lanes.remove(&key);
        }
        called.map(|(_, call)| call)
    }

    fn pass(&self, key: Uuid) -> Pass {
        Pass { lanes: self.clone(), key, lock: None }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// What holds the lane against the other replicas. It is given back before the next one here is let in.
    pub fn lock(&mut self, app: &App, whose: Whose) -> &mut nonce::Lock {
        self.lock.get_or_insert_with(|| nonce::Lock::new(app, whose))
    }
}

impl Drop for Pass {
    /// Leaves the lane: after the answer, and when nothing was sent after all or the request went away.
    fn drop(&mut self) {
        let (lanes, key) = (self.lanes.clone(), self.key);
        match (self.lock.take().filter(nonce::Lock::may_be_held), Handle::try_current()) {
            (Some(lock), Ok(runtime)) => {
                runtime.spawn(async move {
                    lock.release().await;
                    lanes.next(key);
                });
            }
            _ => lanes.next(key),
        }
    }
}

const LATE: Late = Late { retry_after_ms: 1000 };
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

    /// Polled once, so that it has its ticket.
    fn poll_once<F: Future>(waiting: std::pin::Pin<&mut F>) {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.poll(&mut context).is_pending());
    }

    #[tokio::test]
    async fn one_that_goes_away_when_its_turn_has_come_blocks_nobody() {
        let lanes = Lanes::default();
        let first = enter(&lanes, Rank::Order).await.unwrap();
        let mut gone = Box::pin(enter(&lanes, Rank::Cancel));
        poll_once(gone.as_mut());
        let mut behind = Box::pin(enter(&lanes, Rank::Read));
        poll_once(behind.as_mut());
        drop(first);
        drop(gone);
        drop(behind.await.unwrap());
        assert!(lanes.lock().is_empty(), "an empty lane is forgotten");
    }

    #[tokio::test]
    async fn a_lane_full_of_those_that_went_away_is_free_at_once() {
        let lanes = Lanes::default();
        let first = enter(&lanes, Rank::Order).await.unwrap();
        for _ in 0..MOST_WAITING {
            let mut gone = Box::pin(enter(&lanes, Rank::Order));
            poll_once(gone.as_mut());
        }
        drop(first);
        assert!(lanes.enter(KEY, Rank::Read, 20).await.is_ok());
    }
}
