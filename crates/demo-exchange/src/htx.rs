//! HTX, spot: the signature stands in the query, and covers the query alone. Everything is answered with 200.

mod account;
mod auth;
mod contract;
mod error;
mod history;
mod order;
mod public;

use serde_json::{Value, json};

use self::error::Error;
use crate::config::Pair;
use crate::floor::AccountId;
use crate::house::{self, Ask, Dialect, Failure, House, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Htx;

type Reply = house::Reply<Htx>;

impl Dialect for Htx {
    const ID: &'static str = "htx";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, contract::ROUTES, order::ROUTES, history::ROUTES, account::ROUTES];

    fn success(body: Value, request: &Received) -> Answer {
        let answer = Answer::json(200, &body);
        match auth::is_signed(request) {
            true => answer
                .with("x-hb-ratelimit-requests-remain", 99)
                .with("x-hb-ratelimit-requests-expire", request.at_ms + 2000),
            false => answer,
        }
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        error.answer(request)
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer
            .with("x-hb-ratelimit-requests-remain", 0)
            .with("x-hb-ratelimit-requests-expire", request.at_ms + i64::from(retry_after_s) * 1000)
    }
}

/// A success of the first API.
fn done(data: impl Into<Value>) -> Value {
    json!({ "status": "ok", "data": data.into() })
}

/// A success of the second API.
fn done_v2(data: impl Into<Value>) -> Value {
    json!({ "code": 200, "message": "success", "data": data.into() })
}

/// `btcusdt`
fn symbol(pair: &Pair) -> String {
    pair.symbol().to_lowercase()
}

fn pair_of(house: &House<Htx>, name: &str) -> Result<usize, Error> {
    house.desk.floor.pairs.iter().position(|pair| symbol(pair) == name).ok_or(Error::symbol())
}

/// The pair that `symbol` names; `None` if there is no such parameter.
fn optional_pair(house: &House<Htx>, ask: &Ask) -> Result<Option<usize>, Error> {
    ask.params.text("symbol").map(|name| pair_of(house, &name)).transpose()
}

fn pair(house: &House<Htx>, ask: &Ask) -> Result<usize, Error> {
    optional_pair(house, ask)?.ok_or_else(|| Error::missing("symbol"))
}

/// How many rows are wanted.
fn size(ask: &Ask, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count("size", usual, most).ok_or_else(|| Error::invalid("size"))
}

/// The number of a customer's spot account.
fn account_number(account: AccountId) -> usize {
    100_000 + account
}
