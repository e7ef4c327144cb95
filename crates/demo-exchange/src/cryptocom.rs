//! Crypto.com Exchange, API v1: what is private is one JSON envelope by POST, with the signature inside.

mod account;
mod auth;
mod error;
mod order;
mod public;

use serde_json::{Value, json};

use self::error::Error;
use crate::config::Pair;
use crate::house::{self, Ask, Dialect, House, Route};
use crate::params::Params;
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Cryptocom;

type Reply = house::Reply<Cryptocom>;

/// Every path begins like this; what follows is the method.
const ROOT: &str = "/exchange/v1/";

impl Dialect for Cryptocom {
    const ID: &'static str = "cryptocom";
    const ROUTES: &'static [&'static [Route<Self>]] = &[public::ROUTES, order::ROUTES, account::ROUTES];

    fn success(result: Value, request: &Received) -> Answer {
        let mut body = head(request);
        body["code"] = 0.into();
        if !result.is_null() {
            body["result"] = result;
        }
        Answer::json(200, &body)
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        let mut body = head(request);
        body["code"] = error.code.into();
        body["message"] = error.message.into();
        Answer::json(error.status, &body).failed(error.code)
    }
}

/// How every answer begins: the number the caller gave the request, if it did, and the method.
fn head(request: &Received) -> Value {
    let told: Option<Value> = serde_json::from_slice(&request.body).ok();
    let id = told.as_ref().and_then(|told| told.get("id")).filter(|id| id.is_number() || id.is_string());
    json!({ "id": id.cloned().unwrap_or((-1).into()), "method": request.path.strip_prefix(ROOT) })
}

/// The `params` member of an envelope.
fn told(ask: &Ask) -> Params {
    Params::of(ask.params.value("params").unwrap_or(&Value::Null))
}

/// `BTC_USDT`
fn instrument(pair: &Pair) -> String {
    format!("{}_{}", pair.base, pair.quote)
}

/// The pair that `instrument_name` names; `None` if there is no such parameter.
fn optional_pair(house: &House<Cryptocom>, params: &Params) -> Result<Option<usize>, Error> {
    let Some(name) = params.text("instrument_name") else { return Ok(None) };
    house.desk.floor.pair_named(&name, "_").map(Some).ok_or(Error::INSTRUMENT)
}

fn pair(house: &House<Cryptocom>, params: &Params) -> Result<usize, Error> {
    optional_pair(house, params)?.ok_or(Error::MISSING)
}

/// A whole number that may be missing.
fn integer(params: &Params, name: &str) -> Result<Option<i64>, Error> {
    params.integer(name).map_err(|_| Error::REQUEST)
}

/// How many rows are wanted.
fn limit(params: &Params, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
    params.count(name, usual, most).ok_or(Error::REQUEST)
}
