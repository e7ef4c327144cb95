//! A customer's own trades.

use serde_json::{Value, json};

use super::order::{order_id, parse_order_id};
use super::product::{product_id, product_index};
use super::{CoinbaseExchange, Error, Reply, exact, limit, short};
use crate::config::Permission;
use crate::date::utc;
use crate::floor::{Fill, Order};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<CoinbaseExchange>] =
    &[Route::signed("GET", "/fills", Permission::Read, fills)];

/// Of one order or of one product, one of which must be named; newest first.
fn fills(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let (order, product) = (ask.params.text("order_id"), ask.params.text("product_id"));
    let id = order.as_deref().map(|text| parse_order_id(text).ok_or(Error::NOT_FOUND)).transpose()?;
    let pair =
        product.as_deref().map(|text| product_index(floor, text).ok_or(Error::NOT_FOUND)).transpose()?;
    if id.is_none() && pair.is_none() {
        return Err(Error::bad("Must provide either order_id or product_id".to_owned()));
    }
    let wanted = |(order, _): &(&Order, &Fill)| {
        id.is_none_or(|id| id == order.id) && pair.is_none_or(|pair| pair == order.pair)
    };
    let fills = floor.fills(caller.account).filter(wanted).take(limit(ask, "limit", 1000, 1000)?);
    Ok(fills.map(|(order, fill)| show(house, order, fill)).collect())
}

fn show(house: &House<CoinbaseExchange>, order: &Order, fill: &Fill) -> Value {
    json!({
        "trade_id": fill.trade_id,
        "product_id": product_id(&house.desk.floor.pairs[order.pair]),
        "order_id": order_id(order.id),
        "liquidity": if fill.maker { "M" } else { "T" },
        "price": short(fill.price),
        "size": short(fill.quantity),
        "fee": exact(fill.fee_in_quote(order.side)),
        "created_at": utc(fill.at_ms),
        "side": order.side.as_lower(),
        "settled": true,
    })
}
