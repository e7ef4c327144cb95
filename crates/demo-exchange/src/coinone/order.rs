//! Orders of the `/v2.1` API.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::auth::Payload;
use super::error::Error;
use super::public::pair_index;
use super::{Call, Coinone, Reply, Route};
use crate::amount::{self, plain};
use crate::config::{Pair, Permission};
use crate::floor::{Fill, Force, NewOrder, Order, Side, Status, Terms};

pub(super) static ROUTES: &[Route] = &[
    Route { path: "/v2.1/order", permission: Permission::Trade, handler: create },
    Route { path: "/v2.1/order/limit", permission: Permission::Trade, handler: create_limit },
    Route { path: "/v2.1/order/cancel", permission: Permission::Trade, handler: cancel },
    Route { path: "/v2.1/order/cancel/all", permission: Permission::Trade, handler: cancel_all },
    Route { path: "/v2.1/order/open_orders", permission: Permission::Read, handler: open },
    Route { path: "/v2.1/order/open_orders/all", permission: Permission::Read, handler: open },
    Route { path: "/v2.1/order/active_orders", permission: Permission::Read, handler: active },
    Route { path: "/v2.1/order/info", permission: Permission::Read, handler: info },
    Route { path: "/v2.1/order/detail", permission: Permission::Read, handler: info },
    Route { path: "/v2.1/order/complete_orders", permission: Permission::Read, handler: complete },
    Route { path: "/v2.1/order/complete_orders/all", permission: Permission::Read, handler: complete },
];

pub(super) const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
pub(super) const MAX_AMOUNT: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The id of an order as clients see it.
pub(super) fn order_id(id: u64) -> String {
    format!("de300000-0000-4000-9000-{id:012x}")
}

/// Reads an order id back; `None` if it never was one of ours.
pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("de300000-0000-4000-9000-")?, 16).ok()
}

impl Payload {
    /// A decimal number; `None` if it was not sent.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Decimal>, Error> {
        let Some(text) = self.get(name) else { return Ok(None) };
        amount::read(&text).map(Some).ok_or(Error::Parameter)
    }

    pub(super) fn need(&self, name: &str) -> Result<String, Error> {
        self.get(name).ok_or(Error::Parameter)
    }

    /// The pair that `quote_currency` and `target_currency` name.
    fn pair(&self, coinone: &Coinone) -> Result<usize, Error> {
        pair_index(coinone, &self.need("quote_currency")?, &self.need("target_currency")?)
    }

    fn optional_pair(&self, coinone: &Coinone) -> Result<Option<usize>, Error> {
        self.get("target_currency").map(|_| self.pair(coinone)).transpose()
    }
}

fn create(coinone: &mut Coinone, call: &Call) -> Reply {
    let side = side(&call.payload)?;
    let terms = match call.payload.need("type")?.as_str() {
        "LIMIT" => {
            let post_only = call.payload.get("post_only").ok_or(Error::PostOnly)?;
            limit(&call.payload, if post_only == "true" { Force::PostOnly } else { Force::GoodTillCancel })?
        }
        "MARKET" if side == Side::Buy => {
            Terms::MarketQuote { amount: call.payload.amount("amount")?.ok_or(Error::Amount)? }
        }
        "MARKET" => Terms::Market { quantity: call.payload.amount("qty")?.ok_or(Error::Quantity)? },
        _ => return Err(Error::OrderType),
    };
    place(coinone, call, call.payload.pair(coinone)?, side, terms)
}

fn create_limit(coinone: &mut Coinone, call: &Call) -> Reply {
    let terms = limit(&call.payload, Force::GoodTillCancel)?;
    place(coinone, call, call.payload.pair(coinone)?, side(&call.payload)?, terms)
}

pub(super) fn limit(payload: &Payload, force: Force) -> Result<Terms, Error> {
    let price = payload.amount("price")?.ok_or(Error::Price)?;
    Ok(Terms::Limit { price, quantity: payload.amount("qty")?.ok_or(Error::Quantity)?, force })
}

