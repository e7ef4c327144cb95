//! A customer's own trades.

use serde_json::{Value, json};

use super::order::{order_id, parse_order_id, word};
use super::product::{product_id, product_index};
use super::{CoinbaseExchange, Error, Kept, Reply, exact, fill_fee, limit, short};
use crate::clock::iso8601;
use crate::config::Permission;
use crate::floor::{Fill, Order};
use crate::house::{Ask, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<CoinbaseExchange>] =
    &[Route::signed("GET", "/fills", Permission::Read, fills)];

/// Of one order or of one product, one of which must be named; newest first.
fn fills(house: &mut Kept, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let (order, product) = (ask.params.text("order_id"), ask.params.text("product_id"));
    let id = order.as_deref().map(|text| parse_order_id(text).ok_or(Error::NOT_FOUND)).transpose()?;
    let pair =
        product.as_deref().map(|text| product_index(floor, text).ok_or(Error::NOT_FOUND)).transpose()?;
    if id.is_none() && pair.is_none() {
        return Err(Error::bad("Must provide either order_id or product_id".to_owned()));
    }
    let wanted =
        |order: &&Order| id.is_none_or(|id| id == order.id) && pair.is_none_or(|pair| pair == order.pair);
    let orders = floor.orders(caller.account).filter(wanted);
    let mut rows: Vec<(u64, Value)> = orders
        .flat_map(|order| order.fills.iter().map(|fill| (fill.trade_id, show(house, order, fill))))
        .collect();
    rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let count = limit(ask, "limit", 1000, 1000)?;
    Ok(rows.into_iter().take(count).map(|(_, row)| row).collect())
}

fn show(house: &Kept, order: &Order, fill: &Fill) -> Value {
    json!({
        "trade_id": fill.trade_id,
        "product_id": product_id(&house.desk.floor.pairs[order.pair]),
        "order_id": order_id(order.id),
        "liquidity": if fill.maker { "M" } else { "T" },
        "price": short(fill.price),
        "size": short(fill.quantity),
        "fee": exact(fill_fee(order.side, fill.fee, fill.price)),
        "created_at": iso8601(fill.at_ms),
        "side": word(order.side),
        "settled": true,
    })
}
