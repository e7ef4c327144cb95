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
use crate::house::{Ask, Auth, Desk, Dialect, House, Reply, Route};
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
        Answer::json(status, &body).with("remaining-req", remaining(request))
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        error.answer(error.name()).with("remaining-req", remaining(request))
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

/// What is left of the budget of the call's group. It never runs out here.
fn remaining(request: &Received) -> String {
    let group = match request.path.split('/').nth(2) {
        Some("ticker" | "candles" | "orderbook" | "market" | "trades") => "market",
        Some("orders") if request.method == Method::POST => "order",
        _ => "default",
    };
    format!("group={group}; min=1799; sec=29")
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

fn create(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let id = order::place(upbit, &ask.params, &WORDS, caller, ask.now)?;
    order::find(upbit, caller, id).map(|order| show::order(&upbit.desk.floor, order, &WORDS))
}

/// Judges an order as if it was placed, and places none.
fn test(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let draft = order::draft(upbit, &ask.params, &WORDS, caller)?;
    Ok(show::draft(&upbit.desk.floor, &draft, ask.now))
}

fn cancel(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let id = order::asked(upbit, ask, caller, "uuid", WORDS.client_id)?.id;
    let order = upbit.desk.floor.cancel(caller.account, id, ask.now).cloned().ok_or(Error::NoOrder)?;
    Ok(show::order(&upbit.desk.floor, &order, &WORDS))
}

fn one(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let order = order::asked(upbit, ask, caller, "uuid", WORDS.client_id)?;
    Ok(show::order_in_full(&upbit.desk.floor, order, &WORDS))
}

fn open(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    list(upbit, order::listed(upbit, ask, caller, &["wait"])?)
}

fn closed(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    list(upbit, order::listed(upbit, ask, caller, &["done", "cancel"])?)
}

fn named(upbit: &mut House<Upbit>, ask: &Ask, caller: &Entry) -> Reply<Upbit> {
    let ids = each(ask.request, "uuids[]");
    let found = ids.iter().filter_map(|id| order::find(upbit, caller, show::parse_order_id(id)?).ok());
    list(upbit, found.collect())
}

fn list(upbit: &House<Upbit>, orders: Vec<&Order>) -> Reply<Upbit> {
    Ok(orders.into_iter().map(|order| show::order(&upbit.desk.floor, order, &WORDS)).collect())
}