pub(super) fn place(coinone: &mut Coinone, call: &Call, pair: usize, side: Side, terms: Terms) -> Reply {
    filter(&coinone.floor.pairs[pair], &terms)?;
    let account = call.caller.account;
    let client_id = match call.payload.get("user_order_id") {
        Some(id) if !is_user_order_id(&id) => return Err(Error::UserOrderId),
        Some(id) if coinone.floor.order_by_client_id(account, &id).is_some() => {
            return Err(Error::DuplicateUserOrderId);
        }
        Some(id) => id,
        None => order_id(coinone.floor.last_id() + 1),
    };
    let new = NewOrder { account, pair, side, terms, client_id };
    let id = coinone.floor.place(new, call.now)?;
    Ok(json!({ "order_id": order_id(id) }))
}

fn side(payload: &Payload) -> Result<Side, Error> {
    match payload.need("side")?.as_str() {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(Error::Parameter),
    }
}

fn is_user_order_id(id: &str) -> bool {
    id.len() <= 150
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
}

fn filter(pair: &Pair, terms: &Terms) -> Result<(), Error> {
    if let Some(price) = terms.price() {
        if price < pair.tick || price > MAX_PRICE {
            return Err(Error::PriceRange);
        }
        if !(price % pair.tick).is_zero() {
            return Err(Error::PriceUnit);
        }
    }
    let amount = match *terms {
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
            if !(pair.min_quantity..=pair.max_quantity).contains(&quantity) {
                return Err(Error::QuantityRange);
            }
            if !(quantity % pair.step).is_zero() {
                return Err(Error::QuantityUnit);
            }
            quantity * terms.price().unwrap_or(pair.price)
        }
        Terms::MarketQuote { amount } => amount,
    };
    match amount {
        amount if amount < pair.min_notional => Err(Error::TooSmall),
        amount if amount > MAX_AMOUNT => Err(Error::Parameter),
        _ => Ok(()),
    }
}

/// The caller's order named by `order_id` or `user_order_id`, in the pair the payload names.
fn find<'a>(coinone: &'a Coinone, call: &Call) -> Result<&'a Order, Error> {
    let pair = call.payload.pair(coinone)?;
    let account = call.caller.account;
    let order = match (call.payload.get("order_id"), call.payload.get("user_order_id")) {
        (Some(id), None) => parse_order_id(&id).and_then(|id| coinone.floor.order(account, id)),
        (None, Some(id)) => coinone.floor.order_by_client_id(account, &id),
        _ => return Err(Error::OrderId),
    };
    order.filter(|order| order.pair == pair).ok_or(Error::NoOrder)
}

fn cancel(coinone: &mut Coinone, call: &Call) -> Reply {
    let id = find(coinone, call)?.id;
    let rate = coinone.floor.fee_rate();
    let order = cancel_open(coinone, call, id)?;
    Ok(json!({
        "order_id": order_id(id), "price": order.terms.price().map(plain), "qty": plain(order.remaining()),
        "remain_qty": "0", "side": order.side.as_upper(), "original_qty": plain(order.quantity()),
        "traded_qty": plain(order.filled), "canceled_qty": plain(order.remaining()), "fee": plain(order.fee()),
        "fee_rate": plain(rate), "avg_price": plain(order.average_price().unwrap_or_default()),
        "canceled_at": order.updated_ms, "ordered_at": order.created_ms,
    }))
}

fn cancel_all(coinone: &mut Coinone, call: &Call) -> Reply {
    let pair = call.payload.pair(coinone)?;
    let gone = coinone.floor.cancel_all(call.caller.account, |order| order.pair == pair, call.now);
    Ok(json!({ "canceled_count": gone.len(), "total_order_count": gone.len() }))
}

fn open(coinone: &mut Coinone, call: &Call) -> Reply {
    Ok(json!({ "open_orders": list(coinone, call)? }))
}

