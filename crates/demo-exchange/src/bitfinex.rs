//! Bitfinex v2: public questions by GET, everything private as a signed POST. Answers and refusals are
//! arrays.

mod account;
mod auth;
mod config;
mod error;
mod history;
mod order;
mod public;
mod symbol;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Ask, Dialect, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Bitfinex;

type Reply = house::Reply<Bitfinex>;

impl Dialect for Bitfinex {
    const ID: &'static str = "bitfinex";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, config::ROUTES, order::ROUTES, history::ROUTES, account::ROUTES];

    fn refusal(error: Error, _: &Received) -> Answer {
        error.answer()
    }
}

/// What a request that changes something is answered with.
fn notice(ask: &Ask, kind: &str, what: Value, text: String) -> Value {
    json!([ask.now, kind, null, null, what, null, "SUCCESS", text])
}

/// A whole number from 1 to `most`.
fn limit(ask: &Ask, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count(name, usual, most).ok_or_else(|| Error::argument(name))
}
