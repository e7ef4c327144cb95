//! KuCoin: spot and the funding account. New accounts trade on the high-frequency paths (`/api/v1/hf/`); the
//! older paths lead to the same orders.

mod account;
mod auth;
mod error;
mod history;
mod order;
mod public;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Dialect, Failure, House, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Kucoin;

type Reply = house::Reply<Kucoin>;

impl Dialect for Kucoin {
    const ID: &'static str = "kucoin";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES];

    fn success(data: Value, _: &Received) -> Answer {
        with_budget(Answer::json(200, &json!({ "code": "200000", "data": data })))
    }

    fn refusal(error: Error, _: &Received) -> Answer {
        with_budget(error.answer())
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer.with("gw-ratelimit-remaining", 0).with("gw-ratelimit-reset", u64::from(retry_after_s) * 1000)
    }
}

/// Every answer says what is left of the budget of thirty seconds; here it never runs out.
fn with_budget(answer: Answer) -> Answer {
    answer
        .with("gw-ratelimit-limit", 4000)
        .with("gw-ratelimit-remaining", 3996)
        .with("gw-ratelimit-reset", 30_000)
}

impl House<Kucoin> {
    /// The pair of a symbol such as `BTC-USDT`.
    fn pair(&self, symbol: &str) -> Result<usize, Error> {
        self.desk.floor.pair_named(symbol, "-").ok_or(Error::SYMBOL)
    }

    fn symbol(&self, pair: usize) -> String {
        symbol(&self.desk.floor.pairs[pair])
    }
}

fn symbol(pair: &crate::config::Pair) -> String {
    format!("{}-{}", pair.base, pair.quote)
}
