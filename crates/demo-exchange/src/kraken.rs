//! Kraken spot: public questions under `/0/public`, private ones as POST under `/0/private`. Its errors are
//! texts under status 200.

mod account;
mod auth;
mod error;
mod history;
mod name;
mod order;
mod public;
mod socket;
mod stream;
mod trade;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::error::Error;
use crate::amount::number;
use crate::house::{self, Ask, Dialect, House, Route};
use crate::request::{Answer, Received};
use crate::socket::{Said, Talk};

#[derive(Default)]
pub(crate) struct Kraken {
    /// The number an order's owner gave it, by the order's id. Orders may share one.
    userrefs: BTreeMap<u64, i64>,
    /// The tokens that were given out for the WebSocket.
    tokens: BTreeMap<String, socket::Token>,
}

type Reply = house::Reply<Kraken>;

impl Dialect for Kraken {
    const ID: &'static str = "kraken";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, order::ROUTES, history::ROUTES, account::ROUTES, socket::ROUTES];

    fn success(body: Value, _: &Received) -> Answer {
        Answer::json(200, &json!({ "error": [], "result": body }))
    }

    fn refusal(error: Error, _: &Received) -> Answer {
        error.answer()
    }

    fn talks_at(path: &str) -> bool {
        path == "/v2"
    }

    fn hear(house: &mut House<Self>, talk: &mut Talk, frame: &Received) -> Option<Said> {
        Some(socket::hear(house, talk, frame))
    }

    fn news(house: &House<Self>, talk: &mut Talk, _: i64) -> Vec<String> {
        stream::news(house, talk)
    }
}

/// Kraken counts seconds, with decimals.
fn seconds(ms: i64) -> Value {
    number(Decimal::new(ms, 3))
}

fn price(amount: Decimal) -> String {
    format!("{amount:.5}")
}

fn volume(amount: Decimal) -> String {
    format!("{amount:.8}")
}

/// A whole number from 1 to `most`.
fn limit(ask: &Ask, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count(name, usual, most).ok_or_else(|| Error::argument(name))
}
