//! Orders of Advanced Trade.

use serde_json::{Value, json};

use super::config::terms;
use super::error::{Error, Reason};
use super::public::pair_index;
use super::show::{self, order_id, parse_order_id, product_id};
use super::{Coinbase, Reply, config};
use crate::amount::plain;
use crate::config::Permission::{Read, Trade};
use crate::floor::{Fill, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::each;

pub(super) const ROUTES: &[Route<Coinbase>] = &[
    Route::signed("POST", "/api/v3/brokerage/orders", Trade, create),
    Route::signed("POST", "/api/v3/brokerage/orders/preview", Trade, preview),
    Route::signed("POST", "/api/v3/brokerage/orders/batch_cancel", Trade, batch_cancel),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/batch", Read, list),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/fills", Read, fills),
    Route::signed("GET", "/api/v3/brokerage/orders/historical/*", Read, one),
];

/// What the call asks for, once it passes every filter.
fn draft(house: &House<Coinbase>, ask: &Ask, caller: &Entry) -> Result<NewOrder, Error> {
    let product = ask.params.text("product_id").ok_or(Error::Argument("product_id is missing"))?;
    let pair = pair_index(&house.desk.floor, &product).ok_or(Error::Order(Reason::Product))?;
    let side = ask.params.side("side", "BUY", "SELL").ok_or(Error::Argument("side is BUY or SELL"))?;
    let terms = terms(&ask.params, side)?;
    house.desk.floor.pairs[pair].check(&terms).map_err(|flaw| Error::Order(Reason::of(flaw, &terms)))?;
    let client_id = ask.params.text("client_order_id").unwrap_or_default();
    Ok(NewOrder { account: caller.account, pair, side, terms, client_id })
}

/// A client's id makes an order once; the second time, the order it made is the answer.
fn create(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let own = ask.params.text("client_order_id").ok_or(Error::Argument("client_order_id is missing"))?;
    if let Some(order) = house.desk.floor.order_by_client_id(caller.account, &own) {
        return Ok(taken(house, order));
    }
    let draft = draft(house, ask, caller)?;
    let id = house.desk.floor.place(draft, ask.now)?;
    house.desk.floor.order(caller.account, id).map(|order| taken(house, order)).ok_or(Error::NoOrder)
}

fn taken(house: &House<Coinbase>, order: &Order) -> Value {
    let product = product_id(&house.desk.floor.pairs[order.pair]);
    json!({
        "success": true, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": order_id(order.id),
        "success_response": { "order_id": order_id(order.id), "product_id": product,
                              "side": order.side.as_upper(), "client_order_id": order.client_id },
        "order_configuration": config::shown(order),
    })
}

/// What an order would come to; one that breaks a rule is told, not refused.
fn preview(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let draft = match draft(house, ask, caller) {
        Err(Error::Order(reason)) => {
            return Ok(json!({ "errs": [format!("PREVIEW_{}", reason.code())], "warning": [] }));
        }
        draft => draft?,
    };
    let floor = &house.desk.floor;
    let price = draft.terms.price().unwrap_or_else(|| floor.last_price(draft.pair));
    let (base, quote) = match draft.terms {
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => (quantity, quantity * price),
        Terms::MarketQuote { amount } => ((amount / price).round_dp(8), amount),
    };
    let best = |side| floor.depth(draft.pair, side, 1).first().map(|level| plain(level.0));
    Ok(json!({
        "order_total": plain(quote), "commission_total": plain(quote * floor.fee_rate()), "errs": [], "warning": [],
        "quote_size": plain(quote), "base_size": plain(base), "best_bid": best(Side::Buy),
        "best_ask": best(Side::Sell), "is_max": false,
    }))
}

/// Every id is answered by itself.
fn batch_cancel(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let ids = ask.params.value("order_ids").and_then(Value::as_array);
    let ids =
        ids.filter(|ids| (1..=100).contains(&ids.len())).ok_or(Error::Argument("order_ids is a list"))?;
    let mut results = Vec::new();
    for id in ids {
        let number = id.as_str().and_then(parse_order_id);
        let known = number.is_some_and(|number| house.desk.floor.order(caller.account, number).is_some());
        let done =
            number.is_some_and(|number| house.desk.floor.cancel(caller.account, number, ask.now).is_some());
        let reason = match (done, known) {
            (true, _) => "UNKNOWN_CANCEL_FAILURE_REASON",
            (false, true) => "INVALID_CANCEL_REQUEST",
            (false, false) => "UNKNOWN_CANCEL_ORDER",
        };
        results.push(json!({ "success": done, "failure_reason": reason, "order_id": id }));
    }
    Ok(json!({ "results": results }))
}

fn one(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let id = ask.rest.first().and_then(|id| parse_order_id(id)).ok_or(Error::NoOrder)?;
    let floor = &house.desk.floor;
    let order = floor.order(caller.account, id).ok_or(Error::NoOrder)?;
    Ok(json!({ "order": show::order(floor, order) }))
}

/// Every value of a filter, whether it came as one name or as a list.
fn wanted(ask: &Ask, names: [&str; 2]) -> Vec<String> {
    names.iter().flat_map(|name| each(ask.request, name)).collect()
}

fn limit(ask: &Ask) -> Result<usize, Error> {
    ask.params.count("limit", 1000, 1000).ok_or(Error::Argument("limit is 1 to 1000"))
}

fn list(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let products = wanted(ask, ["product_id", "product_ids"]);
    let states = wanted(ask, ["order_status", "order_statuses"]);
    let fits = |order: &&Order| {
        let product = product_id(&floor.pairs[order.pair]);
        (products.is_empty() || products.contains(&product))
            && (states.is_empty() || states.iter().any(|state| state == show::status(order)))
    };
    let found = floor.orders(caller.account).rev().filter(fits).take(limit(ask)?);
    let shown: Vec<Value> = found.map(|order| show::order(floor, order)).collect();
    Ok(json!({ "orders": shown, "sequence": "0", "has_next": false, "cursor": "" }))
}

/// The fills of the caller, newest first.
fn fills(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let products = wanted(ask, ["product_id", "product_ids"]);
    let orders = wanted(ask, ["order_id", "order_ids"]);
    let fits = |(order, _): &(&Order, &Fill)| {
        (products.is_empty() || products.contains(&product_id(&floor.pairs[order.pair])))
            && (orders.is_empty() || orders.contains(&order_id(order.id)))
    };
    let found = floor.fills(caller.account).filter(fits).take(limit(ask)?);
    let shown = found.map(|(order, fill)| show::fill(floor, order, fill));
    Ok(json!({ "fills": shown.collect::<Vec<_>>(), "cursor": "" }))
}
