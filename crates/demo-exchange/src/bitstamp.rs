//! Bitstamp, API v2. Nearly everything is a POST of a form, also what only reads.

mod account;
mod auth;
mod error;
mod order;
mod public;

use rust_decimal::Decimal;

use self::error::Error;
use crate::house::{self, Dialect, House, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Bitstamp;

type Reply = house::Reply<Bitstamp>;

impl Dialect for Bitstamp {
    const ID: &'static str = "bitstamp";
    const ROUTES: &'static [&'static [Route<Self>]] = &[public::ROUTES, order::ROUTES, account::ROUTES];

    fn refusal(error: Error, _: &Received) -> Answer {
        error.answer()
    }
}

/// The pair that a path names, `btcusd`.
fn pair(house: &House<Bitstamp>, name: Option<&String>) -> Result<usize, Error> {
    let is = |pair: &crate::config::Pair| Some(&pair.symbol().to_lowercase()) == name;
    house.desk.floor.pairs.iter().position(is).ok_or_else(Error::no_pair)
}

/// `BTC/USD`
fn market(pair: &crate::config::Pair) -> String {
    format!("{}/{}", pair.base, pair.quote)
}

/// Eight decimals, as most amounts are printed.
fn fixed(amount: Decimal) -> String {
    format!("{amount:.8}")
}
