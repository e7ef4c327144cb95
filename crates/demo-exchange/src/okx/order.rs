//! Placing and cancelling, one at a time or up to twenty. Each is answered for itself.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Okx, Reply};
use crate::config::Permission;
use crate::floor::{Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Okx>] = &[
    Route::signed("POST", "/api/v5/trade/order", Permission::Trade, |house, ask, caller| {
        Ok(json!([part(ask, &ask.params, place(house, ask, caller, &ask.params))]))
    }),
    Route::signed("POST", "/api/v5/trade/cancel-order", Permission::Trade, |house, ask, caller| {
        Ok(json!([part(ask, &ask.params, cancel(house, ask, caller, &ask.params))]))
    }),
    Route::signed("POST", "/api/v5/trade/batch-orders", Permission::Trade, |house, ask, caller| {
        each(house, ask, caller, place)
    }),
    Route::signed("POST", "/api/v5/trade/cancel-batch-orders", Permission::Trade, |house, ask, caller| {
        each(house, ask, caller, cancel)
    }),
];

/// Most orders in one batch.
const BATCH: usize = 20;

/// Does something with one order; gives its id.
pub(super) type Act = fn(&mut House<Okx>, &Ask, &Entry, &Params) -> Result<String, Error>;

pub(super) fn each(house: &mut House<Okx>, ask: &Ask, caller: &Entry, act: Act) -> Reply {
    match ask.params.list.as_array() {
        None => Err(Error::BODY),
        Some(list) if list.is_empty() => Err(Error::missing("body")),
        Some(list) if list.len() > BATCH => Err(Error::BATCH),
        Some(list) => {
            let list = list.iter().map(Params::of);
            Ok(list.map(|one| part(ask, &one, act(house, ask, caller, &one))).collect())
        }
    }
}

/// The answer to one order.
fn part(ask: &Ask, params: &Params, done: Result<String, Error>) -> Value {
    let (id, code, text) = match done {
        Ok(id) => (id, "0", "".into()),
        Err(error) => (String::new(), error.code, error.text),
    };
    let told = |name| params.text(name).unwrap_or_default();
    json!({ "ordId": id, "clOrdId": told("clOrdId"), "tag": told("tag"), "ts": ask.now.to_string(),
            "sCode": code, "sMsg": text })
}

pub(super) fn place(
    house: &mut House<Okx>,
    ask: &Ask,
    caller: &Entry,
    params: &Params,
) -> Result<String, Error> {
    let pair = house.instrument(&need(params, "instId")?)?;
    match need(params, "tdMode")?.as_str() {
        "cash" => {}
        "cross" | "isolated" | "spot_isolated" => return Err(Error::ACCOUNT_MODE),
        _ => return Err(Error::parameter("tdMode")),
    }
    let side = match need(params, "side")?.as_str() {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return Err(Error::parameter("side")),
    };
    let terms = terms(params, side)?;
    house.desk.floor.pairs[pair].check(&terms)?;
    let client_id = client_id(params)?.unwrap_or_else(|| house.desk.floor.nameless());
    let new = NewOrder { account: caller.account, pair, side, terms, client_id };
    Ok(order_id(house.desk.floor.accept(new, ask.now)?))
}

fn need(params: &Params, name: &str) -> Result<String, Error> {
    params.text(name).ok_or_else(|| Error::parameter(name))
}

fn number(params: &Params, name: &str) -> Result<Decimal, Error> {
    params.decimal(name).filter(|number| !number.is_zero()).ok_or_else(|| Error::parameter(name))
}

fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let size = number(params, "sz")?;
    let force = match need(params, "ordType")?.as_str() {
        "market" if counts_quote(params, side)? => return Ok(Terms::MarketQuote { amount: size }),
        "market" => return Ok(Terms::Market { quantity: size }),
        "limit" => Force::GoodTillCancel,
        "post_only" => Force::PostOnly,
        "fok" => Force::FillOrKill,
        "ioc" => Force::ImmediateOrCancel,
        _ => return Err(Error::parameter("ordType")),
    };
    Ok(Terms::Limit { price: number(params, "px")?, quantity: size, force })
}

/// Whether `sz` of a market order is an amount of the quote currency, as it is for a purchase that says nothing.
fn counts_quote(params: &Params, side: Side) -> Result<bool, Error> {
    match params.text("tgtCcy").as_deref() {
        None => Ok(side == Side::Buy),
        Some("base_ccy") => Ok(false),
        Some("quote_ccy") => Ok(true),
        Some(_) => Err(Error::parameter("tgtCcy")),
    }
}

fn client_id(params: &Params) -> Result<Option<String>, Error> {
    let legal = |id: &String| id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match params.text("clOrdId") {
        Some(id) if !legal(&id) => Err(Error::parameter("clOrdId")),
        id => Ok(id),
    }
}

pub(super) fn cancel(
    house: &mut House<Okx>,
    ask: &Ask,
    caller: &Entry,
    params: &Params,
) -> Result<String, Error> {
    let id = find(house, caller, params)?.ok_or(Error::NOTHING_TO_CANCEL)?.id;
    let canceled = house.desk.floor.cancel(caller.account, id, ask.now);
    canceled.map(|order| order_id(order.id)).ok_or(Error::NOTHING_TO_CANCEL)
}

/// The caller's order that `ordId`, or else `clOrdId`, names in the instrument.
pub(super) fn find<'a>(
    house: &'a House<Okx>,
    caller: &Entry,
    params: &Params,
) -> Result<Option<&'a Order>, Error> {
    let pair = house.instrument(&need(params, "instId")?)?;
    let floor = &house.desk.floor;
    let order = match (params.text("ordId"), params.text("clOrdId")) {
        (Some(id), _) => parse_order_id(&id).and_then(|id| floor.order(caller.account, id)),
        (None, Some(id)) => floor.order_by_client_id(caller.account, &id),
        (None, None) => return Err(Error::NO_ID),
    };
    Ok(order.filter(|order| order.pair == pair))
}

/// Ids are long numbers that rise.
const FIRST_ID: u64 = 1_700_000_000_000_000_000;

pub(super) fn order_id(id: u64) -> String {
    (FIRST_ID + id).to_string()
}

pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    text.parse::<u64>().ok()?.checked_sub(FIRST_ID)
}
