//! Frames that were sent to the exchange and are not answered yet.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use exchange::{ExchangeError, FrameAnswer};
use http::StatusCode;

use crate::{
    gateway::{
        Account, Call,
        queue::{Place, Rank, Seat},
        record,
    },
    upstream::{Answer, Failure, Headers},
};

/// By id, as JSON.
#[derive(Default)]
pub struct Pending<'a> {
    frames: HashMap<String, Sent<'a>>,
    /// Ids of subscriptions: what is refused by one of these alone may have been the subscription.
    listening: HashSet<String>,
}

/// A frame under way. Without an account it is public, and leaves no record.
pub struct Sent<'a> {
    pub call: Call<'a>,
    /// As the client wrote it.
    pub method: String,
    pub account: Option<Arc<Account>>,
    pub environment: String,
    pub started: Instant,
    /// The place among strangers' calls, where nobody has shown a key.
    pub seat: Option<Seat>,
}

impl<'a> Pending<'a> {
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn has(&self, id: &str) -> bool {
        self.frames.contains_key(id)
    }

    pub fn insert(&mut self, id: &str, sent: Sent<'a>) {
        self.frames.insert(id.to_owned(), sent);
    }

    /// A subscription leaves, which nobody waits for.
    pub fn listens(&mut self, id: &str) {
        if id != "null" && self.listening.len() <= REMEMBERED {
            self.listening.insert(id.to_owned());
        }
    }

    /// What this answers. An answer without an id is that of the only frame with its method; of several, nobody can say.
    pub fn take(&mut self, answer: &FrameAnswer) -> Option<Sent<'a>> {
        if let Some(id) = &answer.id {
            let unsure = self.listening.contains(id) || self.listening.len() > REMEMBERED;
            if answer.method.is_none() && unsure {
                return None;
            }
            return self.frames.remove(id);
        }
        let method = answer.method.as_deref()?;
        let mut own = self.frames.iter().filter(|(_, sent)| sent.method == method).map(|(id, _)| id.clone());
        let id = own.next().filter(|_| own.next().is_none())?;
        self.frames.remove(&id)
    }

    /// How long the oldest has been waiting.
    pub fn oldest(&self) -> Option<Instant> {
        self.frames.values().map(|sent| sent.started).min()
    }

    pub fn drain(&mut self) -> Vec<Sent<'a>> {
        self.frames.drain().map(|(_, sent)| sent).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Sent<'a>)> {
        self.frames.iter()
    }
}

/// Where there were more subscriptions, no answer is matched by its id alone.
const REMEMBERED: usize = 1000;

impl Sent<'_> {
    /// Records what the exchange answered.
    pub async fn settle(&self, answer: &FrameAnswer) {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let said = if answer.error.is_empty() { &answer.said } else { &answer.error };
        let body = Bytes::copy_from_slice(said);
        let error = self.call.definition.frame_error(answer);
        let outcome = Ok(Answer { status, headers: self.headers(answer), body, age: None });
        let place = self.call.place(&self.environment, self.account.as_deref());
        let rank = if self.seat.is_some() { Rank::Stranger } else { place.rank };
        let place = Place { rank, ..place };
        let kind = error.as_ref().map(|error| error.kind);
        let taken_up = self.call.begun;
        let left_ms = taken_up.unix_timestamp() * 1000 + i64::from(taken_up.millisecond());
        self.call.app.gate.queues.answered(self.call.app, place, left_ms, &outcome, kind).await;
        self.record(&outcome, error).await;
    }

    /// What it says of the exchange's budgets, as a request's answer would.
    fn headers(&self, answer: &FrameAnswer) -> Headers {
        let now_ms = u64::try_from(self.call.app.clock.now_ms()).unwrap_or(0);
        let wait = answer.retry_after_s(now_ms).map(|seconds| seconds.to_string());
        let counts = answer.counts.iter().map(|(name, count)| (name.as_str(), count.as_str()));
        Headers::told(counts.chain(wait.as_deref().map(|wait| ("retry-after", wait))))
    }

    /// Records that nobody knows what became of it.
    pub async fn lose(&self, reason: &str) {
        self.record(&Err(Failure::Unknown(reason.to_owned())), None).await;
    }

    async fn record(&self, outcome: &Result<Answer, Failure>, error: Option<ExchangeError>) {
        let (Some(account), took) = (&self.account, self.started.elapsed()) else { return };
        match self.call.request.class().moves_money() {
            true => record::outcome(&self.call, account, outcome, error, took).await,
            false => record::later(&self.call, account, outcome, error, took).await,
        }
    }
}