fn active(coinone: &mut Coinone, call: &Call) -> Reply {
    Ok(json!({ "active_orders": list(coinone, call)? }))
}

fn list(coinone: &Coinone, call: &Call) -> Result<Vec<Value>, Error> {
    let pair = call.payload.optional_pair(coinone)?;
    let orders = coinone.floor.open_orders(call.caller.account);
    let orders = orders.filter(|order| pair.is_none_or(|pair| order.pair == pair));
    Ok(orders.map(|order| shown(coinone, order)).collect())
}

fn info(coinone: &mut Coinone, call: &Call) -> Reply {
    Ok(json!({ "order": shown(coinone, find(coinone, call)?) }))
}

fn shown(coinone: &Coinone, order: &Order) -> Value {
    let pair = &coinone.floor.pairs[order.pair];
    let canceled = if order.is_open() { Decimal::ZERO } else { order.remaining() };
    json!({
        "order_id": order_id(order.id), "user_order_id": order.client_id,
        "type": if order.terms.is_limit() { "LIMIT" } else { "MARKET" },
        "quote_currency": pair.quote, "target_currency": pair.base,
        "status": status(order), "side": order.side.as_upper(),
        "fee": plain(order.fee()), "fee_rate": plain(coinone.floor.fee_rate()),
        "average_executed_price": plain(order.average_price().unwrap_or_default()),
        "updated_at": order.updated_ms, "ordered_at": order.created_ms,
        "price": order.terms.price().map(plain), "original_qty": plain(order.quantity()),
        "executed_qty": plain(order.filled), "traded_qty": plain(order.filled),
        "canceled_qty": plain(canceled), "remain_qty": plain(order.remaining() - canceled),
    })
}

pub(super) fn status(order: &Order) -> &'static str {
    match order.status {
        Status::Canceled | Status::Expired if order.filled.is_zero() => "CANCELED",
        Status::Canceled | Status::Expired => "PARTIALLY_CANCELED",
        Status::Filled => "FILLED",
        Status::New => "LIVE",
        Status::PartiallyFilled => "PARTIALLY_FILLED",
    }
}

/// The fills of the caller, newest first.
fn complete(coinone: &mut Coinone, call: &Call) -> Reply {
    let pair = call.payload.optional_pair(coinone)?;
    let size = call.payload.get("size").map_or(Ok(100), |size| size.parse()).map_err(|_| Error::Parameter)?;
    let fills = coinone.floor.fills(call.caller.account);
    let fills = fills.filter(|(order, _)| pair.is_none_or(|pair| order.pair == pair));
    let show = |(order, fill): (&Order, &Fill)| {
        let pair = &coinone.floor.pairs[order.pair];
        json!({
            "trade_id": fill.trade_id.to_string(), "order_id": order_id(order.id), "quote_currency": pair.quote,
            "target_currency": pair.base, "order_type": if order.terms.is_limit() { "LIMIT" } else { "MARKET" },
            "is_ask": order.side == Side::Sell, "is_maker": fill.maker, "price": plain(fill.price),
            "qty": plain(fill.quantity), "timestamp": fill.at_ms, "fee": plain(fill.fee),
            "fee_rate": plain(coinone.floor.fee_rate()), "fee_currency": fill.fee_asset,
        })
    };
    Ok(json!({ "completed_orders": fills.take(size).map(show).collect::<Vec<_>>() }))
}

/// Cancels an open order, or says why there is nothing to cancel.
pub(super) fn cancel_open<'a>(coinone: &'a mut Coinone, call: &Call, id: u64) -> Result<&'a Order, Error> {
    let account = call.caller.account;
    match coinone.floor.order(account, id).map(|order| order.status).ok_or(Error::NoOrder)? {
        Status::Filled => Err(Error::Traded),
        Status::Canceled | Status::Expired => Err(Error::Cancelled),
        Status::New | Status::PartiallyFilled => {
            coinone.floor.cancel(account, id, call.now).ok_or(Error::NoOrder)
        }
    }
}
