//! Placing and cancelling orders.

use serde_json::{Value, json};

use super::error::Error;
use super::history::{by_client_id, by_id, order_id};
use super::{Kucoin, Reply, public};
use crate::config::Permission::Trade;
use crate::floor::{Force, NewOrder, Order, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Kucoin>] = &[
    Route::signed("POST", "/api/v1/hf/orders", Trade, create),
    Route::signed("POST", "/api/v1/hf/orders/sync", Trade, create),
    Route::signed("POST", "/api/v1/hf/orders/test", Trade, test),
    Route::signed("POST", "/api/v1/hf/orders/multi", Trade, create_many),
    Route::signed("POST", "/api/v1/hf/orders/multi/sync", Trade, create_many),
    Route::signed("POST", "/api/v1/orders", Trade, create),
    Route::signed("POST", "/api/v1/orders/test", Trade, test),
    Route::signed("DELETE", "/api/v1/hf/orders", Trade, cancel_symbol),
    Route::signed("DELETE", "/api/v1/hf/orders/cancelAll", Trade, cancel_all),
    Route::signed("DELETE", "/api/v1/hf/orders/*", Trade, cancel),
    Route::signed("DELETE", "/api/v1/hf/orders/sync/*", Trade, cancel),
    Route::signed("DELETE", "/api/v1/hf/orders/client-order/*", Trade, cancel_by_client_id),
    Route::signed("DELETE", "/api/v1/hf/orders/sync/client-order/*", Trade, cancel_by_client_id),
    Route::signed("DELETE", "/api/v1/orders", Trade, cancel_classic),
    Route::signed("DELETE", "/api/v1/orders/*", Trade, cancel),
    Route::signed("DELETE", "/api/v1/order/client-order/*", Trade, cancel_by_client_id),
];

fn create(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let new = read(house, &ask.params, caller)?;
    let client_id = new.client_id.clone();
    let id = house.desk.floor.place(new, ask.now)?;
    Ok(json!({ "orderId": order_id(id), "clientOid": client_id }))
}

/// Judges an order without placing it.
fn test(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let new = read(house, &ask.params, caller)?;
    Ok(json!({ "orderId": order_id(house.desk.floor.last_id() + 1), "clientOid": new.client_id }))
}

/// Up to twenty limit orders, each with an outcome of its own.
fn create_many(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let list = ask.params.value("orderList").and_then(Value::as_array);
    let list = list.filter(|list| (1..=20).contains(&list.len())).ok_or(Error::PARAMETER)?;
    let mut place = |order: &Value| {
        let new = read(house, &Params::of(order), caller)?;
        Ok::<u64, Error>(house.desk.floor.place(new, ask.now)?)
    };
    let tell = |order: &Value| {
        let client_id = &order["clientOid"];
        match place(order) {
            Ok(id) => json!({ "orderId": order_id(id), "clientOid": client_id, "success": true }),
            Err(error) => json!({ "clientOid": client_id, "success": false, "failMsg": error.message() }),
        }
    };
    Ok(list.iter().map(tell).collect())
}

/// The order that the parameters describe, if it keeps to the rules of its pair.
fn read(house: &House<Kucoin>, params: &Params, caller: &Entry) -> Result<NewOrder, Error> {
    let floor = &house.desk.floor;
    let pair = house.pair(&params.text("symbol").ok_or(Error::SYMBOL)?)?;
    let side = params.side("side", "buy", "sell").ok_or(Error::SIDE)?;
    let terms = terms(params)?;
    floor.pairs[pair].check(&terms)?;
    let client_id = match params.text("clientOid") {
        Some(id) if id.len() > 40 || floor.order_by_client_id(caller.account, &id).is_some() => {
            return Err(Error::CLIENT_OID);
        }
        Some(id) => id,
        None => order_id(floor.last_id() + 1),
    };
    Ok(NewOrder { account: caller.account, pair, side, terms, client_id })
}

fn terms(params: &Params) -> Result<Terms, Error> {
    let size = || params.decimal("size").ok_or(Error::SIZE);
    let (has_size, has_funds) = (params.text("size").is_some(), params.text("funds").is_some());
    match params.text("type").as_deref() {
        None | Some("limit") => {
            let price = params.decimal("price").ok_or(Error::PRICE)?;
            Ok(Terms::Limit { price, quantity: size()?, force: force(params)? })
        }
        Some("market") if has_funds && has_size => Err(Error::PARAMETER),
        Some("market") if has_funds => {
            Ok(Terms::MarketQuote { amount: params.decimal("funds").ok_or(Error::FUNDS)? })
        }
        Some("market") => Ok(Terms::Market { quantity: size()? }),
        Some(_) => Err(Error::TYPE),
    }
}

fn force(params: &Params) -> Result<Force, Error> {
    let post_only = params.text("postOnly").as_deref() == Some("true");
    match params.text("timeInForce").as_deref() {
        None | Some("GTC" | "GTT") if post_only => Ok(Force::PostOnly),
        None | Some("GTC" | "GTT") => Ok(Force::GoodTillCancel),
        Some("IOC") if !post_only => Ok(Force::ImmediateOrCancel),
        Some("FOK") if !post_only => Ok(Force::FillOrKill),
        Some(_) => Err(Error::PARAMETER),
    }
}

fn cancel(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let found = by_id(house, ask, caller).filter(|order| order.is_open()).map(|order| order.id);
    let id = close(house, ask, caller, found)?;
    let id = order_id(id);
    Ok(json!({ "orderId": id, "cancelledOrderIds": [id] }))
}

fn cancel_by_client_id(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let found = by_client_id(house, ask, caller).filter(|order| order.is_open()).map(|order| order.id);
    let id = close(house, ask, caller, found)?;
    Ok(json!({ "clientOid": ask.rest[0], "cancelledOrderId": order_id(id), "cancelledOcoOrderIds": null }))
}

fn close(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry, id: Option<u64>) -> Result<u64, Error> {
    let cancelled = id.and_then(|id| house.desk.floor.cancel(caller.account, id, ask.now));
    cancelled.map(|order| order.id).ok_or(Error::NOT_CANCELLABLE)
}

/// Cancels the open orders of one pair, or of all.
fn close_all(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry, pair: Option<usize>) -> Vec<Order> {
    let floor = &mut house.desk.floor;
    let wanted = |order: &Order| pair.is_none_or(|pair| order.pair == pair);
    floor.cancel_all(caller.account, wanted, ask.now).into_iter().cloned().collect()
}

fn cancel_symbol(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = public::pair(house, ask)?;
    close_all(house, ask, caller, Some(pair));
    Ok("success".into())
}

fn cancel_all(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let closed = close_all(house, ask, caller, None);
    let symbols: std::collections::BTreeSet<_> =
        closed.iter().map(|order| house.symbol(order.pair)).collect();
    Ok(json!({ "succeedSymbols": symbols, "failedSymbols": [] }))
}

fn cancel_classic(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.params.text("symbol").map(|symbol| house.pair(&symbol)).transpose()?;
    let closed = close_all(house, ask, caller, pair);
    let ids: Vec<String> = closed.iter().map(|order| order_id(order.id)).collect();
    Ok(json!({ "cancelledOrderIds": ids }))
}
