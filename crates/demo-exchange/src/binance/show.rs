//! Orders as answers show them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Call;
use super::error::Error;
use super::param::Params;
use super::public::fixed;
use crate::floor::{Floor, Force, Order, Status, Terms};

/// How much the answer to a new order says.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Response {
    Ack,
    Result,
    Full,
}

impl Response {
    pub(super) fn parse(params: &Params) -> Result<Self, Error> {
        match params.get("newOrderRespType")? {
            Some("ACK") => Ok(Self::Ack),
            Some("RESULT") => Ok(Self::Result),
            None | Some("FULL") => Ok(Self::Full),
            Some(_) => Err(Error::data("newOrderRespType")),
        }
    }

    pub(super) fn show(self, floor: &Floor, order: &Order) -> Value {
        let mut shown = json!({
            "symbol": floor.pairs[order.pair].symbol(), "orderId": order.id, "orderListId": -1,
            "clientOrderId": order.client_id, "transactTime": order.created_ms,
        });
        let Some(fields) = shown.as_object_mut() else { return shown };
        if self != Self::Ack {
            fields.extend(state(order));
            fields.insert("workingTime".to_owned(), order.created_ms.into());
        }
        if self == Self::Full {
            let fill = |fill: &crate::floor::Fill| {
                json!({ "price": fixed(fill.price), "qty": fixed(fill.quantity), "commission": fixed(fill.fee),
                        "commissionAsset": fill.fee_asset, "tradeId": fill.trade_id })
            };
            fields.insert("fills".to_owned(), order.fills.iter().map(fill).collect());
        }
        shown
    }
}

/// An order as `GET` shows it.
pub(super) fn shown(floor: &Floor, order: &Order) -> Value {
    let mut shown = json!({
        "symbol": floor.pairs[order.pair].symbol(), "orderId": order.id, "orderListId": -1,
        "clientOrderId": order.client_id,
    });
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(state(order));
        let more = json!({
            "stopPrice": fixed(Decimal::ZERO), "icebergQty": fixed(Decimal::ZERO),
            "time": order.created_ms, "updateTime": order.updated_ms, "isWorking": true,
            "workingTime": order.created_ms,
        });
        fields.extend(more.as_object().cloned().unwrap_or_default());
    }
    shown
}

pub(super) fn cancelled_order(floor: &Floor, order: &Order, call: &Call) -> Value {
    let id = call.params.get("newClientOrderId").ok().flatten();
    let mut shown = json!({
        "symbol": floor.pairs[order.pair].symbol(), "origClientOrderId": order.client_id, "orderId": order.id,
        "orderListId": -1, "clientOrderId": id.map_or_else(|| format!("cancel{}", order.id), str::to_owned),
        "transactTime": call.now,
    });
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(state(order));
    }
    shown
}

/// The fields that every view of an order has.
fn state(order: &Order) -> serde_json::Map<String, Value> {
    let (kind, force) = kind(&order.terms);
    let quote = match order.terms {
        Terms::MarketQuote { amount } => amount,
        Terms::Limit { .. } | Terms::Market { .. } => Decimal::ZERO,
    };
    let state = json!({
        "price": fixed(order.terms.price().unwrap_or_default()), "origQty": fixed(order.quantity()),
        "executedQty": fixed(order.filled), "origQuoteOrderQty": fixed(quote),
        "cummulativeQuoteQty": fixed(order.filled_quote), "status": status(order.status), "timeInForce": force,
        "type": kind, "side": order.side.as_upper(), "selfTradePreventionMode": "EXPIRE_MAKER",
    });
    state.as_object().cloned().unwrap_or_default()
}

pub(super) fn kind(terms: &Terms) -> (&'static str, &'static str) {
    match terms {
        Terms::Limit { force: Force::FillOrKill, .. } => ("LIMIT", "FOK"),
        Terms::Limit { force: Force::GoodTillCancel, .. } => ("LIMIT", "GTC"),
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => ("LIMIT", "IOC"),
        Terms::Limit { force: Force::PostOnly, .. } => ("LIMIT_MAKER", "GTC"),
        Terms::Market { .. } | Terms::MarketQuote { .. } => ("MARKET", "GTC"),
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Canceled => "CANCELED",
        Status::Expired => "EXPIRED",
        Status::Filled => "FILLED",
        Status::New => "NEW",
        Status::PartiallyFilled => "PARTIALLY_FILLED",
    }
}
