//! Coinbase Exchange: resources by path, HTTP statuses that mean something, and refusals with nothing but a
//! message.

mod account;
mod auth;
mod error;
mod fill;
mod order;
mod product;

use rust_decimal::Decimal;

use self::error::Error;
use crate::house::{self, Ask, Dialect, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct CoinbaseExchange;

type Reply = house::Reply<CoinbaseExchange>;

impl Dialect for CoinbaseExchange {
    const ID: &'static str = "coinbaseexchange";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[product::ROUTES, order::ROUTES, fill::ROUTES, account::ROUTES];

    fn refusal(error: Error, _: &Received) -> Answer {
        error.answer()
    }
}

/// Sixteen decimals for money that was worked out, as Coinbase tells it.
fn exact(amount: Decimal) -> String {
    format!("{amount:.16}")
}

/// Eight decimals for prices and sizes.
fn short(amount: Decimal) -> String {
    format!("{amount:.8}")
}

/// A whole number from 1 to `most`.
fn limit(ask: &Ask, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count(name, usual, most).ok_or_else(|| Error::argument(name))
}
