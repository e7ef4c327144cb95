//! The old `/v2` API, which ccxt still uses for balances, cancelling and asking after an order. Its market id
//! is taken from `currency`; calls that name an order id find the order by that alone, since ccxt sends a
//! ticker number as the currency there.

use serde_json::{Map, Value, json};

use super::error::Error;
use super::order::{cancel_open, limit, order_id, parse_order_id, place, status};
use super::public::pair_index;
use super::{Call, Coinone, Reply, Route};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Fill, Force, Order, Side};

pub(super) static ROUTES: &[Route] = &[
    Route { path: "/v2/account/balance", permission: Permission::Read, handler: balance },
    Route { path: "/v2/account/user_info", permission: Permission::Read, handler: user_info },
    Route { path: "/v2/account/deposit_address", permission: Permission::Read, handler: deposit_address },
    Route { path: "/v2/order/limit_buy", permission: Permission::Trade, handler: buy },
    Route { path: "/v2/order/limit_sell", permission: Permission::Trade, handler: sell },
    Route { path: "/v2/order/cancel", permission: Permission::Trade, handler: cancel },
    Route { path: "/v2/order/limit_orders", permission: Permission::Read, handler: open },
    Route { path: "/v2/order/query_order", permission: Permission::Read, handler: query },
    Route { path: "/v2/order/complete_orders", permission: Permission::Read, handler: complete },
];

fn balance(coinone: &mut Coinone, call: &Call) -> Reply {
    let wallet = coinone.floor.wallet(call.caller.account);
    let mut fields: Map<String, Value> = wallet
        .iter()
        .map(|(asset, balance)| {
            let shown = json!({ "avail": plain(balance.free), "balance": plain(balance.total()) });
            (asset.to_lowercase(), shown)
        })
        .collect();
    fields.insert("normalWallets".to_owned(), json!([]));
    Ok(Value::Object(fields))
}

fn user_info(coinone: &mut Coinone, _: &Call) -> Reply {
    let rate = plain(coinone.floor.fee_rate());
    Ok(
        json!({ "userInfo": { "securityLevel": "4", "feeRate": { "btc": { "maker": rate, "taker": rate } } } }),
    )
}

fn deposit_address(_: &mut Coinone, _: &Call) -> Reply {
    Ok(json!({ "walletAddress": { "btc": "demo-deposit-address-btc", "eth": "demo-deposit-address-eth" } }))
}

fn buy(coinone: &mut Coinone, call: &Call) -> Reply {
    create(coinone, call, Side::Buy)
}

fn sell(coinone: &mut Coinone, call: &Call) -> Reply {
    create(coinone, call, Side::Sell)
}

fn create(coinone: &mut Coinone, call: &Call, side: Side) -> Reply {
    let pair = pair_index(coinone, "KRW", &call.payload.need("currency")?)?;
    let placed = place(coinone, call, pair, side, limit(&call.payload, Force::GoodTillCancel)?)?;
    Ok(json!({ "orderId": placed["order_id"] }))
}

fn find<'a>(coinone: &'a Coinone, call: &Call) -> Result<&'a Order, Error> {
    let id = parse_order_id(&call.payload.need("order_id")?).ok_or(Error::NoOrder)?;
    coinone.floor.order(call.caller.account, id).ok_or(Error::NoOrder)
}

/// Wants price, quantity and side beside the id.
fn cancel(coinone: &mut Coinone, call: &Call) -> Reply {
    call.payload.amount("price")?.ok_or(Error::Parameter)?;
    call.payload.amount("qty")?.ok_or(Error::Parameter)?;
    let asks = call.payload.need("is_ask")?;
    let order = find(coinone, call)?;
    if (asks == "1") != (order.side == Side::Sell) {
        return Err(Error::NoOrder);
    }
    let id = order.id;
    cancel_open(coinone, call, id)?;
    Ok(json!({}))
}

fn open(coinone: &mut Coinone, call: &Call) -> Reply {
    let pair = pair_index(coinone, "KRW", &call.payload.need("currency")?)?;
    let rate = plain(coinone.floor.fee_rate());
    let orders = coinone.floor.open_orders(call.caller.account).filter(|order| order.pair == pair);
    let show = |(index, order): (usize, &Order)| {
        json!({ "index": index.to_string(), "orderId": order_id(order.id),
                "timestamp": (order.created_ms / 1000).to_string(), "price": order.terms.price().map(plain),
                "qty": plain(order.remaining()), "type": bid_or_ask(order.side), "feeRate": rate })
    };
    Ok(json!({ "limitOrders": orders.enumerate().map(show).collect::<Vec<_>>() }))
}

fn query(coinone: &mut Coinone, call: &Call) -> Reply {
    let order = find(coinone, call)?;
    let pair = &coinone.floor.pairs[order.pair];
    let gone = if order.is_open() { rust_decimal::Decimal::ZERO } else { order.remaining() };
    Ok(json!({
        "orderId": order_id(order.id), "baseCurrency": pair.quote, "targetCurrency": pair.base,
        "price": order.terms.price().map(plain), "originalQty": plain(order.quantity()),
        "executedQty": plain(order.filled), "canceledQty": plain(gone),
        "remainQty": plain(order.remaining() - gone), "status": status(order).to_lowercase(),
        "side": bid_or_ask(order.side), "orderedAt": order.created_ms / 1000, "updatedAt": order.updated_ms / 1000,
        "feeRate": plain(coinone.floor.fee_rate()), "fee": plain(order.fee()),
        "averageExecutedPrice": plain(order.average_price().unwrap_or_default()),
    }))
}

fn complete(coinone: &mut Coinone, call: &Call) -> Reply {
    let rate = plain(coinone.floor.fee_rate());
    let orders = coinone.floor.orders(call.caller.account);
    let fills = orders.flat_map(|order| order.fills.iter().map(move |fill| (order, fill)));
    let show = |(order, fill): (&Order, &Fill)| {
        json!({ "timestamp": (fill.at_ms / 1000).to_string(), "price": plain(fill.price), "type": bid_or_ask(order.side),
                "qty": plain(fill.quantity), "feeRate": rate, "fee": plain(fill.fee), "orderId": order_id(order.id) })
    };
    Ok(json!({ "completeOrders": fills.map(show).collect::<Vec<_>>() }))
}

fn bid_or_ask(side: Side) -> &'static str {
    match side {
        Side::Buy => "bid",
        Side::Sell => "ask",
    }
}
