//! Upbit's API under `/v1`. Every private call carries a token of its own, which names a nonce and the hash of the
//! parameters, but neither time nor method nor path.
//!
//! Bithumb's second API is a copy of this one with some other words, so it shares these handlers.

pub(crate) mod account;
pub(crate) mod auth;
pub(crate) mod error;
pub(crate) mod order;
pub(crate) mod public;
pub(crate) mod show;

use hyper::Method;
use serde_json::Value;

use self::error::Error;
use self::order::Words;
use crate::config::Permission::{Read, Trade, Withdraw};
use crate::floor::Order;
use crate::house::{Ask, Auth, Desk, Dialect, Failure, House, Reply, Route};
use crate::key::Entry;
use crate::params::each;
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Upbit;

impl Dialect for Upbit {
    const ID: &'static str = "upbit";
    const ROUTES: &'static [&'static [Route<Self>]] = &[PUBLIC, ORDERS, ACCOUNT];

    fn success(body: Value, request: &Received) -> Answer {
        let status = if request.method == Method::POST { 201 } else { 200 };
        Answer::json(status, &body).with("remaining-req", remaining(request, 29))
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        error.answer(error.name()).with("remaining-req", remaining(request, 29))
    }

    fn rate_limited(request: &Received, _: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer.with("remaining-req", remaining(request, 0))
    }
}

impl Auth for Upbit {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        auth::named(&auth::bearer(request)?)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let token = auth::bearer(request)?;
        Some(token.is_signed_with(entry.secret()?) && auth::covers(&token, request, auth::decoded))
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let (token, entry) = auth::known(&desk.keys, request)?;
        let entry = auth::demand(&token, entry, request, signer)?;
        let nonce =
            token.claims["nonce"].as_str().filter(|nonce| !nonce.is_empty()).ok_or(Error::Signature)?;
        if !desk.nonces.is_new(&entry.key.api_key, nonce) {
            return Err(Error::NonceUsed);
        }
        Ok(entry)
    }
}

/// What is left of the budget of the call's group. It runs out by a fault alone.
fn remaining(request: &Received, sec: u32) -> String {
    let group = match request.path.split('/').nth(2) {
        Some("ticker" | "candles" | "orderbook" | "market" | "trades") => "market",
        Some("orders") if request.method == Method::POST => "order",
        _ => "default",
    };
    format!("group={group}; min=1799; sec={sec}")
}

const PUBLIC: &[Route<Upbit>] = &[
    Route::public("/v1/market/all", public::markets),
    Route::public("/v1/ticker", public::tickers),
    Route::public("/v1/ticker/all", public::tickers_by_quote),
    Route::public("/v1/orderbook", public::order_books),
    Route::public("/v1/trades/ticks", public::trades),
    Route::public("/v1/candles/minutes/*", public::candles),
    Route::public("/v1/candles/*", public::candles),
];

const ORDERS: &[Route<Upbit>] = &[
    Route::signed("GET", "/v1/orders/chance", Read, account::chance),
    Route::signed("GET", "/v1/orders/open", Read, open),
    Route::signed("GET", "/v1/orders/closed", Read, closed),
    Route::signed("GET", "/v1/orders/uuids", Read, named),
    Route::signed("GET", "/v1/order", Read, one),
    Route::signed("POST", "/v1/orders", Trade, create),
    Route::signed("POST", "/v1/orders/test", Trade, test),
    Route::signed("DELETE", "/v1/order", Trade, cancel),
    Route::signed("DELETE", "/v1/orders/open", Trade, order::cancel_open),
];

const ACCOUNT: &[Route<Upbit>] = &[
    Route::signed("GET", "/v1/accounts", Read, account::accounts),
    Route::signed("GET", "/v1/api_keys", Read, account::api_keys),
    Route::signed("GET", "/v1/status/wallet", Read, account::wallet_status),
    Route::signed("GET", "/v1/withdraws/chance", Read, account::withdrawal_chance),
    Route::signed("GET", "/v1/withdraws", Read, account::withdrawals),
    Route::signed("GET", "/v1/withdraw", Read, account::withdrawal),
    Route::signed("POST", "/v1/withdraws/coin", Withdraw, account::withdraw_coin),
    Route::signed("POST", "/v1/withdraws/krw", Withdraw, account::withdraw_krw),
];

/// How an order names its kind and the client's own id.
const WORDS: Words = Words { kind: "ord_type", client_id: "identifier" };

fn create(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let id = order::place(house, &ask.params, &WORDS, caller, ask.now)?;
    order::find(house, caller, id).map(|order| show::order(&house.desk.floor, order, &WORDS))
}

/// Judges an order as if it was placed, and places none.
fn test(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let draft = order::draft(house, &ask.params, &WORDS, caller)?;
    Ok(show::draft(&house.desk.floor, &draft, ask.now))
}

fn cancel(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let id = order::asked(house, ask, caller, "uuid", WORDS.client_id)?.id;
    let order = house.desk.floor.cancel(caller.account, id, ask.now).cloned().ok_or(Error::NoOrder)?;
    Ok(show::order(&house.desk.floor, &order, &WORDS))
}

fn one(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let order = order::asked(house, ask, caller, "uuid", WORDS.client_id)?;
    Ok(show::order_in_full(&house.desk.floor, order, &WORDS))
}

fn open(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    list(house, order::listed(house, ask, caller, &["wait"])?)
}

fn closed(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    list(house, order::listed(house, ask, caller, &["done", "cancel"])?)
}

fn named(house: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let ids = each(ask.request, "uuids[]");
    let found = ids.iter().filter_map(|id| order::find(house, caller, show::parse_order_id(id)?).ok());
    list(house, found.collect())
}

fn list(house: &House<Upbit>, orders: Vec<&Order>) -> Reply<Upbit> {
    Ok(orders.into_iter().map(|order| show::order(&house.desk.floor, order, &WORDS)).collect())
}
