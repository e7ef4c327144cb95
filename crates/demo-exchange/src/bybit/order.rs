//! Placing and cancelling, one at a time, up to ten, or all.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Bybit, PARTS, Reply, is_spot, need};
use crate::config::Permission;
use crate::floor::{Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Bybit>] = &[
    Route::signed("POST", "/v5/order/create", Permission::Trade, create_one),
    Route::signed("POST", "/v5/order/cancel", Permission::Trade, cancel_one),
    Route::signed("POST", "/v5/order/create-batch", Permission::Trade, create_batch),
    Route::signed("POST", "/v5/order/cancel-batch", Permission::Trade, cancel_batch),
    Route::signed("POST", "/v5/order/cancel-all", Permission::Trade, cancel_all),
];

/// Most orders in one batch.
const BATCH: usize = 10;

/// Parameters that make an order wait for a price or bring others with it.
const CONDITIONS: [&str; 3] = ["triggerPrice", "takeProfit", "stopLoss"];

/// Does something with one order; gives its ids.
type Act = fn(&mut House<Bybit>, &Ask, &Entry, &Params) -> Reply;

fn spot_only(params: &Params) -> Result<(), Error> {
    if is_spot(params)? { Ok(()) } else { Err(Error::invalid("symbol")) }
}

pub(super) fn create_one(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    spot_only(&ask.params)?;
    place(house, ask, caller, &ask.params)
}

pub(super) fn cancel_one(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    spot_only(&ask.params)?;
    cancel(house, ask, caller, &ask.params)
}

pub(super) fn create_batch(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    each(house, ask, caller, place)
}

pub(super) fn cancel_batch(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    each(house, ask, caller, cancel)
}

/// Each order of a batch has its ids in the one list and its code in the other.
fn each(house: &mut House<Bybit>, ask: &Ask, caller: &Entry, act: Act) -> Reply {
    spot_only(&ask.params)?;
    let list =
        ask.params.value("request").and_then(Value::as_array).ok_or_else(|| Error::missing("request"))?;
    if !(1..=BATCH).contains(&list.len()) {
        return Err(Error::BATCH);
    }
    let (mut done, mut codes) = (Vec::new(), Vec::new());
    for params in list.iter().map(Params::of) {
        let told = |name| params.text(name).unwrap_or_default();
        let mut shown = json!({ "category": "spot", "symbol": told("symbol"), "orderId": "",
                                "orderLinkId": told("orderLinkId"), "createAt": "" });
        match act(house, ask, caller, &params) {
            Ok(ids) => {
                shown["orderId"] = ids["orderId"].clone();
                shown["createAt"] = json!(ask.now.to_string());
                codes.push(json!({ "code": 0, "msg": "OK" }));
            }
            Err(error) => codes.push(json!({ "code": error.code, "msg": error.text })),
        }
        done.push(shown);
    }
    Ok(json!({ "list": done, PARTS: codes }))
}

fn place(house: &mut House<Bybit>, ask: &Ask, caller: &Entry, params: &Params) -> Reply {
    let pair = house.symbol(&need(params, "symbol")?).map_err(|_| Error::ORDER_SYMBOL)?;
    if CONDITIONS.iter().any(|name| params.text(name).is_some()) {
        return Err(Error::FEATURE);
    }
    filter_is_order(params)?;
    let side = match need(params, "side")?.as_str() {
        "Buy" => Side::Buy,
        "Sell" => Side::Sell,
        _ => return Err(Error::SIDE),
    };
    let terms = terms(params, side)?;
    house.desk.floor.pairs[pair].check(&terms)?;
    let client_id = client_id(params)?.unwrap_or_else(|| house.desk.floor.nameless());
    let new = NewOrder { account: caller.account, pair, side, terms, client_id };
    let id = house.desk.floor.accept(new, ask.now)?;
    Ok(json!({ "orderId": order_id(id), "orderLinkId": params.text("orderLinkId").unwrap_or_default() }))
}

