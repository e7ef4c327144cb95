//! Orders and fills that were: one order, the open ones, the ended ones, the trades. Newest first.

use serde_json::{Value, json};

use super::error::Error;
use super::order::{find, order_id, parse_order_id};
use super::{Okx, Reply, limit, need};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Okx>] = &[
    Route::signed("GET", "/api/v5/trade/order", Permission::Read, one),
    Route::signed("GET", "/api/v5/trade/orders-pending", Permission::Read, pending),
    Route::signed("GET", "/api/v5/trade/orders-history", Permission::Read, ended),
    Route::signed("GET", "/api/v5/trade/orders-history-archive", Permission::Read, ended),
    Route::signed("GET", "/api/v5/trade/fills", Permission::Read, fills),
    Route::signed("GET", "/api/v5/trade/fills-history", Permission::Read, fills),
];

fn one(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    need(ask, "instId")?;
    let order = find(house, caller, &ask.params)?.ok_or(Error::NO_ORDER)?;
    Ok(json!([shown(house, order)]))
}

fn pending(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    list(house, ask, house.desk.floor.open_orders(caller.account).collect())
}

fn ended(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    need(ask, "instType")?;
    let wanted = ask.params.text("state");
    let fits =
        |order: &&Order| !order.is_open() && wanted.as_deref().is_none_or(|state| state == status(order));
    list(house, ask, house.desk.floor.orders(caller.account).filter(fits).collect())
}

/// Those in the instrument and page that are asked for.
fn list(house: &House<Okx>, ask: &Ask, mut orders: Vec<&Order>) -> Reply {
    let pair = house.asked_instrument(ask)?;
    let edge = |name| match ask.params.text(name) {
        Some(text) => parse_order_id(&text).map(Some).ok_or_else(|| Error::parameter(name)),
        None => Ok(None),
    };
    let (after, before) = (edge("after")?, edge("before")?);
    orders.retain(|order| {
        pair.is_none_or(|pair| order.pair == pair)
            && after.is_none_or(|after| order.id < after)
            && before.is_none_or(|before| order.id > before)
    });
    orders.sort_by_key(|order| std::cmp::Reverse(order.id));
    let most = limit(ask, "limit", 100, 100)?;
    Ok(orders.into_iter().take(most).map(|order| shown(house, order)).collect())
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::Canceled | Status::Expired => "canceled",
        Status::Filled => "filled",
        Status::New => "live",
        Status::PartiallyFilled => "partially_filled",
    }
}

/// `ordType`, `sz` and `tgtCcy`.
fn terms(order: &Order) -> (&'static str, String, &'static str) {
    match order.terms {
        Terms::Limit { quantity, force, .. } => {
            let kind = match force {
                Force::GoodTillCancel => "limit",
                Force::ImmediateOrCancel => "ioc",
                Force::FillOrKill => "fok",
                Force::PostOnly => "post_only",
            };
            (kind, plain(quantity), "")
        }
        Terms::Market { quantity } => ("market", plain(quantity), "base_ccy"),
        Terms::MarketQuote { amount } => ("market", plain(amount), "quote_ccy"),
    }
}

pub(super) fn shown(house: &House<Okx>, order: &Order) -> Value {
    let pair = &house.desk.floor.pairs[order.pair];
    let (kind, size, counted) = terms(order);
    let last = order.fills.last();
    let text = |of: fn(&Fill) -> String| last.map(of).unwrap_or_default();
    json!({
        "instType": "SPOT", "instId": house.instrument_id(order.pair), "ordId": order_id(order.id),
        "clOrdId": order.own_id(), "tag": "", "px": order.terms.price().map(plain).unwrap_or_default(),
        "sz": size, "tgtCcy": counted, "ordType": kind, "side": order.side.as_lower(), "posSide": "net", "tdMode": "cash",
        "accFillSz": plain(order.filled), "avgPx": order.average_price().map(plain).unwrap_or_default(),
        "fillPx": text(|fill| plain(fill.price)), "fillSz": text(|fill| plain(fill.quantity)),
        "fillTime": text(|fill| fill.at_ms.to_string()), "tradeId": text(|fill| fill.trade_id.to_string()),
        "state": status(order), "fee": plain(-order.fee()),
        "feeCcy": order.side.pick(&pair.base, &pair.quote),
        "rebate": "0", "rebateCcy": order.side.pick(&pair.quote, &pair.base),
        "category": "normal", "lever": "", "pnl": "0", "source": "", "reduceOnly": "false",
        "cTime": order.created_ms.to_string(), "uTime": order.updated_ms.to_string(),
    })
}

fn fills(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = house.asked_instrument(ask)?;
    let order = ask.params.text("ordId");
    let wanted = |(of, _): &(&Order, &Fill)| {
        pair.is_none_or(|pair| of.pair == pair)
            && order.as_ref().is_none_or(|order| *order == order_id(of.id))
    };
    let show = |(order, fill): (&Order, &Fill)| {
        json!({
            "instType": "SPOT", "instId": house.instrument_id(order.pair), "tradeId": fill.trade_id.to_string(),
            "ordId": order_id(order.id), "clOrdId": order.own_id(), "billId": fill.trade_id.to_string(),
            "tag": "", "fillPx": plain(fill.price), "fillSz": plain(fill.quantity), "side": order.side.as_lower(),
            "posSide": "net", "execType": if fill.maker { "M" } else { "T" }, "feeCcy": fill.fee_asset,
            "fee": plain(-fill.fee), "ts": fill.at_ms.to_string(), "fillTime": fill.at_ms.to_string(),
        })
    };
    let all = house.desk.floor.fills(caller.account);
    Ok(all.filter(wanted).take(limit(ask, "limit", 100, 100)?).map(show).collect())
}
