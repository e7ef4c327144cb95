//! Gate: spot and wallet of API v4.

mod account;
mod auth;
mod error;
mod history;
mod order;
mod public;

use serde_json::Value;

use self::error::Error;
use crate::house::{self, Ask, Dialect, Failure, House, Route};
use crate::params::Params;
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Gate;

type Reply = house::Reply<Gate>;

impl Dialect for Gate {
    const ID: &'static str = "gate";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES];

    /// A new order is created, a withdrawal is only accepted.
    fn success(body: Value, request: &Received) -> Answer {
        let status = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v4/spot/orders") => 201,
            ("POST", "/api/v4/withdrawals") => 202,
            _ => 200,
        };
        with_budget(Answer::json(status, &body), request)
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        with_budget(error.answer(), request)
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer
            .with("x-gate-ratelimit-requests-remain", 0)
            .with("x-gate-ratelimit-reset-timestamp", request.at_ms / 1000 + i64::from(retry_after_s))
    }
}

/// Every answer says what is left of the budget of this second; here it never runs out.
fn with_budget(answer: Answer, request: &Received) -> Answer {
    answer
        .with("x-gate-ratelimit-limit", 200)
        .with("x-gate-ratelimit-requests-remain", 199)
        .with("x-gate-ratelimit-reset-timestamp", request.at_ms / 1000 + 1)
}

/// The pair that `currency_pair` names, such as `BTC_USDT`.
fn pair(house: &House<Gate>, params: &Params) -> Result<usize, Error> {
    named(house, &params.text("currency_pair").ok_or(Error::NO_PAIR)?)
}

/// The pair that `currency_pair` names, if it is there.
fn optional_pair(house: &House<Gate>, ask: &Ask) -> Result<Option<usize>, Error> {
    ask.params.text("currency_pair").map(|name| named(house, &name)).transpose()
}

fn named(house: &House<Gate>, name: &str) -> Result<usize, Error> {
    house.desk.floor.pair_named(name, "_").ok_or(Error::PAIR)
}

fn name(pair: &crate::config::Pair) -> String {
    format!("{}_{}", pair.base, pair.quote)
}

/// How many are asked for by `limit`.
fn limit(ask: &Ask, usual: usize) -> Result<usize, Error> {
    ask.params.count("limit", usual, 1000).ok_or(Error::LIMIT)
}

/// Whole seconds, as a text.
fn seconds(ms: i64) -> String {
    (ms / 1000).to_string()
}
