//! Bitget: spot of the classic account (`/api/v2`). The unified account (`/api/v3`) is refused, as it is to
//! everyone who has not got one.

mod account;
mod auth;
mod error;
mod history;
mod order;
mod public;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Ask, Dialect, Failure, House, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Bitget;

type Reply = house::Reply<Bitget>;

impl Dialect for Bitget {
    const ID: &'static str = "bitget";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES];

    fn success(data: Value, request: &Received) -> Answer {
        let body = json!({ "code": "00000", "msg": "success", "requestTime": request.at_ms, "data": data });
        with_budget(Answer::json(200, &body))
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        with_budget(error.answer(request.at_ms))
    }

    fn rate_limited(request: &Received, _: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer.with("x-mbx-used-remain-limit", 0)
    }
}

/// Every answer says how many calls are left in this second; here they never run out.
fn with_budget(answer: Answer) -> Answer {
    answer.with("x-mbx-used-remain-limit", 19)
}

/// The pair that the parameter `symbol` names.
fn pair(house: &House<Bitget>, ask: &Ask) -> Result<usize, Error> {
    named(house, &ask.params.text("symbol").ok_or(Error::NO_SYMBOL)?)
}

/// The pair that the parameter `symbol` names, if it is there.
fn optional_pair(house: &House<Bitget>, ask: &Ask) -> Result<Option<usize>, Error> {
    ask.params.text("symbol").map(|symbol| named(house, &symbol)).transpose()
}

fn named(house: &House<Bitget>, symbol: &str) -> Result<usize, Error> {
    house.desk.floor.pair_index(symbol).ok_or(Error::SYMBOL)
}

/// How many are asked for by `limit`.
fn limit(ask: &Ask, usual: usize, most: usize) -> Result<usize, Error> {
    let limit = ask.params.count("limit", usual, usize::MAX);
    limit.map(|limit| limit.min(most)).ok_or(Error::PARAMETER)
}
