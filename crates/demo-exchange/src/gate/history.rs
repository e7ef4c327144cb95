//! Orders that were placed, and their fills.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Gate, Reply, limit, name, optional_pair, pair, seconds};
use crate::amount::plain;
use crate::config::Permission::Read;
use crate::floor::{Fill, Floor, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Gate>] = &[
    Route::signed("GET", "/api/v4/spot/open_orders", Read, open),
    Route::signed("GET", "/api/v4/spot/orders", Read, list),
    Route::signed("GET", "/api/v4/spot/orders/*", Read, one),
    Route::signed("GET", "/api/v4/spot/my_trades", Read, fills),
];

/// The caller's order of a pair with this id, or with this name if it is one.
pub(super) fn by_id<'a>(floor: &'a Floor, caller: &Entry, pair: usize, id: &str) -> Option<&'a Order> {
    let order = match id.starts_with("t-") {
        true => floor.order_by_client_id(caller.account, id),
        false => floor.order(caller.account, id.parse().ok()?),
    };
    order.filter(|order| order.pair == pair)
}

fn one(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, floor) = (pair(house, &ask.params)?, &house.desk.floor);
    let order = by_id(floor, caller, pair, &ask.rest[0]).filter(|_| is_here(ask));
    order.map(|order| shown(floor, order)).ok_or(Error::NO_ORDER)
}

/// Whether the account is meant that orders are of here; on cross margin there are none.
fn is_here(ask: &Ask) -> bool {
    ask.params.text("account").is_none_or(|account| account != "cross_margin")
}

/// The open orders of all pairs, pair by pair.
fn open(house: &mut House<Gate>, _: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let of = |pair: usize| -> Vec<Value> {
        let open = floor.open_orders(caller.account).filter(|order| order.pair == pair);
        open.map(|order| shown(floor, order)).collect()
    };
    let told = (0..floor.pairs.len()).map(|pair| (pair, of(pair))).filter(|(_, orders)| !orders.is_empty());
    let told = told.map(|(pair, orders)| {
        json!({ "currency_pair": name(&floor.pairs[pair]), "total": orders.len(), "orders": orders })
    });
    Ok(told.collect())
}

/// The open or the finished orders of a pair, newest first.
fn list(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, limit, floor) = (pair(house, &ask.params)?, limit(ask, 100)?, &house.desk.floor);
    let open = match ask.params.text("status").as_deref() {
        Some("open") => true,
        Some("finished") => false,
        _ => return Err(Error::STATUS),
    };
    let orders = floor.orders(caller.account).rev();
    let orders = orders.filter(|order| order.pair == pair && order.is_open() == open && is_here(ask));
    Ok(orders.take(limit).map(|order| shown(floor, order)).collect())
}

fn fills(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, limit, floor) = (optional_pair(house, ask)?, limit(ask, 100)?, &house.desk.floor);
    let of = ask.params.text("order_id");
    let fills = floor.fills(caller.account);
    let fills = fills.filter(|(order, _)| pair.is_none_or(|pair| order.pair == pair));
    let fills = fills.filter(|(order, _)| of.as_ref().is_none_or(|id| *id == order.id.to_string()));
    Ok(fills.take(limit).map(|(order, fill)| shown_fill(floor, order, fill)).collect())
}

fn shown_fill(floor: &Floor, order: &Order, fill: &Fill) -> Value {
    json!({
        "id": fill.trade_id.to_string(), "create_time": seconds(fill.at_ms),
        "create_time_ms": fill.at_ms.to_string(), "currency_pair": name(&floor.pairs[order.pair]),
        "side": order.side.as_lower(), "role": if fill.maker { "maker" } else { "taker" }, "amount": plain(fill.quantity),
        "price": plain(fill.price), "order_id": order.id.to_string(), "fee": plain(fill.fee),
        "fee_currency": fill.fee_asset, "point_fee": "0", "gt_fee": "0", "amend_text": "-",
        "sequence_id": fill.trade_id.to_string(), "text": text(order),
    })
}

/// The client's name of an order; without one it says where the order came from.
fn text(order: &Order) -> &str {
    match order.own_id() {
        "" => "apiv4",
        text => text,
    }
}

/// An order. What a market order that buys has left is quote money, as its amount is.
pub(super) fn shown(floor: &Floor, order: &Order) -> Value {
    let pair = &floor.pairs[order.pair];
    let left = match order.terms {
        Terms::MarketQuote { amount } => amount - order.filled_quote,
        Terms::Limit { .. } | Terms::Market { .. } => order.remaining(),
    };
    let (status, finish_as) = states(order);
    json!({
        "id": order.id.to_string(), "text": text(order), "amend_text": "-", "currency_pair": name(pair),
        "create_time": seconds(order.created_ms), "update_time": seconds(order.updated_ms),
        "create_time_ms": order.created_ms, "update_time_ms": order.updated_ms, "status": status,
        "type": if order.terms.is_limit() { "limit" } else { "market" }, "account": "spot", "side": order.side.as_lower(),
        "amount": plain(order.terms.amount()), "price": plain(order.terms.price().unwrap_or_default()),
        "time_in_force": time_in_force(order), "iceberg": "0", "left": plain(left),
        "filled_amount": plain(order.filled), "fill_price": plain(order.filled_quote),
        "filled_total": plain(order.filled_quote), "avg_deal_price": order.average_price().map(average),
        "fee": plain(order.fee()), "point_fee": "0", "gt_fee": "0", "gt_discount": false, "rebated_fee": "0",
        "fee_currency": order.side.pick(&pair.base, &pair.quote),
        "rebated_fee_currency": order.side.pick(&pair.quote, &pair.base),
        "finish_as": finish_as,
    })
}

fn average(price: Decimal) -> String {
    plain(price.round_dp(8))
}

/// The status, and how the order came to its end.
fn states(order: &Order) -> (&'static str, &'static str) {
    match order.status {
        Status::New | Status::PartiallyFilled => ("open", "open"),
        Status::Filled => ("closed", "filled"),
        Status::Canceled => ("cancelled", "cancelled"),
        Status::Expired => ("cancelled", "ioc"),
    }
}

fn time_in_force(order: &Order) -> &'static str {
    match order.terms {
        Terms::Limit { force: Force::GoodTillCancel, .. } => "gtc",
        Terms::Limit { force: Force::PostOnly, .. } => "poc",
        Terms::Limit { force: Force::FillOrKill, .. } => "fok",
        _ => "ioc",
    }
}
