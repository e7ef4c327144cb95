//! Orders and trades, looked at afterwards.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::public::signed;
use super::symbol::{currency, pair, symbol};
use super::{Bitfinex, Error, Reply, limit};
use crate::amount::number;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Status};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::request::form_decode;

pub(super) const ROUTES: &[Route<Bitfinex>] = &[
    Route::signed("POST", "/v2/auth/r/orders", Permission::Read, open),
    Route::signed("POST", "/v2/auth/r/orders/hist", Permission::Read, closed),
    Route::signed("POST", "/v2/auth/r/orders/*", Permission::Read, open),
    Route::signed("POST", "/v2/auth/r/orders/*/hist", Permission::Read, closed),
    Route::signed("POST", "/v2/auth/r/order/*/trades", Permission::Read, order_trades),
    Route::signed("POST", "/v2/auth/r/trades/hist", Permission::Read, trades),
    Route::signed("POST", "/v2/auth/r/trades/*/hist", Permission::Read, trades),
];

fn open(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let wanted = Wanted::read(house, ask)?;
    let orders = house.desk.floor.open_orders(caller.account).filter(|order| wanted.has(order));
    Ok(orders.map(|order| show(house, order)).collect())
}

fn closed(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let (wanted, count) = (Wanted::read(house, ask)?, limit(ask, "limit", 25, 2500)?);
    let done = |order: &&Order| !order.is_open() && wanted.has(order);
    let orders = house.desk.floor.orders(caller.account).rev().filter(done);
    Ok(orders.take(count).map(|order| show(house, order)).collect())
}

/// Which orders are asked for: of the pair in the path, with the ids in the body.
struct Wanted {
    pair: Option<usize>,
    ids: Option<Vec<u64>>,
}

impl Wanted {
    fn read(house: &House<Bitfinex>, ask: &Ask) -> Result<Self, Error> {
        let pair = ask.rest.first().map(|name| pair(&house.desk.floor, name)).transpose()?;
        let ids = ask.params.value("id").and_then(Value::as_array);
        let ids = ids.map(|ids| ids.iter().map(Value::as_u64).collect::<Option<_>>());
        let ids = ids.map(|ids| ids.ok_or(Error::argument("id"))).transpose()?;
        Ok(Self { pair, ids })
    }

    fn has(&self, order: &Order) -> bool {
        self.pair.is_none_or(|pair| pair == order.pair)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&order.id))
    }
}

/// An order is a row of 32 places, most of them empty.
pub(super) fn show(house: &House<Bitfinex>, order: &Order) -> Value {
    let client_id = order.client_id.parse().unwrap_or(order.created_ms);
    let flags = if order.terms.force() == Some(Force::PostOnly) { 4096 } else { 0 };
    let limit = order.terms.price().unwrap_or_default();
    json!([
        order.id,
        null,
        client_id,
        symbol(&house.desk.floor.pairs[order.pair]),
        order.created_ms,
        order.updated_ms,
        signed(order.side, order.remaining()),
        signed(order.side, order.quantity()),
        kind(order),
        null,
        null,
        null,
        flags,
        status(order),
        null,
        null,
        number(limit),
        number(average(order)),
        0,
        0,
        null,
        null,
        null,
        0,
        0,
        null,
        null,
        null,
        "API>BFX",
        null,
        null,
        {}
    ])
}

fn kind(order: &Order) -> &'static str {
    match order.terms.force() {
        Some(Force::GoodTillCancel | Force::PostOnly) => "EXCHANGE LIMIT",
        Some(Force::ImmediateOrCancel) => "EXCHANGE IOC",
        Some(Force::FillOrKill) => "EXCHANGE FOK",
        None => "EXCHANGE MARKET",
    }
}

fn average(order: &Order) -> Decimal {
    order.average_price().unwrap_or_default().round_dp(8)
}

/// Tells the average price and what was filled, too.
fn status(order: &Order) -> String {
    let filled = format!("{}({})", average(order).normalize(), order.filled.normalize());
    let ended = match (order.status, order.terms.force()) {
        (Status::New, _) => return "ACTIVE".to_owned(),
        (Status::PartiallyFilled, _) => return format!("PARTIALLY FILLED @ {filled}"),
        (Status::Filled, _) => return format!("EXECUTED @ {filled}"),
        (Status::Expired, Some(Force::ImmediateOrCancel)) => "IOC CANCELED",
        (Status::Expired, Some(Force::FillOrKill)) => "FILLORKILL CANCELED",
        (Status::Canceled | Status::Expired, _) => "CANCELED",
    };
    match order.filled.is_zero() {
        true => ended.to_owned(),
        false => format!("{ended} was: PARTIALLY FILLED @ {filled}"),
    }
}

/// `tBTCUSD:123`
fn order_trades(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let name = form_decode(&ask.rest[0]).unwrap_or_default();
    let (name, id) = name.rsplit_once(':').ok_or(Error::argument("id"))?;
    let (at, id) = (pair(&house.desk.floor, name)?, id.parse().map_err(|_| Error::argument("id"))?);
    let order = house.desk.floor.order(caller.account, id).filter(|order| order.pair == at);
    let order = order.ok_or(Error::ORDER)?;
    Ok(order.fills.iter().map(|fill| trade(house, order, fill)).collect())
}

fn trades(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let (wanted, count) = (Wanted::read(house, ask)?, limit(ask, "limit", 25, 2500)?);
    let fills = house.desk.floor.fills(caller.account).filter(|(order, _)| wanted.has(order));
    Ok(fills.take(count).map(|(order, fill)| trade(house, order, fill)).collect())
}

/// Fees are negative: they were taken.
fn trade(house: &House<Bitfinex>, order: &Order, fill: &Fill) -> Value {
    json!([
        fill.trade_id,
        symbol(&house.desk.floor.pairs[order.pair]),
        fill.at_ms,
        order.id,
        signed(order.side, fill.quantity),
        number(fill.price),
        kind(order),
        number(order.terms.price().unwrap_or(fill.price)),
        if fill.maker { 1 } else { -1 },
        number(-fill.fee),
        currency(&fill.fee_asset),
        order.client_id.parse().unwrap_or(order.created_ms),
    ])
}
