//! Coinbase: Advanced Trade under `/api/v3/brokerage` and the app's older API under `/v2`, with the same keys.

mod account;
mod auth;
mod config;
mod error;
mod order;
mod public;
mod show;
mod transfer;

use hyper::Method;
use serde_json::Value;

use self::error::Error;
use crate::config::Permission::{Read, Trade, Withdraw};
use crate::house::{self, Dialect, Failure, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Coinbase;

type Reply = house::Reply<Coinbase>;

impl Dialect for Coinbase {
    const ID: &'static str = "coinbase";
    const ROUTES: &'static [&'static [Route<Self>]] = &[PUBLIC, PRODUCTS, ORDERS, ACCOUNT];

    fn success(body: Value, request: &Received) -> Answer {
        let created = request.method == Method::POST && is_old(request);
        limited(Answer::json(if created { 201 } else { 200 }, &body))
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        limited(error.answer(request))
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer.with("x-ratelimit-remaining", 0).with("x-ratelimit-reset", retry_after_s)
    }
}

/// Whether the call is one of the app's API.
fn is_old(request: &Received) -> bool {
    request.path.starts_with("/v2/")
}

/// With what is left of the budget, which never runs out here.
fn limited(answer: Answer) -> Answer {
    let answer = answer.with("x-ratelimit-limit", 30).with("x-ratelimit-remaining", 29);
    answer.with("x-ratelimit-reset", 1)
}

const PUBLIC: &[Route<Coinbase>] = &[
    Route::public("/api/v3/brokerage/time", public::time),
    Route::public("/api/v3/brokerage/market/products", public::products),
    Route::public("/api/v3/brokerage/market/products/*", public::product),
    Route::public("/api/v3/brokerage/market/products/*/ticker", public::ticker),
    Route::public("/api/v3/brokerage/market/products/*/candles", public::candles),
    Route::public("/api/v3/brokerage/market/product_book", public::product_book),
    Route::public("/v2/time", public::old_time),
    Route::public("/v2/currencies", public::fiat_currencies),
    Route::public("/v2/currencies/crypto", public::crypto_currencies),
    Route::public("/v2/exchange-rates", public::exchange_rates),
    Route::public("/v2/prices/*/*", public::price),
];

/// The same for callers with a key.
const PRODUCTS: &[Route<Coinbase>] = &[
    Route::signed("GET", "/api/v3/brokerage/products", Read, |house, ask, _| public::products(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/products/*", Read, |house, ask, _| public::product(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/products/*/ticker", Read, |house, ask, _| {
        public::ticker(house, ask)
    }),
    Route::signed("GET", "/api/v3/brokerage/products/*/candles", Read, |house, ask, _| {
        public::candles(house, ask)
    }),
    Route::signed("GET", "/api/v3/brokerage/product_book", Read, |house, ask, _| {
        public::product_book(house, ask)
    }),
    Route::signed("GET", "/api/v3/brokerage/best_bid_ask", Read, |house, ask, _| {
        public::best_bid_ask(house, ask)
    }),
];

const ORDERS: &[Route<Coinbase>] = &[
    Route::signed("POST", "/api/v3/brokerage/orders", Trade, order::create),
    Route::signed("POST", "/api/v3/brokerage/orders/preview", Trade, order::preview),
    Route::signed("POST", "/api/v3/brokerage/orders/batch_cancel", Trade, order::batch_cancel),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/batch", Read, order::list),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/fills", Read, order::fills),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/*", Read, order::one),
];

const ACCOUNT: &[Route<Coinbase>] = &[
    Route::signed("GET", "/api/v3/brokerage/accounts", Read, account::accounts),
    Route::signed("GET", "/api/v3/brokerage/accounts/*", Read, account::one),
    Route::signed("GET", "/api/v3/brokerage/key_permissions", Read, account::key_permissions),
    Route::signed("GET", "/api/v3/brokerage/portfolios", Read, account::portfolios),
    Route::signed("GET", "/api/v3/brokerage/transaction_summary", Read, account::transaction_summary),
    Route::signed("GET", "/v2/accounts", Read, account::old_accounts),
    Route::signed("GET", "/v2/accounts/*", Read, account::old_one),
    Route::signed("GET", "/v2/accounts/*/transactions", Read, transfer::list),
    Route::signed("POST", "/v2/accounts/*/transactions", Withdraw, transfer::send),
    Route::signed("GET", "/v2/accounts/*/deposits", Read, transfer::none),
    Route::signed("GET", "/v2/accounts/*/withdrawals", Read, transfer::none),
];
