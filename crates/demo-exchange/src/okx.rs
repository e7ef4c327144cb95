//! OKX's API, version 5, as far as spot clients call it.
//!
//! Every answer is a list in `data` under a `code`. Orders are answered one by one: each part of the list says
//! whether it was taken, and the code says whether all, some or none were.

mod account;
mod auth;
mod error;
mod history;
mod order;
mod public;
mod socket;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Ask, Dialect, House, Route};
use crate::request::{Answer, Received};
use crate::socket::{Said, Talk};

#[derive(Default)]
pub(crate) struct Okx;

type Reply = house::Reply<Okx>;

impl Dialect for Okx {
    const ID: &'static str = "okx";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES];

    fn success(data: Value, _: &Received) -> Answer {
        let parts = data.as_array().map(Vec::as_slice).unwrap_or_default();
        let refused = || parts.iter().filter_map(|part| part["sCode"].as_str()).filter(|code| *code != "0");
        let (code, msg) = match refused().count() {
            0 => ("0", ""),
            all if all == parts.len() => ("1", "All operations failed"),
            _ => ("2", "Bulk operation partially succeeded."),
        };
        let answer = Answer::json(200, &json!({ "code": code, "data": data, "msg": msg }));
        match refused().next() {
            Some(code) => answer.failed(code),
            None => answer,
        }
    }

    fn refusal(error: Error, _: &Received) -> Answer {
        error.answer()
    }

    fn talks_at(path: &str) -> bool {
        path == "/ws/v5/private"
    }

    fn hear(house: &mut House<Self>, talk: &mut Talk, frame: &Received) -> Option<Said> {
        Some(socket::hear(house, talk, frame))
    }

    fn news(house: &House<Self>, talk: &mut Talk, now: i64) -> Vec<String> {
        socket::news(house, talk, now)
    }
}

impl House<Okx> {
    /// The pair with this `instId`, `BTC-USDT`.
    fn instrument(&self, id: &str) -> Result<usize, Error> {
        self.desk.floor.pair_named(id, "-").ok_or(Error::INSTRUMENT)
    }

    fn instrument_id(&self, pair: usize) -> String {
        let pair = &self.desk.floor.pairs[pair];
        format!("{}-{}", pair.base, pair.quote)
    }

    /// The pair that `instId` names, if the request has one.
    fn asked_instrument(&self, ask: &Ask) -> Result<Option<usize>, Error> {
        ask.params.text("instId").map(|id| self.instrument(&id)).transpose()
    }
}

/// A parameter the call cannot do without.
fn need(ask: &Ask, name: &str) -> Result<String, Error> {
    ask.params.text(name).ok_or_else(|| Error::missing(name))
}

/// How many entries of a list are wanted.
fn limit(ask: &Ask, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count(name, usual, most).ok_or_else(|| Error::parameter(name))
}
