//! Orders and trades that were: the open orders, the ended ones, the fills. Newest first, page by page.

use serde_json::{Map, Value, json};

use super::error::Error;
use super::order::{named, order_id};
use super::{Bybit, Reply, is_spot, limit};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Bybit>] = &[
    Route::signed("GET", "/v5/order/realtime", Permission::Read, current),
    Route::signed("GET", "/v5/order/history", Permission::Read, ended),
    Route::signed("GET", "/v5/execution/list", Permission::Read, executions),
];

/// The open orders, or the one that is named, even if it has ended.
fn current(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    let orders = match named(house, caller, &ask.params)? {
        Some(order) => order.into_iter().collect(),
        None => house.desk.floor.open_orders(caller.account).collect(),
    };
    list(house, ask, orders)
}

fn ended(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    let mut orders: Vec<&Order> = match named(house, caller, &ask.params)? {
        Some(order) => order.into_iter().collect(),
        None => house.desk.floor.orders(caller.account).collect(),
    };
    let wanted = ask.params.text("orderStatus");
    orders.retain(|order| !order.is_open() && wanted.as_deref().is_none_or(|wanted| wanted == status(order)));
    list(house, ask, orders)
}

fn list(house: &House<Bybit>, ask: &Ask, orders: Vec<&Order>) -> Reply {
    let pair = house.asked_symbol(ask)?;
    let orders = orders.into_iter().filter(|order| pair.is_none_or(|pair| order.pair == pair));
    page(ask, orders.map(|order| (order.id, shown(house, order))).collect(), (20, 50))
}

/// The newest entries, or those before the cursor.
fn page(ask: &Ask, mut list: Vec<(u64, Value)>, (default, most): (usize, usize)) -> Reply {
    let cursor = ask.params.text("cursor").map(|text| text.parse::<u64>());
    let cursor = cursor.transpose().map_err(|_| Error::invalid("cursor"))?;
    let limit = limit(ask, default, most)?;
    let spot = is_spot(&ask.params)?;
    list.retain(|(id, _)| spot && cursor.is_none_or(|cursor| *id < cursor));
    list.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let more = list.len() > limit;
    list.truncate(limit);
    let next = list.last().filter(|_| more).map(|(id, _)| id.to_string()).unwrap_or_default();
    let list: Vec<_> = list.into_iter().map(|(_, shown)| shown).collect();
    Ok(json!({ "category": ask.params.text("category"), "list": list, "nextPageCursor": next }))
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::Canceled | Status::Expired if order.filled.is_zero() => "Cancelled",
        Status::Canceled | Status::Expired => "PartiallyFilledCanceled",
        Status::Filled => "Filled",
        Status::New => "New",
        Status::PartiallyFilled => "PartiallyFilled",
    }
}

/// `orderType`, `qty`, `marketUnit` and `timeInForce`.
fn terms(order: &Order) -> (&'static str, String, &'static str, &'static str) {
    match order.terms {
        Terms::Limit { quantity, force, .. } => {
            let force = match force {
                Force::GoodTillCancel => "GTC",
                Force::ImmediateOrCancel => "IOC",
                Force::FillOrKill => "FOK",
                Force::PostOnly => "PostOnly",
            };
            ("Limit", plain(quantity), "", force)
        }
        Terms::Market { quantity } => ("Market", plain(quantity), "baseCoin", "IOC"),
        Terms::MarketQuote { amount } => ("Market", plain(amount), "quoteCoin", "IOC"),
    }
}

pub(super) fn shown(house: &House<Bybit>, order: &Order) -> Value {
    let pair = &house.desk.floor.pairs[order.pair];
    let (kind, quantity, unit, force) = terms(order);
    let fee_coin = order.side.pick(&pair.base, &pair.quote);
    let turned_away = force == "PostOnly" && order.status == Status::Expired;
    let fees = order.fills.first().map(|_| (fee_coin.clone(), json!(plain(order.fee()))));
    json!({
        "orderId": order_id(order.id), "orderLinkId": order.own_id(), "symbol": pair.symbol(),
        "price": plain(order.terms.price().unwrap_or_default()), "qty": quantity, "marketUnit": unit,
        "side": order.side.pick("Buy", "Sell"), "orderType": kind, "timeInForce": force, "orderStatus": status(order),
        "avgPrice": order.average_price().map(plain).unwrap_or_default(),
        "leavesQty": plain(if order.is_open() { order.remaining() } else { Default::default() }),
        "cumExecQty": plain(order.filled), "cumExecValue": plain(order.filled_quote),
        "cumExecFee": plain(order.fee()), "cumFeeDetail": Map::from_iter(fees), "feeCurrency": fee_coin,
        "cancelType": if order.status == Status::Canceled { "CancelByUser" } else { "UNKNOWN" },
        "rejectReason": if turned_away { "EC_PostOnlyWillTakeLiquidity" } else { "EC_NoError" },
        "isLeverage": "0", "positionIdx": 0, "stopOrderType": "", "orderIv": "", "triggerPrice": "0",
        "takeProfit": "", "stopLoss": "", "triggerDirection": 0, "reduceOnly": false, "closeOnTrigger": false,
        "smpType": "None", "smpGroup": 0, "smpOrderId": "", "placeType": "", "createType": "CreateByUser",
        "createdTime": order.created_ms.to_string(), "updatedTime": order.updated_ms.to_string(),
    })
}

fn executions(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = house.asked_symbol(ask)?;
    let only = named(house, caller, &ask.params)?.map(|order| order.map(|order| order.id));
    let wanted = |(order, _): &(&Order, &Fill)| {
        pair.is_none_or(|pair| order.pair == pair) && only.is_none_or(|only| only == Some(order.id))
    };
    let all = house.desk.floor.fills(caller.account).filter(wanted);
    page(ask, all.map(|(order, fill)| (fill.trade_id, execution(house, order, fill))).collect(), (50, 100))
}

pub(super) fn execution(house: &House<Bybit>, order: &Order, fill: &Fill) -> Value {
    let (kind, quantity, ..) = terms(order);
    json!({
        "symbol": house.desk.floor.pairs[order.pair].symbol(), "orderId": order_id(order.id),
        "orderLinkId": order.own_id(), "side": order.side.pick("Buy", "Sell"), "orderType": kind,
        "orderPrice": plain(order.terms.price().unwrap_or_default()), "orderQty": quantity, "leavesQty": "",
        "stopOrderType": "", "execId": fill.trade_id.to_string(), "execPrice": plain(fill.price),
        "execQty": plain(fill.quantity), "execValue": plain(fill.price * fill.quantity), "execType": "Trade",
        "execTime": fill.at_ms.to_string(), "execFee": plain(fill.fee), "feeCurrency": fill.fee_asset,
        "feeRate": plain(house.desk.floor.fee_rate()), "isMaker": fill.maker, "isLeverage": "0",
    })
}
