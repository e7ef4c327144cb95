//! Public market data: kept for a short time and asked for once, however many bots want it at the same moment. Every
//! start of a bot loads the same lists, and exchanges count such calls by address.
//!
//! Only successful answers are kept. What describes the exchange is kept for a minute, prices for a moment, and
//! the exchange's time never.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use exchange::{Class, ExchangeError, Method, SignLevel, Signed};
use http::{StatusCode, header::USER_AGENT};
use moka::{Expiry, future::Cache};

use super::{
    Call, Denial,
    queue::{Rank, Turn},
};
use crate::{
    config,
    upstream::{Answer, Failure},
};

pub struct Market {
    answers: Cache<String, Kept>,
    fresh: Duration,
    slow: Duration,
}

/// A successful answer, and how long it is good.
#[derive(Clone)]
struct Kept {
    answer: Answer,
    since: Instant,
    good_for: Duration,
}

/// What became of a public request. `error` is the exchange's, if it answered with one, whatever the status.
#[derive(Clone)]
pub(super) struct Asked {
    pub outcome: Result<Answer, Failure>,
    pub error: Option<ExchangeError>,
}

/// Nothing that can be kept.
type Missed = Result<Asked, Denial>;

/// What is asked, and under which name its answer is kept.
struct Question<'a> {
    environment: &'a str,
    key: String,
    outgoing: Signed,
    good_for: Duration,
    rank: Rank,
}

impl Market {
    pub fn new(settings: &config::Gateway) -> Self {
        let answers = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(|key: &String, kept: &Kept| {
                u32::try_from(key.len() + kept.answer.body.len()).unwrap_or(u32::MAX)
            })
            .expire_after(ByKind)
            .build();
        let ms = Duration::from_millis;
        Market { answers, fresh: ms(settings.public_fresh_ms), slow: ms(settings.public_slow_ms) }
    }
}

/// Each answer says for itself how long it is good.
struct ByKind;

impl Expiry<String, Kept> for ByKind {
    fn expire_after_create(&self, _: &String, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.good_for.saturating_sub(kept.since.elapsed()))
    }
}

impl Call<'_> {
    /// Whether anyone may ask this: it is sent without a key.
    pub(super) fn is_public(&self) -> bool {
        self.request.sign_level() == SignLevel::Unsigned && self.request.class() == Class::Public
    }

    /// The answer to a public request, from an environment of the exchange or from a moment ago.
    pub(super) async fn public_answer(&self, environment: &str, rank: Rank) -> Result<Asked, Denial> {
        let outgoing = self.outgoing(environment)?;
        let Some(good_for) = self.good_for() else { return self.asked_now(environment, rank).await };
        let question = Question { environment, key: key(&outgoing), outgoing, good_for, rank };
        let kept = match rank {
            Rank::Stranger => Box::pin(self.kept_for_strangers(question)).await,
            Rank::Cancel | Rank::Order | Rank::Read => self.kept(question, None).await,
        };
        kept.map_or_else(|missed| missed, |kept| Ok(kept.asked()))
    }

    /// The same past everything that is kept.
    pub(super) async fn asked_now(&self, environment: &str, rank: Rank) -> Result<Asked, Denial> {
        let outgoing = self.outgoing(environment)?;
        let turn = self.turn_of(environment, rank).await?;
        Ok(self.carried(&outgoing, turn).await)
    }

    /// Everyone who waits for it gets the same.
    async fn kept(&self, question: Question<'_>, turn: Option<Turn<'_>>) -> Result<Kept, Missed> {
        let Question { environment, key, outgoing, good_for, rank } = question;
        let fetch = async {
            let turn = match turn {
                Some(turn) => turn,
                None => self.turn_of(environment, rank).await.map_err(Err)?,
            };
            match self.carried(&outgoing, turn).await {
                Asked { outcome: Ok(answer), error: None } if answer.status == StatusCode::OK => {
                    Ok(Kept { answer, since: Instant::now(), good_for })
                }
                miss => Err(Ok(miss)),
            }
        };
        let answers = &self.app.gate.market.answers;
        answers.try_get_with(key, fetch).await.map_err(Arc::unwrap_or_clone)
    }

    /// Strangers wait for their turn among themselves: nobody else is refused because they are.
    async fn kept_for_strangers(&self, question: Question<'_>) -> Result<Kept, Missed> {
        let answers = &self.app.gate.market.answers;
        let among_themselves = format!("\n{}", question.key);
        let fetch = async {
            if let Some(kept) = answers.get(&question.key).await {
                return Ok(kept);
            }
            let turn = self.turn_of(question.environment, question.rank).await.map_err(Err)?;
            self.kept(question, Some(turn)).await
        };
        answers.try_get_with(among_themselves, fetch).await.map_err(Arc::unwrap_or_clone)
    }

    /// How long an answer may be given again; `None` if it may not.
    fn good_for(&self) -> Option<Duration> {
        let Call { definition, request, .. } = self;
        let market = &self.app.gate.market;
        let good_for = if definition.is_slow(request) { market.slow } else { market.fresh };
        let kept = request.method() == Method::Get && !definition.asks_time(request) && !good_for.is_zero();
        kept.then_some(good_for)
    }

    fn outgoing(&self, environment: &str) -> Result<Signed, Denial> {
        Ok(self.definition.unsigned(&self.request, &self.upstream(environment)?))
    }

    async fn turn_of<'a>(&'a self, environment: &'a str, rank: Rank) -> Result<Turn<'a>, Denial> {
        let queues = &self.app.gate.queues;
        let _line = match rank {
            Rank::Stranger => Some(queues.strangers.line(&self.client)?),
            Rank::Cancel | Rank::Order | Rank::Read => None,
        };
        Ok(queues.turn(self.app, self.keyless(environment, rank)).await?)
    }

    async fn carried(&self, outgoing: &Signed, turn: Turn<'_>) -> Asked {
        let outcome = self.app.upstream.send(outgoing).await;
        let error = self.error(&outcome);
        turn.end(self.app, &outcome, error.as_ref().map(|error| error.kind)).await;
        Asked { outcome, error }
    }
}

impl Kept {
    /// The answer with its age (RFC 9111, section 5.1), so that nobody takes it for a newer one.
    fn asked(self) -> Asked {
        let answer = Answer { age: Some(self.since.elapsed().as_secs()), ..self.answer };
        Asked { outcome: Ok(answer), error: None }
    }
}

/// Two requests are the same if they go to the same address with the same headers; who the client is does not count.
fn key(outgoing: &Signed) -> String {
    let headers = outgoing.headers.iter().filter(|(name, _)| **name != *USER_AGENT.as_str());
    let headers: String = headers.map(|(name, value)| format!("\n{name}: {value}")).collect();
    format!("{}{headers}", outgoing.url())
}

const MOST_BYTES: u64 = 64 * 1024 * 1024;
