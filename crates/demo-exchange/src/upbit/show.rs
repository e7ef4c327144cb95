//! Orders, amounts and markets as they are printed.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::order::Words;
use crate::amount::plain;
use crate::config::Pair;
use crate::date::kst;
use crate::floor::{Fill, Floor, Force, NewOrder, Order, Side, Status, Terms};

/// `KRW-BTC`: the quote first.
pub(crate) fn market(pair: &Pair) -> String {
    format!("{}-{}", pair.quote, pair.base)
}

/// The id of an order as clients see it.
pub(crate) fn order_id(id: u64) -> String {
    format!("0dde0000-0000-4000-8000-{id:012x}")
}

/// Reads an order id back; `None` if it never was one of ours.
pub(crate) fn parse_order_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0dde0000-0000-4000-8000-")?, 16).ok()
}

pub(crate) fn side(side: Side) -> &'static str {
    side.pick("bid", "ask")
}

pub(crate) fn kind(terms: &Terms) -> &'static str {
    match terms {
        Terms::Limit { .. } => "limit",
        Terms::Market { .. } => "market",
        Terms::MarketQuote { .. } => "price",
    }
}

pub(crate) fn state(order: &Order) -> &'static str {
    match order.status {
        Status::New | Status::PartiallyFilled => "wait",
        Status::Filled => "done",
        Status::Canceled | Status::Expired => "cancel",
    }
}

/// The price of a limit order, or what a purchase at the market spends.
fn price(terms: &Terms) -> Option<String> {
    match terms {
        Terms::Limit { price, .. } => Some(plain(*price)),
        Terms::MarketQuote { amount } => Some(plain(*amount)),
        Terms::Market { .. } => None,
    }
}

fn force(terms: &Terms) -> Option<&'static str> {
    match terms {
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => Some("ioc"),
        Terms::Limit { force: Force::FillOrKill, .. } => Some("fok"),
        Terms::Limit { force: Force::PostOnly, .. } => Some("post_only"),
        _ => None,
    }
}

/// What an open order holds back.
fn locked(order: &Order) -> Decimal {
    let price = order.terms.price().unwrap_or_default();
    if order.is_open() { order.remaining() * order.side.pick(price, Decimal::ONE) } else { Decimal::ZERO }
}

/// What the client called the order, if it did.
pub(crate) fn client_id(order: &Order) -> Option<&str> {
    Some(order.client_id.as_str()).filter(|known| *known != order_id(order.id))
}

pub(crate) fn order(floor: &Floor, order: &Order, words: &Words) -> Value {
    let pair = &floor.pairs[order.pair];
    let in_base = !matches!(order.terms, Terms::MarketQuote { .. });
    let open_fee = locked(order) * order.side.pick(floor.fee_rate(), Decimal::ZERO);
    let paid = order.fee_in_quote();
    let mut shown = json!({
        "uuid": order_id(order.id), "side": side(order.side), "ord_type": kind(&order.terms),
        "price": price(&order.terms), "state": state(order), "market": market(pair),
        "created_at": kst(order.created_ms), "volume": in_base.then(|| plain(order.quantity())),
        "remaining_volume": in_base.then(|| plain(order.remaining())), "reserved_fee": plain(open_fee + paid),
        "remaining_fee": plain(open_fee), "paid_fee": plain(paid), "locked": plain(locked(order)),
        "executed_volume": plain(order.filled), "executed_funds": plain(order.filled_quote),
        "trades_count": order.fills.len(),
    });
    if let Some(force) = force(&order.terms) {
        shown["time_in_force"] = force.into();
    }
    if let Some(id) = client_id(order) {
        shown[words.client_id] = id.into();
    }
    shown
}

/// The order with its trades.
pub(crate) fn order_in_full(floor: &Floor, order: &Order, words: &Words) -> Value {
    let market = market(&floor.pairs[order.pair]);
    let trade = |fill: &Fill| {
        json!({ "market": market, "uuid": format!("0dde0001-0000-4000-8000-{:012x}", fill.trade_id),
                "price": plain(fill.price), "volume": plain(fill.quantity),
                "funds": plain(fill.price * fill.quantity), "created_at": kst(fill.at_ms),
                "side": side(order.side) })
    };
    let mut shown = self::order(floor, order, words);
    shown["trades"] = order.fills.iter().map(trade).collect();
    shown
}

/// An order that was judged but not placed.
pub(crate) fn draft(floor: &Floor, draft: &NewOrder, now: i64) -> Value {
    let volume = match draft.terms {
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => Some(plain(quantity)),
        Terms::MarketQuote { .. } => None,
    };
    json!({
        "uuid": order_id(0), "side": side(draft.side), "ord_type": kind(&draft.terms), "price": price(&draft.terms),
        "state": "wait", "market": market(&floor.pairs[draft.pair]), "created_at": kst(now), "volume": volume,
        "remaining_volume": volume, "executed_volume": "0", "trades_count": 0,
    })
}
