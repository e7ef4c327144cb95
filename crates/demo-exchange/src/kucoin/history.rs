//! Orders that were placed, and their fills.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Kucoin, Reply, public, symbol};
use crate::amount::plain;
use crate::config::Pair;
use crate::config::Permission::Read;
use crate::floor::{Fill, Force, Order, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Kucoin>] = &[
    Route::signed("GET", "/api/v1/hf/orders/active", Read, active),
    Route::signed("GET", "/api/v1/hf/orders/done", Read, done),
    Route::signed("GET", "/api/v1/hf/orders/*", Read, one),
    Route::signed("GET", "/api/v1/hf/orders/client-order/*", Read, one_by_client_id),
    Route::signed("GET", "/api/v1/hf/fills", Read, fills),
    Route::signed("GET", "/api/v1/orders", Read, classic),
    Route::signed("GET", "/api/v1/orders/*", Read, one),
    Route::signed("GET", "/api/v1/order/client-order/*", Read, one_by_client_id),
    Route::signed("GET", "/api/v1/fills", Read, fills),
];

/// The id of an order as clients see it.
pub(super) fn order_id(id: u64) -> String {
    format!("{id:024x}")
}

/// The caller's order whose id stands in the path; on the high-frequency paths the symbol must fit as well.
pub(super) fn by_id<'a>(house: &'a House<Kucoin>, ask: &Ask, caller: &Entry) -> Option<&'a Order> {
    let id = u64::from_str_radix(&ask.rest[0], 16).ok()?;
    of_symbol(house, ask, house.desk.floor.order(caller.account, id)?)
}

pub(super) fn by_client_id<'a>(house: &'a House<Kucoin>, ask: &Ask, caller: &Entry) -> Option<&'a Order> {
    of_symbol(house, ask, house.desk.floor.order_by_client_id(caller.account, &ask.rest[0])?)
}

fn of_symbol<'a>(house: &House<Kucoin>, ask: &Ask, order: &'a Order) -> Option<&'a Order> {
    let fits = match ask.params.text("symbol") {
        Some(symbol) => symbol == house.symbol(order.pair),
        None => !ask.request.path.contains("/hf/"),
    };
    fits.then_some(order)
}

fn one(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    by_id(house, ask, caller).map(|order| shown(house, order)).ok_or(Error::NO_ORDER)
}

fn one_by_client_id(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    by_client_id(house, ask, caller).map(|order| shown(house, order)).ok_or(Error::NO_ORDER)
}

/// The open orders of a pair.
fn active(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = public::pair(house, ask)?;
    let open = house.desk.floor.open_orders(caller.account).filter(|order| order.pair == pair);
    Ok(open.map(|order| shown(house, order)).collect())
}

/// The orders of a pair that came to an end, newest first.
fn done(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = public::pair(house, ask)?;
    let limit = size(ask, "limit", 20)?;
    let orders = house.desk.floor.orders(caller.account).rev();
    let done = orders.filter(|order| order.pair == pair && !order.is_open());
    let items: Vec<Value> = done.take(limit).map(|order| shown(house, order)).collect();
    Ok(json!({ "lastId": house.desk.floor.last_id(), "items": items }))
}

/// Open or done orders of one pair or all, as the older path has them: by page.
fn classic(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.params.text("symbol").map(|symbol| house.pair(&symbol)).transpose()?;
    let open = match ask.params.text("status").as_deref() {
        Some("active") => true,
        None | Some("done") => false,
        Some(_) => return Err(Error::PARAMETER),
    };
    let orders = house.desk.floor.orders(caller.account).rev().filter(|order| order.is_open() == open);
    let here = ask.params.text("tradeType").is_none_or(|kind| kind == "TRADE"); // there are none on margin
    let orders = orders.filter(|order| here && pair.is_none_or(|pair| order.pair == pair));
    let orders: Vec<&Order> = orders.collect();
    let limit = size(ask, "pageSize", 50)?;
    let total = orders.len();
    let items: Vec<Value> = orders.into_iter().take(limit).map(|order| shown(house, order)).collect();
    Ok(json!({ "currentPage": 1, "pageSize": limit, "totalNum": total, "totalPage": 1, "items": items }))
}

