//! How far each exchange's clock is from ours. Asked for before the first signed request, again now and then, and
//! whenever the exchange says that our time is wrong. Virtual pairs are judged by our own clock, not by this.

use std::{collections::HashMap, sync::Arc, time::Duration};

use exchange::{Definition, Probe};
use tokio::sync::{Mutex, RwLock};

use super::Place;
use crate::{app::App, upstream::Outgoing};

/// One per exchange and environment.
#[derive(Default)]
pub struct Skews(RwLock<HashMap<(String, String), Arc<Mutex<Skew>>>>);

#[derive(Clone, Copy, Default)]
struct Skew {
    /// Exchange minus us.
    offset_ms: i64,
    /// When it was asked for, by our clock; 0 is never.
    asked_ms: i64,
}

impl Skews {
    /// What to add to our time. The first caller asks the exchange, the others wait for the answer.
    pub async fn offset_ms(&self, app: &App, definition: &Definition, environment: &str) -> i64 {
        let known = self.of(definition, environment).await;
        let mut skew = known.lock().await;
        if app.clock.now_ms() - skew.asked_ms > GOOD_FOR_MS {
            skew.renew(app, definition, environment).await;
        }
        skew.offset_ms
    }

    /// The exchange did not like our time. It is asked again, but not again and again.
    pub async fn ask_again(&self, app: &App, definition: &Definition, environment: &str) {
        let known = self.of(definition, environment).await;
        let mut skew = known.lock().await;
        if app.clock.now_ms() - skew.asked_ms > NOT_BEFORE_MS {
            skew.renew(app, definition, environment).await;
        }
    }

    async fn of(&self, definition: &Definition, environment: &str) -> Arc<Mutex<Skew>> {
        let key = (definition.id().to_owned(), environment.to_owned());
        if let Some(known) = self.0.read().await.get(&key) {
            return known.clone();
        }
        self.0.write().await.entry(key).or_default().clone()
    }
}

impl Skew {
    /// Keeps the old offset if the exchange does not say.
    async fn renew(&mut self, app: &App, definition: &Definition, environment: &str) {
        let asked = tokio::time::timeout(PATIENCE, ask(app, definition, environment)).await;
        self.asked_ms = app.clock.now_ms();
        match asked {
            Ok(Some(offset_ms)) if offset_ms.abs() <= BELIEVED_MS => self.offset_ms = offset_ms,
            Ok(Some(offset_ms)) => {
                tracing::error!(
                    exchange = definition.id(),
                    offset_ms,
                    "an exchange's clock is too far from ours to be believed"
                );
            }
            Ok(None) | Err(_) => {
                tracing::warn!(exchange = definition.id(), "an exchange does not say what time it is");
            }
        }
        if self.offset_ms.abs() > WORTH_A_WARNING_MS {
            tracing::warn!(
                exchange = definition.id(),
                offset_ms = self.offset_ms,
                "this machine's clock is off"
            );
        }
    }
}

/// The offset, measured at the middle of the round trip. An HTTP date has whole seconds: its middle is meant.
async fn ask(app: &App, definition: &Definition, environment: &str) -> Option<i64> {
    let request = definition.probe(Probe::Time, "", "")?;
    let upstream = definition.upstream(environment, &request)?;
    let outgoing = Outgoing::try_from(definition.unsigned(&request, &upstream)).ok()?;
    let before_ms = app.clock.now_ms();
    let outcome = app.upstream.send(outgoing).await;
    let after_ms = app.clock.now_ms();
    let place = Place { definition, environment, request: &request, whose: None };
    app.gate.queues.heard(app, &place, &outcome, None);
    let answer = outcome.ok()?;
    let date = answer.headers.get(http::header::DATE).and_then(|value| value.to_str().ok());
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