fn filter_is_order(params: &Params) -> Result<(), Error> {
    match params.text("orderFilter").as_deref() {
        None | Some("Order") => Ok(()),
        Some("tpslOrder" | "StopOrder") => Err(Error::FEATURE),
        Some(_) => Err(Error::FILTER),
    }
}

fn number(params: &Params, name: &str) -> Result<Decimal, Error> {
    need(params, name)?;
    params.decimal(name).filter(|number| !number.is_zero()).ok_or_else(|| Error::parameter(name))
}

fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let quantity = number(params, "qty")?;
    match need(params, "orderType")?.as_str() {
        "Market" if counts_quote(params, side)? => Ok(Terms::MarketQuote { amount: quantity }),
        "Market" => Ok(Terms::Market { quantity }),
        "Limit" => Ok(Terms::Limit { price: number(params, "price")?, quantity, force: force(params)? }),
        _ => Err(Error::KIND),
    }
}

/// Whether `qty` of a market order is an amount of the quote coin, as it is for a purchase that says nothing.
fn counts_quote(params: &Params, side: Side) -> Result<bool, Error> {
    match params.text("marketUnit").as_deref() {
        None => Ok(side == Side::Buy),
        Some("baseCoin") => Ok(false),
        Some("quoteCoin") => Ok(true),
        Some(_) => Err(Error::parameter("marketUnit")),
    }
}

fn force(params: &Params) -> Result<Force, Error> {
    match params.text("timeInForce").as_deref() {
        None | Some("GTC") => Ok(Force::GoodTillCancel),
        Some("IOC") => Ok(Force::ImmediateOrCancel),
        Some("FOK") => Ok(Force::FillOrKill),
        Some("PostOnly") => Ok(Force::PostOnly),
        Some(_) => Err(Error::FORCE),
    }
}

fn client_id(params: &Params) -> Result<Option<String>, Error> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match params.text("orderLinkId") {
        Some(id) if id.len() > 36 || !id.bytes().all(letter) => Err(Error::parameter("orderLinkId")),
        id => Ok(id),
    }
}

fn cancel(house: &mut House<Bybit>, ask: &Ask, caller: &Entry, params: &Params) -> Reply {
    let pair = house.symbol(&need(params, "symbol")?).map_err(|_| Error::ORDER_SYMBOL)?;
    filter_is_order(params)?;
    let named = named(house, caller, params)?.ok_or_else(|| Error::missing("orderId"))?;
    let order = named.filter(|order| order.pair == pair).ok_or(Error::NO_ORDER)?.id;
    let order = house.desk.floor.cancel(caller.account, order, ask.now).ok_or(Error::NO_ORDER)?;
    Ok(ids(order))
}

/// Order id and client id, as the answers to placing and cancelling tell them.
fn ids(order: &Order) -> Value {
    json!({ "orderId": order_id(order.id), "orderLinkId": order.own_id() })
}

/// What `orderId`, or else `orderLinkId`, names: nothing, no order of the caller's, or one.
pub(super) fn named<'a>(
    house: &'a House<Bybit>,
    caller: &Entry,
    params: &Params,
) -> Result<Option<Option<&'a Order>>, Error> {
    let floor = &house.desk.floor;
    Ok(match (params.text("orderId"), params.text("orderLinkId")) {
        (Some(id), _) => Some(parse_order_id(&id).and_then(|id| floor.order(caller.account, id))),
        (None, Some(id)) => Some(floor.order_by_client_id(caller.account, &id)),
        (None, None) => None,
    })
}

fn cancel_all(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    spot_only(&ask.params)?;
    let pair = house.asked_symbol(ask)?;
    let wanted = |order: &Order| pair.is_none_or(|pair| order.pair == pair);
    let canceled = house.desk.floor.cancel_all(caller.account, wanted, ask.now).into_iter().map(ids);
    Ok(json!({ "list": canceled.collect::<Vec<_>>(), "success": "1" }))
}

/// Ids are long numbers that rise.
const FIRST_ID: u64 = 1_600_000_000_000_000_000;

pub(super) fn order_id(id: u64) -> String {
    (FIRST_ID + id).to_string()
}

pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    text.parse::<u64>().ok()?.checked_sub(FIRST_ID)
}