/// How many are asked for, 500 at most.
fn size(ask: &Ask, name: &str, usual: usize) -> Result<usize, Error> {
    ask.params.count(name, usual, 500).ok_or(Error::PARAMETER)
}

fn fills(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.params.text("symbol").map(|symbol| house.pair(&symbol)).transpose()?;
    let limit = size(ask, "limit", 100)?;
    let floor = &house.desk.floor;
    let show =
        |(order, fill): (&Order, &Fill)| shown_fill(&floor.pairs[order.pair], order, fill, floor.fee_rate());
    let fills = floor.fills(caller.account);
    let fills = fills.filter(|(order, _)| pair.is_none_or(|pair| order.pair == pair));
    Ok(json!({ "lastId": floor.last_id(), "items": fills.take(limit).map(show).collect::<Vec<_>>() }))
}

fn shown_fill(pair: &Pair, order: &Order, fill: &Fill, rate: Decimal) -> Value {
    json!({
        "id": fill.trade_id, "symbol": symbol(pair), "tradeId": fill.trade_id.to_string(),
        "orderId": order_id(order.id), "counterOrderId": "", "side": side(order), "type": kind(order),
        "liquidity": if fill.maker { "maker" } else { "taker" }, "forceTaker": false, "price": plain(fill.price),
        "size": plain(fill.quantity), "funds": plain(fill.price * fill.quantity), "fee": plain(fill.fee),
        "feeRate": plain(rate), "feeCurrency": fill.fee_asset, "stop": "", "tradeType": "TRADE",
        "createdAt": fill.at_ms,
    })
}

fn side(order: &Order) -> &'static str {
    order.side.as_lower()
}

fn kind(order: &Order) -> &'static str {
    if order.terms.is_limit() { "limit" } else { "market" }
}

fn shown(house: &House<Kucoin>, order: &Order) -> Value {
    let pair = &house.desk.floor.pairs[order.pair];
    let open = order.is_open();
    let (force, funds) = match order.terms {
        Terms::Limit { force, .. } => (force, Decimal::ZERO),
        Terms::Market { .. } => (Force::GoodTillCancel, Decimal::ZERO),
        Terms::MarketQuote { amount } => (Force::GoodTillCancel, amount),
    };
    let gone = if open { Decimal::ZERO } else { order.remaining() };
    json!({
        "id": order_id(order.id), "clientOid": order.client_id, "symbol": symbol(pair), "opType": "DEAL",
        "type": kind(order), "side": side(order), "price": plain(order.terms.price().unwrap_or_default()),
        "size": plain(order.quantity()), "funds": plain(funds), "dealSize": plain(order.filled),
        "dealFunds": plain(order.filled_quote), "remainSize": plain(order.remaining() - gone), "remainFunds": "0",
        "cancelledSize": plain(gone), "cancelledFunds": "0", "fee": plain(order.fee()),
        "feeCurrency": order.side.pick(&pair.base, &pair.quote),
        "stp": null, "timeInForce": time_in_force(force), "postOnly": force == Force::PostOnly, "hidden": false,
        "iceberg": false, "visibleSize": "0", "cancelAfter": 0, "channel": "API", "remark": null, "tags": null,
        "cancelExist": !open && !gone.is_zero(), "tradeType": "TRADE", "inOrderBook": open, "active": open,
        "isActive": open, "tax": "0", "createdAt": order.created_ms, "lastUpdatedAt": order.updated_ms,
    })
}

fn time_in_force(force: Force) -> &'static str {
    match force {
        Force::GoodTillCancel | Force::PostOnly => "GTC",
        Force::ImmediateOrCancel => "IOC",
        Force::FillOrKill => "FOK",
    }
}
