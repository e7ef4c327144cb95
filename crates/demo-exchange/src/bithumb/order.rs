//! Orders of the second API: kept as Upbit keeps them, worded differently under `/v2`.

use serde_json::{Value, json};

use super::{Bithumb, Reply, name};
use crate::date::kst;
use crate::floor::Order;
use crate::house::{Ask, House};
use crate::key::Entry;
use crate::params::{Params, each};
use crate::upbit::error::Error;
use crate::upbit::order::{Words, asked, find, listed, place};
use crate::upbit::show;

const WORDS: Words = Words { kind: "order_type", client_id: "client_order_id" };

/// Under `/v1`.
const OLD_WORDS: Words = Words { kind: "ord_type", client_id: "client_order_id" };

/// The most orders of a batch.
const BATCH: usize = 20;

pub(super) fn create_v1(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let id = place(house, &ask.params, &OLD_WORDS, caller, ask.now)?;
    find(house, caller, id).map(|order| show::order(&house.desk.floor, order, &OLD_WORDS))
}

pub(super) fn create(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    create_one(house, &ask.params, caller, ask.now)
}

fn create_one(house: &mut House<Bithumb>, params: &Params, caller: &Entry, now: i64) -> Reply {
    let id = place(house, params, &WORDS, caller, now)?;
    find(house, caller, id).map(|order| taken(house, order))
}

/// What `/v2` says of an order it took.
fn taken(house: &House<Bithumb>, order: &Order) -> Value {
    let market = show::market(&house.desk.floor.pairs[order.pair]);
    let mut shown = named(order);
    shown["market"] = market.into();
    shown["side"] = show::side(order.side).into();
    shown["order_type"] = show::kind(&order.terms).into();
    shown["created_at"] = kst(order.created_ms).into();
    shown
}

/// An order by its ids.
fn named(order: &Order) -> Value {
    let mut shown = json!({ "order_id": show::order_id(order.id) });
    if let Some(id) = show::client_id(order) {
        shown[WORDS.client_id] = id.into();
    }
    shown
}

/// Every order of the batch succeeds or fails by itself.
pub(super) fn create_batch(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let orders = ask.params.value("batch_orders").and_then(Value::as_array).ok_or(Error::Parameter)?;
    if !(1..=BATCH).contains(&orders.len()) {
        return Err(Error::Parameter);
    }
    let mut told = Vec::new();
    for order in orders {
        let outcome = create_one(house, &Params::of(order), caller, ask.now);
        told.push(outcome.unwrap_or_else(|error| failed(error, &order[WORDS.client_id])));
    }
    Ok(json!({ "batch_orders_response": told }))
}

fn failed(error: Error, client_id: &Value) -> Value {
    json!({ "client_order_id": client_id, "error": { "name": name(error), "message": error.text() } })
}

pub(super) fn cancel_v1(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let id = asked(house, ask, caller, "uuid", OLD_WORDS.client_id)?.id;
    let order = house.desk.floor.cancel(caller.account, id, ask.now).cloned().ok_or(Error::NoOrder)?;
    Ok(show::order(&house.desk.floor, &order, &OLD_WORDS))
}

pub(super) fn cancel(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let id = asked(house, ask, caller, "order_id", WORDS.client_id)?.id;
    house.desk.floor.cancel(caller.account, id, ask.now).map(named).ok_or(Error::NoOrder)
}

/// Cancels what it can, and names the rest.
pub(super) fn cancel_batch(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let ids = ask.params.value("order_ids").and_then(Value::as_array).ok_or(Error::Parameter)?;
    let (mut success, mut fail) = (Vec::new(), Vec::new());
    for id in ids {
        let number = id.as_str().and_then(show::parse_order_id);
        match number.and_then(|number| house.desk.floor.cancel(caller.account, number, ask.now)) {
            Some(order) => success.push(named(order)),
            None => fail.push(json!({ "order_id": id, "error": { "name": name(Error::NoOrder),
                                                                "message": Error::NoOrder.text() } })),
        }
    }
    Ok(json!({ "success": success, "fail": fail }))
}

pub(super) fn one(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let order = asked(house, ask, caller, "uuid", OLD_WORDS.client_id)?;
    Ok(show::order_in_full(&house.desk.floor, order, &OLD_WORDS))
}

pub(super) fn list(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let wanted = each(ask.request, "uuids[]");
    let mut found = listed(house, ask, caller, &["wait"])?;
    found.retain(|order| wanted.is_empty() || wanted.contains(&show::order_id(order.id)));
    Ok(found.into_iter().map(|order| show::order(&house.desk.floor, order, &OLD_WORDS)).collect())
}
