//! How far each exchange's clock is from ours. Asked for before the first signed request, again now and then, and
//! whenever the exchange says that our time is wrong. Virtual pairs are judged by our own clock, not by this.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use exchange::{Definition, Probe};
use tokio::sync::Mutex;

use super::Place;
use crate::app::App;

/// One per exchange and environment.
#[derive(Default)]
pub struct Skews(RwLock<HashMap<String, HashMap<String, Arc<Skew>>>>);

#[derive(Default)]
struct Skew {
    /// Exchange minus us.
    offset_ms: AtomicI64,
    /// When it was asked for, by our clock; 0 is never.
    asked_ms: AtomicI64,
    /// One asks, the others wait for the answer.
    asking: Mutex<()>,
}

impl Skews {
    /// What to add to our time. The first caller asks the exchange.
    pub async fn offset_ms(&self, app: &App, definition: &Definition, environment: &str) -> i64 {
        let skew = self.of(definition.id(), environment);
        skew.renew_after(GOOD_FOR_MS, app, definition, environment).await;
        skew.offset_ms.load(Ordering::Acquire)
    }

    /// The exchange did not like our time. It is asked again, but not again and again.
    pub async fn ask_again(&self, app: &App, definition: &Definition, environment: &str) {
        let skew = self.of(definition.id(), environment);
        skew.renew_after(NOT_BEFORE_MS, app, definition, environment).await;
    }

    fn of(&self, exchange: &str, environment: &str) -> Arc<Skew> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(skew) = known.get(exchange).and_then(|own| own.get(environment)) {
            return skew.clone();
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(exchange.to_owned()).or_default().entry(environment.to_owned()).or_default().clone()
    }
}

impl Skew {
    async fn renew_after(&self, ms: i64, app: &App, definition: &Definition, environment: &str) {
        let is_old = || app.clock.now_ms() - self.asked_ms.load(Ordering::Acquire) > ms;
        if is_old() {
            let _asking = self.asking.lock().await;
            if is_old() {
                Box::pin(self.renew(app, definition, environment)).await;
            }
        }
    }

    /// Keeps the old offset if the exchange does not say.
    async fn renew(&self, app: &App, definition: &Definition, environment: &str) {
        let asked = tokio::time::timeout(PATIENCE, ask(app, definition, environment)).await;
        let (exchange, offset_ms) = (definition.id(), asked.ok().flatten());
        match offset_ms {
            None => tracing::warn!(exchange, "an exchange does not say what time it is"),
            Some(offset_ms) if offset_ms.abs() > BELIEVED_MS => {
                tracing::error!(
                    exchange,
                    offset_ms,
                    "an exchange's clock is too far from ours to be believed"
                );
            }
            Some(offset_ms) => {
                self.offset_ms.store(offset_ms, Ordering::Release);
                if offset_ms.abs() > WORTH_A_WARNING_MS {
                    tracing::warn!(exchange, offset_ms, "this machine's clock is off");
                }
            }
        }
        self.asked_ms.store(app.clock.now_ms(), Ordering::Release);
    }
}

/// The offset, measured at the middle of the round trip. An HTTP date has whole seconds: its middle is meant.
async fn ask(app: &App, definition: &Definition, environment: &str) -> Option<i64> {
    let request = definition.probe(Probe::Time, "", "")?;
    let upstream = definition.upstream(environment, &request)?;
    let outgoing = definition.unsigned(&request, &upstream);
    let before_ms = app.clock.now_ms();
    let outcome = app.upstream.send(&outgoing).await;
    let after_ms = app.clock.now_ms();
    let place = Place::new(definition, environment, &request, None);
    app.gate.queues.heard(app, &place, before_ms, &outcome, None);
    let answer = outcome.ok()?;
    let date = answer.headers.get("date");
    let told = definition.read_time(&answer.body, date).ok().and_then(|ms| i64::try_from(ms).ok())?;
    let told = if told % 1000 == 0 { told + 500 } else { told };
    let middle = before_ms + (after_ms - before_ms) / 2;
    // what a whole second may hide is no reason to change anything
    let offset_ms = told - middle;
    Some(if told % 1000 == 500 && offset_ms.abs() <= 1000 { 0 } else { offset_ms })
}

const GOOD_FOR_MS: i64 = 10 * 60 * 1000;
const NOT_BEFORE_MS: i64 = 2000;
const PATIENCE: Duration = Duration::from_secs(2);
/// A clock that is further off is somebody's mistake, and signing by it could make a signature last too long.
const BELIEVED_MS: i64 = 10 * 60 * 1000;
const WORTH_A_WARNING_MS: i64 = 1000;
