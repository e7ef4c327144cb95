//! Orders and trades, looked at afterwards.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::name::{pair_altname, pair_id};
use super::order::{description, parse_txid, txid};
use super::{Error, Kraken, Reply, price, seconds, volume};
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Kraken>] = &[
    Route::signed("POST", "/0/private/OpenOrders", Permission::Read, open),
    Route::signed("POST", "/0/private/ClosedOrders", Permission::Read, closed),
    Route::signed("POST", "/0/private/QueryOrders", Permission::Read, query),
    Route::signed("POST", "/0/private/TradesHistory", Permission::Read, trades),
    Route::signed("POST", "/0/private/QueryTrades", Permission::Read, query_trades),
];

/// Rows in one answer.
const PAGE: usize = 50;

fn open(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let orders = house.desk.floor.open_orders(caller.account);
    let shown = orders.filter(|order| asked(house, ask, order)).map(|order| row(house, order));
    Ok(json!({ "open": Value::Object(shown.collect()) }))
}

fn closed(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let done = |order: &&Order| !order.is_open() && asked(house, ask, order);
    let orders: Vec<&Order> = house.desk.floor.orders(caller.account).filter(done).collect();
    let page = orders.iter().rev().skip(offset(ask)?).take(PAGE).map(|order| row(house, order));
    Ok(json!({ "closed": Value::Object(page.collect()), "count": orders.len() }))
}

fn query(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let names = ask.params.text("txid").ok_or_else(|| Error::argument("txid"))?;
    let mut shown = Map::new();
    for name in names.split(',') {
        let id = parse_txid(name).ok_or(Error::ORDER)?;
        shown.extend(house.desk.floor.order(caller.account, id).map(|order| row(house, order)));
    }
    Ok(Value::Object(shown))
}

/// Whether an order has the names that are asked for.
fn asked(house: &House<Kraken>, ask: &Ask, order: &Order) -> bool {
    let userref = house.dialect.userrefs.get(&order.id).map(i64::to_string);
    ask.params.text("userref").is_none_or(|asked| Some(asked) == userref)
        && ask.params.text("cl_ord_id").is_none_or(|asked| asked == order.client_id)
}

fn offset(ask: &Ask) -> Result<usize, Error> {
    ask.params.text("ofs").map_or(Ok(0), |text| text.parse().map_err(|_| Error::argument("ofs")))
}

fn row(house: &House<Kraken>, order: &Order) -> (String, Value) {
    (txid(order.id), show(house, order))
}

fn show(house: &House<Kraken>, order: &Order) -> Value {
    let pair = &house.desk.floor.pairs[order.pair];
    let limit = order.terms.price().map_or("0".to_owned(), price);
    let mut shown = json!({
        "refid": null,
        "userref": house.dialect.userrefs.get(&order.id),
        "status": status(order),
        "reason": (order.status == Status::Canceled).then_some("User requested"),
        "opentm": seconds(order.created_ms),
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair_altname(pair),
            "type": order.side.as_lower(),
            "ordertype": kind(order),
            "price": limit,
            "price2": "0",
            "leverage": "none",
            "order": description(pair, order.side, &order.terms),
            "close": "",
        },
        "vol": volume(order.quantity()),
        "vol_exec": volume(order.filled),
        "cost": price(order.filled_quote),
        "fee": volume(order.fee()),
        "price": price(order.average_price().unwrap_or_default()),
        "stopprice": price(Decimal::ZERO),
        "limitprice": price(Decimal::ZERO),
        "misc": "",
        "oflags": flags(order),
        "trades": order.fills.iter().map(|fill| trade_id(order, fill)).collect::<Vec<_>>(),
    });
    if order.client_id != txid(order.id) {
        shown["cl_ord_id"] = order.client_id.clone().into();
    }
    if !order.is_open() {
        shown["closetm"] = seconds(order.updated_ms);
    }
    shown
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::New | Status::PartiallyFilled => "open",
        Status::Filled => "closed",
        Status::Canceled | Status::Expired => "canceled",
    }
}

fn kind(order: &Order) -> &'static str {
    if order.terms.is_limit() { "limit" } else { "market" }
}

/// The floor takes its fee from what comes in: base for a buyer, quote for a seller.
fn flags(order: &Order) -> String {
    let fee = order.side.pick("fcib", "fciq");
    match order.terms {
        Terms::Limit { force: Force::PostOnly, .. } => format!("{fee},post"),
        _ => fee.to_owned(),
    }
}

/// A trade has two sides, and each its own id.
pub(super) fn trade_id(order: &Order, fill: &Fill) -> String {
    let side = order.side.pick('B', 'S');
    format!("TDEMO{side}-{:05}-{:06}", fill.trade_id / 1_000_000, fill.trade_id % 1_000_000)
}

fn trades(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let rows: Vec<(String, Value)> = trade_rows(house, caller).collect();
    let count = rows.len();
    let page: Map<_, _> = rows.into_iter().skip(offset(ask)?).take(PAGE).collect();
    Ok(json!({ "trades": page, "count": count }))
}

fn query_trades(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let names = ask.params.text("txid").ok_or_else(|| Error::argument("txid"))?;
    let named = |(id, _): &(String, Value)| names.split(',').any(|name| name == id);
    Ok(Value::Object(trade_rows(house, caller).filter(named).collect()))
}

/// Newest first.
fn trade_rows<'h>(house: &'h House<Kraken>, caller: &Entry) -> impl Iterator<Item = (String, Value)> + 'h {
    house.desk.floor.fills(caller.account).map(|(order, fill)| trade_row(house, order, fill))
}

fn trade_row(house: &House<Kraken>, order: &Order, fill: &Fill) -> (String, Value) {
    let shown = json!({
        "ordertxid": txid(order.id),
        "postxid": "",
        "pair": pair_id(&house.desk.floor.pairs[order.pair]),
        "time": seconds(fill.at_ms),
        "type": order.side.as_lower(),
        "ordertype": kind(order),
        "price": price(fill.price),
        "cost": price(fill.price * fill.quantity),
        "fee": volume(fill.fee_in_quote(order.side)),
        "vol": volume(fill.quantity),
        "margin": price(Decimal::ZERO),
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.maker,
    });
    (trade_id(order, fill), shown)
}
