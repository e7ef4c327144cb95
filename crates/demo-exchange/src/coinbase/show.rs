//! Amounts, products and orders as they are printed.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::config;
use crate::amount::plain;
use crate::config::Pair;
use crate::date::utc;
use crate::floor::{Fill, Floor, Force, Order, Status, Terms};

/// `BTC-USD`
pub(super) fn product_id(pair: &Pair) -> String {
    format!("{}-{}", pair.base, pair.quote)
}

pub(super) fn order_id(id: u64) -> String {
    format!("c01b0001-0000-4000-8000-{id:012x}")
}

/// Reads an order id back; `None` if it never was one of ours.
pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("c01b0001-0000-4000-8000-")?, 16).ok()
}

pub(super) fn is_fiat(asset: &str) -> bool {
    matches!(asset, "EUR" | "GBP" | "USD")
}

pub(super) fn status(order: &Order) -> &'static str {
    match order.status {
        Status::New | Status::PartiallyFilled => "OPEN",
        Status::Filled => "FILLED",
        Status::Canceled | Status::Expired => "CANCELLED",
    }
}

fn force(terms: &Terms) -> &'static str {
    match terms {
        Terms::Limit { force: Force::GoodTillCancel | Force::PostOnly, .. } => "GOOD_UNTIL_CANCELLED",
        Terms::Limit { force: Force::FillOrKill, .. } => "FILL_OR_KILL",
        _ => "IMMEDIATE_OR_CANCEL",
    }
}

pub(super) fn order(floor: &Floor, order: &Order) -> Value {
    let pair = &floor.pairs[order.pair];
    let fees = order.fee_in_quote();
    let (filled, value) = (order.filled, order.filled_quote);
    let ordered = order.quantity();
    let complete = if ordered.is_zero() { Decimal::ZERO } else { filled / ordered * Decimal::ONE_HUNDRED };
    json!({
        "order_id": order_id(order.id), "product_id": product_id(pair), "user_id": user_id(order.account),
        "order_configuration": config::shown(order), "side": order.side.as_upper(),
        "client_order_id": order.client_id, "status": status(order), "time_in_force": force(&order.terms),
        "created_time": utc(order.created_ms), "completion_percentage": plain(complete),
        "filled_size": plain(filled), "average_filled_price": plain(order.average_price().unwrap_or_default()),
        "fee": "", "number_of_fills": order.fills.len().to_string(), "filled_value": plain(value),
        "pending_cancel": false, "size_in_quote": matches!(order.terms, Terms::MarketQuote { .. }),
        "total_fees": plain(fees), "size_inclusive_of_fees": false, "total_value_after_fees": plain(value + fees),
        "trigger_status": "INVALID_ORDER_TYPE", "order_type": if order.terms.is_limit() { "LIMIT" } else { "MARKET" },
        "reject_reason": "REJECT_REASON_UNSPECIFIED", "settled": order.status == Status::Filled,
        "product_type": "SPOT", "reject_message": "", "cancel_message": "",
        "last_fill_time": order.fills.last().map(|fill| utc(fill.at_ms)),
    })
}

pub(super) fn fill(floor: &Floor, order: &Order, fill: &Fill) -> Value {
    let pair = &floor.pairs[order.pair];
    json!({
        "entry_id": format!("{:064x}", fill.trade_id), "trade_id": fill.trade_id.to_string(),
        "order_id": order_id(order.id), "trade_time": utc(fill.at_ms), "trade_type": "FILL",
        "price": plain(fill.price), "size": plain(fill.quantity), "commission": plain(fill.fee_in_quote(order.side)),
        "product_id": product_id(pair), "sequence_timestamp": utc(fill.at_ms),
        "liquidity_indicator": if fill.maker { "MAKER" } else { "TAKER" }, "size_in_quote": false,
        "user_id": user_id(order.account), "side": order.side.as_upper(),
    })
}

pub(super) fn user_id(account: usize) -> String {
    format!("c01b0003-0000-4000-8000-{account:012x}")
}
