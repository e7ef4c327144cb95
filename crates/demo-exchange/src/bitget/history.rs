//! Orders that were placed, and their fills.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::account::user_id;
use super::error::Error;
use super::{Bitget, Reply, limit, optional_pair, pair};
use crate::amount::plain;
use crate::config::Pair;
use crate::config::Permission::Read;
use crate::floor::{Fill, Floor, Force, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Bitget>] = &[
    Route::signed("GET", "/api/v2/spot/trade/orderInfo", Read, info),
    Route::signed("GET", "/api/v2/spot/trade/unfilled-orders", Read, unfilled),
    Route::signed("GET", "/api/v2/spot/trade/history-orders", Read, history),
    Route::signed("GET", "/api/v2/spot/trade/fills", Read, fills),
];

/// The caller's order that `orderId` or else `clientOid` names.
pub(super) fn by_ids<'a>(
    floor: &'a Floor,
    params: &Params,
    caller: &Entry,
) -> Result<Option<&'a Order>, Error> {
    match (params.text("orderId"), params.text("clientOid")) {
        (Some(id), _) => {
            let id = id.parse().map_err(|_| Error::ORDER_ID)?;
            Ok(floor.order(caller.account, id))
        }
        (None, Some(id)) => Ok(floor.order_by_client_id(caller.account, &id)),
        (None, None) => Err(Error::PARAMETER),
    }
}

fn info(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let order = by_ids(floor, &ask.params, caller)?.ok_or(Error::NO_ORDER)?;
    Ok(json!([finished(floor, order, caller)]))
}

/// The open orders of one pair or of all, newest first.
fn unfilled(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    list(house, ask, |floor, ask_pair| {
        let open =
            floor.open_orders(caller.account).filter(|order| ask_pair.is_none_or(|pair| order.pair == pair));
        open.map(|order| waiting(floor, order, caller)).collect()
    })
}

/// The orders of one pair or of all that came to an end, newest first.
fn history(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    list(house, ask, |floor, ask_pair| {
        let done = floor.orders(caller.account).filter(|order| !order.is_open());
        let done = done.filter(|order| ask_pair.is_none_or(|pair| order.pair == pair));
        done.map(|order| finished(floor, order, caller)).collect()
    })
}

fn list(house: &House<Bitget>, ask: &Ask, orders: impl Fn(&Floor, Option<usize>) -> Vec<Value>) -> Reply {
    let (pair, limit) = (optional_pair(house, ask)?, limit(ask, 100, 100)?);
    Ok(orders(&house.desk.floor, pair).into_iter().rev().take(limit).collect())
}

fn fills(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let (pair, limit, floor) = (pair(house, ask)?, limit(ask, 100, 100)?, &house.desk.floor);
    let fills = floor.fills(caller.account).filter(|(order, _)| order.pair == pair);
    let show = |(order, fill)| shown_fill(&floor.pairs[pair], order, fill, caller);
    Ok(fills.take(limit).map(show).collect())
}

fn shown_fill(pair: &Pair, order: &Order, fill: &Fill, caller: &Entry) -> Value {
    json!({
        "userId": user_id(caller), "symbol": pair.symbol(), "orderId": order.id.to_string(),
        "tradeId": fill.trade_id.to_string(), "orderType": kind(order), "side": order.side.as_lower(),
        "priceAvg": plain(fill.price), "size": plain(fill.quantity), "amount": plain(fill.price * fill.quantity),
        "feeDetail": {
            "deduction": "no", "feeCoin": fill.fee_asset, "totalDeductionFee": "", "totalFee": plain(-fill.fee),
        },
        "tradeScope": if fill.maker { "maker" } else { "taker" }, "cTime": fill.at_ms.to_string(),
        "uTime": fill.at_ms.to_string(),
    })
}

fn kind(order: &Order) -> &'static str {
    if order.terms.is_limit() { "limit" } else { "market" }
}

/// An open order: what Bitget calls its average price is the price it waits at.
fn waiting(floor: &Floor, order: &Order, caller: &Entry) -> Value {
    let mut shown = common(&floor.pairs[order.pair], order, caller);
    shown.insert("priceAvg".to_owned(), plain(order.terms.price().unwrap_or_default()).into());
    shown.insert("basePrice".to_owned(), plain(order.average_price().unwrap_or_default()).into());
    shown.insert("tpslType".to_owned(), "normal".into());
    shown.into()
}

fn finished(floor: &Floor, order: &Order, caller: &Entry) -> Value {
    let pair = &floor.pairs[order.pair];
    let mut shown = common(pair, order, caller);
    shown.insert("price".to_owned(), plain(order.terms.price().unwrap_or_default()).into());
    shown.insert("priceAvg".to_owned(), plain(order.average_price().unwrap_or_default()).into());
    shown.insert("feeDetail".to_owned(), fee_detail(pair, order).into());
    shown.insert("cancelReason".to_owned(), "".into());
    shown.into()
}

fn common(pair: &Pair, order: &Order, caller: &Entry) -> Map<String, Value> {
    let fields = [
        ("userId", user_id(caller)),
        ("symbol", pair.symbol()),
        ("orderId", order.id.to_string()),
        ("clientOid", order.client_id.clone()),
        ("size", plain(order.terms.amount())),
        ("orderType", kind(order).to_owned()),
        ("side", order.side.as_lower().to_owned()),
        ("force", force(order).to_owned()),
        ("status", status(order).to_owned()),
        ("baseVolume", plain(order.filled)),
        ("quoteVolume", plain(order.filled_quote)),
        ("enterPointSource", "API".to_owned()),
        ("orderSource", "normal".to_owned()),
        ("cTime", order.created_ms.to_string()),
        ("uTime", order.updated_ms.to_string()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn force(order: &Order) -> &'static str {
    match order.terms {
        Terms::Limit { force: Force::PostOnly, .. } => "post_only",
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => "ioc",
        Terms::Limit { force: Force::FillOrKill, .. } => "fok",
        _ => "gtc",
    }
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::New => "live",
        Status::PartiallyFilled => "partially_filled",
        Status::Filled => "filled",
        Status::Canceled | Status::Expired => "cancelled",
    }
}

/// JSON as a text; empty as long as nothing was paid.
fn fee_detail(pair: &Pair, order: &Order) -> String {
    let fee = order.fee();
    if fee == Decimal::ZERO {
        return String::new();
    }
    let coin = order.side.pick(&pair.base, &pair.quote);
    let one =
        json!({ "deduction": false, "feeCoinCode": coin, "totalDeductionFee": 0, "totalFee": plain(-fee) });
    json!({ coin: one, "newFees": { "c": 0, "d": 0, "deduction": false, "r": plain(-fee), "t": plain(-fee) } })
        .to_string()
}
