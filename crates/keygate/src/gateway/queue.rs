//! One queue per account, and one budget per exchange: who may send next, with which time and which nonce.
//!
//! Always holds: at exchanges that count nonces one request of a key is under way at a time, on all replicas
//! together, and its nonce is larger than every one before; a request waits for a bounded time only, and then
//! gets the exchange's own rate-limit answer; cancels go before orders, orders before reads, reads
//! before those of strangers.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use exchange::{Answer as Dialect, Definition, ErrorKind, NonceKind, Options, Reading, Request, Stamp};
use uuid::Uuid;

use super::Denial;
use crate::{
    app::App,
    upstream::{Answer, Failure},
};

mod budget;
mod handshakes;
mod lane;
mod nonce;
mod skew;
mod strangers;

pub use strangers::Seat;

/// What the queues of this instance know.
#[derive(Default)]
pub struct Queues {
    budgets: budget::Budgets,
    lanes: lane::Lanes,
    skews: skew::Skews,
    handshakes: handshakes::Handshakes,
    pub(super) strangers: strangers::Strangers,
    /// The last nonce of keys that are not stored yet, by its count of digits: units differ by thousands.
    unstored: Mutex<BTreeMap<u32, u64>>,
}

/// The order among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Cancel,
    Order,
    Read,
    /// Of whoever shows no key.
    Stranger,
}

/// A real key: whose it is, and which generation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    pub user: Uuid,
    pub api_key: Uuid,
}

/// Where a request is going.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub definition: &'a Definition,
    pub environment: &'a str,
    pub request: &'a Request,
    /// `None`: without a key, or with one that is not stored yet.
    pub whose: Option<Whose>,
    pub rank: Rank,
}

/// The right to send one request now. The next of the same lane goes when [`Turn::end`] was called, or this dropped.
pub struct Turn<'a> {
    place: Place<'a>,
    lane: Option<lane::Pass>,
    seat: Option<Seat>,
    /// When it was given.
    since_ms: i64,
}

/// It would have waited too long.
#[derive(Debug)]
pub struct Late {
    pub retry_after_ms: u64,
}

impl Queues {
    /// Waits until the exchange's budget and the account's lane have room, most urgent first.
    pub async fn turn<'a>(&self, app: &App, place: Place<'a>) -> Result<Turn<'a>, Late> {
        self.turn_within(app, place, app.config.gateway.queue_wait_ms).await
    }

    /// The same for at most so long.
    pub async fn turn_within<'a>(
        &self,
        app: &App,
        place: Place<'a>,
        patience_ms: u64,
    ) -> Result<Turn<'a>, Late> {
        let lane = match place.whose.filter(|_| counts_nonces(place.definition, place.request)) {
            Some(whose) => Some(Box::pin(self.lanes.enter(whose.api_key, place.rank, patience_ms)).await?),
            None => None,
        };
        let seat = match place.rank {
            Rank::Stranger => Some(Box::pin(self.strangers.seat(&place, patience_ms)).await?),
            Rank::Cancel | Rank::Order | Rank::Read => None,
        };
        self.budgets.admit(&app.clock, &place, patience_ms).await?;
        Ok(Turn { place, lane, seat, since_ms: app.clock.now_ms() })
    }

    /// Learns from the answer to what left then: what is left of the budget, whether our time is wrong.
    pub async fn answered(
        &self,
        app: &App,
        place: Place<'_>,
        left_ms: i64,
        outcome: &Result<Answer, Failure>,
        error: Option<ErrorKind>,
    ) {
        self.heard(app, &place, left_ms, outcome, error);
        if error == Some(ErrorKind::BadTimestamp) {
            self.doubt_time(app, place.definition, place.environment).await;
        }
    }

    /// The exchange did not like our time.
    pub(super) async fn doubt_time(&self, app: &App, definition: &Definition, environment: &str) {
        self.skews.ask_again(app, definition, environment).await;
    }

    /// A nonce for a key that is being tried: two questions of one millisecond need two.
    fn rising(&self, natural: u64) -> u64 {
        let mut last = self.unstored.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.entry(natural.checked_ilog10().unwrap_or(0)).or_default();
        *last = natural.max(*last + 1);
        *last
    }

    /// What an answer says about the budget. `error` is the exchange's, if it answered with one.
    fn heard(
        &self,
        app: &App,
        place: &Place<'_>,
        left_ms: i64,
        outcome: &Result<Answer, Failure>,
        error: Option<ErrorKind>,
    ) {
        if let Ok(answer) = outcome {
            self.budgets.heard(place, answer, error, (left_ms, app.clock.now_ms()));
        }
    }
}

