//! Bithumb's two APIs: the second one under `/v1` and `/v2`, which is Upbit's with some other words, and API 1.0 under
//! `/public`, `/info` and `/trade`.

mod auth;
mod order;
mod v1;
mod v1_public;

use serde_json::{Value, json};

use crate::config::Permission::{Read, Trade, Withdraw};
use crate::house::{self, Ask, Auth, Desk, Dialect, House, Route};
use crate::key::Entry;
use crate::request::{Answer, Received};
use crate::upbit::auth::{bearer, named};
use crate::upbit::error::Error;
use crate::upbit::{account, public};

#[derive(Default)]
pub(crate) struct Bithumb;

type Reply = house::Reply<Bithumb>;

impl Dialect for Bithumb {
    const ID: &'static str = "bithumb";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[PUBLIC, ORDERS, ACCOUNT, v1_public::ROUTES, v1::ROUTES];

    fn success(body: Value, request: &Received) -> Answer {
        if v1::speaks(request) { v1::success(body) } else { Answer::json(200, &body) }
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        if v1::speaks(request) { v1::refusal(error, request) } else { error.answer(name(error)) }
    }
}

impl Auth for Bithumb {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        match v1::speaks(request) {
            true => request.header("api-key").map(str::to_owned),
            false => named(&bearer(request)?),
        }
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        match v1::speaks(request) {
            true => auth::has_headers_of(entry, request),
            false => auth::has_token_of(entry, request),
        }
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        match v1::speaks(request) {
            true => auth::admit_by_headers(&desk.keys, request, signer),
            false => auth::admit_by_token(&desk.keys, request, signer),
        }
    }
}

/// The names that are not Upbit's.
fn name(error: Error) -> &'static str {
    match error {
        Error::Address => "NotAllowIP",
        Error::Parameter | Error::Create(_) | Error::TooLarge => "invalid_parameter",
        other => other.name(),
    }
}

const PUBLIC: &[Route<Bithumb>] = &[
    Route::public("/v1/market/all", public::markets),
    Route::public("/v1/market/virtual_asset_warning", none),
    Route::public("/v1/notices", none),
    Route::public("/v1/ticker", public::tickers),
    Route::public("/v1/orderbook", public::order_books),
    Route::public("/v1/trades/ticks", public::trades),
    Route::public("/v1/candles/minutes/*", public::candles),
    Route::public("/v1/candles/*", public::candles),
];

const ORDERS: &[Route<Bithumb>] = &[
    Route::signed("GET", "/v1/orders/chance", Read, account::chance),
    Route::signed("GET", "/v1/orders", Read, order::list),
    Route::signed("GET", "/v1/order", Read, order::one),
    Route::signed("POST", "/v1/orders", Trade, order::create_v1),
    Route::signed("DELETE", "/v1/order", Trade, order::cancel_v1),
    Route::signed("POST", "/v2/orders", Trade, order::create),
    Route::signed("POST", "/v2/orders/batch", Trade, order::create_batch),
    Route::signed("POST", "/v2/orders/cancel", Trade, order::cancel_batch),
    Route::signed("DELETE", "/v2/order", Trade, order::cancel),
];

const ACCOUNT: &[Route<Bithumb>] = &[
    Route::signed("GET", "/v1/accounts", Read, account::accounts),
    Route::signed("GET", "/v1/api_keys", Read, account::api_keys),
    Route::signed("GET", "/v1/status/wallet", Read, account::wallet_status),
    Route::signed("GET", "/v1/withdraws/chance", Read, account::withdrawal_chance),
    Route::signed("GET", "/v1/withdraws", Read, account::withdrawals),
    Route::signed("GET", "/v1/withdraw", Read, account::withdrawal),
    Route::signed("POST", "/v1/withdraws/coin", Withdraw, account::withdraw_coin),
    Route::signed("POST", "/v1/withdraws/krw", Withdraw, account::withdraw_krw),
];

fn none(_: &mut House<Bithumb>, _: &Ask) -> Reply {
    Ok(json!([]))
}
