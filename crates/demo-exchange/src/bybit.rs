//! Bybit's API, version 5, as far as spot clients of a unified account call it.
//!
//! Everything is answered with HTTP 200; `retCode` says whether it was done. A batch has a code for each of its
//! parts in `retExtInfo`.

mod account;
mod auth;
mod error;
mod history;
mod order;
mod public;
mod socket;
mod topic;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Ask, Dialect, Failure, House, Route};
use crate::params::Params;
use crate::request::{Answer, Received};
use crate::socket::{Said, Talk};

#[derive(Default)]
pub(crate) struct Bybit;

type Reply = house::Reply<Bybit>;

impl Dialect for Bybit {
    const ID: &'static str = "bybit";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES];

    fn success(mut result: Value, request: &Received) -> Answer {
        let parts = result.as_object_mut().and_then(|fields| fields.remove(PARTS));
        let body = json!({ "retCode": 0, "retMsg": "OK", "result": result, "time": request.at_ms,
                           "retExtInfo": parts.map_or(json!({}), |list| json!({ "list": list })) });
        budgeted(Answer::json(200, &body), request)
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        budgeted(error.answer(request.at_ms), request)
    }

    fn talks_at(path: &str) -> bool {
        [socket::PRIVATE, socket::TRADE].contains(&path)
    }

    fn hear(house: &mut House<Self>, talk: &mut Talk, frame: &Received) -> Option<Said> {
        Some(socket::hear(house, talk, frame))
    }

    fn news(house: &House<Self>, talk: &mut Talk, now: i64) -> Vec<String> {
        topic::news(house, talk, now)
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer
            .with("x-bapi-limit-status", 0)
            .with("x-bapi-limit-reset-timestamp", request.at_ms + i64::from(retry_after_s) * 1000)
    }
}

/// Under this name a batch hands up the codes of its parts.
const PARTS: &str = "parts";

/// Calls with a key are told how many more they may make this second.
fn budgeted(answer: Answer, request: &Received) -> Answer {
    if request.header("x-bapi-api-key").is_none() {
        return answer;
    }
    let answer = answer.with("x-bapi-limit", 50).with("x-bapi-limit-status", 49);
    answer.with("x-bapi-limit-reset-timestamp", request.at_ms)
}

impl House<Bybit> {
    fn symbol(&self, symbol: &str) -> Result<usize, Error> {
        self.desk.floor.pair_index(symbol).ok_or(Error::SYMBOL)
    }

    /// The pair that `symbol` names, if the request has one.
    fn asked_symbol(&self, ask: &Ask) -> Result<Option<usize>, Error> {
        ask.params.text("symbol").map(|symbol| self.symbol(&symbol)).transpose()
    }
}

/// A parameter the call cannot do without.
fn need(params: &Params, name: &str) -> Result<String, Error> {
    params.text(name).ok_or_else(|| Error::missing(name))
}

/// Whether `category` is the one kind of products that is traded here.
fn is_spot(params: &Params) -> Result<bool, Error> {
    match need(params, "category")?.as_str() {
        "spot" => Ok(true),
        "linear" | "inverse" | "option" => Ok(false),
        _ => Err(Error::invalid("category")),
    }
}

/// How many entries of a list are wanted.
fn limit(ask: &Ask, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count("limit", usual, most).ok_or_else(|| Error::invalid("limit"))
}
