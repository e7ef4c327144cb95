//! Orders and trades that were: one order, the open ones, all of a symbol, the trades.

use serde_json::{Value, json};

use super::error::Error;
use super::order::{find, order_id, parse_order_id};
use super::{Mexc, Reply, integer, limit};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Side, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Mexc>] = &[
    Route::signed("GET", "/api/v3/order", Permission::Read, one),
    Route::signed("GET", "/api/v3/openOrders", Permission::Read, open),
    Route::signed("GET", "/api/v3/allOrders", Permission::Read, all),
    Route::signed("GET", "/api/v3/myTrades", Permission::Read, trades),
];

fn one(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    find(house, ask, caller)?.map(|order| shown(house, order)).ok_or(Error::NO_ORDER)
}

fn open(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.params.text("symbol").map(|symbol| house.symbol(&symbol)).transpose()?;
    let open = house.desk.floor.open_orders(caller.account);
    let open = open.filter(|order| pair.is_none_or(|pair| order.pair == pair));
    Ok(open.map(|order| shown(house, order)).collect())
}

/// Whether something of this time is asked for.
fn span(ask: &Ask) -> Result<impl Fn(i64) -> bool, Error> {
    let (from, to) = (integer(ask, "startTime")?, integer(ask, "endTime")?);
    Ok(move |time| from.is_none_or(|from| time >= from) && to.is_none_or(|to| time <= to))
}

/// Newest first.
fn all(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, within) = (house.asked_symbol(ask)?, span(ask)?);
    let orders = house.desk.floor.orders(caller.account).rev();
    let orders = orders.filter(|order| order.pair == pair && within(order.created_ms));
    Ok(orders.take(limit(ask, 500, 1000)?).map(|order| shown(house, order)).collect())
}

fn trades(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, within) = (house.asked_symbol(ask)?, span(ask)?);
    let only = ask.params.text("orderId").map(|id| parse_order_id(&id));
    let wanted = |(order, fill): &(&Order, &Fill)| {
        order.pair == pair && within(fill.at_ms) && only.is_none_or(|only| only == Some(order.id))
    };
    let show = |(order, fill): (&Order, &Fill)| {
        json!({ "symbol": house.desk.floor.pairs[pair].symbol(), "id": fill.trade_id.to_string(),
                "orderId": order_id(order.id), "orderListId": -1, "price": plain(fill.price),
                "qty": plain(fill.quantity), "quoteQty": plain(fill.price * fill.quantity),
                "commission": plain(fill.fee), "commissionAsset": fill.fee_asset, "time": fill.at_ms,
                "isBuyer": order.side == Side::Buy, "isMaker": fill.maker, "isBestMatch": true,
                "isSelfTrade": false, "clientOrderId": order.own_id() })
    };
    let all = house.desk.floor.fills(caller.account).filter(wanted);
    Ok(all.take(limit(ask, 100, 100)?).map(show).collect())
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::Canceled | Status::Expired if order.filled.is_zero() => "CANCELED",
        Status::Canceled | Status::Expired => "PARTIALLY_CANCELED",
        Status::Filled => "FILLED",
        Status::New => "NEW",
        Status::PartiallyFilled => "PARTIALLY_FILLED",
    }
}

pub(super) fn kind(order: &Order) -> &'static str {
    match order.terms {
        Terms::Market { .. } | Terms::MarketQuote { .. } => "MARKET",
        Terms::Limit { force, .. } => match force {
            Force::GoodTillCancel => "LIMIT",
            Force::ImmediateOrCancel => "IMMEDIATE_OR_CANCEL",
            Force::FillOrKill => "FILL_OR_KILL",
            Force::PostOnly => "LIMIT_MAKER",
        },
    }
}

pub(super) fn shown(house: &House<Mexc>, order: &Order) -> Value {
    let price = order.terms.price();
    let quote = match order.terms {
        Terms::MarketQuote { amount } => amount,
        _ => order.quantity() * price.unwrap_or_default(),
    };
    json!({
        "symbol": house.desk.floor.pairs[order.pair].symbol(), "orderId": order_id(order.id), "orderListId": -1,
        "clientOrderId": order.own_id(), "price": plain(price.unwrap_or_default()),
        "origQty": plain(order.quantity()), "executedQty": plain(order.filled),
        "cummulativeQuoteQty": plain(order.filled_quote), "status": status(order), "timeInForce": null,
        "type": kind(order), "side": order.side.as_upper(), "stopPrice": null, "icebergQty": null,
        "time": order.created_ms, "updateTime": order.updated_ms, "isWorking": true, "stpMode": "",
        "cancelReason": null, "origQuoteOrderQty": plain(quote),
    })
}
