//! Orders and fills as they are told.

use serde_json::{Value, json};

use super::error::Error;
use super::order::find;
use super::{Htx, Reply, account_number, done, optional_pair, pair, size, symbol};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Htx>] = &[
    Route::signed("GET", "/v1/order/openOrders", Permission::Read, open),
    Route::signed("GET", "/v1/order/orders", Permission::Read, orders),
    Route::signed("GET", "/v1/order/history", Permission::Read, history),
    Route::signed("GET", "/v1/order/matchresults", Permission::Read, fills),
    Route::signed("GET", "/v1/order/orders/getClientOrder", Permission::Read, one_by_name),
    Route::signed("GET", "/v1/order/orders/*", Permission::Read, one),
    Route::signed("GET", "/v1/order/orders/*/matchresults", Permission::Read, fills_of),
];

/// What is told of fills is called `filled-` while an order is open and `field-` by its number.
const OPEN: &str = "filled";
const KEPT: &str = "field";

fn open(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let account = ask.params.text("account-id");
    if account.is_some_and(|told| told != account_number(caller.account).to_string()) {
        return Err(Error::account());
    }
    let (pair, size) = (optional_pair(house, ask)?, size(ask, 100, 500)?);
    let orders = house.desk.floor.open_orders(caller.account);
    let orders = orders.filter(|order| pair.is_none_or(|pair| order.pair == pair));
    Ok(done(orders.take(size).map(|order| shown(house, order, OPEN)).collect::<Vec<_>>()))
}

/// Orders of one pair in some states, newest first.
fn orders(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = pair(house, ask)?;
    let states = ask.params.text("states").ok_or_else(|| Error::missing("states"))?;
    let fits = |order: &Order| order.pair == pair && states.split(',').any(|told| told == state(order));
    list(house, ask, caller, fits)
}

fn history(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = optional_pair(house, ask)?;
    list(house, ask, caller, |order| pair.is_none_or(|pair| order.pair == pair))
}

fn list(house: &House<Htx>, ask: &Ask, caller: &Entry, fits: impl Fn(&Order) -> bool) -> Reply {
    let (size, time) = (size(ask, 100, 1000)?, time(ask)?);
    let orders = house.desk.floor.orders(caller.account).rev();
    let orders = orders.filter(|order| fits(order) && time.contains(&order.created_ms));
    Ok(done(orders.take(size).map(|order| shown(house, order, KEPT)).collect::<Vec<_>>()))
}

fn time(ask: &Ask) -> Result<std::ops::RangeInclusive<i64>, Error> {
    let moment = |name| ask.params.integer(name).map_err(|_| Error::invalid(name));
    Ok(moment("start-time")?.unwrap_or(0)..=moment("end-time")?.unwrap_or(i64::MAX))
}

fn one(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    Ok(done(shown(house, find(house, caller.account, ask.rest.first())?, KEPT)))
}

fn one_by_name(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.params.text("clientOrderId").ok_or_else(|| Error::missing("clientOrderId"))?;
    let order = house.desk.floor.order_by_client_id(caller.account, &name).ok_or_else(Error::no_order)?;
    Ok(done(shown(house, order, KEPT)))
}

fn shown(house: &House<Htx>, order: &Order, prefix: &str) -> Value {
    let mut shown = json!({
        "id": order.id, "symbol": symbol(&house.desk.floor.pairs[order.pair]),
        "account-id": account_number(order.account), "client-order-id": order.own_id(), "type": kind(order),
        "amount": plain(order.terms.amount()), "price": plain(order.terms.price().unwrap_or_default()),
        "created-at": order.created_ms, "source": "spot-api", "state": state(order),
    });
    let fills = [("amount", order.filled), ("cash-amount", order.filled_quote), ("fees", order.fee())];
    for (name, amount) in fills {
        shown[format!("{prefix}-{name}")] = plain(amount).into();
    }
    if !order.is_open() {
        shown["finished-at"] = order.updated_ms.into();
        let canceled = if order.status == Status::Filled { 0 } else { order.updated_ms };
        shown["canceled-at"] = canceled.into();
    }
    shown
}

fn kind(order: &Order) -> String {
    let kind = match order.terms {
        Terms::Market { .. } | Terms::MarketQuote { .. } => "market",
        Terms::Limit { force: Force::GoodTillCancel, .. } => "limit",
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => "ioc",
        Terms::Limit { force: Force::FillOrKill, .. } => "limit-fok",
        Terms::Limit { force: Force::PostOnly, .. } => "limit-maker",
    };
    format!("{}-{kind}", order.side.as_lower())
}

fn state(order: &Order) -> &'static str {
    match order.status {
        Status::New => "submitted",
        Status::PartiallyFilled => "partial-filled",
        Status::Filled => "filled",
        Status::Canceled | Status::Expired if order.filled.is_zero() => "canceled",
        Status::Canceled | Status::Expired => "partial-canceled",
    }
}

/// The caller's fills, newest first.
fn fills(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, size, time) = (optional_pair(house, ask)?, size(ask, 100, 500)?, time(ask)?);
    let fits = |(order, fill): &(&Order, &Fill)| {
        pair.is_none_or(|pair| order.pair == pair) && time.contains(&fill.at_ms)
    };
    let fills = house.desk.floor.fills(caller.account).filter(fits);
    Ok(done(fills.take(size).map(|(order, fill)| trade(house, order, fill)).collect::<Vec<_>>()))
}

fn fills_of(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let order = find(house, caller.account, ask.rest.first())?;
    Ok(done(order.fills.iter().map(|fill| trade(house, order, fill)).collect::<Vec<_>>()))
}

fn trade(house: &House<Htx>, order: &Order, fill: &Fill) -> Value {
    json!({
        "id": fill.trade_id, "trade-id": fill.trade_id, "match-id": fill.trade_id, "order-id": order.id,
        "symbol": symbol(&house.desk.floor.pairs[order.pair]), "type": kind(order), "source": "spot-api",
        "price": plain(fill.price), "filled-amount": plain(fill.quantity), "filled-fees": plain(fill.fee),
        "fee-currency": fill.fee_asset.to_lowercase(), "filled-points": "0.0", "fee-deduct-currency": "",
        "fee-deduct-state": "done", "role": if fill.maker { "maker" } else { "taker" }, "created-at": fill.at_ms,
    })
}