impl Turn<'_> {
    /// The exchange's time by its own clock, and a nonce of the kind the request needs.
    pub async fn stamp(&mut self, app: &App, options: &Options) -> Result<Stamp, Denial> {
        let Place { definition, environment, request, whose, .. } = self.place;
        let offset_ms = app.gate.queues.skews.offset_ms(app, definition, environment).await;
        let now_ms = u64::try_from(app.clock.now_ms() + offset_ms).unwrap_or(0);
        let nonce = match definition.nonce_kind(request, options) {
            None => None,
            Some(kind) => Some(match (kind.count(now_ms), whose) {
                (None, _) => kind.text(now_ms, seal::random::array()),
                (Some(natural), None) => app.gate.queues.rising(natural).to_string(),
                (Some(natural), Some(whose)) => {
                    let lane = self.lane.as_mut();
                    let lane =
                        lane.ok_or_else(|| Denial::down("a nonce is taken in its key's lane alone"))?;
                    let lock = lane.lock(app, whose);
                    Box::pin(nonce::take(app, lock, natural)).await?.to_string()
                }
            }),
        };
        Ok(Stamp { now_ms, nonce })
    }

    /// Lets the next one go, and learns from the answer.
    pub async fn end(self, app: &App, outcome: &Result<Answer, Failure>, error: Option<ErrorKind>) {
        drop(self.lane);
        app.gate.queues.answered(app, self.place, self.since_ms, outcome, error).await;
        // a stranger's place is free once the exchange's count is known
        drop(self.seat);
    }

    /// What a stranger holds until the answer is here, however it comes.
    pub fn into_seat(self) -> Option<Seat> {
        self.seat
    }
}

impl<'a> Place<'a> {
    /// With the rank of the request.
    pub fn new(
        definition: &'a Definition,
        environment: &'a str,
        request: &'a Request,
        whose: Option<Whose>,
    ) -> Self {
        Place { definition, environment, request, whose, rank: Rank::of(request) }
    }
}

impl Rank {
    fn of(request: &Request) -> Rank {
        match (request.reading(), request.class().moves_money()) {
            (Reading::Cancel { .. }, _) => Rank::Cancel,
            (_, true) => Rank::Order,
            (_, false) => Rank::Read,
        }
    }
}

impl super::Call<'_> {
    /// Where this call is going.
    pub(super) fn place<'a>(&'a self, environment: &'a str, account: Option<&super::Account>) -> Place<'a> {
        let whose = account.map(super::Account::whose);
        Place::new(self.definition, environment, &self.request, whose)
    }

    /// The same without a key.
    pub(super) fn keyless<'a>(&'a self, environment: &'a str, rank: Rank) -> Place<'a> {
        Place { rank, ..self.place(environment, None) }
    }
}

/// Whether requests of a key must arrive in their order here: each has a larger nonce than the one before.
pub(super) fn counts_nonces(definition: &Definition, request: &Request) -> bool {
    definition.nonce_kind(request, &Options::default()).is_some_and(NonceKind::is_counter)
}

impl From<Late> for Denial {
    fn from(late: Late) -> Denial {
        Denial {
            kind: Dialect::RateLimited { retry_after: Some(late.retry_after_ms.div_ceil(1000).max(1)) },
            rule: "queue",
            text: "the exchange's request budget is used up for now; nothing was sent".to_owned(),
        }
    }
}
